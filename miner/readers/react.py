"""ReAct traces in plain text: thought, action and observation in turn, numbered or not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.content import parsed
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.whole import text_lines

VERSION = 1
TITLE = "ReAct traces in plain text (Thought, Action, Observation)"
WHERE = "whatever your agent prints: one trace after another, each begun by 'Question:'"
RESTS_ON = "six real logs of trials on questions; hand-made texts for other spellings"

NAME = "react"
_FIELD = re.compile(
    r"(?:> )?(Question|Thought|Action Input|Action|Observation|Final Answer|Correct answer|Reflections?)"
    r"(?: ?\d+)?:[ \t]?(.*)"
)
_RULE = re.compile(r"[#=-]{5,}|BEGIN TRIAL (\d+)|Trial summary:|> (?:Entering|Finished) ")
_CALL = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*[\[(](.*)[\])]\s*", re.DOTALL)
_OPEN_CALL = re.compile(r"\s*([A-Za-z_][\w.-]*)\[(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_VERDICT = re.compile(r"\s*Answer is (IN)?CORRECT")
_FAILED = re.compile(r"\s*(?:Invalid|Unknown) (?:Action|tool)\b", re.IGNORECASE)


def recognises(head: Head) -> float:
    """By thought, action and observation, each at the beginning of a line."""
    start = head.start.decode("utf-8", "replace")
    if start.lstrip()[:1] in ("{", "["):
        return 0.0
    found = {match[1] for line in start.splitlines() if (match := _FIELD.match(line))}
    if {"Thought", "Action", "Observation"} <= found:
        return 0.9
    return 0.7 if {"Action", "Observation"} <= found else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each trace; a trace that is repeated word for word is told once."""
    seen: set[str] = set()
    for path in source.paths:
        for trace in _traces(source, path):
            yield from trace.tell(source, path, seen)


@dataclass(slots=True)
class _Trace:
    """The fields of one trace, in order."""

    line: int
    trial: int | None
    fields: list[tuple[str, list[str], int]] = field(default_factory=list)

    def add(self, name: str, text: str, line: int) -> None:
        """A new field begins."""
        self.fields.append((name, [text], line))

    def more(self, text: str) -> None:
        """A line that goes on with the field before."""
        if self.fields:
            self.fields[-1][1].append(text)

    def tell(self, source: Source, path: Path, seen: set[str]) -> Iterator[Session | Event]:
        """The session of this trace."""
        fields = [(name, "\n".join(text).strip(), line) for name, text, line in self.fields]
        if not any(name == "Action" for name, _, _ in fields):
            return
        said = hashlib.blake2b(repr([f[:2] for f in fields]).encode("utf-8", "replace"), digest_size=16).hexdigest()
        key = session_key(NAME, said)
        if key in seen:
            # Logs of several trials list what was solved before in each of them, word for word: nothing is lost.
            return
        seen.add(key)
        conversation = Conversation(key)
        question, reward = "", None
        step = _Step()
        for name, text, line in fields:
            if name in ("Question", "Reflections", "Reflection"):
                step.close(conversation)
                asked, hint = _split(text) if name == "Question" else ("", text)
                question = question or asked
                if asked:
                    conversation.add(Turn(Role.USER, asked, line=line))
                if hint:
                    conversation.add(Turn(Role.HARNESS, hint, line=line))
            elif name == "Observation":
                reward = _reward(text, reward)
                step.observed(conversation, text, line)
            elif name == "Action Input":
                step.input = text
            elif name != "Correct answer":
                if name == "Thought" or step.action is not None:
                    step.close(conversation)
                step.say(name, text, line)
        step.close(conversation)
        session = Session(
            key,
            NAME,
            f"{strip_compression(path).name}#{self.line}",
            task=question or None,
            attempt=self.trial,
            reward=reward,
        )
        yield from tell(source, conversation, session, path=path)


@dataclass(slots=True)
class _Step:
    """A thought and the action that it led to, while they are read."""

    thought: str = ""
    action: str | None = None
    input: str | None = None
    line: int | None = None

    def say(self, name: str, text: str, line: int) -> None:
        """A thought, an action or an answer."""
        self.line = self.line or line
        if name == "Action":
            self.action = text
        else:
            self.thought = "\n".join(part for part in (self.thought, text) if part)

    def observed(self, conversation: Conversation, text: str, line: int) -> None:
        """What came back for the action."""
        called = self.close(conversation)
        if called:
            status = Status.ERROR if _FAILED.match(text) else Status.UNKNOWN
            conversation.add(Turn(Role.TOOL, results=(Result(text, status=status),), line=line))
        else:
            conversation.add(Turn(Role.HARNESS, text, line=line))

    def close(self, conversation: Conversation) -> bool:
        """Hand the step on; True when it made a call."""
        if self.line is None:
            return False
        call = _call(self.action, self.input) if self.action is not None else None
        said = self.thought
        if call is None and self.action:
            said = "\n".join(part for part in (said, self.action) if part)
        conversation.add(Turn(Role.MODEL, said or None, (call,) if call else (), line=self.line))
        self.thought, self.action, self.input, self.line = "", None, None, None
        return call is not None


def _call(action: str, given: str | None) -> Call | None:
    """``Search[words]``, ``search(words)``, or a bare name with its input on a line of its own."""
    if given is not None:
        name = action.strip().strip("`")
        value = parsed(given.strip())
        return Call(name, value if isinstance(value, dict) else {"input": given.strip()}) if name else None
    found = _CALL.fullmatch(action) or _OPEN_CALL.match(action)
    if found is not None:
        return Call(found[1], {"input": found[2]})
    return Call(action.strip(), {}) if _NAME.fullmatch(action.strip()) else None


def _split(text: str) -> tuple[str, str]:
    """The question, and what a later trial is told about earlier ones on the same line."""
    at = text.find("You have attempted to answer")
    return (text, "") if at < 0 else (text[:at].strip(), text[at:])


def _reward(text: str, before: float | None) -> float | None:
    verdict = _VERDICT.match(text)
    return before if verdict is None else 0.0 if verdict[1] else 1.0


def _traces(source: Source, path: Path) -> Iterator[_Trace]:
    trace: _Trace | None = None
    trial: int | None = None
    for number, line in text_lines(source, path):
        rule, found = _RULE.match(line), _FIELD.match(line)
        if rule is not None:
            trial = int(rule[1]) if rule[1] else trial
            if trace is not None:
                yield trace
            trace = None
        elif found is not None and found[1] == "Question":
            if trace is not None:
                yield trace
            trace = _Trace(number, trial)
            trace.add("Question", found[2], number)
        elif found is not None:
            trace = trace or _Trace(number, trial)
            trace.add(found[1], found[2], number)
        elif trace is not None:
            trace.more(line)
    if trace is not None:
        yield trace


EXAMPLE_NAME = "traces.txt"
EXAMPLE = b"""\
BEGIN TRIAL 1
Question: Who bakes the bread of Ulm?
Thought 1: I search for Ulm.
Action 1: Search[Ulm]
Observation 1: Ulm is a city.
It has two bakers.
Thought 2: I look for the bakers.
Action 2: Lookup[baker]
Observation 2: Could not find that.
Thought 3: Then I do not know.
Action 3: Finish[nobody]
Observation 3: Answer is INCORRECT
Correct answer: Anna
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("Search", {"input": "Ulm"}, "unknown"),
    ("Lookup", {"input": "baker"}, "unknown"),
    ("Finish", {"input": "nobody"}, "unknown"),
]
