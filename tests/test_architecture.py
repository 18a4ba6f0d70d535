"""The shape of the code base, held by tests: who imports whom, how long a file is, what a word may be called."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "miner"
LAYERS = (
    {"cli"},
    {"journey"},
    {"export"},
    {"evaluation"},
    {"predictors"},
    {"mining"},
    {"engines"},
    {"store"},
    {"readers"},
    {"events", "settings", "errors"},
    {"integrations"},
    {"runtime"},
)
"""From left to right: a name imports only its own layer and those after it."""
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
SOFT_LIMIT, HARD_LIMIT = 300, 500
EMPTY_WORDS = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
HEAVY = {"duckdb", "polars", "sklearn", "streamlit", "numba", "pyarrow", "numpy", "pandas"}


def python_files(*folders: str) -> list[Path]:
    """Every Python file of the project, or of some of its folders; not what runs have left in ``data/runs``."""
    names = folders or ("miner", "dashboards", "pipelines", "benchmarks", "data", "examples", "tests")
    runs = ROOT / "data" / "runs"
    found = [path for name in names for path in sorted((ROOT / name).rglob("*.py")) if runs not in path.parents]
    return found if folders else [ROOT / "dev.py", *found]


def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module as (line, absolute dotted name), wherever in the file the import stands."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = parts[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module in ("miner", "miner.runtime") or not node.module:
                for alias in node.names:
                    yield node.lineno, f"{module}.{alias.name}"
            else:
                yield node.lineno, module


def place(path: Path, line: int = 0) -> str:
    """A file and line as an editor opens it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def stage_of(path: Path) -> str:
    """The part of the package that a file belongs to: its folder, or its own name at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def own_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Imports of the package itself, as (line, stage)."""
    for line, name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "miner" and len(parts) > 1:
            yield line, parts[1]


def test_every_part_has_a_layer() -> None:
    """A new folder or file at the top of the package says where it stands before it may be imported."""
    stages = {stage_of(path) for path in python_files("miner")} - {"__init__", "__main__"}
    assert stages - set(RANK) == set()


def test_imports_point_one_way() -> None:
    """No file imports a part that stands to the left of its own."""
    wrong = [
        f"{place(path, line)}: {stage_of(path)} imports {stage}"
        for path in python_files("miner")
        if stage_of(path) in RANK
        for line, stage in own_imports(path)
        if RANK.get(stage, -1) < RANK[stage_of(path)]
    ]
    assert wrong == []


def test_integrations_stand_on_the_runtime_alone() -> None:
    """An integration knows the runtime and its own host, so that it installs without the mining side."""
    wrong = [
        f"{place(path, line)}: imports {stage}"
        for path in python_files("miner/integrations")
        for line, stage in own_imports(path)
        if stage not in ("runtime", "integrations")
    ]
    assert wrong == []


def test_runtime_imports_the_standard_library_alone() -> None:
    """Every import written in the runtime is the standard library's or its own."""
    wrong = [
        f"{place(path, line)}: imports {name}"
        for path in python_files("miner/runtime")
        for line, name in imports_of(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith("miner.runtime.")
    ]
    assert wrong == []


def test_runtime_loads_in_a_bare_interpreter() -> None:
    """Every module of the runtime loads without site-packages, and brings nothing of the package but itself."""
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import importlib, json, pkgutil
import miner.runtime
for module in pkgutil.walk_packages(miner.runtime.__path__, "miner.runtime."):
    importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    own = {name for name in loaded if name.split(".")[0] == "miner"}
    assert "miner.runtime.canonical" in own
    assert {name for name in own if name != "miner" and not f"{name}.".startswith("miner.runtime.")} == set()
    assert {name.split(".")[0] for name in loaded - own} - set(sys.stdlib_module_names) - {"__main__"} == set()


def test_package_itself_imports_nothing() -> None:
    """Importing any part runs ``miner/__init__.py`` first, so that file stays a docstring."""
    (docstring,) = tree_of(PACKAGE / "__init__.py").body
    assert isinstance(docstring, ast.Expr)


def test_help_loads_nothing_heavy() -> None:
    """``miner --help`` answers at once: no database, data frame, compiler or dashboard is imported for it."""
    program = "import sys; from miner.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "Commands:" in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def test_commands_load_nothing_heavy() -> None:
    """Every command's own ``--help`` is as light: heavy imports stand inside the functions that need them."""
    program = """
import sys
from miner.cli import main
from miner.cli.commands import command_names
codes = [main([name, "--help"]) for name in command_names()]
print(*codes, *sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stderr.split()) == set()


def test_files_stay_short() -> None:
    """No file passes the hard limit; those over the soft one are named in a warning."""
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    if long := {name: length for name, length in lengths.items() if length > SOFT_LIMIT}:
        warnings.warn(f"files over {SOFT_LIMIT} lines: {long}", stacklevel=1)
    assert {name: length for name, length in lengths.items() if length > HARD_LIMIT} == {}


def test_names_say_something() -> None:
    """No file or folder is called by a word that fits everything."""
    parts = {part.removesuffix(".py") for path in python_files() for part in path.relative_to(ROOT).parts}
    assert parts & EMPTY_WORDS == set()


def test_library_code_does_not_assert() -> None:
    """Input is checked by errors that a user can read; ``assert`` vanishes under ``-O``."""
    wrong = [
        place(path, node.lineno)
        for path in python_files("miner")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert wrong == []


def test_library_code_catches_what_it_names() -> None:
    """A handler that takes every exception raises it again, or states why not: ``noqa: BLE001 - reason``."""
    wrong = []
    for path in python_files("miner"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node):
                reason = lines[node.lineno - 1].partition("noqa: BLE001 - ")[2]
                if not reason:
                    wrong.append(place(path, node.lineno))
    assert wrong == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """True for a bare ``except`` or one that names ``Exception``, when it does not raise again."""
    if any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler)):
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in kinds)


def test_every_module_says_what_it_is() -> None:
    """Every file that holds anything opens with a docstring."""
    silent = [place(path) for path in python_files() if (tree := tree_of(path)).body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_test_states_its_behaviour() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{place(path, node.lineno)}: {node.name}"
        for path in python_files("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def plugins() -> dict[str, list[str]]:
    """Every plug-in by kind, found as the package finds them."""
    from miner.cli.commands import command_names
    from miner.predictors import predictor_names
    from miner.readers import reader_names

    def files(folder: str) -> list[str]:
        names = {path.stem for path in (PACKAGE / folder).glob("[a-z]*.py")} if (PACKAGE / folder).is_dir() else set()
        return sorted(names)

    return {
        "reader": reader_names(),
        "predictor": predictor_names(),
        "transform": files("runtime/transforms"),
        "derivation": files("runtime/serving"),
        "engine": files("engines"),
        "integration": files("integrations"),
        "command": command_names(),
    }


@pytest.mark.parametrize("kind", ["reader", "predictor", "transform", "derivation", "engine", "integration", "command"])
def test_readme_lists_every_plugin(kind: str) -> None:
    """The README names each plug-in in backticks: ``name``, or ``miner name`` for a command."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    prefix = "miner " if kind == "command" else ""
    assert [name for name in plugins()[kind] if f"`{prefix}{name}" not in readme] == []
