"""Prediction: what a decision costs once everything is observed, and what taking in a result costs, by its size.

    python benchmarks/predict.py [bundle.json | logs ...] [--calls N] [--patterns N]

Logs are mined first (by default data/sample; ../shared/logs/claude_code is a harder world), the bundle is cut to about
500 patterns, and their longest sessions, strung together, are the 200 calls that are observed before predicting.
No name in a result has stood in one before it: the costliest case. Times are processor time of this process alone,
garbage collection included, but for what mining has left behind: a host of the runtime does not hold that.
Goals: predict p50 100 us and p99 1 ms; 1 ms per 100 KB taken in.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.mining.mine import mine
from miner.mining.survey import environment_of
from miner.mining.telling import observe
from miner.mining.withhold import unwritable, withhold
from miner.readers import load_reader, recognise
from miner.readers.source import Source
from miner.runtime.bundle import Bundle, bundle_bytes, load_bundle
from miner.runtime.predictor import SessionPredictor

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 20
PREDICTIONS = 5
Pair = tuple[float, float]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--patterns", type=int, default=500)
    parser.add_argument("--logs", type=Path, default=SAMPLE, help="sessions to observe when a bundle is given")
    chosen = parser.parse_args()
    given_bundle = chosen.sources[0].name.endswith("bundle.json")
    logs = sessions([chosen.logs] if given_bundle else chosen.sources)
    bundle = load_bundle(chosen.sources[0]) if given_bundle else cut(logs, chosen.patterns)
    gc.collect()
    gc.freeze()
    print(f"{bundle.pattern_count} patterns, {len(bundle.patterns.rules)} rules, {bundle.size} bytes; CPU time")
    print(f"{'':<44} {'p50':>10} {'p99':>10}")
    observed(bundle, logs, chosen.calls)
    taken_in(bundle, logs, chosen.calls)


def sessions(roots: list[Path]) -> list[SessionLog]:
    """The sessions of every log that is recognised under some folders, longest first."""
    found: dict[str, Session] = {}
    events: dict[str, list[Event]] = {}
    for path in sorted(file for root in roots for file in ([root] if root.is_file() else root.rglob("*.json*"))):
        reader = recognise(path)
        for item in load_reader(reader).read(Source((path,))) if reader else ():
            if isinstance(item, Session):
                found[item.key] = item
            elif isinstance(item, Event):
                events.setdefault(item.session, []).append(item)
    logs = [
        SessionLog(session, tuple(sorted(events.get(key, []), key=lambda event: event.seq)))
        for key, session in found.items()
    ]
    return sorted(logs, key=lambda log: (-len(log.events), log.session.key))


def cut(logs: list[SessionLog], most: int) -> Bundle:
    """The bundle of what the logs teach, with the commonest contexts until there are so many patterns."""
    patterns, _ = withhold(mine(lambda: iter(logs)), unwritable)
    by_use = sorted(patterns.contexts.items(), key=lambda item: (item[0] != "", -sum(item[1].values()), item[0]))
    kept, count = {}, 0
    for key, outcomes in by_use:
        if count < most:
            kept[key] = outcomes
            count += sum(form >= 0 and patterns.forms[form].slots is not None for form in outcomes)
    patterns.contexts = dict(sorted(kept.items()))
    return load_bundle(bundle_bytes(patterns))


def steps(logs: list[SessionLog]) -> Iterator[list[Event]]:
    """What is observed before each decision, session after session."""
    while True:
        for log in logs:
            for decision in decisions(log):
                yield list(decision.observed)


def observed(bundle: Bundle, logs: list[SessionLog], calls: int) -> None:
    """Predictions at the decisions of a session that already holds so many calls."""
    predictor = SessionPredictor(bundle.model, environment_of(logs[0]))
    first, again, taking = [], [], []
    for events in steps(logs):
        predictor.decision_starts()
        taking.append(timed(lambda events=events: [observe(predictor, event) for event in events]))
        if len(predictor.memory.made) >= calls:
            first.append(timed(predictor.predict))
            again.extend(timed(predictor.predict) for _ in range(PREDICTIONS))
        if len(predictor.memory.made) >= 2 * calls:
            break
    row(f"predict, first at its decision, {calls}-{2 * calls} calls", *quantiles(first), 100, 1_000)
    row("predict, asked again", *quantiles(again), 100, 1_000)
    row("observe what led to a decision", *quantiles(taking))


def taken_in(bundle: Bundle, logs: list[SessionLog], calls: int) -> None:
    """Results of a size, as JSON rows and as text, of the tool that rules read most."""
    sources = [rule.source for rule in bundle.patterns.rules]
    tool = max(bundle.model.tools, key=lambda name: sum(source.startswith(f"res:{name}") for source in sources))
    predictor = SessionPredictor(bundle.model, environment_of(logs[0]))
    for events in steps(logs):
        for event in events:
            observe(predictor, event)
        if len(predictor.memory.made) >= calls:
            break
    for place, size in enumerate(SIZES):
        for kind, made in (("JSON", rows), ("text", lines)):
            texts = [made(size, place * REPEATS + repeat) for repeat in range(REPEATS)]
            times = [
                timed(lambda text=text, number=number: predictor.observe_call(tool, {"n": number}, "ok", text))
                for number, text in enumerate(texts)
            ]
            row(f"take in {size // 1000} KB of {kind}", *quantiles(times), max(1_000.0, size / 100))


def rows(size: int, salt: int) -> str:
    """A JSON list of about so many bytes, whose values no list of another salt holds."""
    count, first = size // 90, 10_000 + 20_000 * salt
    return (
        json.dumps(
            [
                {"id": f"ORD-{number}", "name": f"Order {number}", "price": number / 4}
                for number in range(first, first + count)
            ]
        )[:-1]
        + ', {"note": "'
        + "n" * max(0, size - 65 * count)
        + '"}]'
    )


def lines(size: int, salt: int) -> str:
    """What a search prints, of about so many bytes, with names that no text of another salt holds."""
    text = "".join(
        f"src/part_{number}/file_{number}.py:{number % 400}: def run_{number}(self, value):\n"
        for number in range(400 * salt, 400 * (salt + 1))
    )
    return (text * (size // len(text) + 1))[:size]


def timed(work: Callable[[], object]) -> float:
    """Microseconds of processor time."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1_000


def quantiles(times: list[float]) -> Pair:
    """The median, and what one in a hundred exceeds."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def row(name: str, half: float, most: float, *goals: float) -> None:
    """One line: microseconds, and whether the goals were reached."""
    verdict = ["reached" if value <= goal else f"MISSED {goal:.0f}" for value, goal in zip((half, most), goals)]  # noqa: B905
    print(f"{name:<44} {half:>7.0f} us {most:>7.0f} us  {', '.join(verdict)}")


if __name__ == "__main__":
    main()
