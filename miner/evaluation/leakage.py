"""No held-out session may have been seen in training: not by key, not by content, not by a copied history."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from miner.errors import SplitError
from miner.events import EventKind, SessionLog


@dataclass(slots=True)
class Fingerprints:
    """What is remembered of sessions to recognise them: hashes, never content."""

    keys: set[str] = field(default_factory=set)
    uids: set[int] = field(default_factory=set)
    digests: set[bytes] = field(default_factory=set)

    def add(self, log: SessionLog) -> None:
        """Remember one session."""
        self.keys.add(log.session.key)
        self.uids.update(_uids(log))
        if digest := digest_of(log):
            self.digests.add(digest)


@dataclass(frozen=True, slots=True)
class Leakage:
    """What the check found.

    The same session on both sides is a mistake, and refused. A copy under another key (a resumed session, a fork, a
    file exported twice) happens in honest logs: it is left out of the score, and counted.
    """

    checked: int
    same_session: tuple[str, ...]
    same_content: tuple[str, ...]
    copied_history: tuple[str, ...]
    """Sessions that share single records with training: forks and resumed sessions."""

    @property
    def left_out(self) -> frozenset[str]:
        """Held-out sessions that are not scored because training has seen their content under another key."""
        return frozenset((*self.same_content, *self.copied_history))

    def refuse(self) -> None:
        """Raise when a held-out session is a training session, or when nothing is left to score."""
        if self.same_session:
            raise SplitError(
                f"{len(self.same_session)} of {self.checked} held-out sessions were seen in training",
                next_step="keep each session on one side; a copy of a file holds the same sessions",
            )
        if len(self.left_out) == self.checked:
            raise SplitError(
                "no held-out session is left to score" if self.checked else "the held-out part is empty",
                next_step=f"{len(self.left_out)} copies of training sessions were left out: give other logs",
            )

    def as_json(self) -> dict[str, int]:
        """For evaluation.json."""
        return {
            "checked": self.checked,
            "same_session": len(self.same_session),
            "left_out_same_content": len(self.same_content),
            "left_out_copied_history": len(self.copied_history),
        }


def compare(training: Fingerprints, held_out: Iterable[SessionLog]) -> Leakage:
    """Look up every held-out session in what training remembers."""
    checked, same, content, copied = 0, [], [], []
    for log in held_out:
        checked += 1
        key = log.session.key
        if key in training.keys:
            same.append(key)
        elif digest_of(log) in training.digests:
            content.append(key)
        elif not training.uids.isdisjoint(_uids(log)):
            copied.append(key)
    return Leakage(checked, tuple(same), tuple(content), tuple(copied))


def digest_of(log: SessionLog) -> bytes | None:
    """A hash of what was said, asked and answered, and when; None without a call: such sessions are alike by chance."""
    digest, calls = hashlib.blake2b(digest_size=16), 0
    for event in log.events:
        if event.kind is EventKind.TOOL_CALL:
            calls += 1
        elif event.kind is not EventKind.USER_MESSAGE:
            continue
        for part in (event.tool, event.arguments, event.text, event.time_us):
            digest.update(str(part).encode("utf-8", "replace") + b"\x1f")
    return digest.digest() if calls else None


def _uids(log: SessionLog) -> Iterable[int]:
    for event in log.events:
        if event.uid is not None:
            yield int.from_bytes(hashlib.blake2b(event.uid.encode("utf-8", "replace"), digest_size=8).digest(), "big")
