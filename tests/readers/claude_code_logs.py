"""Hand-written Claude Code logs: lines, files, and what the reader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from miner.events import Event, EventKind, Session
from miner.readers import claude_code, session_key
from miner.readers.claude_example import SESSION, answer, call, chain, dump, said
from miner.readers.source import Source

Line = dict[str, Any]
MAIN_KEY = session_key("claude_code", SESSION)


class Log:
    """What the reader made of a log."""

    def __init__(self, *paths: Path) -> None:
        self.source = Source(paths)
        found = list(claude_code.read(self.source))
        self.sessions = {item.key: item for item in found if isinstance(item, Session)}
        self.events = sorted((i for i in found if isinstance(i, Event)), key=lambda e: (e.session, e.seq))

    @property
    def main(self) -> Session:
        return self.sessions[MAIN_KEY]

    def of(self, kind: EventKind, session: str = MAIN_KEY) -> list[Event]:
        return [event for event in self.events if event.kind is kind and event.session == session]

    def calls(self, session: str = MAIN_KEY) -> dict[str | None, Event]:
        return {event.call_id: event for event in self.of(EventKind.TOOL_CALL, session)}

    def agent(self) -> Session:
        (agent,) = (session for session in self.sessions.values() if session.relation == "subagent")
        return agent

    def texts(self, kind: EventKind) -> list[str | None]:
        return [event.text for event in self.of(kind)]


def user(uuid: str, parent: str | None, second: float, text: Any, **more: Any) -> Line:
    return chain("user", uuid, parent, second, message={"role": "user", "content": text}, **more)


def model(uuid: str, parent: str | None, second: float, message: str, *blocks: Line, **more: Any) -> Line:
    return chain("assistant", uuid, parent, second, message=said(message, *blocks), **more)


def result(uuid: str, parent: str, second: float, call_id: str, content: Any, typed: Any = None, **block: Any) -> Line:
    more = {} if typed is None else {"toolUseResult": typed}
    return chain("user", uuid, parent, second, message=answer(call_id, content, **block), **more)


def text(words: str) -> Line:
    return {"type": "text", "text": words}


def write(folder: Path, lines: list[Line], name: str = f"{SESSION}.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dump(lines))
    return path


def log(folder: Path, *lines: Line) -> Log:
    return Log(write(folder, list(lines)))


def one_call(folder: Path, content: Any, typed: Any = None, asked: Line | None = None, **more: Any) -> Event:
    """The call of a log whose only result is this one, two seconds after the call."""
    block = {key: more.pop(key) for key in ("is_error",) if key in more}
    answered = {**result("r1", "a1", 5, "t1", content, typed, **block), **more}
    asks = asked or call("t1", "Bash", command="make")
    return log(folder, user("u1", None, 0, "go"), model("a1", "u1", 3, "m1", asks), answered).calls()["t1"]


def lines_of(data: bytes) -> list[Line]:
    return [orjson.loads(line) for line in data.splitlines()]


def agent_lines(agent: str) -> list[Line]:
    """What a sub-agent's own file holds."""
    own = {"agentId": agent, "isSidechain": True}
    return [
        user(f"{agent}-u", None, 12, "Find the tests.", **own),
        model(f"{agent}-a", f"{agent}-u", 14, f"{agent}-m", call(f"{agent}-t", "Glob", pattern="*"), **own),
        {**result(f"{agent}-r", f"{agent}-a", 15, f"{agent}-t", "tests"), **own},
    ]


def stream_json() -> list[Line]:
    """The output of ``claude -p --output-format stream-json``: other spelling, no times, no parents."""
    setup = {"cwd": "/home/ada/shop", "tools": [], "mcp_servers": []}
    own = {"session_id": "S", "parent_tool_use_id": None}
    inner = {"session_id": "S", "parent_tool_use_id": "t1"}
    return [
        {"type": "system", "subtype": "init", "session_id": "S", **setup},
        {"type": "assistant", "message": said("m1", text("Looking.")), "uuid": "1", **own},
        {"type": "assistant", "message": said("m1", call("t1", "Task", prompt="find")), "uuid": "2", **own},
        {"type": "assistant", "message": said("m2", call("t2", "Grep", pattern="x")), "uuid": "3", **inner},
        {"type": "user", "message": answer("t2", "hit"), "tool_use_result": {"numFiles": 1}, "uuid": "4", **inner},
        {"type": "user", "message": answer("t1", "found"), "uuid": "5", **own},
        {"type": "result", "subtype": "success", "is_error": False, "duration_ms": 9, "session_id": "S"},
    ]
