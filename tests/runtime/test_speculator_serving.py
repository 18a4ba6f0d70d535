"""One broader result answers several narrower calls: when it does, when it must not, and what the ledger says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from miner.runtime.budget import Budget
from miner.runtime.effects import Effect, Level
from miner.runtime.history import check_history
from miner.runtime.ledger import Ledger
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.run import Mode
from miner.runtime.serving_rules import Serving, ServingRule
from miner.runtime.speculation import Speculation
from miner.runtime.threads import ThreadSpeculator
from tests.runtime.simulation.host import POLICY, READ, Host, Scripted
from tests.runtime.simulation.virtual_loop import VirtualLoop

RULE = ServingRule(
    "read",
    "read",
    "line_range",
    (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1")),
    whole=(9, 1_000),
    fired=98,
    right=98,
)
TEXT = "1\ta\n2\tb\n3\tc\n4\td"


def part(offset: int, limit: int | None = None, **more: Any) -> dict[str, Any]:
    """Arguments of a narrower call."""
    return {"path": "a", "offset": offset, **({} if limit is None else {"limit": limit}), **more}


def guess(tool: str = "read", probability: float = 0.9, **arguments: Any) -> Speculation:
    """A prediction of these arguments, constants all."""
    arguments = {"path": "a", **arguments}
    return Speculation(tool, arguments, probability, origins=dict.fromkeys(arguments, "constant"))


def host_of(loop: VirtualLoop, *guesses: Speculation, rules: tuple[ServingRule, ...] = (RULE,), **more: Any) -> Host:
    """A host whose predictor brings serving rules, and whose tools give four numbered lines."""
    predictor = Scripted(*guesses)
    predictor.serving = Serving(rules)  # type: ignore[attr-defined]
    host = Host(loop, predictor, **{"budget": Budget(proofs=0), **more})
    host.tools.answer = lambda tool, path: TEXT
    return host


async def asked(host: Host, arguments: Mapping[str, Any], tool: str = "read") -> tuple[Any, float]:
    """The result of a call, and how long it took."""
    start = host.loop.time()
    return await host.session.call(tool, arguments), host.loop.time() - start


def test_one_broader_result_answers_several_narrower_calls(loop: VirtualLoop) -> None:
    """The whole is read once; every part of it comes at once, and the ledger keeps its promises."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        assert await asked(host, part(2, 1)) == ("2\tb", 0.0)
        assert await asked(host, part(3)) == ("3\tc\n4\td", 0.0)
        assert await asked(host, {"path": "a"}) == (TEXT, 0.0)
        assert await host.session.close() == []

    loop.run_until_complete(play())
    assert host.tools.count(early=True) == len(host.tools.ran) == 1
    assert host.how() == ["derived", "derived", "served"]
    ledger = host.speculator.ledger
    assert ledger.counts["delivered", "read", "served_derived"] == 2
    assert ledger.hidden_s == pytest.approx(3.0)
    assert ledger.wasted_s == 0.0
    assert check_history(ledger) == []


def test_a_part_that_is_asked_for_again_is_read_again(loop: VirtualLoop) -> None:
    """Who asks twice wants to know what is there now."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        for took in (0.0, 1.0):
            assert (await asked(host, part(2, 1)))[1] == took

    loop.run_until_complete(play())
    assert host.how() == ["derived", "plain"]


def test_a_result_that_answered_parts_is_not_wasted(loop: VirtualLoop) -> None:
    """When it is given up at the end, what it gave counts."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1))
        await host.session.close()

    loop.run_until_complete(play())
    assert host.speculator.ledger.wasted_s == 0.0
    assert [entry["wasted"] for entry in host.speculator.ledger if entry["kind"] == "dropped"] == [False]


@pytest.mark.parametrize(
    ("tool", "how"), [("write", "plain"), ("note", "derived")], ids=["what it reads", "something else"]
)
def test_no_part_is_served_across_a_change(loop: VirtualLoop, tool: str, how: str) -> None:
    """A call that changes what was read makes the broader result old for every part of it."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        await asked(host, {"path": "a"}, tool)
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert host.how() == ["plain", how]
    assert check_history(host.speculator.ledger) == []


def test_time_to_live_holds_for_parts_as_well(loop: VirtualLoop) -> None:
    """An old result answers nothing."""
    host = host_of(loop, guess(), policy=Policy({"read": replace(READ, ttl_s=5.0)}))

    async def play() -> None:
        await host.think(4.0)
        await asked(host, part(2, 1))
        await asyncio.sleep(2.0)
        await asked(host, part(3, 1))

    loop.run_until_complete(play())
    assert host.how() == ["derived", "plain"]


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        (TEXT, part(9, 1)),
        (TEXT, part(2, 1, raw=True)),
        (f"{TEXT}\n(cut)", part(2, 1)),
        ("no numbers", part(2, 1)),
        ({"content": TEXT, "more": 1}, part(2, 1)),
        (b"1\ta", part(1, 1)),
    ],
    ids=["beyond the end", "another argument", "a strange note", "other text", "a strange result", "bytes"],
)
def test_what_is_not_determined_exactly_is_run(loop: VirtualLoop, answer: Any, arguments: dict[str, Any]) -> None:
    """No part is made up: the call runs as if there were no speculation."""
    host = host_of(loop, guess())
    host.tools.answer = lambda tool, path: answer

    async def play() -> None:
        await host.think()
        assert await asked(host, arguments) == (answer, 1.0)

    loop.run_until_complete(play())
    assert host.how() == ["plain"]


def test_parts_have_the_form_that_the_host_gives_results_in(loop: VirtualLoop) -> None:
    """An MCP result is answered by an MCP result, and what the agent does to one shows in no other."""
    host = host_of(loop, guess())
    host.tools.answer = lambda tool, path: {"content": [{"type": "text", "text": TEXT}], "isError": False}

    async def play() -> None:
        await host.think()
        first, _ = await asked(host, part(2, 1))
        assert first == {"content": [{"type": "text", "text": "2\tb"}], "isError": False}
        first["content"].clear()
        second, _ = await asked(host, part(3, 1))
        assert second["content"] == [{"type": "text", "text": "3\tc"}]

    loop.run_until_complete(play())
    assert host.how() == ["derived", "derived"]


def test_several_predicted_parts_are_one_broader_call(loop: VirtualLoop) -> None:
    """It is started in their place, with the chance that any of them is asked for."""
    host = host_of(loop, guess(probability=0.3, offset=1, limit=1), guess(probability=0.2, offset=2, limit=2))

    async def play() -> None:
        await host.think()
        assert await asked(host, part(2, 2)) == ("2\tb\n3\tc", 0.0)

    loop.run_until_complete(play())
    assert host.tools.ran == [("read", "a", True)]
    admitted = [entry for entry in host.speculator.ledger if entry["kind"] == "admitted"]
    assert [entry["ppm"] for entry in admitted] == [495_000]
    assert host.reasons("refused") == ["covered", "covered"]


def test_a_single_predicted_part_is_called_itself(loop: VirtualLoop) -> None:
    """The broader call would do no more, and may cost more."""
    host = host_of(loop, guess(offset=2, limit=1))

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert host.how() == ["served"]


def test_a_part_that_the_kept_result_answers_is_not_launched(loop: VirtualLoop) -> None:
    """At the next decision its prediction is refused, and its call is still answered."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        host.predictor.guesses = [guess(offset=2, limit=1)]
        await host.think()
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert len(host.tools.ran) == 1
    assert host.how() == ["derived"]


@pytest.mark.parametrize("early", [True, False], ids=["early", "for real"])
def test_a_broader_call_that_failed_stands_in_for_nothing(loop: VirtualLoop, early: bool) -> None:
    """A whole that is too large to read fails whenever it is tried, so its parts are called themselves."""
    host = host_of(loop, *([guess()] if early else []))

    def answer(tool: str, path: Any) -> Any:
        raise ValueError("too large")

    async def play() -> None:
        host.tools.answer = answer
        await host.think()
        if not early:
            with pytest.raises(ValueError, match="too large"):
                await asked(host, {"path": "a"})
        host.tools.answer = lambda tool, path: "2\tb"
        host.predictor.guesses = [guess(offset=2, limit=1), guess(offset=3, limit=1)]
        await host.think()
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert host.how()[-1] == "served"


def test_the_broader_call_must_be_allowed_itself(loop: VirtualLoop) -> None:
    """Where it may not be made early, predicted parts are called as if there were no rule."""
    rule = replace(RULE, tool="list", broad="write")
    host = host_of(loop, guess("list", offset=1, limit=1), guess("list", offset=2, limit=1), rules=(rule,))

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1), "list")

    loop.run_until_complete(play())
    assert [tool for tool, _, _ in host.tools.ran] == ["list", "list"]
    assert host.how() == ["served"]


@pytest.mark.parametrize(
    "rule",
    [
        replace(READ, approval=True),
        replace(READ, effect=Effect.WRITE, writes=frozenset({"notes"})),
        ToolRule(level=Level.NEVER),
    ],
    ids=["needs approval", "changes something", "is never early"],
)
def test_a_call_that_must_run_for_real_is_answered_by_no_other(loop: VirtualLoop, rule: ToolRule) -> None:
    """Approval is asked, effects happen and forbidden tools stay forbidden, whatever a rule of the bundle says."""
    serving = replace(RULE, tool="part")
    host = host_of(loop, guess(), rules=(serving,), policy=Policy({**POLICY.tools, "part": rule}))

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1), "part")

    loop.run_until_complete(play())
    assert host.how() == ["plain"]
    assert host.tools.ran[-1] == ("part", "a", False)


def test_another_tool_may_answer_where_both_are_allowed(loop: VirtualLoop) -> None:
    """A whole that one tool reads gives the part that another one would."""
    host = host_of(loop, guess(), rules=(replace(RULE, tool="list"),))

    async def play() -> None:
        await host.think()
        assert await asked(host, part(2, 1), "list") == ("2\tb", 0.0)

    loop.run_until_complete(play())
    assert check_history(host.speculator.ledger) == []


def test_a_host_that_runs_its_own_calls_gets_no_part(loop: VirtualLoop) -> None:
    """What the host only tells about is not answered."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        host.session.call_finished(host.session.call_started("read", part(2, 1)), TEXT)

    loop.run_until_complete(play())
    assert host.how() == ["plain"]


def test_what_was_given_up_between_claim_and_answer_is_run(loop: VirtualLoop) -> None:
    """A host that asks first and adopts later gets nothing that a policy change has taken back."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think()
        call = host.session.ask("read", part(2, 1))
        assert call.run is not None
        host.speculator.set_policy(POLICY)
        assert await host.session.adopt(call) is None
        host.session.call_finished(call, "2\tb")

    loop.run_until_complete(play())
    assert [entry["kind"] for entry in host.speculator.ledger if entry["kind"] in ("fell_back", "delivered")] == [
        "fell_back"
    ]
    assert check_history(host.speculator.ledger) == []


def test_threads_are_answered_alike() -> None:
    """The other flavour gives parts as well, and its ledger keeps the same promises."""
    predictor = Scripted(guess())
    predictor.serving = Serving([RULE])  # type: ignore[attr-defined]
    ran: list[str] = []

    def execute(tool: str, arguments: Mapping[str, Any]) -> Any:
        ran.append(tool)
        return TEXT

    speculator = ThreadSpeculator(
        predictor, POLICY, Budget(proofs=0), execute=execute, mode=Mode.ON, ledger=Ledger(key=b"k")
    )
    session = speculator.session("s")
    session.model_started()
    for _ in range(2_000):
        if any(entry["kind"] == "ended" for entry in speculator.ledger):
            break
        time.sleep(0.002)
    assert session.call("read", part(2, 1)) == "2\tb"
    assert session.call("read", part(3, 2)) == "3\tc\n4\td"
    assert session.call("read", {"path": "a"}) == TEXT
    assert session.close() == []
    assert ran == ["read"]
    assert check_history(speculator.ledger) == []


def test_a_rule_answers_only_after_it_foresaw_a_real_result(loop: VirtualLoop) -> None:
    """The first part is run and compared; from then on parts are answered."""
    host = host_of(loop, guess(), budget=Budget(proofs=1))
    parts = {2: "2\tb", 3: "3\tc"}

    async def play() -> None:
        await host.think()
        host.tools.answer = lambda tool, path: parts[2]
        assert await asked(host, part(2, 1)) == (parts[2], 1.0)
        assert await asked(host, part(3, 1)) == (parts[3], 0.0)

    loop.run_until_complete(play())
    assert host.how() == ["plain", "derived"]
    assert host.reasons("proof") == ["right"]
    assert check_history(host.speculator.ledger) == []


def test_a_rule_that_foresaw_something_else_is_never_used(loop: VirtualLoop) -> None:
    """A tool that has changed since it was mined is run for every call, whatever comes later."""
    host = host_of(loop, guess(), budget=Budget(proofs=1))

    async def play() -> None:
        await host.think()
        for offset, answer in ((2, "line 2: b"), (3, "3\tc"), (4, "4\td")):
            host.tools.answer = lambda tool, path, answer=answer: answer
            assert await asked(host, part(offset, 1)) == (answer, 1.0)

    loop.run_until_complete(play())
    assert host.how() == ["plain", "plain", "plain"]
    assert host.reasons("proof") == ["wrong"]


def test_a_change_while_a_rule_is_tried_proves_nothing(loop: VirtualLoop) -> None:
    """What came after a write says nothing about what was read before it."""
    host = host_of(loop, guess(), budget=Budget(proofs=1))

    async def play() -> None:
        await host.think()
        await asyncio.gather(asked(host, part(2, 1)), asked(host, {"path": "a"}, "write"))

    loop.run_until_complete(play())
    assert host.reasons("proof") == []


def test_predicted_parts_are_called_themselves_until_their_rule_is_proved(loop: VirtualLoop) -> None:
    """No broader call is started on the word of a rule that nothing here has shown to be right."""
    host = host_of(loop, guess(offset=1, limit=1), guess(offset=2, limit=1), budget=Budget(proofs=1))

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert host.how() == ["served"]


def test_broader_calls_that_never_answer_are_not_started_for_parts(loop: VirtualLoop) -> None:
    """Where the host's results cannot be told anew, predicted parts are soon called themselves again."""
    host = host_of(loop)
    host.tools.answer = lambda tool, path: (TEXT,)

    async def play() -> None:
        for number in range(4):
            host.predictor.guesses = [guess(path=str(number), offset=offset, limit=1) for offset in (1, 2)]
            await host.think()
            await asked(host, {**part(2, 1), "path": str(number)})

    loop.run_until_complete(play())
    assert host.how() == ["plain", "plain", "plain", "served"]


def test_a_predictor_without_rules_changes_nothing(loop: VirtualLoop) -> None:
    """Serving is off where the bundle brings none."""
    host = Host(loop, Scripted(guess()))
    host.tools.answer = lambda tool, path: TEXT

    async def play() -> None:
        await host.think()
        await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert host.how() == ["plain"]
