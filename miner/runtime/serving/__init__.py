"""How the result of a broader call gives that of a narrower one, one file each.

A derivation is a module in this folder that defines:

``ROLES``
    The options whose values are names of arguments: what the narrower call has beside the broader one's.
``ways(extra) -> Iterator[dict]``
    Every option set that reads exactly these extra arguments (name -> value): what mining tries on the logs.
``derive(result, arguments, options) -> Derived | None``
    What the narrower call gives, from the text of the broader result; None where the text does not determine it.
    Total: never raises, and gives no more than it was given.
``EXAMPLES``
    ``[(result, arguments, options, text or None), …]``, run by the contract test.

A bundle names derivations; only names that are files here are ever loaded, all of them when the bundle is.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol, cast

from miner.runtime.errors import BundleError

LONGEST = 2_000_000
"""Characters of a result from which others are derived: more would hold the agent up."""

Options = Mapping[str, str]
Example = tuple[str, dict[str, Any], dict[str, str], str | None]


class Derived(NamedTuple):
    """A narrower result, and under which condition it is the real one."""

    text: str
    frame: str
    """What stands around the selected part and was carried over, such as a host's reminder."""
    items: int
    """How many lines or entries the broader result shows."""
    needs_whole: bool
    """It is right only if nothing was cut off the broader result."""
    shows_whole: bool
    """If it is right, nothing was cut off the broader result."""


class Derivation(Protocol):
    """What a module of this folder defines."""

    ROLES: frozenset[str]
    EXAMPLES: list[Example]

    def ways(self, extra: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """The option sets that read exactly these arguments."""
        ...

    def derive(self, result: str, arguments: Mapping[str, Any], options: Options) -> Derived | None:
        """The narrower result."""
        ...


def whole_number(value: Any) -> int | None:
    """A number that counts lines or entries, also when it is written as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    return None


def numbers_asked(arguments: Mapping[str, Any], options: Options, roles: tuple[str, ...]) -> dict[str, int] | None:
    """Role -> the number of its argument, of those that the call has; None when one of them is no such number."""
    found: dict[str, int] = {}
    for role in roles:
        name = options.get(role, "")
        if name in arguments:
            number = whole_number(arguments[name])
            if number is None:
                return None
            found[role] = number
    return found


@functools.cache
def derivation_names() -> tuple[str, ...]:
    """Every derivation, by file name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@functools.cache
def load_derivation(name: str) -> Derivation:
    """The derivation of that name; an unknown one is refused before anything is imported."""
    if name not in derivation_names():
        raise BundleError("unknown_derivation", f"no derivation called {name[:40]!r}")
    return cast("Derivation", importlib.import_module(f"{__name__}.{name}"))
