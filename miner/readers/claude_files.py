"""Which files of Claude Code belong together: a session and its sub-agents, in the three layouts there have been."""

from __future__ import annotations

import re
from pathlib import Path

from miner.readers.claude_lines import mapping, word
from miner.readers.head import head_of
from miner.readers.opening import strip_compression

_AGENT_FILE = re.compile(r"agent-(.+?)\.(jsonl|meta\.json)")


def is_description(path: Path) -> bool:
    """True for the small file that describes a sub-agent and holds none of its lines."""
    found = agent_of(path)
    return found is not None and found[1]


def agent_of(path: Path) -> tuple[str, bool] | None:
    """(agent id, whether it is the description and not the log) of a sub-agent's file."""
    found = _AGENT_FILE.fullmatch(strip_compression(path).name)
    return (found[1], found[2] == "meta.json") if found else None


def _family_of(path: Path) -> tuple[Path, str]:
    stem = strip_compression(path).stem
    if agent_of(path) is None:
        return path.parent, stem
    for folder in path.parents:
        if folder.name == "subagents":
            return folder.parent.parent, folder.parent.name
    for record in head_of(path).records(most=5):
        session = word(mapping(record).get("sessionId"))
        if session:
            return path.parent, session
    return path.parent, stem


def _reading_order(path: Path) -> tuple[int, str]:
    agent = agent_of(path)
    return (0 if agent is None else 1 if agent[1] else 2), str(path)


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """A session is read together with the files of its sub-agents: the main file, their descriptions, their logs."""
    families: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted(paths):
        families.setdefault(_family_of(path), []).append(path)
    return [tuple(sorted(family, key=_reading_order)) for family in families.values()]
