"""A session -> an ATIF trajectory; what the schema has no field for goes into the ``extra`` of calls and results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from miner.events import Caller, Event, EventKind, SessionLog, TimeSource

SCHEMA = "ATIF-v1.7"
"""The first version with ``extra`` on calls and results: without it, times and status would be lost."""
_SOURCES = {
    EventKind.USER_MESSAGE: "user",
    EventKind.HARNESS_MESSAGE: "system",
    EventKind.COMPACTION: "system",
    EventKind.MODEL_STEP: "agent",
}
_UNKNOWN = "unknown"


def trajectory_of(log: SessionLog, children: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """The trajectory of a session, without what lies on abandoned branches.

    Args:
        log: the session.
        children: call id -> keys of the sessions that the call started.
    """
    session = log.session
    gone = set(session.off_path)
    events = [event for event in log.events if event.seq not in gone]
    steps = _Steps(children or {})
    for event in events:
        steps.add(event)
    totals = [sum(e.tokens_in or 0 for e in events), sum(e.tokens_out or 0 for e in events)]
    extra = {
        "reader": session.reader,
        "native_id": session.native_id,
        "application": session.application,
        "task": session.task,
        "relation": session.relation,
    }
    return {
        "schema_version": SCHEMA,
        "session_id": session.key,
        "agent": _filled(
            {
                "name": session.agent or _UNKNOWN,
                "version": session.agent_version or _UNKNOWN,
                "model_name": session.model,
            }
        ),
        "steps": steps.found,
        "final_metrics": {
            "total_prompt_tokens": totals[0],
            "total_completion_tokens": totals[1],
            "total_steps": len(steps.found),
        },
        "extra": _filled(extra),
    }


class _Steps:
    """Steps being written: calls and results belong to the step of the model that asked for them."""

    def __init__(self, children: Mapping[str, Sequence[str]]) -> None:
        self.found: list[dict[str, Any]] = []
        self._children = children
        self._of: dict[int, dict[str, Any]] = {}
        self._ids: set[str] = set()

    def add(self, event: Event) -> None:
        """Write one event."""
        if event.kind is EventKind.TOOL_CALL:
            self._call(event)
            return
        step = _filled(
            {
                "step_id": len(self.found) + 1,
                "timestamp": _iso(event.time_us),
                "source": _SOURCES[event.kind],
                "message": event.text or "",
                "model_name": event.model if event.kind is EventKind.MODEL_STEP else None,
                "metrics": _filled({"prompt_tokens": event.tokens_in, "completion_tokens": event.tokens_out}) or None,
                "extra": _extra_of_step(event) or None,
            }
        )
        self.found.append(step)
        if event.kind is EventKind.MODEL_STEP:
            self._of[event.step] = step

    def _call(self, event: Event) -> None:
        step = self._of.get(event.step)
        if event.caller in (Caller.USER, Caller.HARNESS) or step is None:
            # Only agents have calls here: another's call is told in words.
            said = f"{event.caller or _UNKNOWN} called {event.tool}({event.arguments}): {event.text or ''}"
            entry = {"step_id": len(self.found) + 1, "timestamp": _iso(event.time_us), "source": "system"}
            self.found.append(_filled({**entry, "message": said}))
            return
        identity = self._unique(event.call_id or f"call_{event.seq}")
        step.setdefault("tool_calls", []).append(
            _filled(
                {
                    "tool_call_id": identity,
                    "function_name": event.tool,
                    "arguments": json.loads(event.arguments or "{}"),
                    "extra": _extra_of_call(event),
                }
            )
        )
        if event.text is None and event.start_us is None and event.status == "missing":
            return
        references = [
            {"session_id": child, "trajectory_path": f"{child}.json"}
            for child in self._children.get(event.call_id or "", ())
        ]
        result = {
            "source_call_id": identity,
            "content": event.text,
            "subagent_trajectory_ref": references or None,
            "extra": _extra_of_result(event),
        }
        step.setdefault("observation", {"results": []})["results"].append(_filled(result))

    def _unique(self, identity: str) -> str:
        """Ids must differ in a file; logs of local models use the same ones in every step."""
        name, number = identity, 2
        while name in self._ids:
            name, number = f"{identity}#{number}", number + 1
        self._ids.add(name)
        return name


def _extra_of_step(event: Event) -> dict[str, Any]:
    if event.kind is EventKind.COMPACTION:
        return {"compaction": True}
    if event.start_us is None:
        return {}
    return {"ts_start": _iso(event.start_us), "time_source": event.time_source.value}


def _extra_of_call(event: Event) -> dict[str, Any] | None:
    caller = event.caller.value if event.caller is not None and event.caller is not Caller.MODEL else None
    return _filled({"caller": caller, "server": event.server, "read_only": event.read_only}) or None


def _extra_of_result(event: Event) -> dict[str, Any]:
    timed = event.time_source is not TimeSource.NONE
    return _filled(
        {
            "status": event.status.value if event.status is not None else None,
            "ts_start": _iso(event.start_us),
            "ts_end": _iso(event.end_us),
            "time_source": event.time_source.value if timed else None,
            "exit_code": event.exit_code,
            "native_error": event.native_error,
            "result": json.loads(event.result) if event.result is not None else None,
        }
    )


def children_of(sessions: Iterable[tuple[str, str | None, str | None]]) -> dict[str, dict[str, list[str]]]:
    """Parent -> call id -> sessions it started, from (key, parent, call id) of each session."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, parent, call in sessions:
        if parent is not None and call is not None:
            found.setdefault(parent, {}).setdefault(call, []).append(key)
    return found


def _iso(us: int | None) -> str | None:
    return (
        None
        if us is None
        else datetime.fromtimestamp(us // 1_000_000, UTC)
        .replace(microsecond=us % 1_000_000, tzinfo=None)
        .isoformat(timespec="microseconds")
        + "Z"
    )


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if inner is not None}
