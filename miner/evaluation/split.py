"""Which sessions train and which are scored: never within a session, a task, or a family of copies and children."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from miner.engines import restricted
from miner.errors import SplitError
from miner.events import Session, SessionLog

Logs = Callable[[], Iterator[SessionLog]]
"""Reads sessions anew, in the same order, each time it is called: nobody has to hold them all."""

HELD_OUT = 0.2
"""Share of families that a hash split scores."""


@dataclass(frozen=True, slots=True)
class Split:
    """Keys of the sessions on each side, and how they were told apart."""

    how: str
    train: frozenset[str]
    test: frozenset[str]

    def __post_init__(self) -> None:
        both = self.train & self.test
        if both:
            raise SplitError(
                f"{len(both)} sessions are both in training and held out",
                next_step="keep each session on one side; a copy of a file counts as the same session",
            )
        for part, keys in (("training", self.train), ("held-out", self.test)):
            if not keys:
                raise SplitError(
                    f"the {part} part is empty",
                    where=f"split by {self.how}",
                    next_step="give more sessions, or logs to score with --test",
                )


def select(logs: Logs, keys: frozenset[str]) -> Logs:
    """The sessions with these keys."""
    return restricted(logs, keys)


def without(logs: Logs, keys: frozenset[str]) -> Logs:
    """The sessions that do not have these keys."""
    return lambda: (log for log in logs() if log.session.key not in keys)


def joined(*parts: Logs) -> Logs:
    """One part after another."""
    return lambda: (log for part in parts for log in part())


def families(sessions: Iterable[Session]) -> dict[str, str]:
    """Session key -> name of its family: everything linked by a parent or by a common task."""
    head: dict[str, str] = {}

    def root(name: str) -> str:
        while head.setdefault(name, name) != name:
            head[name] = head[head[name]]
            name = head[name]
        return name

    keys = []
    for session in sessions:
        keys.append(session.key)
        links = [session.parent] if session.parent else []
        if session.task:
            links.append(f"task\x1f{session.reader}\x1f{session.application}\x1f{session.task}")
        for link in links:
            one, other = sorted((root(session.key), root(link)))
            head[other] = one
        root(session.key)
    return {key: root(key) for key in keys}


def share_of(name: str) -> float:
    """A number in [0, 1) that depends on the name alone, on every machine."""
    digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def by_hash(sessions: Sequence[Session], held_out: float = HELD_OUT, salt: str = "") -> Split:
    """A stable share of families is held out; with very few families, at least one on each side."""
    family = families(sessions)
    names = sorted(set(family.values()), key=lambda name: (share_of(salt + name), name))
    scored = {name for name in names if share_of(salt + name) < held_out}
    if len(names) > 1:
        scored = (scored or set(names[:1])) - (set(names[-1:]) if len(scored) == len(names) else set())
    how = f"hash of the session's family, {held_out:.0%} held out"
    return _split(how, family, scored)


def by_time(sessions: Sequence[Session], held_out: float = HELD_OUT) -> Split:
    """Train on the past, score the future; sessions without a time train."""
    family = families(sessions)
    first: dict[str, int] = {}
    for session in sessions:
        began = session.started_us if session.started_us is not None else -1
        name = family[session.key]
        first[name] = max(first.get(name, began), began)
    names = sorted(first, key=lambda name: (first[name], name))
    if not names or first[names[-1]] < 0:
        raise SplitError("no session has a time", where="split by time", next_step="split by session instead")
    scored = set(names[len(names) - max(1, round(held_out * len(names))) :])
    return _split("time: the latest are held out", family, scored)


def by_group(sessions: Sequence[Session], group: Mapping[str, str], held_out: float = HELD_OUT) -> Split:
    """Whole groups (source files, applications) are held out, by hash of the group's name."""
    named = {session.key: group.get(session.key, "") for session in sessions}
    names = sorted(set(named.values()), key=lambda name: (share_of(name), name))
    count = min(max(1, round(held_out * len(names))), max(1, len(names) - 1))
    return _split("group", named, set(names[:count]))


def leave_one_out(sessions: Sequence[Session], group: Mapping[str, str]) -> Iterator[tuple[str, Split]]:
    """Each group in turn is scored by what all others teach."""
    names = sorted(set(group.values()))
    if len(names) < 2:
        return
    named = {session.key: group[session.key] for session in sessions if session.key in group}
    for name in names:
        yield name, _split(f"all but {name}", named, {name})


def _split(how: str, group: Mapping[str, str], scored: set[str]) -> Split:
    test = frozenset(key for key, name in group.items() if name in scored)
    return Split(how, frozenset(group) - test, test)
