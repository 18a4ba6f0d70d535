"""Codex: the rollout files of a coding agent, three generations, compressed or not, with code mode's nested calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session
from miner.readers.clock import micros
from miner.readers.codex_rollout import Rollout
from miner.readers.head import Head, head_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.values import mapping, word

VERSION = 1
TITLE = "Codex rollouts (CLI, IDE extension and desktop app)"
WHERE = "~/.codex/sessions/<year>/<month>/<day>/rollout-*.jsonl (or .jsonl.zst), ~/.codex/archived_sessions"
RESTS_ON = (
    "a description taken from files of version 0.169 and on the producer's source; the oldest generation "
    "is known second-hand"
)

_ENVELOPES = frozenset({"response_item", "event_msg", "turn_context", "token_usage_record", "compacted", "world_state"})
_ITEMS = frozenset({"message", "reasoning", "function_call", "function_call_output", "local_shell_call"})
_HEADER_BYTES = 1 << 16
_THREAD = re.compile(r"rollout-\d{4}-\d{2}-\d{2}T[\d-]{8}-(.+)")


def recognises(head: Head) -> float:
    """By the header of a thread, else by the envelope of its lines, else by bare items under a rollout's name."""
    best = 0.0
    for record in head.records():
        if not isinstance(record, dict):
            continue
        kind, payload = word(record.get("type")), record.get("payload")
        if kind == "session_meta" and isinstance(payload, dict):
            return 0.97
        if _is_flat_header(record):
            best = max(best, 0.9)
        elif kind in _ENVELOPES and isinstance(payload, dict) and "timestamp" in record:
            best = max(best, 0.85)
        elif kind in _ITEMS and head.name.startswith("rollout-"):
            best = max(best, 0.8)
    if not best and not head.complete and re.match(rb'\s*\{[^{]{0,200}"type":\s*"session_meta"', head.start):
        return 0.9
    return best


def _is_flat_header(record: dict[str, Any]) -> bool:
    return "type" not in record and {"id", "timestamp", "instructions"} <= record.keys() and "role" not in record


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """Threads of one session belong together, and so does a file with its compressed copy."""
    families: dict[str, list[Path]] = {}
    for path in paths:
        families.setdefault(_family(path), []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(families.items())]


def _family(path: Path) -> str:
    for record in head_of(path, _HEADER_BYTES).records(1):
        meta = mapping(mapping(record).get("payload"))
        root = word(meta.get("session_id")) or word(meta.get("parent_thread_id")) or word(meta.get("id"))
        if root:
            return root
    found = _THREAD.fullmatch(strip_compression(path).stem)
    return found[1] if found else str(strip_compression(path))


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each thread; a thread that another one started knows the call that did."""
    threads: dict[str, Rollout] = {}
    for path in source.paths:
        plain = strip_compression(path)
        if plain != path and plain in source.paths:
            # The plain file is the newer one; both exist only while the host compresses it.
            source.problem("repeated_session", "the same file lies here uncompressed", path=path)
            continue
        _read_file(replace(source, paths=(path,)), threads)
    spawned = {thread: call for rollout in threads.values() for thread, call in rollout.spawned.items()}
    for identity, rollout in threads.items():
        yield from rollout.finish(identity, spawned.get(identity))


def _read_file(source: Source, threads: dict[str, Rollout]) -> None:
    rollout: Rollout | None = None
    for record in source.records():
        line = mapping(record.value)
        kind, payload = _sorted_out(line)
        if kind == "session_meta":
            if rollout is None:
                identity = _unique(word(payload.get("id")) or _name(record), threads)
                rollout = threads[identity] = Rollout.begin(source, record, payload, identity)
            # A further header is a copied one: the thread that this one was forked from.
            continue
        if not kind:
            source.account.unknown += 1
            continue
        if rollout is None:
            identity = _unique(_name(record), threads)
            rollout = threads[identity] = Rollout.begin(source, record, {}, identity)
        if not rollout.line(kind, payload, micros(line.get("timestamp")), line, record.line):
            source.account.unknown += 1


def _sorted_out(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(kind, payload) of a line of any generation; the oldest has bare items and a header without type."""
    kind = word(line.get("type"))
    if isinstance(line.get("payload"), dict):
        return kind or "", line["payload"]
    if "record_type" in line:
        return "state", line
    if _is_flat_header(line):
        return "session_meta", line
    if kind == "session_meta" or kind in _ENVELOPES:
        return kind or "", {}
    return ("response_item", line) if kind else ("", line)


def _name(record: Record) -> str:
    stem = strip_compression(record.path).stem
    found = _THREAD.fullmatch(stem)
    return found[1] if found else stem


def _unique(identity: str, taken: dict[str, Rollout]) -> str:
    return identity if identity not in taken else f"{identity}#{len(taken)}"


EXAMPLE_NAME = "rollout-2026-05-01T10-00-00-0196b1c0-0000-7000-8000-000000000001.jsonl"
EXAMPLE = b"""\
{"timestamp":"2026-05-01T10:00:00.000Z","ordinal":0,"type":"session_meta","payload":{"id":"0196b1c0-0000-7000-8000-000000000001","session_id":"0196b1c0-0000-7000-8000-000000000001","timestamp":"2026-05-01T10:00:00.000Z","cwd":"/repo","cli_version":"0.169.0","originator":"codex_exec","source":"exec","history_mode":"paginated","git":{"branch":"main"}}}
{"timestamp":"2026-05-01T10:00:00.010Z","ordinal":1,"type":"turn_context","payload":{"turn_id":"t1","model":"m","cwd":"/repo"}}
{"timestamp":"2026-05-01T10:00:00.020Z","ordinal":2,"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>\\n<cwd>/repo</cwd>\\n</environment_context>"}]}}
{"timestamp":"2026-05-01T10:00:00.030Z","ordinal":3,"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"Why does the test fail?"}]}}
{"timestamp":"2026-05-01T10:00:03.757Z","ordinal":4,"type":"response_item","payload":{"type":"function_call","name":"exec_command","arguments":"{\\"cmd\\":\\"pytest -x\\"}","call_id":"call_1"},"metadata":{"turn_id":"t1","history_sequence":2,"sampled_through_sequence":1}}
{"timestamp":"2026-05-01T10:00:03.758Z","ordinal":5,"type":"response_item","payload":{"type":"function_call","name":"find","namespace":"mcp__crm","arguments":"{\\"q\\":\\"o1\\"}","call_id":"call_2"},"metadata":{"turn_id":"t1","history_sequence":3,"sampled_through_sequence":1}}
{"timestamp":"2026-05-01T10:00:03.760Z","ordinal":6,"type":"token_usage_record","payload":{"response_id":"resp_1","turn_id":"t1","usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":20}}}
{"timestamp":"2026-05-01T10:00:03.960Z","ordinal":7,"type":"event_msg","payload":{"type":"item_completed","turn_id":"t1","started_at_ms":1777629603758,"completed_at_ms":1777629603960,"item":{"type":"McpToolCall","id":"call_2","server":"crm","tool":"find","arguments":{"q":"o1"},"readOnlyHint":true,"status":"completed","result":{"content":[{"type":"text","text":"1 hit"}],"isError":false}}}}
{"timestamp":"2026-05-01T10:00:04.640Z","ordinal":8,"type":"event_msg","payload":{"type":"item_completed","turn_id":"t1","started_at_ms":1777629603758,"completed_at_ms":1777629604639,"item":{"type":"CommandExecution","id":"call_1","command":["bash","-lc","pytest -x"],"status":"failed","aggregated_output":"FAILED\\n","exit_code":1,"duration":{"secs":0,"nanos":881000000}}}}
{"timestamp":"2026-05-01T10:00:04.850Z","ordinal":9,"type":"response_item","payload":{"type":"function_call_output","call_id":"call_1","output":"Chunk ID: 7e\\nWall time: 0.8846 seconds\\nProcess exited with code 1\\nOutput:\\nFAILED\\n"}}
{"timestamp":"2026-05-01T10:00:04.850Z","ordinal":10,"type":"response_item","payload":{"type":"function_call_output","call_id":"call_2","output":"1 hit"}}
{"timestamp":"2026-05-01T10:00:06.000Z","ordinal":11,"type":"response_item","payload":{"type":"custom_tool_call","name":"exec","input":"await tools.exec_command({cmd:'ls'})","call_id":"call_3"},"metadata":{"turn_id":"t1","history_sequence":6,"sampled_through_sequence":5}}
{"timestamp":"2026-05-01T10:00:06.200Z","ordinal":12,"type":"event_msg","payload":{"type":"item_completed","turn_id":"t1","started_at_ms":1777629606050,"completed_at_ms":1777629606190,"item":{"type":"CommandExecution","id":"exec-9","command":["bash","-lc","ls"],"status":"completed","aggregated_output":"a.py\\n","exit_code":0}}}
{"timestamp":"2026-05-01T10:00:06.300Z","ordinal":13,"type":"response_item","payload":{"type":"custom_tool_call_output","call_id":"call_3","output":"a.py"}}
{"timestamp":"2026-05-01T10:00:08.000Z","ordinal":14,"type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"A typo."}]},"metadata":{"turn_id":"t1","history_sequence":8,"sampled_through_sequence":7}}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("exec_command", {"cmd": "pytest -x"}, "error"),
    ("mcp__crm__find", {"q": "o1"}, "ok"),
    ("exec", {"input": "await tools.exec_command({cmd:'ls'})"}, "unknown"),
    ("exec_command", {"cmd": "ls"}, "ok"),
]
