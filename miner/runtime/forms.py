"""Forms: a call with holes. The form says which arguments are there and which have a fixed value; holes are bound.

``status=paid, limit=10, id=?`` is a form of a tool: contexts predict forms (control flow), argument rules fill their
holes (data flow). A call with an argument that nothing explains has the tool's open form, which is never speculated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .memory import leaves, path_text, value_key


class Slot(NamedTuple):
    """One argument of a form: a fixed value, or a hole."""

    path: tuple[str, ...]
    literal: str | None
    """Value key of the fixed value; None for a hole."""


class Form(NamedTuple):
    """A tool and its slots, ordered by path; ``slots`` is None for the open form."""

    tool: str
    slots: tuple[Slot, ...] | None


def form_of(
    tool: str,
    arguments: Mapping[str, Any],
    is_literal: Callable[[str, str], bool],
    is_hole: Callable[[str], bool],
) -> Form:
    """The form of a call.

    Args:
        tool: the tool.
        arguments: its arguments.
        is_literal: whether a value (by key) of a hole is one of the fixed values that mining found for it.
        is_hole: whether any rule fills that hole.
    """
    slots = []
    for path, value in sorted(leaves(arguments), key=lambda leaf: leaf[0]):
        hole, key = tool + path_text(path), value_key(value)
        if is_literal(hole, key):
            slots.append(Slot(path, key))
        elif is_hole(hole):
            slots.append(Slot(path, None))
        else:
            return Form(tool, None)
    return Form(tool, tuple(slots))


def fill(slots: tuple[Slot, ...], literals: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a form with its holes filled.

    Args:
        slots: the form's slots.
        literals: value key -> value.
        values: path text of a hole -> value.
    """
    arguments: dict[str, Any] = {}
    for path, literal in slots:
        place = arguments
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = values[path_text(path)] if literal is None else literals[literal]
    return arguments
