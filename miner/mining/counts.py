"""The first stage of mining, session by session: what each survey came to, as rows that are kept between runs.

Rows stay apart by session, and only sums of them are used. So a session is added by its own rows and taken away by
deleting them, exactly; what is summed does not depend on the order in which sessions came or went; and yesterday's
rows with today's give the sums of surveying everything.
"""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.engines import Digested, Engine, Logs, in_any_order
from miner.events import SessionLog
from miner.mining.counted_rows import Packing, Row
from miner.mining.decisions import is_asked_for
from miner.mining.serving import count_serving
from miner.mining.survey import Survey, group_of, survey_session
from miner.runtime.rules import Rule

if TYPE_CHECKING:
    from miner.mining.counts_file import Counts

CALLS, SEEN, VALUE, RULE, WORD = range(5)


class Surveyed(NamedTuple):
    """What surveying one session came to."""

    key: str
    content: str
    """Digest of what was surveyed, where it is known; the session is surveyed again when it changes."""
    group: str
    calls: int
    """Calls that the model asked for."""
    serving: bytes
    """What was counted about serving, pickled."""


class Part(NamedTuple):
    """What surveying a run of sessions came to."""

    sessions: list[Surveyed]
    rows: bytes
    """Packed; sessions are told apart by their place in the list."""


def survey(logs: Logs, counts: Counts, engine: Engine) -> list[str]:
    """Make the counts hold these sessions, and no session that is gone; their keys, in order."""
    if not isinstance(logs, Digested):
        keys: list[str] = []
        for part in engine.parts(surveyed, logs):
            counts.add(part)
            keys += [one.key for one in part.sessions]
        return keys
    contents, known = logs.contents(), counts.known()
    counts.remove(sorted(known.keys() - logs.present()))
    fresh = frozenset(key for key, content in contents.items() if known.get(key) != content)
    if fresh:
        for part in engine.parts(surveyed, in_any_order(logs.only(fresh))):
            counts.add(part._replace(sessions=[one._replace(content=contents[one.key]) for one in part.sessions]))
    return list(contents)


def surveyed(logs: Iterable[SessionLog]) -> Part:
    """The rows of each session: the kernel of the first stage."""
    sessions, packing = [], Packing()
    for place, log in enumerate(logs):
        found = Survey()
        survey_session(log, found)
        count_serving(log, found.serving)
        calls = sum(map(is_asked_for, log.events))
        serving = pickle.dumps(found.serving) if found.serving.tallies else b""
        sessions.append(Surveyed(log.session.key, "", group_of(log), calls, serving))
        packing.add(place, rows_of(found))
    return Part(sessions, packing.packed())


def rows_of(survey: Survey) -> Iterator[Row]:
    """One session's survey as rows; texts are JSON, for a log may hold what is no Unicode."""
    for hole, count in survey.calls.items():
        yield CALLS, text_of(hole), text_of(survey.general.get(hole, "")), count
    for hole, count in survey.seen.items():
        yield SEEN, text_of(hole), "", count
    for hole, tallies in survey.values.items():
        name = text_of(hole)
        for key, tally in tallies.items():
            yield VALUE, name, text_of(key), tally.count
    for hole, explained in survey.explained.items():
        name = text_of(hole)
        for rule, tally in explained.items():
            yield RULE, name, _rule_text(*rule), tally.count
    for word in survey.words:
        yield WORD, "", text_of(word), 1


def _rule_text(hole: str, source: str, policy: str, transform: str, options: Any, anchor: str, constant: str) -> str:
    """What ``text_of`` says of a rule; its parts recur."""
    chosen = text_of(options) if options else "[]"
    before, after = map(_known_text, (hole, source, policy, transform)), map(_known_text, (anchor, constant))
    return f"[{','.join((*before, chosen, *after))}]"


def rule_of(text: str) -> Rule:
    """The rule that a text stands for."""
    hole, source, policy, transform, options, anchor, constant = json.loads(text)
    return Rule(hole, source, policy, transform, tuple(options), anchor, constant)


def text_of(value: Any) -> str:
    """A value as JSON; the keys of values may hold letters that no database takes."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"))
_known_text = functools.lru_cache(maxsize=16_384)(text_of)
