"""The compiled loops, stored as machine code after the first use so that later runs need not import numba.

The first use compiles (about half a minute) and writes one object file to the user's cache folder, named for the
loops' source, the processor and the compiler; every later use loads it in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from miner.errors import MissingExtraError

try:
    import llvmlite
    import llvmlite.binding as llvm
except ImportError as error:
    raise MissingExtraError("mining", "numba") from error

_LOG = logging.getLogger(__name__)
_TYPES = {"I": np.int32, "L": np.int64, "U": np.uint64, "B": np.uint8}


class _Loop(NamedTuple):
    """Where a loop is and what it takes."""

    subject: str
    """The file beside this one."""
    shape: str
    """Its parameters in order: ``i`` a number, a capital an array of that kind of number."""


LOOPS = {
    "search": _Loop("search", "ILIIiiiiIUIIUILIIIL"),
    "search_gaps": _Loop("search_gaps", "ILiiiiiiiIIIILIIIL"),
    "parse": _Loop("preparation", "BILL"),
    "group": _Loop("preparation", "ILIIIIi"),
    "count_sessions": _Loop("preparation", "ILII"),
    "mark": _Loop("containment", "IIIiIIBB"),
}


def run(name: str, *arguments: Any) -> int:
    """Calls a compiled loop; the interpreter's lock is released while it runs."""
    function = _loaded()[name]
    flat: list[int] = []
    for kind, argument in zip(LOOPS[name].shape, arguments, strict=True):
        if kind == "i":
            flat.append(int(argument))
        else:
            if argument.dtype != _TYPES[kind] or not argument.flags.c_contiguous:
                raise TypeError(f"{name} needs a contiguous array of {_TYPES[kind].__name__}, not of {argument.dtype}")
            flat += (argument.ctypes.data, argument.size)
    outcome, problem = ctypes.c_int64(), ctypes.c_void_p()
    function(ctypes.addressof(outcome), ctypes.addressof(problem), *flat)
    return outcome.value


def cache_folder() -> Path:
    """Where machine code is kept: ``MINER_CACHE_DIR``, else the user's cache folder."""
    named = os.environ.get("MINER_CACHE_DIR")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else (Path(base) if base else Path.home() / ".cache") / "toolcall-miner"


def is_compiled() -> bool:
    """True when no first use is ahead, which takes about half a minute."""
    return _stored_at().is_file()


def _stored_at() -> Path:
    return cache_folder() / f"sequences-{_fingerprint()}.o"


@cache
def _loaded() -> dict[str, Callable[..., int]]:
    """Every loop by name, from the stored machine code or freshly compiled."""
    path = _stored_at()
    try:
        code = path.read_bytes()
    except OSError:
        code = _compile()
        _store(path, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    functions: dict[str, Callable[..., int]] = {"": engine}  # the engine owns the code: keep it as long
    for name, (_, shape) in LOOPS.items():
        words = 2 + sum(1 if kind == "i" else 2 for kind in shape)
        address = engine.get_function_address(f"miner_{name}")
        functions[name] = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * words)(address)
    return functions


def _fingerprint() -> str:
    """What the machine code depends on."""
    digest = hashlib.sha256(f"{llvmlite.__version__} {llvm.get_process_triple()}".encode())
    digest.update(f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:24]


def _target() -> llvm.TargetMachine:
    """The processor we run on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
    )


def _compile() -> bytes:
    """One object file with every loop and nothing else."""
    from miner.mining.sequence_loops.entry import c_function

    _LOG.info("compiling the sequence miner; this happens once")
    # The loops take no counted references; what numba leaves of its counting is never reached, but must link.
    whole = llvm.parse_assembly("define void @NRT_MemInfo_call_dtor(ptr %0) { ret void }")
    for name, (subject, shape) in LOOPS.items():
        function = c_function(name, subject, shape)
        module = llvm.parse_assembly(function.inspect_llvm())
        wanted = function.native_name.removeprefix("cfunc.")
        for defined in module.functions:
            if defined.name == wanted:
                defined.name = f"miner_{name}"
            elif not defined.is_declaration:
                defined.linkage = "internal"
        _drop_unused(module)
        whole.link_in(module)
    return bytes(_target().emit_object(whole))


def _drop_unused(module: llvm.ModuleRef) -> None:
    """Removes what only numba's own wrappers needed."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(_target(), llvm.PipelineTuningOptions(speed_level=3)))


def _store(path: Path, code: bytes) -> None:
    """Keeps the machine code for later runs; a folder that cannot be written only costs the next run its time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(code)
        Path(file.name).replace(path)
    except OSError as error:
        _LOG.warning("the compiled sequence miner could not be kept in %s: %s", path.parent, error)
