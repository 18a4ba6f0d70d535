"""Which sessions the later stages look at when there are too many: those that a hash puts first.

The choice depends on nothing but the sessions' keys and sizes: neither on their order nor on when they came. A session
that is added or taken away moves only the end of the sample, and one that grows keeps its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple


class Sample(NamedTuple):
    """The chosen sessions, and what share of all calls is theirs."""

    keys: frozenset[str]
    calls: int
    of_calls: int
    of_sessions: int

    @property
    def is_all(self) -> bool:
        """Whether nothing had to be left out."""
        return len(self.keys) == self.of_sessions

    def said(self) -> str:
        """The sample in words."""
        share = self.calls / self.of_calls if self.of_calls else 1.0
        return (
            f"rules and calls were weighed on a sample: {self.calls:,} of {self.of_calls:,} calls ({share:.1%}) in "
            f"{len(self.keys):,} of {self.of_sessions:,} sessions; what was counted before is over all"
        )


def sample(calls: Mapping[str, int], most: int) -> Sample:
    """Sessions by hash of their key, up to so many calls, and one at least.

    Args:
        calls: session key -> its calls.
        most: calls that the sample may hold.
    """
    taken: list[str] = []
    held = 0
    for key in sorted(calls, key=lambda key: (_hash(key), key)):
        if taken and held + calls[key] > most:
            break
        taken.append(key)
        held += calls[key]
    return Sample(frozenset(taken), held, sum(calls.values()), len(calls))


def _hash(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8, person=b"sample").digest()
