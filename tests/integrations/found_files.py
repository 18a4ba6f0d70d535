"""A bundle for the test servers: after ``find``, ``open`` one found path after the other."""

from __future__ import annotations

from collections.abc import Iterable

from miner.runtime.bundle import bundle_bytes
from miner.runtime.effects import Effect, Level
from miner.runtime.forms import Form, Slot
from miner.runtime.patterns import Hole, PatternSet
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.rules import Rule
from miner.runtime.serving_rules import ServingRule


def find_then_open(prefix: str = "", serving: Iterable[ServingRule] = ()) -> PatternSet:
    """The patterns; ``prefix`` stands before the tools' names."""
    find, opened = prefix + "find", prefix + "open"
    return PatternSet(
        forms=[Form(find, None), Form(opened, (Slot(("path",), None),))],
        rules=[Rule(opened + ".path", f"res:{find}.items[].path", "next 0")],
        holes={opened + ".path": Hole([0], [3000])},
        contexts={"": {0: 5, 1: 5}, f"1 {find}": {1: 50}, f"1 {opened}": {1: 40, -1: 10}},
        candidate_weights={"T" + opened: 3000},
        calibration=[(0, 0), (1_000_000, 1_000_000)],
        serving=list(serving),
    )


def bundle(prefix: str = "", fingerprints: dict[str, str] | None = None, serving: Iterable[ServingRule] = ()) -> bytes:
    """Its file."""
    return bundle_bytes(find_then_open(prefix, serving), fingerprints=fingerprints)


def policy(prefix: str = "", **more: object) -> Policy:
    """``find`` and ``open`` read the files, ``write`` changes them."""
    files = frozenset({"files"})
    read = {"level": Level.FULL, "effect": Effect.LOCAL_READ, "reads": files, **more}
    return Policy(
        {
            prefix + "find": ToolRule(**read),  # type: ignore[arg-type]
            prefix + "open": ToolRule(**read),  # type: ignore[arg-type]
            prefix + "write": ToolRule(effect=Effect.WRITE, writes=files),
        }
    )
