"""A value that may be anything, taken as what it should be: an object, a list, a word, a count."""

from __future__ import annotations

from typing import Any


def mapping(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str | None:
    """The value when it is a text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int | None:
    """The value when it is a whole number of anything, else None."""
    return value if type(value) is int and 0 <= value < 1 << 62 else None


def integer(value: Any) -> int | None:
    """The value when it is a whole number, negative ones included, else None."""
    return value if type(value) is int and abs(value) < 1 << 62 else None


def number(value: Any) -> float | None:
    """The value when it is a number that can be told, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def grade(value: Any) -> float | None:
    """A reward: a number that can be told, or right and wrong as 1 and 0."""
    return float(value) if isinstance(value, bool) else number(value)


def flag(value: Any) -> bool | None:
    """The value when it is true or false, else None."""
    return value if isinstance(value, bool) else None


def last_name(path: str | None) -> str | None:
    """The last part of a folder's path, of whichever system."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or None if path else None
