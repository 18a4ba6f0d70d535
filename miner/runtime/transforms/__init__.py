"""How a value seen earlier becomes an argument, one file each.

A transform is a module in this folder that defines:

``apply(value, *options)``
    The argument, or None where the transform says nothing about that value. Total: never raises, bounded in output.
``induce(source, target) -> Iterator[tuple]``
    The options with which ``apply(source, *options) == target``; the miner's side of the same knowledge.
``reach(value, context) -> Iterator[tuple[options, result]]`` (optional)
    Everything it makes of a value without knowing the target, when that is little: lets the miner look targets up
    instead of trying pairs.
``sieve(targets, context) -> Callable[[texts], texts]`` (optional, beside ``reach``)
    Of some texts those of which ``reach`` may make one of the targets, given by ``value_key``, and perhaps others:
    quick, because it is asked about every text that a session shows.
``invert(target) -> Iterator[tuple[source, options]]`` (optional)
    The few sources that it would turn into the target: the miner looks up whether one of them was seen.
``EXAMPLES``
    ``[(source, options, target), …]``, run by the contract test.

A bundle names transforms; only names that are files here are ever loaded, all of them when the bundle is.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from miner.runtime.errors import BundleError


class Transform(Protocol):
    """What a transform module defines."""

    EXAMPLES: list[tuple[Any, tuple[Any, ...], Any]]
    apply: Callable[..., Any]

    def induce(self, source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
        """Options that turn the source into the target."""
        ...


@functools.cache
def transform_names() -> tuple[str, ...]:
    """Every transform, by file name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@functools.cache
def load_transform(name: str) -> Transform:
    """The transform of that name; an unknown one is refused before anything is imported."""
    if name not in transform_names():
        raise BundleError("unknown_transform", f"no transform called {name[:40]!r}")
    return cast("Transform", importlib.import_module(f"{__name__}.{name}"))
