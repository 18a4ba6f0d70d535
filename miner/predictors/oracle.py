"""Ceiling: knows what comes, and predicts it where every argument value could have been known before.

A value could have been known when it stands in the session so far (as a value of an argument or a result, or between
word borders in any text), in its environment, or when two training sessions used it for the same argument of the
same tool. That is generous: no rule needs to have found it, and any number of candidates is allowed. It is told what
comes (``reveal``), so it is no predictor but the share that a perfect one could reach.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.predictors._habits import call_of
from miner.runtime.speculation import Speculation

Derived = Callable[[str], Iterable[str]]
_LONGEST_DERIVED = 4096


class Predictor:
    """Remembers constants from training; the rest it reads in the session.

    ``derived`` says what else a value makes known, such as what a runtime's transforms make of it.
    """

    gate = 1.0
    """It is always certain."""

    def __init__(self, derived: Derived | None = None) -> None:
        self._derived = derived
        self._once: dict[bytes, int] = {}
        self._constants: set[bytes] = set()

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Find the values that two sessions give to the same argument of the same tool."""
        for number, log in enumerate(sessions):
            for decision in decisions(log):
                for event in decision.calls:
                    call = call_of(event)
                    for path, leaf in leaves(call.arguments) if call else ():
                        key = _constant(call.tool, path, leaf) if call else b""
                        if self._once.setdefault(key, number) != number:
                            self._constants.add(key)
        self._once.clear()

    def start(self, session: Session) -> _Walk:
        """A fresh walk that knows the session's environment."""
        return _Walk(self._constants, session, self._derived)


class _Walk:
    def __init__(self, constants: set[bytes], session: Session, derived: Derived | None) -> None:
        self._constants = constants
        self._derived = derived
        self._since: dict[str, int] = {}
        self._texts: list[tuple[int, str]] = []
        self._searched: dict[str, int] = {}
        self._coming: Sequence[Event] = ()
        self._decision = 0
        for text in (session.cwd, session.branch):
            self._read(text)

    def observe(self, event: Event) -> None:
        """Take in every value of a message, an argument or a result."""
        self._read(event.text)
        for document in (event.arguments, event.result):
            try:
                for _, leaf in leaves(json.loads(document)) if document else ():
                    self._read(_text(leaf))
            except (ValueError, RecursionError):
                self._read(document)

    def reveal(self, calls: Sequence[Event]) -> None:
        """Learn what will be asked for at this decision."""
        self._coming = calls
        self._decision += 1

    def reaches(self, call: Event) -> bool:
        """Whether every argument value could have been known."""
        return self.known_since(call) is not None

    def known_since(self, call: Event) -> int | None:
        """The decision, counted from 0, from which on every argument value could have been known."""
        known = call_of(call)
        latest = 0
        for path, leaf in leaves(known.arguments) if known else ():
            if known and _constant(known.tool, path, leaf) in self._constants:
                continue
            since = self._first(_text(leaf))
            if since is None:
                return None
            latest = max(latest, since)
        return latest if known else None

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """What comes, as far as it could have been known, each call once."""
        found: dict[str, Speculation] = {}
        for event in self._coming:
            call = call_of(event)
            if call is not None and self.reaches(event):
                origins = dict.fromkeys(call.arguments, "constant")
                found.setdefault(call.identity, Speculation(call.tool, call.arguments, 1.0, origins=origins))
        return list(found.values())[:most]

    def _read(self, text: str | None) -> None:
        if text and text not in self._since:
            self._since[text] = self._decision
            self._texts.append((self._decision, text))
            for other in self._derived(text) if self._derived and len(text) <= _LONGEST_DERIVED else ():
                self._since.setdefault(other, self._decision)

    def _first(self, text: str) -> int | None:
        """The decision at which a text was first seen; what was not found is looked for in newer texts only."""
        if text in self._since:
            return self._since[text]
        start = self._searched.get(text, 0)
        found = next((since for since, earlier in islice(self._texts, start, None) if _within(text, earlier)), None)
        if found is None:
            self._searched[text] = len(self._texts)
        else:
            self._since[text] = found
        return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with its path; positions in a list are one path."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, value


def _text(leaf: Any) -> str:
    """A scalar as it would stand in a text; words for true, false and null are JSON's."""
    return leaf if isinstance(leaf, str) else json.dumps(leaf)


def _within(text: str, earlier: str) -> bool:
    """Whether a text stands in an earlier one between word borders."""
    place = earlier.find(text) if text else -1
    while place >= 0:
        end = place + len(text)
        before = place and earlier[place - 1].isalnum() and text[0].isalnum()
        after = end < len(earlier) and earlier[end].isalnum() and text[-1].isalnum()
        if not before and not after:
            return True
        place = earlier.find(text, place + 1)
    return False


def _constant(tool: str, path: str, leaf: Any) -> bytes:
    return hashlib.blake2b(
        f"{tool}\x1f{path}\x1f{json.dumps(leaf)}".encode("utf-8", "replace"), digest_size=12
    ).digest()
