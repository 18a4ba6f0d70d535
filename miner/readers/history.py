"""Logs that repeat the conversation in every request -> only what each request adds.

A gateway line, an LLM span or a training line holds all messages so far. ``Context`` remembers what one conversation
has shown the model; ``News`` is what a further request adds to it, and what it took back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from miner.readers.content import json_text
from miner.readers.dialects import Role
from miner.readers.turns import Turn

Mark = tuple[object, ...]
"""What makes two messages the same message, however often and in whichever dialect they are repeated."""


@dataclass(frozen=True, slots=True)
class News:
    """What a request adds to its conversation."""

    turns: tuple[Turn, ...]
    compacted: bool = False
    """Earlier messages were replaced or dropped, while later ones stayed."""
    rewound: int | None = None
    """Messages from this position on were abandoned: the answer was asked for again, or the user edited."""


def mark(turn: Turn) -> Mark:
    """Ids where there are any: the text of an old result may be replaced by a placeholder, of an old answer trimmed."""
    if not turn.calls and not turn.results:
        return turn.role, (turn.text or "").strip(), (), ()
    calls = tuple([(call.id, call.name, json_text(call.arguments)) for call in turn.calls])
    results = tuple([result.id or (result.name, result.text) for result in turn.results])
    if any(call.id for call in turn.calls) or any(result.id for result in turn.results):
        return turn.role, "", calls, results
    return turn.role, (turn.text or "").strip(), calls, results


def marks_of(turns: Sequence[Turn]) -> list[Mark]:
    """The marks of all messages that are not the host's."""
    return [mark(turn) for turn in turns if turn.role is not Role.HARNESS]


class Context:
    """The messages of one conversation, as marks; system prompts stand apart, because hosts change them freely."""

    def __init__(self, *, loose: bool = False) -> None:
        """Start with nothing shown.

        Args:
            loose: compare only what people said and how often the model answered. Spans echo answers in another
                dialect than they record them, or leave parts out.
        """
        self._loose = loose
        self.marks: list[Mark] = []
        self._prompts: set[Mark] = set()

    def shared(self, turns: Sequence[Turn]) -> int:
        """How many messages, from the first, a request has in common with this conversation."""
        return self.shared_marks(self._spoken(turns))

    def shared_marks(self, marks: Sequence[Mark]) -> int:
        """The same for messages whose marks were made already."""
        count = 0
        for known, new in zip(self.marks, marks, strict=False):
            if known != new:
                break
            count += 1
        return count

    def news(self, turns: Sequence[Turn], marks: list[Mark] | None = None) -> News:
        """What a request adds; the context then is what the request holds.

        Args:
            turns: what it shows.
            marks: those of its messages, where they were made already.
        """
        spoken = self._spoken(turns) if marks is None else marks
        same = self.shared_marks(spoken)
        dropped, rest = self.marks[same:], set(self.marks[same:])
        compacted = bool(dropped) and (same == 0 or any(new in rest for new in spoken[same:]))
        known = rest if compacted else set()
        fresh, position = [], 0
        for turn in turns:
            if turn.role is Role.HARNESS and not turn.compacts:
                prompt = mark(turn)
                if prompt not in self._prompts:
                    self._prompts.add(prompt)
                    fresh.append(turn)
                continue
            if position >= same and not (known and self._mark(turn) in known):
                fresh.append(turn)
            position += self._counts(turn)
        self.marks = spoken
        return News(tuple(fresh), compacted, same if dropped and not compacted else None)

    def extend(self, turns: Sequence[Turn]) -> None:
        """Append what was not repeated: an answer."""
        self.marks.extend(self._spoken(turns))

    def _counts(self, turn: Turn) -> bool:
        return turn.role is not Role.HARNESS and not (self._loose and turn.role is Role.TOOL)

    def _mark(self, turn: Turn) -> Mark:
        if not self._loose:
            return mark(turn)
        return (turn.role, (turn.text or "").strip()) if turn.role is Role.USER else (turn.role,)

    def _spoken(self, turns: Sequence[Turn]) -> list[Mark]:
        return [self._mark(turn) for turn in turns if self._counts(turn)]
