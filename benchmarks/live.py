"""Session time with and without ``miner proxy``, live: real MCP servers, real processes, recorded think times.

    python benchmarks/live.py [filesystem git sqlite fetch …] [--sessions 8] [--train 40] [--rounds 1] [--scale 0.25]

The reference servers are installed into ``--folder`` and look at a tree of texts, a repository, a database and a web
site, all on this machine. Scripted agents use them; those sessions are recorded, with drawn think times (scaled by
``--scale``) and measured answers. miner learns from one part; the other part is replayed against the server alone and
behind the proxy, in turns (A B A B). Consecutive runs without the proxy (A/A) show the noise. Beside each figure
stands what ``miner replay`` says of the same sessions, with the times that their calls took in the turns without the
proxy, under the same policy, annotations and budget; what is compared is the ratio of session times. A server that
cannot be installed is named, and the others go on. ``fetch-livemcpbench`` plays other people's sessions instead, where
their logs are.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.live_world import sessions as live  # noqa: E402 - the checkout is put on the path first
from benchmarks.live_world.agents import follows  # noqa: E402
from benchmarks.live_world.cases import CASES, Case  # noqa: E402
from benchmarks.live_world.connection import Connection  # noqa: E402
from benchmarks.live_world.servers import UnavailableError  # noqa: E402
from benchmarks.live_world.worlds import Site  # noqa: E402

MINER = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())"]
IN_FLIGHT = 2
SETTINGS = f"[replay]\nconcurrency = {IN_FLIGHT}\nmin_probability = 0.05\n"
"""What replay must be told to decide as the proxy does by default."""
AGREES_WITHIN = 0.1
"""Of the ratio of session times, with to without: (live ratio / replay's ratio) - 1 lies within this."""
LOGS = ROOT.parent / "shared" / "logs" / "livemcpbench"


@dataclass
class Series:
    """What was measured of every session, in turns."""

    alone: list[list[float]] = field(default_factory=list)
    """Session seconds without the proxy, the recording first."""
    behind: list[list[float]] = field(default_factory=list)
    calls: list[list[list[float]]] = field(default_factory=list)
    """Seconds of each call of each session without the proxy, turn by turn."""
    how: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    """Predictions that were refused, early calls that were given up: how many, by reason."""
    added_ms: list[float] = field(default_factory=list)
    """By the proxy, on calls that it did not answer."""
    noise_ms: list[float] = field(default_factory=list)
    """The same difference between two runs without it."""
    different: int = 0
    """Answers that only differ behind the proxy."""


class Bench:
    """One server, from its installation to its figures."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.options = name, options
        self.case: Case = CASES[name]
        self.folder: Path = options.folder.absolute() / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = self.case.root(self.folder)
        servers = options.folder.absolute() / "servers"
        self.alone = [*self.case.package.command(servers), *self.case.start(self.root)]
        self.version = self.case.package.version(servers)
        self.run = self.folder / "run"

    def measure(self) -> dict[str, Any]:
        """Records, learns, replays."""
        self.case.make(Path(self.root))
        train, test = self.folder / f"train-{self.options.train}-{self.options.scale}.jsonl", self.folder / "test.jsonl"
        if not train.exists():
            live.write(train, self.record("train", self.options.train, wait=False))
        recorded = self.record("test", self.options.sessions, wait=True)
        live.write(test, recorded)
        self.learn(train, test)
        series = Series(alone=[[seconds_of(session) for session in recorded]])
        for _ in range(self.options.rounds):
            self.turn(recorded, series)
        live.write(test, as_measured(recorded, series))
        self.learn(train, test)
        foreseen = self.foreseen(test)
        return {"server": self.case.package.name, "version": self.version, **figures(series, foreseen)}

    def record(self, part: str, count: int, *, wait: bool) -> list[live.Recorded]:
        """Sessions of the scripted agent with the server alone; where time counts, each has a server of its own."""
        found = []
        link = None
        foreign = self.case.foreign and self.case.foreign(self.options.logs, part, self.root)
        count = count if foreign is None else min(count, len(foreign))
        if count < 2:
            raise UnavailableError(f"too few sessions in {self.options.logs}")
        for number in range(count):
            name = f"{self.name}-{part}-{number}"
            self.case.restore(Path(self.root))
            link = link or Connection(self.alone)
            agent = follows(foreign[number]) if foreign else self.case.agent(random.Random(name), self.root)
            found.append(live.record(name, link, agent, self.options.scale, wait=wait))
            if wait or number == count - 1:
                link.close()
                link = None
        return found

    def learn(self, train: Path, test: Path) -> None:
        """Mines one part; the other is beside it for a replay."""
        settings, policy = self.folder / "settings.toml", self.folder / "policy.json"
        settings.write_text(SETTINGS)
        policy.write_text(json.dumps({"format": 1, "tools": self.policy(), "flows": self.case.flows}))
        shutil.rmtree(self.run, ignore_errors=True)
        _quiet("run", train, "--test", test, "--out", self.run, "--settings", settings)

    def foreseen(self, test: Path) -> dict[str, Any]:
        """What replay says, under the policy and the annotations that the proxy knows."""
        told = ("--policy", self.folder / "policy.json", "--tools", test, "--settings", self.folder / "settings.toml")
        return json.loads(_quiet("replay", self.run, *told, "--json"))

    def policy(self) -> dict[str, Any]:
        """What is shipped for the server, and what the operator adds."""
        shipped = json.loads((ROOT / "miner" / "runtime" / "starter_policy.json").read_text())["servers"]
        return {**shipped.get(self.case.known, {}), **self.case.policy}

    def turn(self, recorded: Sequence[live.Recorded], series: Series) -> None:
        """Every session once alone and once behind the proxy."""
        series.alone.append([])
        series.behind.append([])
        series.calls.append([])
        for session in recorded:
            self.case.restore(Path(self.root))
            seconds, plain = live.replay(self.alone, session)
            series.alone[-1].append(seconds)
            series.calls[-1].append([answer.seconds for answer in plain])
            self.case.restore(Path(self.root))
            ledger = self.folder / "ledger.jsonl"
            ledger.unlink(missing_ok=True)
            seconds, early = live.replay(self.behind(ledger), session)
            series.behind[-1].append(seconds)
            how = count(ledger, len(session.steps), series)
            for step, a, b, answered in zip(session.steps, plain, early, how, strict=True):
                series.different += a.text == step.answer.text != b.text
                if answered == "plain":
                    series.added_ms.append(1e3 * (b.seconds - a.seconds))
                    series.noise_ms.append(1e3 * (a.seconds - step.answer.seconds))

    def behind(self, ledger: Path) -> list[str]:
        """Starts the server behind the proxy."""
        options = ["--bundle", self.run, "--policy", self.folder / "policy.json", "--mode", "on", "--ledger", ledger]
        return [*MINER, "proxy", *map(str, options), "--in-flight", str(IN_FLIGHT), "--", *self.alone]


def seconds_of(session: live.Recorded) -> float:
    """How long a recorded session took."""
    return sum(step.think_s + step.answer.seconds for step in session.steps)


def as_measured(recorded: Sequence[live.Recorded], series: Series) -> list[live.Recorded]:
    """The sessions with the times that their calls took in the turns without the proxy: those that are compared."""
    found = []
    for place, session in enumerate(recorded):
        turns = zip(*(turn[place] for turn in series.calls), strict=True)
        steps = [
            step._replace(answer=step.answer._replace(seconds=statistics.fmean(took)))
            for step, took in zip(session.steps, turns, strict=True)
        ]
        found.append(session._replace(steps=steps))
    return found


def count(ledger: Path, calls: int, series: Series) -> list[str]:
    """How each call was answered, in order; adds up what became of predictions and of early calls.

    A speculator that has turned itself off, for drift or for faults, writes down no more.
    """
    answered = []
    for line in ledger.read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "call":
            answered.append(entry["how"])
        series.how["launched"] += entry["kind"] == "launched"
        series.how["wasted"] += bool(entry.get("wasted"))
        if entry["kind"] in ("refused", "dropped"):
            series.why[f"{entry['kind']} {entry['reason']}"] += 1
    answered += ["off"] * (calls - len(answered))
    series.how.update(answered)
    return answered


def figures(series: Series, foreseen: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, beside what replay says."""
    rounds = len(series.behind)
    pairs = [pair for at in range(rounds) for pair in zip(series.alone[at + 1], series.behind[at], strict=True)]
    noise = [pair for at in range(rounds) for pair in zip(series.alone[at], series.alone[at + 1], strict=True)]
    calls = series.how.total() - series.how["launched"] - series.how["wasted"]
    seconds, said = sum(b for _, b in pairs), foreseen["speculative_s"] / (foreseen["serial_s"] or 1)
    ratio = seconds / sum(a for a, _ in pairs)
    return {
        "tier": "live",
        "sessions": len(series.alone[0]),
        "rounds": rounds,
        "calls": calls // rounds,
        "seconds_alone": round(sum(a for a, _ in pairs), 2),
        "seconds_behind": round(seconds, 2),
        "ratio": round(ratio, 4),
        "ratio_ci": interval(pairs),
        "noise_ratio": round(sum(b for _, b in noise) / sum(a for a, _ in noise), 4),
        "noise_ratio_ci": interval(noise),
        "hits": round(series.how["served"] / rounds, 1),
        "joins": round(series.how["joined"] / rounds, 1),
        "calls_when_off": series.how["off"],
        "launched": round(series.how["launched"] / rounds, 1),
        "wasted": round(series.how["wasted"] / rounds, 1),
        "by_reason": {reason: round(times / rounds, 1) for reason, times in series.why.most_common()},
        "added_on_a_miss_ms_p50": round(statistics.median(series.added_ms or [0.0]), 2),
        "noise_on_a_miss_ms_p50": round(statistics.median(series.noise_ms or [0.0]), 2),
        "answers_that_differ": series.different,
        "replay": {
            "tier": foreseen["tier"],
            "ratio": round(said, 4),
            "bound_ratio": round(1 - (foreseen["oracle_reduction"] or 0.0), 4),
            "ratio_ci": [round(1 - share, 4) for share in reversed(foreseen["reduction_ci"] or [])],
            **{name: foreseen[name] for name in ("hits", "joins", "derived", "launched", "wasted_calls")},
            "by_reason": foreseen["not_launched"],
        },
        "live_beside_replay": round(ratio / said - 1, 4),
        "agrees": abs(ratio / said - 1) <= AGREES_WITHIN,
    }


def interval(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """95 % of the ratio of two sums, by bootstrap over sessions."""
    rng = random.Random(7)
    drawn = [rng.choices(pairs, k=len(pairs)) for _ in range(1_000)]
    ratios = sorted(sum(b for _, b in some) / sum(a for a, _ in some) for some in drawn)
    return [round(ratios[25], 4), round(ratios[974], 4)]


def _quiet(*words: object) -> str:
    done = subprocess.run([*MINER, *map(str, words)], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"miner {words[0]} failed:\n{done.stderr}")
    return done.stdout


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one server, or why there are none."""
    try:
        found = Bench(name, options).measure()
        print(f"{name}: measured", json.dumps(found), file=sys.stderr, flush=True)
        return found
    except UnavailableError as error:
        print(f"{name}: not measured, {error}", file=sys.stderr)
        return {"not_measured": str(error)}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", default=list(CASES), help="; ".join(CASES))
    parser.add_argument("--sessions", type=int, default=8, help="to replay")
    parser.add_argument("--train", type=int, default=40, help="sessions to learn from")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.25, help="of think times")
    parser.add_argument("--at-once", type=int, default=1, help="servers measured at once; more is faster and noisier")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "live")
    parser.add_argument("--logs", type=Path, default=LOGS, help="LiveMCPBench trajectories, in train and test")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    site = Site()
    with ThreadPoolExecutor(options.at_once) as pool:
        names = options.servers
        found = dict(zip(names, pool.map(lambda name: measured(name, options), names), strict=True))
    site.close()
    print(json.dumps(found, indent=2) if options.json else table(found))


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures for people."""
    head = "server      sessions calls  ratio (95 %)          A/A (95 %)            hits joins waste"
    lines = [head + "  ms added on a miss (A/A)  replay says"]
    for name, one in found.items():
        if "not_measured" in one:
            lines.append(f"{name:11} not measured: {one['not_measured']}")
            continue
        spread, noise = ("{:.3f}–{:.3f}".format(*one[key]) for key in ("ratio_ci", "noise_ratio_ci"))
        lines.append(
            f"{name:11} {one['sessions']:8} {one['calls']:5}  {one['ratio']:.3f} ({spread})   {one['noise_ratio']:.3f} "
            f"({noise})   {one['hits']:4} {one['joins']:5} {one['wasted']:5}  {one['added_on_a_miss_ms_p50']:7} "
            f"({one['noise_on_a_miss_ms_p50']})          {one['replay']['ratio']:.3f}"
            + ("" if one["agrees"] else "  differs by more than 10 %")
        )
        lines += [f"{'':11} {side}: {reasons(side_of)}" for side, side_of in (("live", one), ("replay", one["replay"]))]
    return "\n".join(lines)


def reasons(side: Mapping[str, Any]) -> str:
    """Early calls of one side, and why there were no more."""
    wasted = side["wasted"] if "wasted" in side else side["wasted_calls"]
    known = [f"{side['hits']} hits, {side['joins']} joins, {wasted} wasted of {side['launched']} launched"]
    return "; ".join([*known, *(f"{times} {reason}" for reason, times in side["by_reason"].items())])


if __name__ == "__main__":
    main()
