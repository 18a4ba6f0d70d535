"""The ledger: everything predicted, refused, launched, served, joined, wasted and why, without any content.

Entries hold names, sizes, numbers and digests only. Digests are keyed, because a short argument could be found from
a plain one by trying; with the default key, new for each process, they compare within one ledger only.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

Entry = dict[str, Any]
_MOST_COUNTS = 5_000
"""Beyond this, new tool names are counted as one: a model can invent any number of them."""
_log = logging.getLogger(__name__)


class Ledger:
    """An append-only record of one speculator: the last entries in memory, all of them to ``sink``."""

    def __init__(
        self,
        *,
        key: bytes | None = None,
        most: int = 10_000,
        sink: Callable[[Entry], None] | None = None,
    ) -> None:
        self._key = secrets.token_bytes(16) if key is None else key
        self._entries: deque[Entry] = deque(maxlen=most)
        self._sink = sink
        self._number = 0
        self._session = "", ""
        self.counts: Counter[tuple[str, str, str]] = Counter()
        """(kind, tool, reason) -> entries; reasons are a small fixed set of words."""
        self.hidden_s = 0.0
        """Seconds that agents did not wait, so far."""
        self.wasted_s = 0.0
        """Seconds that tools ran for nothing, so far."""

    def record(self, kind: str, time_s: float, session: str = "", **facts: Any) -> None:
        """Appends one entry. ``facts`` never holds content: digests come from ``digest``."""
        entry: Entry = {"n": self._number, "t_us": round(time_s * 1e6), "kind": kind}
        if session:
            if session != self._session[0]:
                self._session = session, self.digest(session)
            entry["session"] = self._session[1]
        entry.update(facts)
        self._number += 1
        self._entries.append(entry)
        name = (kind, facts.get("tool", ""), facts.get("reason", ""))
        if len(self.counts) >= _MOST_COUNTS and name not in self.counts:
            name = (kind, "other", name[2])
        self.counts[name] += 1
        if self._sink is not None:
            self._pass_on(entry)

    def _pass_on(self, entry: Entry) -> None:
        """A sink that fails once is not asked again: the agent's calls matter more than the record of them."""
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink(entry)
            except Exception as error:  # noqa: BLE001 - the host's own function may raise anything
                self.counts["fault", "", type(error).__name__] += 1
                _log.warning("the ledger's sink failed (%s) and is not used any more", type(error).__name__)
            else:
                self._sink = sink

    def digest(self, text: str) -> str:
        """What stands for a text in this ledger."""
        return blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=12).hexdigest()

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def total(self, kind: str) -> int:
        """How many entries of a kind there were, forgotten ones included."""
        return sum(count for (name, _, _), count in self.counts.items() if name == kind)

    def lines(self) -> Iterator[str]:
        """The entries in memory as JSON lines, which ``miner check-history`` reads."""
        for entry in self:
            yield json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
