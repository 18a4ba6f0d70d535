"""Message logs that repeat their history: each call once, each answer in its place, times that hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, TimeSource
from miner.readers import items
from tests.readers.chat import USER, chat_call, chat_result, exchange
from tests.readers.reading import lines, read


def test_cached_tokens_count_as_input_whoever_the_provider_is(tmp_path: Path) -> None:
    """Anthropic leaves cached tokens out of its input, OpenAI keeps them in: both end up inclusive."""
    request = {"messages": [USER]}
    usages = {"input_tokens": 9, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 50, "output_tokens": 8}
    one = {"role": "assistant", "content": [{"type": "text", "text": "a"}], "usage": usages}
    two = {
        "choices": [{"message": {"role": "assistant", "content": "b"}}],
        "usage": {"prompt_tokens": 759, "completion_tokens": 8},
    }
    path = lines(
        tmp_path, [{"request": request, "response": answer, "session_id": str(id(answer))} for answer in (one, two)]
    )
    steps = read("messages", path).of(EventKind.MODEL_STEP)
    assert [(s.tokens_in, s.tokens_out) for s in steps] == [(759, 8), (759, 8)]


def test_a_gateways_repeated_history_counts_once(tmp_path: Path) -> None:
    """Each line repeats all before it; two interleaved conversations without ids stay apart."""
    done = {"role": "assistant", "content": "done"}
    other = {"role": "user", "content": "another"}
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call("call_0")),
            exchange([other], chat_call("call_0", "put")),
            exchange([USER, chat_call("call_0"), chat_result("call_0", "a")], done),
            exchange([other, chat_call("call_0", "put"), chat_result("call_0", "b")], done),
        ],
    )
    found = read("messages", path)
    assert len(found.sessions) == 2
    assert [(c.tool, c.text) for c in found.calls] == [("get", "a"), ("put", "b")]
    assert found.kinds == ["user_message", "model_step", "tool_call", "model_step"] * 2


def test_a_message_that_comes_again_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is as it was read, on its own line, and nobody else's; the oldest is forgotten."""
    read_anew: list[Any] = []
    turns_of = items.turns_of
    monkeypatch.setattr(items, "turns_of", lambda value, line=None: read_anew.append(value) or turns_of(value, line))
    memory, said = items.Memory(most=2), [chat_call("a"), chat_result("a", "x"), USER]
    first, second = ([memory.turns_of(value, line) for value in said[:2]] for line in (1, 2))
    assert second == [turns_of(value, 2) for value in said[:2]]
    assert read_anew == said[:2]
    first[1][0].time_us = 5
    assert memory.turns_of(said[1], 2) == second[1]
    memory.turns_of(said[2], 3)
    memory.turns_of(said[0], 4)
    assert read_anew == [*said, said[0]]


def test_two_runs_that_open_alike_are_two_sessions(tmp_path: Path) -> None:
    """The same first words and another answer is another run, not the same one asked again."""
    path = lines(tmp_path, [exchange([USER], chat_call("a")), exchange([USER], chat_call("b", "put"))])
    assert len(read("messages", path).sessions) == 2


def test_an_old_result_replaced_by_a_placeholder_keeps_its_first_sight(tmp_path: Path) -> None:
    """Context editing may empty old results in later requests: the first text counts."""
    first = [USER, chat_call(), chat_result(content="long text")]
    later = [USER, chat_call(), chat_result(content="[cleared]"), {"role": "assistant", "content": "ok"}, USER]
    path = lines(tmp_path, [exchange(first, {"role": "assistant", "content": "ok"}), exchange(later, chat_call("c2"))])
    found = read("messages", path)
    assert [c.text for c in found.calls] == ["long text", None]


def test_history_replaced_by_a_summary_is_a_compaction(tmp_path: Path) -> None:
    """Early messages gone, late ones kept: the summary is new, nothing else is told twice."""
    summary = {"role": "user", "content": "summary so far"}
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call("c1"), session_id="s"),
            exchange([USER, chat_call("c1"), chat_result("c1")], chat_call("c2"), session_id="s"),
            exchange([summary, chat_call("c2"), chat_result("c2")], chat_call("c3"), session_id="s"),
        ],
    )
    found = read("messages", path)
    assert [c.call_id for c in found.calls] == ["c1", "c2", "c3"]
    assert found.kinds.count("compaction") == 1
    assert [e.text for e in found.of(EventKind.USER_MESSAGE)] == ["refund o1", "summary so far"]


def test_an_answer_asked_for_again_leaves_the_first_off_the_path(tmp_path: Path) -> None:
    """The same request twice means that the first answer was thrown away."""
    shown = [USER, chat_call("c1"), chat_result("c1")]
    path = lines(
        tmp_path,
        [
            exchange(shown, chat_call("c2", "bad"), session_id="s"),
            exchange(shown, chat_call("c3", "good"), session_id="s"),
        ],
    )
    found = read("messages", path)
    off = {c.tool for c in found.calls if c.seq in found.session.off_path}
    assert off == {"bad"}
    assert [c.tool for c in found.calls] == ["get", "bad", "good"]


def test_stored_responses_are_joined_by_their_chain_of_ids(tmp_path: Path) -> None:
    """A stored response holds only what is new; ``previous_response_id`` says what it continues."""
    items = [{"type": "function_call", "call_id": f"c{n}", "name": "get", "arguments": "{}"} for n in (1, 2)]
    first = {"id": "r1", "object": "response", "model": "m", "created_at": 1777629600, "output": items}
    back = [{"type": "function_call_output", "call_id": f"c{n}", "output": str(n)} for n in (2, 1)]
    second = {"id": "r2", "previous_response_id": "r1", "created_at": 1777629605, "input": back, "output": []}
    found = read("messages", lines(tmp_path, [first, second]))
    assert [(c.text, c.step, c.call_index) for c in found.calls] == [("1", 0, 0), ("2", 0, 1)]
    assert len(found.sessions) == 1


def test_a_gateways_clock_times_steps_and_bounds_calls(tmp_path: Path) -> None:
    """A step ran from request to response; a call took at most from that response to the next request."""
    stamps = ("2026-05-01T10:00:00Z", "2026-05-01T10:00:02Z", "2026-05-01T10:00:03Z", "2026-05-01T10:00:04Z")
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call(), start_time=stamps[0], end_time=stamps[1]),
            exchange(
                [USER, chat_call(), chat_result()],
                {"role": "assistant", "content": "x"},
                start_time=stamps[2],
                end_time=stamps[3],
            ),
        ],
    )
    found = read("messages", path)
    [asked] = found.calls
    assert ((asked.end_us or 0) - (asked.start_us or 0), asked.time_source) == (1_000_000, TimeSource.LOG_DELTA)
    steps = found.of(EventKind.MODEL_STEP)
    assert [(s.end_us or 0) - (s.start_us or 0) for s in steps] == [2_000_000, 1_000_000]
