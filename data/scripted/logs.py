"""Writes transcripts in three log formats, each as its own producer would leave it on disk."""

from __future__ import annotations

import inspect
import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

from .transcript import Call, Message, Step, Tool, Transcript
from .workspace import SHOWN

MODEL = "scripted-agent-1"
VERSION = "2.1.39"
SERVICE_PROMPT = "You work at the service desk of a shop. Find out who is writing before you change anything."
JSON_TYPES = {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}}


def iso(time_us: int) -> str:
    """A time as most logs write it: UTC, milliseconds."""
    moment = datetime.fromtimestamp(time_us / 1e6, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


# --- Claude Code: an event journal, one line a content block -------------------------------------------------------


def write_claude_code(transcript: Transcript, folder: Path) -> None:
    """A session file in its project's folder, with its sub-agents beside it."""
    project = folder / SHOWN.replace("/", "-")
    write_lines(project / f"{transcript.id}.jsonl", _Journal(transcript).lines())
    calls = (call for entry in transcript.entries if isinstance(entry, Step) for call in entry.calls)
    for call in calls:
        if call.child:
            agent = _agent_id(call)
            beside = project / transcript.id / "subagents"
            write_lines(beside / f"agent-{agent}.jsonl", _Journal(call.child, transcript.id, agent).lines())
            meta = {"agentType": "Explore", "description": call.arguments["description"], "toolUseId": _tool_id(call)}
            (beside / f"agent-{agent}.meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _agent_id(call: Call) -> str:
    return f"a{call.id[:7]}"


def _tool_id(call: Call) -> str:
    return f"toolu_{call.id}"


class _Journal:
    """The lines of one session: each names its parent, a result its own call, and a rewind starts a branch."""

    def __init__(self, transcript: Transcript, root: str | None = None, agent: str | None = None) -> None:
        self.transcript = transcript
        self.common: dict[str, Any] = {
            "isSidechain": agent is not None,
            "userType": "external",
            "cwd": SHOWN,
            "sessionId": root or transcript.id,
            "version": VERSION,
            "gitBranch": "main",
        }
        if agent:
            self.common["agentId"] = agent
        self.last: str | None = None
        self.before_message: str | None = None

    def lines(self) -> Iterator[dict[str, Any]]:
        for entry in self.transcript.entries:
            if isinstance(entry, Message):
                if entry.rewinds:
                    self.last = self.before_message
                self.before_message = self.last
                yield self._line("user", entry.time_us, {"role": "user", "content": entry.text})
            else:
                yield from self._step(entry)

    def _line(self, kind: str, time_us: int, message: dict[str, Any], **more: Any) -> dict[str, Any]:
        line = {
            "parentUuid": self.last,
            **self.common,
            "type": kind,
            "message": message,
            "uuid": self.transcript.new_uuid(),
            "timestamp": iso(time_us),
            **more,
        }
        self.last = line["uuid"]
        return line

    def _step(self, step: Step) -> Iterator[dict[str, Any]]:
        answer_id = f"msg_{self.transcript.chance.getrandbits(80):020x}"
        stop = "tool_use" if step.calls else "end_turn"

        def block(content: dict[str, Any], time_us: int) -> dict[str, Any]:
            message = {"id": answer_id, "type": "message", "role": "assistant", "model": MODEL}
            return self._line("assistant", time_us, {**message, "content": [content], "stop_reason": stop})

        if step.text:
            yield block({"type": "text", "text": step.text}, step.time_us)
        asked = {}
        for call in step.calls:
            content = {"type": "tool_use", "id": _tool_id(call), "name": call.tool, "input": call.arguments}
            line = block(content, call.start_us)
            asked[call.id] = line["uuid"]
            yield line
        for call in sorted(step.calls, key=lambda call: call.end_us):
            yield self._result(call, asked[call.id])

    def _result(self, call: Call, asked: str) -> dict[str, Any]:
        text = call.outcome.text
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _tool_id(call), "content": text}
        if call.outcome.failed:
            result["is_error"] = True
        typed = call.outcome.typed or (f"Error: {text}" if call.outcome.failed else None)
        if call.child:
            typed = {"status": "completed", "agentId": _agent_id(call), "totalToolUseCount": count_calls(call.child)}
            typed["totalDurationMs"] = (call.end_us - call.start_us) // 1000
        self.last = asked
        more = {"toolUseResult": typed, "sourceToolAssistantUUID": asked}
        return self._line("user", call.end_us, {"role": "user", "content": [result]}, **more)


# --- OpenAI chat messages: one conversation a line ------------------------------------------------------------------


def write_messages(transcripts: Iterable[Transcript], path: Path) -> None:
    """Conversations with the tools' schemas, and the time of each message as many programs add it."""
    write_lines(path, (_conversation(transcript) for transcript in transcripts))


def _conversation(transcript: Transcript) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": SERVICE_PROMPT}]
    for entry in transcript.entries:
        if isinstance(entry, Message):
            messages.append({"role": "user", "content": entry.text, "timestamp": iso(entry.time_us)})
            continue
        message: dict[str, Any] = {"role": "assistant", "content": entry.text or None, "timestamp": iso(entry.time_us)}
        if entry.calls:
            message["tool_calls"] = [_function_call(call) for call in entry.calls]
        messages.append(message)
        for call in entry.calls:
            result = {"role": "tool", "tool_call_id": f"call_{call.id}", "content": call.outcome.text}
            messages.append({**result, "timestamp": iso(call.end_us)})
    schemas = [_schema(tool) for tool in transcript.tools.values()]
    return {"id": transcript.id, "model": MODEL, "messages": messages, "tools": schemas}


def _function_call(call: Call) -> dict[str, Any]:
    function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
    return {"id": f"call_{call.id}", "type": "function", "function": function}


def _schema(tool: Tool) -> dict[str, Any]:
    hints = get_type_hints(tool)
    names = list(inspect.signature(tool).parameters)
    texts = {"type": "array", "items": {"type": "string"}}
    properties = {name: JSON_TYPES.get(hints[name], texts) for name in names}
    parameters = {"type": "object", "properties": properties, "required": names}
    return {"type": "function", "function": {"name": tool.__name__, "parameters": parameters}}


# --- OTLP JSON: one export request a line ---------------------------------------------------------------------------


def write_spans(transcripts: Iterable[Transcript], path: Path) -> None:
    """Spans by the GenAI conventions; each turn is a trace, and a session is what shares a conversation id."""
    write_lines(path, (request for transcript in transcripts for request in _Trace(transcript).requests()))


class _Trace:
    """The spans of one session: one trace for each human turn, exported together."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.chance = random.Random(f"{transcript.id}/spans")

    def requests(self) -> Iterator[dict[str, Any]]:
        turns: list[list[Message | Step]] = []
        for entry in self.transcript.entries:
            if isinstance(entry, Message):
                turns.append([])
            turns[-1].append(entry)
        for message, *steps in turns:
            yield self._request(self._turn(message, steps))

    def _request(self, spans: list[dict[str, Any]]) -> dict[str, Any]:
        resource = {"attributes": _attributes({"service.name": "library-research", "service.version": "1.0"})}
        scope = {"name": "scripted-agent", "version": "1.0"}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}

    def _turn(self, message: Any, steps: list[Any]) -> list[dict[str, Any]]:
        """Children first, as they end first."""
        trace, root = f"{self.chance.getrandbits(128):032x}", f"{self.chance.getrandbits(64):016x}"
        spans = []
        for step in steps:
            spans.append(self._chat(trace, root, message, step))
            spans += [self._tool(trace, root, call) for call in step.calls]
        whole = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "researcher",
            "gen_ai.input.messages": json.dumps([_said("user", message.text)]),
        }
        times = message.time_us, max([step.time_us for step in steps] + [c.end_us for s in steps for c in s.calls])
        spans.append(self._span(trace, "", root, "invoke_agent researcher", times, whole))
        return spans

    def _chat(self, trace: str, root: str, message: Message, step: Step) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"type": "text", "content": step.text}] if step.text else []
        parts += [
            {"type": "tool_call", "id": f"call_{call.id}", "name": call.tool, "arguments": call.arguments}
            for call in step.calls
        ]
        finish = "tool_call" if step.calls else "stop"
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": MODEL,
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts, "finish_reason": finish}]),
        }
        if step.start_us == message.time_us:
            attributes["gen_ai.input.messages"] = json.dumps([_said("user", message.text)])
        times = step.start_us, max([step.time_us, *(call.start_us for call in step.calls)])
        return self._span(trace, root, self._span_id(), f"chat {MODEL}", times, attributes)

    def _tool(self, trace: str, root: str, call: Call) -> dict[str, Any]:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.tool,
            "gen_ai.tool.call.id": f"call_{call.id}",
            "gen_ai.tool.call.arguments": json.dumps(call.arguments),
            "gen_ai.tool.call.result": call.outcome.text,
        }
        span = self._span(
            trace, root, self._span_id(), f"execute_tool {call.tool}", (call.start_us, call.end_us), attributes
        )
        if call.outcome.failed:
            span["status"] = {"code": 2, "message": call.outcome.text}
        return span

    def _span_id(self) -> str:
        return f"{self.chance.getrandbits(64):016x}"

    def _span(
        self, trace: str, parent: str, own: str, name: str, times: tuple[int, int], attributes: dict[str, str]
    ) -> dict[str, Any]:
        return {
            "traceId": trace,
            "spanId": own,
            "parentSpanId": parent,
            "name": name,
            "kind": 3 if name.startswith("chat") else 1,
            "startTimeUnixNano": f"{times[0] * 1000}",
            "endTimeUnixNano": f"{times[1] * 1000}",
            "attributes": _attributes({"gen_ai.conversation.id": self.transcript.id, **attributes}),
            "status": {},
        }


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def count_calls(transcript: Transcript) -> int:
    """Calls of a session, those of its sub-agents not counted."""
    return sum(len(entry.calls) for entry in transcript.entries if isinstance(entry, Step))
