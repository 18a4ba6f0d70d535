"""File path: a part of a path (its name, its folder, its stem), or the same place written relative or absolute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

EXAMPLES = [
    ("/w/src/a.py", ("name",), "a.py"),
    ("/w/src/a.py", ("folder",), "/w/src"),
    ("src/a.py", ("stem",), "a"),
    ("src/a.py", ("under", "/w"), "/w/src/a.py"),
    ("/w/src/a.py", ("relative", "/w"), "src/a.py"),
]
_PARTS = ("name", "folder", "stem")


def apply(value: Any, part: str, base: str = "") -> Any:
    """The part; ``under`` joins a relative path to ``base``, ``relative`` takes ``base`` away."""
    if not isinstance(value, str) or len(value) > 1000 or "\n" in value or "://" in value:
        return None
    if part == "under":
        return f"{base}/{value.removeprefix('./')}" if value and base and not value.startswith(("/", "~")) else None
    if part == "relative":
        return value[len(base) + 1 :] if base and value.startswith(base + "/") and len(value) > len(base) + 1 else None
    if "/" not in value.rstrip("/"):
        return value.rsplit(".", 1)[0] if part == "stem" and "." in value[1:] else None
    folder, _, name = value.rstrip("/").rpartition("/")
    if part == "folder":
        return folder or None
    if part == "name":
        return name or None
    return name.rsplit(".", 1)[0] if "." in name[1:] else None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The parts that give the target."""
    if isinstance(target, str):
        for part in _PARTS:
            if apply(source, part) == target:
                yield (part,)


def reach(value: Any, cwd: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every part, and the path seen from the working directory; ``$cwd`` stands for that of the session."""
    if not isinstance(value, str) or len(value) > 300 or ("/" not in value and "." not in value):
        return
    for part in _PARTS:
        changed = apply(value, part)
        if changed:
            yield (part,), changed
    for part in ("under", "relative"):
        changed = apply(value, part, cwd)
        if changed:
            yield (part, "$cwd"), changed


def sieve(targets: Collection[str], _cwd: str) -> Callable[[Iterable[str]], list[str]]:
    """By the last part of a path, which every place seen from elsewhere keeps, or by its folder or stem."""
    wanted = frozenset(targets)
    names = {target.rpartition("/")[2] for target in targets}

    def may_lead(text: str) -> bool:
        folder, slash, name = text.rpartition("/")
        if slash and (not name or folder in wanted or folder.rstrip("/") in wanted):
            return True
        return name in names or ("." in name and name.rpartition(".")[0] in wanted)

    return lambda texts: [text for text in texts if ("/" in text or "." in text) and may_lead(text)]
