"""One session: what happened when, what would have been predicted at each decision, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.queries.folder import Run, events_of
from miner.errors import RunFolderError

if TYPE_CHECKING:
    from miner.events import SessionLog
    from miner.mining.decisions import Decision
    from miner.runtime.bundle import Bundle
    from miner.runtime.speculation import Speculation

PAGE = 200
REPEAT = "asked before in this session"
_SESSIONS = """
    -- one row is one session
    select key, reader, coalesce(application, ''), relation, coalesce(part, ''), coalesce(model, ''),
           make_timestamp(started_us), (ended_us - started_us) / 1e6, calls, events
    from sessions
    where {}
    order by started_us desc nulls last, key limit {} offset {}
"""
_NAMED = "contains(lower(key || ' ' || coalesce(application, '') || ' ' || native_id), lower(?))"
_CALLS = """
    key in (select session from events
            where tool = ? and kind = 'tool_call' and (caller is null or caller = 'model'))
"""


def session_rows(run: Run, text: str, tool: str, page: int) -> list[dict[str, Any]]:
    """A page of sessions, newest first, that hold a text in their names and call a tool."""
    names = ("session", "format", "application", "kind", "part", "model", "began", "seconds", "calls", "events")
    with events_of(run) as store:
        wanted = [(condition, value) for condition, value in ((_NAMED, text), (_CALLS, tool)) if value]
        where = " and ".join(condition for condition, _ in wanted) or "true"
        rows = store.query(_SESSIONS.format(where, PAGE, page * PAGE), [value for _, value in wanted])
    return [dict(zip(names, row, strict=True)) for row in rows]


def session_log(run: Run, key: str) -> SessionLog:
    """One session with its events.

    Raises:
        RunFolderError: the run holds no such session.
    """
    from miner.store.logs import one_session_log

    with events_of(run) as store:
        found = one_session_log(store, key)
    if found is None:
        raise RunFolderError(
            f"this run holds no session {key[:40]!r}", where=str(run.path), next_step="choose one from the list"
        )
    return found


def event_rows(log: SessionLog) -> list[dict[str, Any]]:
    """The events of a session as spans on its clock, in seconds from its first known moment."""
    known = [at for event in log.events if (at := event.start_us or event.time_us) is not None]
    first, reached = min(known, default=0), None
    rows = []
    for event in log.events:
        end = event.end_us if event.end_us is not None else event.time_us
        start = event.start_us if event.start_us is not None else (reached if reached is not None else end)
        kind = {"model_step": "model", "tool_call": "tool", "user_message": "person"}.get(event.kind.value, "host")
        if kind == "person":
            start = end
        if start is not None and end is not None:
            start = min(start, end)
            reached = max(end, reached or end)
        rows.append(
            {
                "seq": event.seq,
                "kind": kind,
                "what": event.tool or event.kind.value.replace("_", " "),
                "start s": None if start is None else (start - first) / 1e6,
                "end s": None if end is None else (end - first) / 1e6,
                "status": event.status.value if event.status else "",
                "arguments": event.arguments or "",
                "text": event.text or "",
            }
        )
    return rows


class Moments(NamedTuple):
    """Some decisions of a session, and how many it has."""

    rows: list[dict[str, Any]]
    of: int


def predictions(run: Run, key: str, first: int = 0, most: int | None = None) -> Moments:
    """Decisions of a session with what the run's bundle would have predicted, from what, and what then came.

    Raises:
        RunFolderError: the run has no bundle that can be read.
    """
    from miner.evaluation.replay.permits import default_permits
    from miner.mining.decisions import decisions
    from miner.predictors.shipped import Predictor

    bundle, log = bundle_of(run), session_log(run, key)
    permits = default_permits([log.session])
    walk = Predictor(bundle).start(log.session)
    found, last, number = [], None if most is None else first + most, 0
    for number, decision in enumerate(decisions(log), 1):
        if last is not None and number > last:
            continue
        for event in decision.observed:
            walk.observe(event)
        if number <= first:
            walk.predict(0)
        else:
            guesses = [(guess, permits.of_guess(guess).refusal) for guess in walk.predict()]
            found.append(_moment(bundle, decision, guesses))
    return Moments(found, number)


def bundle_of(run: Run) -> Bundle:
    """The run's bundle.

    Raises:
        RunFolderError: there is none, or it is refused.
    """
    from miner.runtime.bundle import load_bundle
    from miner.runtime.errors import BundleError

    path = run.path / "bundle.json"
    try:
        return load_bundle(path)
    except BundleError as error:
        raise RunFolderError(
            f"the bundle is refused: {error}", where=str(path), next_step=f"miner export {run.path}"
        ) from error


def _moment(bundle: Bundle, decision: Decision, guesses: list[tuple[Speculation, str | None]]) -> dict[str, Any]:
    from miner.evaluation.score import identity_of

    asked = {identity_of(call) for call in decision.calls}
    at = [event.end_us or event.time_us for event in decision.observed if event.end_us or event.time_us]
    return {
        "decision": decision.index,
        "seq": max((event.seq for event in decision.observed), default=-1),
        "at_us": max(at, default=None),
        "came": [{"tool": call.tool or "", "arguments": call.arguments or ""} for call in decision.calls],
        "predicted": [_explained(bundle, guess, refusal, came=guess.identity in asked) for guess, refusal in guesses],
    }


def _explained(bundle: Bundle, guess: Speculation, refusal: str | None, *, came: bool) -> dict[str, Any]:
    from dashboards.queries.wording import rule_words
    from miner.export.twin import form_text
    from miner.runtime.canonical import canonical

    patterns = bundle.patterns
    seconds = patterns.seconds.get(guess.tool)
    return {
        "tool": guess.tool,
        "arguments": canonical(guess.arguments),
        "probability": guess.probability,
        "sure": guess.probability >= patterns.gate / 1e6,
        "starts": guess.probability >= patterns.gate / 1e6 and refusal is None,
        "refusal": refusal,
        "came": came,
        "seconds": None if seconds is None else seconds / 1000,
        "pattern": REPEAT if guess.pattern is None else form_text(patterns.forms[guess.pattern]),
        "rules": {
            place.lstrip("."): rule_words(patterns.rules[number], patterns.tools())
            for place, number in guess.rules.items()
        },
    }


def launches(log: SessionLog, moments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What would have been started early, as spans on the session's clock; a tool's usual time where it is known."""
    known = [at for event in log.events if (at := event.start_us or event.time_us) is not None]
    first = min(known, default=0)
    return [
        {
            "tool": guess["tool"],
            "start s": (moment["at_us"] - first) / 1e6,
            "end s": (moment["at_us"] - first) / 1e6 + (guess["seconds"] or 0.0),
            "fate": "refused by the policy" if not guess["starts"] else "hit" if guess["came"] else "waste",
            "probability": guess["probability"],
        }
        for moment in moments
        if moment["at_us"] is not None
        for guess in moment["predicted"]
        if guess["sure"]
    ]
