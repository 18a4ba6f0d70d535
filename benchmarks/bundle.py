"""Bundles: bytes and loading time by number of patterns, on the way a runtime takes them; goal 500 in 150 kB and 10 ms.

    python benchmarks/bundle.py [patterns.json ...]

Without files, pattern sets are made up in the shape that mining gives them. Times are of one process's own time, the
best of several, from bytes to a model that predicts; the file's reading is outside.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from miner.export.pattern_file import read_patterns
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.bundle_tables import patterns_of
from miner.runtime.bundle_text import Limits, has_its_digest, parse
from miner.runtime.forms import Form, Slot
from miner.runtime.model import Model
from miner.runtime.patterns import Hole, PatternSet
from miner.runtime.rules import POLICIES, Rule

REPEATS = 15
TOOLS = 12
GOALS = {500: (150_000, 10.0)}


def made_up(patterns: int) -> PatternSet:
    """A pattern set with so many patterns: per tool two forms of three holes, per hole a dozen rules."""
    names = [f"service_tool_{number}" for number in range(TOOLS)]
    rules: list[Rule] = []
    holes: dict[str, Hole] = {}
    forms = [Form(name, None) for name in names]
    for name in names:
        slots = []
        for argument in ("identifier", "path", "query"):
            first = len(rules)
            sources = [
                f"res:{name}.items[].{argument}",
                f"user~{'code' if argument == 'query' else 'path'}",
                "arg:*.id",
            ]
            rules += [Rule(f"{name}.{argument}", source, POLICIES[at]) for source in sources for at in range(4)]
            places = list(range(first, len(rules)))
            after = {names[0]: dict.fromkeys(range(0, 12, 2), 250), names[1]: dict.fromkeys(range(1, 12, 2), -90)}
            traits = {"a0": 310, "a1": 120, "a2": -40, "u0": 150, "u1": -220, "n1": -35, "n2": 80}
            holes[f"{name}.{argument}"] = Hole(places, [17 * at for at in range(12)], 400, traits, after, 50)
            slots.append(Slot((argument,), None))
        forms += [Form(name, tuple(slots[:2])), Form(name, tuple(slots))]
    contexts: dict[str, dict[int, int]] = {"": dict.fromkeys(range(TOOLS, len(forms)), 10)}
    left, number = patterns - len(contexts[""]), 0
    while left > 0:
        key = f"{2 + number % 3} {names[number % TOOLS]}|{number % len(forms)} ok"
        key += f"|{number}" if key in contexts else ""
        contexts[key] = {TOOLS + (number + at) % (2 * TOOLS): 3 + at for at in range(min(3, left))}
        left, number = left - len(contexts[key]), number + 1
    state = {f"1 {form} ok": dict.fromkeys(names, 45) for form in range(len(forms))}
    return PatternSet(
        forms=forms,
        rules=rules,
        holes=holes,
        contexts=contexts,
        candidate_weights={f"j{-at}": 10 * at for at in range(30)},
        state_weights=state,
        calibration=[(1, 1), (900_000, 950_000)],
        gate=600_000,
    )


def best_ms(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of several times."""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * min(times)


def measure(name: str, patterns: PatternSet) -> None:
    """One row."""
    data = bundle_bytes(patterns)
    bundle, parsed = load_bundle(data), parse(data, Limits())
    whole = best_ms(lambda: load_bundle(data).model)
    steps = (
        best_ms(lambda: parse(data, Limits())),
        best_ms(lambda: has_its_digest(parsed)),
        best_ms(lambda: patterns_of(parsed.document)),
        best_ms(lambda: Model(bundle.patterns)),
    )
    goal = GOALS.get(bundle.pattern_count)
    verdict = "" if goal is None else "reached" if len(data) <= goal[0] and whole <= goal[1] else "MISSED"
    row = "  ".join(f"{value:7.2f}" for value in (whole, *steps))
    print(f"{name:<18} {bundle.pattern_count:>8} {len(bundle.patterns.rules):>7} {len(data):>9}  {row}  {verdict}")


def main() -> None:
    """Print the table."""
    print(f"{'':<18} {'patterns':>8} {'rules':>7} {'bytes':>9}  load ms    parse   digest   tables    model  goal")
    for path in sys.argv[1:]:
        measure(Path(path).parent.name, read_patterns(Path(path)))
    for count in (100, 500, 2_000, 5_000) if len(sys.argv) == 1 else ():
        measure("made up", made_up(count))


if __name__ == "__main__":
    main()
