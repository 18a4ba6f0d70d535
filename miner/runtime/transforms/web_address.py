"""Web address: a part of a URL, or the same place without what does not matter to the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

EXAMPLES = [
    ("https://a.org/docs/x?q=1#top", ("page",), "https://a.org/docs/x?q=1"),
    ("https://a.org/docs/x?q=1#top", ("plain",), "https://a.org/docs/x"),
    ("https://a.org/docs/x?q=1", ("site",), "https://a.org"),
    ("https://a.org/docs/x?q=1", ("host",), "a.org"),
    ("https://a.org/docs/x?q=1", ("path",), "/docs/x"),
    ("https://a.org/docs/x", ("parent",), "https://a.org/docs"),
    ("https://a.org/docs/", ("bare",), "https://a.org/docs"),
]
_LONGEST = 2000


def apply(value: Any, part: str) -> Any:
    """The part: ``page`` has no fragment, ``plain`` no query either, ``bare`` no last slash; ``parent`` is one up."""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.startswith(("http://", "https://")):
        return None
    scheme, _, rest = value.partition("://")
    page = rest.partition("#")[0]
    plain = page.partition("?")[0]
    host, slash, path = plain.partition("/")
    found = {
        "page": f"{scheme}://{page}",
        "plain": f"{scheme}://{plain}",
        "bare": f"{scheme}://{plain.rstrip('/')}",
        "site": f"{scheme}://{host}",
        "host": host,
        "path": slash + path,
        "parent": f"{scheme}://{plain.rstrip('/').rpartition('/')[0]}" if path.rstrip("/") else "",
    }.get(part, "")
    return found if found and found != value else None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The parts that give the target."""
    for _, (part,), _ in EXAMPLES:
        if isinstance(target, str) and apply(source, part) == target:
            yield (part,)


def reach(value: Any, _cwd: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every part of a URL."""
    if isinstance(value, str) and value.startswith("http"):
        for _, (part,), _ in EXAMPLES:
            changed = apply(value, part)
            if changed is not None:
                yield (part,), changed


def sieve(_targets: Iterable[str], _cwd: str) -> Callable[[Iterable[str]], list[str]]:
    """All that begin like a URL."""
    return lambda texts: [text for text in texts if text[:4] == "http"]
