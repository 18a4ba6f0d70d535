"""A small Claude Code log: two parallel calls, one of which fails, and a sub-agent told through progress lines."""

from __future__ import annotations

from typing import Any

import orjson

SESSION = "0f0e0d0c-0b0a-4908-8706-050403020100"


def chain(kind: str, uuid: str, parent: str | None, second: float, **more: Any) -> dict[str, Any]:
    """A line of the conversation with the fields that all of them have."""
    return {
        "type": kind,
        "uuid": uuid,
        "parentUuid": parent,
        "sessionId": SESSION,
        "timestamp": f"2026-05-01T10:00:{second:06.3f}Z",
        "cwd": "/home/ada/shop",
        "gitBranch": "main",
        "version": "2.1.39",
        "isSidechain": False,
        **more,
    }


def said(message_id: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    """A model message, or one block of it."""
    usage = {"input_tokens": 9, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 50, "output_tokens": 80}
    return {"id": message_id, "model": "claude-x", "role": "assistant", "content": list(blocks), "usage": usage}


def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A call block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def answer(call_id: str, content: Any, **more: Any) -> dict[str, Any]:
    """A user message that holds one result."""
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": content, **more}]}


def progress(uuid: str, parent: str, second: float, **message: Any) -> dict[str, Any]:
    """A line that tells what the sub-agent ``a1b2c3`` did."""
    inner = {"uuid": f"inner-{uuid}", "timestamp": f"2026-05-01T10:00:{second:06.3f}Z", **message}
    data = {"type": "agent_progress", "agentId": "a1b2c3", "prompt": "Find the tests.", "message": inner}
    return chain("progress", uuid, parent, second, data=data, parentToolUseID="toolu_C", toolUseID="agent_msg_1")


def dump(lines: list[dict[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


_GREP = call("toolu_A", "Grep", pattern="total")
_TEST = call("toolu_B", "Bash", command="pytest -x")
_TASK = call("toolu_C", "Task", prompt="Find the tests.", subagent_type="Explore")
_GLOB = call("toolu_D", "Glob", pattern="**/test_*.py")
_PROMPT = {"role": "user", "content": [{"type": "text", "text": "Find the tests."}]}

EXAMPLE = dump(
    [
        {"type": "file-history-snapshot", "messageId": "u1", "snapshot": {}, "isSnapshotUpdate": False},
        chain("user", "u1", None, 0, message={"role": "user", "content": "Why does the test fail?"}),
        chain("assistant", "a1", "u1", 3.1, message=said("msg_1", {"type": "text", "text": "Looking."})),
        chain("assistant", "a2", "a1", 3.4, message=said("msg_1", _GREP)),
        chain("assistant", "a3", "a2", 3.7, message=said("msg_1", _TEST)),
        chain("user", "r1", "a2", 3.9, message=answer("toolu_A", "cart.py:3:total"), toolUseResult={"numFiles": 1}),
        chain(
            "user",
            "r2",
            "a3",
            9,
            message=answer("toolu_B", "Exit code 1\nFAILED", is_error=True),
            toolUseResult="Error: Exit code 1\nFAILED",
        ),
        chain("assistant", "a4", "r2", 12, message=said("msg_2", _TASK)),
        progress("p1", "a4", 12.1, type="user", message=_PROMPT),
        progress("p2", "p1", 14, type="assistant", message=said("msg_3", _GLOB)),
        progress("p3", "p2", 14.2, type="user", message=answer("toolu_D", "tests/test_cart.py")),
        chain(
            "user",
            "r3",
            "a4",
            16,
            message=answer("toolu_C", [{"type": "text", "text": "tests/test_cart.py"}]),
            toolUseResult={"status": "completed", "agentId": "a1b2c3", "totalDurationMs": 3900},
        ),
        chain("assistant", "a5", "r3", 18, message=said("msg_4", {"type": "text", "text": "The total is rounded."})),
    ]
)

EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("Grep", {"pattern": "total"}, "ok"),
    ("Bash", {"command": "pytest -x"}, "error"),
    ("Task", {"prompt": "Find the tests.", "subagent_type": "Explore"}, "ok"),
    ("Glob", {"pattern": "**/test_*.py"}, "ok"),
]
