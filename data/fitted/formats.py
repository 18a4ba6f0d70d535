"""Drawn sessions as logs: one Claude Code file a session, or message lists with many sessions in a file."""

from __future__ import annotations

from collections.abc import Iterable

from fitted.session import Step

DAYS = tuple(f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29))
PEOPLE = 40
"""Folders of projects that sessions lie in."""


def _time(second: float) -> str:
    """A moment of the year that the sessions take place in."""
    whole, thousandths = divmod(round(second * 1000), 1000)
    day, rest = divmod(whole, 86_400)
    return f"{DAYS[day % len(DAYS)]}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{thousandths:03}Z"


def claude_code(number: int, began: float, steps: Iterable[Step]) -> str:
    """The lines of a session's own file."""
    session = f"{number:08x}-0000-4000-8000-000000000000"
    about = f'"isSidechain":false,"cwd":"/srv/apps/app-{number % PEOPLE}","sessionId":"{session}","version":"2.1.39","gitBranch":"main"'  # noqa: E501
    lines: list[str] = []
    parent, at = "null", began

    def add(kind: str, message: str) -> None:
        nonlocal parent
        uuid = f'"{number:08x}-0001-4000-8000-{len(lines):012x}"'
        lines.append(f'{{"parentUuid":{parent},{about},"type":"{kind}","message":{message},"uuid":{uuid},"timestamp":"{_time(at)}"}}\n')  # fmt: skip  # noqa: E501
        parent = uuid

    for place, step in enumerate(steps):
        if step.asked:
            if place:
                at += 20
            add("user", f'{{"role":"user","content":"{step.asked}"}}')
        at += step.think_ms / 1000
        head = f'{{"model":"model-1","id":"msg_{number:x}_{place}","type":"message","role":"assistant","usage":{{"input_tokens":9,"output_tokens":{len(step.said) // 4 + 40}}},"content":['  # noqa: E501
        if step.said:
            add("assistant", f'{head}{{"type":"text","text":"{step.said}"}}]}}')
        for index, call in enumerate(step.calls):
            add("assistant", f'{head}{{"type":"tool_use","id":"toolu_{number:x}_{place}_{index}","name":"{call.tool}","input":{call.arguments}}}]}}')  # fmt: skip  # noqa: E501
        for index, call in enumerate(step.calls):
            at += call.ms / 1000
            failed = ',"is_error":true' if call.failed else ""
            add("user", f'{{"role":"user","content":[{{"tool_use_id":"toolu_{number:x}_{place}_{index}","type":"tool_result","content":"{call.result}"{failed}}}]}}')  # fmt: skip  # noqa: E501
    return "".join(lines)


def messages(number: int, task: int, began: float, steps: Iterable[Step]) -> str:
    """The line of a session in a file of message lists."""
    told: list[str] = []
    for place, step in enumerate(steps):
        if step.asked:
            told.append(f'{{"role":"user","content":"{step.asked}"}}')
        calls = ",".join(
            f'{{"id":"c{place}_{index}","type":"function",'
            f'"function":{{"name":"{call.tool}","arguments":"{_quoted(call.arguments)}"}}}}'
            for index, call in enumerate(step.calls)
        )
        told.append(f'{{"role":"assistant","content":"{step.said}","tool_calls":[{calls}]}}')
        told.extend(f'{{"role":"tool","tool_call_id":"c{place}_{index}","content":"{call.result}"}}' for index, call in enumerate(step.calls))  # fmt: skip  # noqa: E501
    return f'{{"session_id":"s{number}","task_id":"t{task}","domain":"desk","start_time":"{_time(began)}","messages":[{",".join(told)}]}}\n'  # noqa: E501


def _quoted(json_text: str) -> str:
    """A JSON text as it stands inside a JSON string."""
    return json_text.replace("\\", "\\\\").replace('"', '\\"')
