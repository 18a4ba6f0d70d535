"""The compiled loops as C functions: every array is a pointer and a length, so machine code alone can be called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numba import carray, cfunc, types

_KINDS = {"i": types.int64, "I": types.int32, "L": types.int64, "U": types.uint64, "B": types.uint8}


def c_function(name: str, subject: str, shape: str) -> Any:
    """The loop of that name in the file of that subject.

    ``shape`` says for each parameter whether it is a number or an array of which kind.
    """
    module = import_module(f"{__package__}.{subject}")
    names, arguments, kinds = [], [], []
    for index, kind in enumerate(shape):
        names.append(f"p{index}")
        if kind == "i":
            kinds.append(types.int64)
            arguments.append(f"p{index}")
        else:
            names.append(f"n{index}")
            kinds += (types.CPointer(_KINDS[kind]), types.int64)
            arguments.append(f"carray(p{index}, n{index})")
    # Our own text: numba wants one plain parameter for each pointer and each length.
    source = f"def {name}({', '.join(names)}):\n    return inner({', '.join(arguments)})\n"
    space: dict[str, Any] = {"carray": carray, "inner": getattr(module, name)}
    exec(source, space)  # noqa: S102
    return cfunc(types.int64(*kinds), nopython=True, error_model="numpy", boundscheck=False)(space[name])
