"""From a bundle file to an answered call: the public API as a host uses it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import miner.runtime
from miner.runtime import Effect, Level, Mode, Policy, Speculator, ThreadSpeculator, ToolRule, load_bundle
from miner.runtime.bundle import bundle_bytes
from miner.runtime.forms import Form, Slot
from miner.runtime.patterns import Hole, PatternSet
from miner.runtime.rules import Rule
from tests.runtime.simulation.virtual_loop import VirtualLoop

FOUND = json.dumps({"items": [{"path": "a.txt"}, {"path": "b.txt"}]})


def find_then_open() -> PatternSet:
    """After ``find``, ``open`` the first path that it found and then the next one; in the folder of the session."""
    rules = [
        Rule("open.path", "res:find.items[].path", "next 0"),
        Rule("open.folder", "env.cwd", "opening 0"),
    ]
    opened = Form("open", (Slot(("folder",), None), Slot(("path",), None)))
    return PatternSet(
        forms=[Form("find", None), opened],
        rules=rules,
        holes={"open.path": Hole([0], [3000]), "open.folder": Hole([1], [3000])},
        contexts={"": {0: 5, 1: 5}, "1 find": {1: 50}, "1 open": {1: 40, -1: 10}},
        candidate_weights={"Topen": 3000},
        calibration=[(0, 0), (1_000_000, 1_000_000)],
        seconds={"open": 1500},
    )


@pytest.fixture
def bundle_file(tmp_path: Path) -> Path:
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle_bytes(find_then_open()))
    return file


class Tools:
    """``find`` answers paths, ``open`` takes a second."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, tool: str, arguments: Mapping[str, Any]) -> str:
        self.ran.append((tool, dict(arguments)))
        await asyncio.sleep(1.0)
        return FOUND if tool == "find" else f"content of {arguments['path']}"


def opening(**more: Any) -> Policy:
    rule = {"level": Level.FULL, "effect": Effect.LOCAL_READ, **more}
    return Policy({"open": ToolRule(**rule), "find": ToolRule(effect=Effect.LOCAL_READ)})


def test_a_bundle_hides_the_time_of_the_calls_it_foresees(loop: VirtualLoop, bundle_file: Path) -> None:
    """Each file of the result is open before it is asked for, in the session's own folder."""
    tools = Tools()
    speculator = Speculator(load_bundle(bundle_file), opening(), execute=tools, mode=Mode.ON, clock=loop.time)

    async def play() -> list[float]:
        took = []
        async with speculator.session("s", environment={"cwd": "/home/x"}) as session:
            session.user_message("read them")
            for tool, arguments in (
                ("find", {}),
                ("open", {"folder": "/home/x", "path": "a.txt"}),
                ("open", {"folder": "/home/x", "path": "b.txt"}),
            ):
                session.model_started()
                await asyncio.sleep(2.0)
                start = loop.time()
                answer = await session.call(tool, arguments)
                assert answer == (FOUND if tool == "find" else f"content of {arguments['path']}")
                took.append(loop.time() - start)
        return took

    assert loop.run_until_complete(play()) == [1.0, 0.0, 0.0]
    assert tools.ran.count(("open", {"folder": "/home/x", "path": "b.txt"})) == 1


def test_a_beam_opens_what_an_early_search_has_found(loop: VirtualLoop, tmp_path: Path) -> None:
    """While the model thinks once, the search runs and, bound to its result, the opening of the first file.

    The model asks for the search and goes on at once to the opening: neither is waited for.
    """
    patterns = find_then_open()
    patterns.forms.append(Form("find", ()))
    patterns.contexts["1 user"] = {2: 50}
    patterns.candidate_weights["Tfind"] = 3000
    patterns.state_weights = {"1 user": {"find": 3000}}
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle_bytes(patterns))
    tools = Tools()
    rule = ToolRule(level=Level.FULL, effect=Effect.LOCAL_READ)
    speculator = Speculator(
        load_bundle(file), Policy({"open": rule, "find": rule}), execute=tools, mode=Mode.ON, clock=loop.time
    )

    async def play() -> list[float]:
        took = []
        async with speculator.session("s", environment={"cwd": "/home/x"}) as session:
            session.user_message("read them")
            for tool, arguments, thinks in (
                ("find", {}, 3.0),
                ("open", {"folder": "/home/x", "path": "a.txt"}, 0.0),
            ):
                session.model_started()
                await asyncio.sleep(thinks)
                start = loop.time()
                assert await session.call(tool, arguments) == (FOUND if tool == "find" else "content of a.txt")
                took.append(loop.time() - start)
        return took

    assert loop.run_until_complete(play()) == [0.0, 0.0]
    assert [tool for tool, _ in tools.ran[:2]] == ["find", "open"]
    assert tools.ran.count(("open", {"folder": "/home/x", "path": "a.txt"})) == 1


def test_origins_reach_the_policy_in_its_own_words(loop: VirtualLoop, bundle_file: Path) -> None:
    """A value of one tool's result goes to another destination only if that flow is listed."""
    flows = {("result:find", "shop"), ("environment", "shop")}
    meetings = frozenset({frozenset({"local", "environment"})})
    for allowed, refusal in ((set(), "private"), (flows, "unknown_server")):
        speculator = Speculator(
            load_bundle(bundle_file),
            Policy(opening(destination="shop", speculation_safe=True).tools, frozenset(allowed), meetings),
            execute=Tools(),
            mode=Mode.ON,
            clock=loop.time,
        )

        async def play(speculator: Speculator = speculator) -> None:
            async with speculator.session("s", environment={"cwd": "/"}) as session:
                await session.call("find", {})
                session.model_started()
                await asyncio.sleep(2.0)

        loop.run_until_complete(play())
        refused = [entry for entry in speculator.ledger if entry["kind"] == "refused" and entry["tool"] == "open"]
        assert refused[0]["origins"] == ["environment", "result:find"]
        assert refused[0]["reason"] == refusal


def test_known_durations_of_tools_count_from_the_start(bundle_file: Path) -> None:
    """What a tool took in the logs is what is expected of it before the first live call."""
    bundle = load_bundle(bundle_file)
    speculator = Speculator(bundle, execute=Tools())
    assert bundle.tool_seconds == {"open": 1.5}
    assert speculator.core.durations.timing("open", 0.0, speculator.core.budget).service_s == (1.5,)


def test_threads_are_served_from_the_same_bundle(bundle_file: Path) -> None:
    """The thread flavour answers a foreseen call with the result of its early run."""
    ran: list[str] = []

    def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        ran.append(tool)
        return FOUND if tool == "find" else f"content of {arguments['path']}"

    speculator = ThreadSpeculator(load_bundle(bundle_file), opening(), execute=execute, mode=Mode.ON)
    with speculator.session("s", environment={"cwd": "/"}) as session:
        session.call("find", {})
        session.model_started()
        for _ in range(500):
            if any(entry["kind"] == "ended" for entry in speculator.ledger) or "open" in ran:
                break
            time.sleep(0.01)
        assert session.call("open", {"folder": "/", "path": "a.txt"}) == "content of a.txt"
    speculator.close()
    assert ran.count("find") == 1
    assert [entry["how"] for entry in speculator.ledger if entry["kind"] == "call"][1] in ("served", "joined")


def test_every_public_name_is_there() -> None:
    """What ``miner.runtime`` lists it also has, and nothing else is invented."""
    assert all(getattr(miner.runtime, name) for name in miner.runtime.__all__)
    assert set(dir(miner.runtime)) >= set(miner.runtime.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        miner.runtime.nothing_like_it  # noqa: B018 - the access is the test


def test_importing_the_runtime_loads_none_of_its_parts() -> None:
    """A host that only checks whether miner is installed pays for no module of it."""
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(root)!r}); import miner.runtime; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
