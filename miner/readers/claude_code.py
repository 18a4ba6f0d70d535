"""Claude Code: the journal of a coding agent, all generations, its sub-agents, and its ``stream-json`` output."""

from __future__ import annotations

from collections.abc import Iterator

from miner.events import Event, Session
from miner.readers.claude_example import EXAMPLE as EXAMPLE
from miner.readers.claude_example import EXAMPLE_CALLS as EXAMPLE_CALLS
from miner.readers.claude_example import SESSION
from miner.readers.claude_family import SIDE_LINES, Family
from miner.readers.claude_files import groups as groups
from miner.readers.claude_files import is_description
from miner.readers.claude_lines import mapping, word
from miner.readers.head import Head
from miner.readers.source import Source

VERSION = 1
TITLE = "Claude Code sessions (JSONL journals, sub-agents, stream-json)"
WHERE = (
    "~/.claude/projects/<project>/<session>.jsonl, or the output of: claude -p --output-format stream-json --verbose"
)
RESTS_ON = "165 real files of five people, versions 2.0.76 to 2.1.39; descriptions and hand-made files for later ones"
EXAMPLE_NAME = f"{SESSION}.jsonl"


def recognises(head: Head) -> float:
    """By the fields that chain lines have in any generation; by ``tools`` or parent ids in ``stream-json``."""
    if is_description(head.path):
        return 0.9 if "agentType" in mapping(head.document()) else 0.0
    best = 0.0
    for record in head.records():
        if type(record) is not dict or "type" not in record:
            continue
        message = mapping(record.get("message"))
        if "parts" in message:
            return 0.0
        if "sessionId" in record and "parentUuid" in record:
            best = max(best, 0.95)
        elif "session_id" in record and ("parent_tool_use_id" in record or "mcp_servers" in record):
            best = max(best, 0.9)
        elif word(record["type"]) in SIDE_LINES and (
            "leafUuid" in record or "snapshot" in record or "sessionId" in record
        ):
            best = max(best, 0.6)
    if not best and not head.complete and b'"parentUuid":' in head.start and b'"sessionId":' in head.start:
        return 0.8
    return best


def read(source: Source) -> Iterator[Session | Event]:
    """The sessions of one family of files."""
    return Family(source).read()
