"""Walk one session: what was predicted at each decision, from which pattern and rules, how sure, and what came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.events import SessionLog
    from miner.mining.decisions import Decision
    from miner.runtime.bundle import Bundle
    from miner.runtime.speculation import Speculation

_LONGEST = 110
_TOOLS = 3
_REPEAT = "asked before in this session"
_SWEPT = "the next row of {place}, after that of the tool's last call"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("session")
@click.argument("decision", required=False, type=click.IntRange(0))
@console.json_option
def command(run: Path, session: str, decision: int | None, as_json: bool) -> None:
    """Explain the predictions of a RUN folder's bundle in SESSION (a key, its beginning, or the log's own id).

    Under "next" are the likeliest tools, before arguments and calibration. With DECISION, a number counted from 0,
    only that one, with every rule that had a say.
    """
    from miner.cli._bundle import opened

    bundle = opened(run)
    log = _session(run, session)
    moments = [_moment(bundle, *found) for found in _walked(bundle, log)]
    if decision is not None:
        if decision >= len(moments):
            raise click.UsageError(f"this session has {len(moments)} decisions, counted from 0")
        moments = [moments[decision]]
    if as_json:
        console.say_json({"session": log.session.key, "native_id": log.session.native_id, "decisions": moments})
        return
    console.say(f"session {log.session.key} ({log.session.reader}, {log.session.native_id})")
    for moment in moments:
        _say(moment, with_rules=decision is not None)
    right = sum(guess["came"] for moment in moments for guess in moment["predicted"][:1])
    console.say(f"\n{right} of {len(moments)} first predictions came true")


def _session(run: Path, wanted: str) -> SessionLog:
    from miner.errors import RunFolderError
    from miner.evaluation.run_folder import open_store

    with open_store(run) as store:
        found = [s.key for s in store.sessions() if s.key.startswith(wanted) or s.native_id == wanted]
        if len(found) == 1:
            return next(log for log in store.session_logs() if log.session.key == found[0])
        some = ", ".join(found[:3] or [s.key for s in store.sessions()[:3]])
    raise RunFolderError(
        f"{len(found)} sessions fit {wanted[:40]!r}", where=str(run), next_step=f"name one of them, such as {some}"
    )


def _walked(bundle: Bundle, log: SessionLog) -> Iterator[tuple[Decision, dict[str, float], list[Speculation]]]:
    from miner.mining.decisions import decisions
    from miner.predictors.shipped import Predictor

    walk = Predictor(bundle).start(log.session)
    for decision in decisions(log):
        for event in decision.observed:
            walk.observe(event)
        yield decision, walk.tool_chances(), list(walk.predict())


def _moment(
    bundle: Bundle, decision: Decision, chances: dict[str, float], guesses: list[Speculation]
) -> dict[str, Any]:
    from miner.evaluation.score import identity_of
    from miner.export.twin import form_text, rule_text

    patterns = bundle.patterns
    asked = {identity_of(call) for call in decision.calls}
    return {
        "decision": decision.index,
        "saw": [_event_text(event.kind.value, event.tool, event.text) for event in decision.observed],
        "tools": [
            {"tool": tool or None, "probability": round(chance, 6)}
            for tool, chance in sorted(chances.items(), key=lambda item: (-item[1], item[0]))[:_TOOLS]
        ],
        "predicted": [
            {
                "tool": guess.tool,
                "arguments": guess.arguments,
                "probability": round(guess.probability, 6),
                "starts": guess.probability >= patterns.gate / 1e6,
                "pattern": _formless(guess) if guess.pattern is None else form_text(patterns.forms[guess.pattern]),
                "rules": {place.lstrip("."): rule_text(patterns.rules[rule]) for place, rule in guess.rules.items()},
                "came": guess.identity in asked,
            }
            for guess in guesses
        ],
        "came": [{"tool": call.tool, "arguments": call.arguments} for call in decision.calls],
    }  # fmt: skip


def _formless(guess: Speculation) -> str:
    """What gave a call that no form of the bundle gives."""
    return _SWEPT.format(place=next(iter(guess.swept.values()))) if guess.swept else _REPEAT


def _say(moment: dict[str, Any], *, with_rules: bool) -> None:
    console.say(f"\ndecision {moment['decision']}")
    for text in moment["saw"]:
        console.say(f"   saw  {_short(text)}")
    likely = (f"{one['tool'] or 'no call'} {one['probability']:.2f}" for one in moment["tools"])
    console.say(f"  next  {', '.join(likely)}")
    for guess in moment["predicted"]:
        mark = "✓" if guess["came"] else " "
        arguments = json.dumps(guess["arguments"], ensure_ascii=False, separators=(",", ":"))
        console.say(f" {mark} {guess['probability']:.2f}  {guess['tool']} {_short(arguments)}")
        if with_rules:
            console.say(f"         {_short(guess['pattern'])}")
            for place, rule in guess["rules"].items():
                console.say(f"         {place}: {rule}")
    for call in moment["came"]:
        console.say(f"  came  {call['tool']} {_short(call['arguments'] or '')}")
    if not moment["came"]:
        console.say("  came  no call")


def _event_text(kind: str, tool: str | None, text: str | None) -> str:
    about = f"{tool} → " if tool else f"{kind.replace('_', ' ')}: "
    return about + " ".join((text or "").split())


def _short(text: str) -> str:
    most = console.width(_LONGEST)
    return text if len(text) <= most else text[: most - 1] + "…"
