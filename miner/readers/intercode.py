"""InterCode results: shell and SQL sessions, kept as lists of actions and observations under the number of a task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import flag, listing, mapping, number, word

VERSION = 1
TITLE = "InterCode results (bash and SQL)"
WHERE = "data/results/<environment>/<model>/*.json of an InterCode run"
RESTS_ON = "thirty real files"

NAME = "intercode"
_EXECUTE = re.compile(r"\s*execute\[(.*)\]\s*", re.DOTALL)
_BLOCKED = "blocked"
"""What the harness writes in place of an answer that the provider held back."""


def recognises(head: Head) -> float:
    """By a task's history of turns."""
    start = head.start
    signs = (b'"turn_history"', b'"actions"', b'"observations"')
    return 0.95 if re.match(rb"\s*\{", start) and all(sign in start for sign in signs) else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each task of a file."""
    for record in source.elements():
        value = mapping(record.value)
        tasks = {**value, **mapping(value.get("logs"))}
        for name, task in tasks.items():
            if not isinstance(task, dict):
                continue
            if "query" in task and not isinstance(task.get("turn_history"), dict):
                source.account.unknown += 1
            elif isinstance(task.get("turn_history"), dict):
                yield from _session(source, record, name, task)


def _session(source: Source, record: Record, name: str, task: dict[str, Any]) -> Iterator[Session | Event]:
    history = mapping(task.get("turn_history"))
    file = strip_compression(record.path).stem
    dataset = PurePosixPath(word(task.get("dataset")) or "").stem
    conversation = Conversation(session_key(NAME, file, dataset, name, repr(history.get("actions"))))
    if source.repeats(conversation.key, path=record.path, line=record.line):
        return
    conversation.add(Turn(Role.USER, text_of(task.get("query"))))
    environment = (word(task.get("environment")) or "").removeprefix("ic_")
    tool = environment or "bash"
    thoughts, observed, valid = (listing(history.get(key)) for key in ("thoughts", "observations", "valid_action"))
    actions = listing(history.get("actions"))
    conversation.passed_over += sum(max(0, len(beside) - len(actions)) for beside in (thoughts, observed))
    for place, action in enumerate(actions):
        said = thoughts[place] if place < len(thoughts) else None
        is_last = place == len(actions) - 1
        call = (
            None if is_last and action == _BLOCKED and place >= len(observed) else _call(tool, action, bool(thoughts))
        )
        conversation.add(Turn(Role.MODEL, text_of(said), (call,) if call else (), line=place + 1))
        if call is None or place >= len(observed):
            continue
        good = flag(valid[place]) if place < len(valid) else None
        status = {True: Status.OK, False: Status.ERROR, None: Status.UNKNOWN}[good]
        result = Result(text_of(observed[place]), status=status, native_error=None if good is None else not good)
        conversation.add(Turn(Role.TOOL, results=(result,), line=place + 1))
    session = Session(
        conversation.key,
        NAME,
        f"{file}/{name}",
        application=environment or None,
        task=f"{dataset or environment}/{task.get('task_id', name)}",
        reward=number(mapping(task.get("summary")).get("max_reward")),
    )
    yield from tell(source, conversation, session, path=record.path)


def _call(tool: str, action: Any, reacting: bool) -> Call:
    """An action is a command line; agents that reason in between wrap it."""
    text = text_of(action) or ""
    wrapped = _EXECUTE.fullmatch(text) if reacting else None
    if reacting and text.strip() == "submit":
        return Call("submit", {})
    return Call(tool, {"command": wrapped[1] if wrapped else text})


EXAMPLE_NAME = "ic_bash_react.json"
EXAMPLE = b"""{"0": {"environment": "ic_bash", "dataset": "./data/nl2bash/nl2bash_fs_1.json", "task_id": 0,
  "query": "Count the files.",
  "turn_history": {"thoughts": ["I list.", "I count.", "Done."],
   "actions": ["execute[lst]", "execute[ls | wc -l]", "submit"],
   "observations": ["lst: command not found", "3\\n", ""], "rewards": [0.1, 0.9, 1.0],
   "valid_action": [false, true, true]},
  "summary": {"max_reward": 1.0, "max_reward_idx": 2, "turns_taken": 3, "turns_max": 10}}}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("bash", {"command": "lst"}, "error"),
    ("bash", {"command": "ls | wc -l"}, "ok"),
    ("submit", {}, "ok"),
]
