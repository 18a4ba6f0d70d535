"""The spans of one session -> its events: model spans are steps, tool spans are calls, nested agents are sub-sessions.

What a model answered gives the order of calls and their ids; tool spans give times, results and failures. They are
joined by id, else by tool and arguments, else by tool and time. A tool span that no answer names belongs to the model
span before it, because instrumentations list only one of several parallel calls, or none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from miner.events import Caller, Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.blocks import first, make_result
from miner.readers.changed import changed
from miner.readers.content import arguments_of, parsed
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.history import Context
from miner.readers.items import turns_of
from miner.readers.source import Source
from miner.readers.span_dialects import Said, said, text_attribute, tool_call
from miner.readers.span_names import AGENT_NAME, MODEL, RESULT, TOKENS_IN, TOKENS_OUT
from miner.readers.span_rows import Span
from miner.readers.span_tree import Lane, lanes_of
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count


@dataclass(slots=True)
class _Tool:
    """A tool span with the call it ran and what came back."""

    span: Span
    call: Call
    result: Result
    nested: bool
    start: int
    arguments: object
    """As values, to be compared."""
    taken: bool = False


@dataclass(slots=True)
class _Step:
    """A model span with what it said and the tools that it led to."""

    span: Span
    said: Said
    tools: list[tuple[Call, _Tool | None]] = field(default_factory=list)


def sessions_of(source: Source, spans: Sequence[Span], reader: str, native_id: str) -> Iterator[Session | Event]:
    """The session of these spans, and one for each agent nested in it."""
    lanes = lanes_of(spans)
    keys = {lane.id: session_key(reader, native_id, lane.id) for lane in lanes}
    for lane in lanes:
        conversation = Conversation(keys[lane.id], quiet=Status.OK)
        _tell(conversation, lane)
        source.account.unknown += conversation.passed_over
        events = conversation.events()
        if not events:
            continue
        times = [t for span in (*lane.models, *lane.tools) for t in (span.start_us, span.end_us) if t is not None]
        models = [event.model for event in events if event.model]
        service = next((span.service for span in spans if span.service), None)
        has_parent = lane.parent is not None and lane.parent in keys
        yield Session(
            keys[lane.id],
            reader,
            f"{native_id}/{lane.id}" if lane.id else native_id,
            relation="subagent" if has_parent else "root",
            parent=keys[lane.parent] if has_parent and lane.parent is not None else None,
            spawned_by=tool_call(lane.spawner).id or lane.spawner.id if has_parent and lane.spawner else None,
            agent=(text_attribute(lane.agent, AGENT_NAME) or lane.agent.name) if lane.agent else None,
            model=models[0] if models else None,
            application=service,
            started_us=min(times, default=None),
            ended_us=max(times, default=None),
        )
        yield from events


def _tell(conversation: Conversation, lane: Lane) -> None:
    tools = [_tool(span, nested=span.id in lane.nested) for span in lane.tools]
    steps = [_Step(span, said(span)) for span in lane.models]
    steps = [step for step in steps if step.said.answer or not step.span.failed]
    _lend_answers(steps)
    _fill_results(tools, steps)
    _join(steps, tools)
    contexts: list[Context] = []
    early = [tool for tool in tools if not tool.taken]
    for group in _overlapping(early):
        _run(conversation, Turn(Role.MODEL, time_us=group[0].span.start_us), [(tool.call, tool) for tool in group])
    for step in steps:
        for turn in _news(conversation, contexts, step.said.shown):
            if turn.role is not Role.TOOL:
                conversation.add(turn)
                continue
            results = tuple(result for result in turn.results if conversation.waits_for(result))
            if results or not tools:
                conversation.add(changed(turn, results=results or turn.results))
        _run(conversation, _turn(step), step.tools)


def _tool(span: Span, *, nested: bool) -> _Tool:
    call = tool_call(span)
    return _Tool(span, call, _result(span), nested, span.start_us or 0, _arguments(call))


def _news(conversation: Conversation, contexts: list[Context], shown: Sequence[Turn]) -> Sequence[Turn]:
    """What a model span was shown for the first time; agents without a span of their own have a context each."""
    if not shown:
        return ()
    best = max(contexts, key=lambda context: context.shared(shown), default=None)
    if best is None or (best.shared(shown) == 0 and not _is_related(conversation, shown)):
        best = Context(loose=True)
        contexts.append(best)
    news = best.news(shown)
    if news.compacted:
        conversation.compaction()
    best.extend([Turn(Role.MODEL)])
    return news.turns


def _is_related(conversation: Conversation, shown: Sequence[Turn]) -> bool:
    """Whether a span was shown a call that is told already."""
    asked = {call.id for turn in shown for call in turn.calls}
    return bool(asked) and any(event.call_id in asked for event in conversation.events())


def _turn(step: _Step) -> Turn:
    attributes = step.span.attributes
    words = [turn.text for turn in step.said.answer if turn.text]
    tokens = [first(attributes, *names) for names in (TOKENS_IN, TOKENS_OUT)]
    end = step.span.end_us if step.span.end_us is not None else step.span.start_us
    return Turn(
        Role.MODEL,
        "\n".join(words) or None,
        time_us=end,
        start_us=step.span.start_us,
        time_source=TimeSource.SPAN,
        uid=step.span.id,
        model=text_attribute(step.span, MODEL),
        passed_over=sum(turn.passed_over for turn in step.said.answer),
        tokens_in=count(tokens[0]),
        tokens_out=count(tokens[1]),
    )


def _run(conversation: Conversation, turn: Turn, tools: Sequence[tuple[Call, _Tool | None]]) -> None:
    """A step, its calls, and the results that their spans hold."""
    calls, results = [], []
    for call, tool in tools:
        identity = call.id or (tool.call.id if tool else None) or (tool.span.id if tool else None)
        caller = Caller.PROGRAM if tool is not None and tool.nested else call.caller
        calls.append(changed(call, id=identity, caller=caller))
        if tool is not None:
            results.append(changed(tool.result, id=identity))
    conversation.add(changed(turn, calls=tuple(calls)))
    if results:
        conversation.add(Turn(Role.TOOL, results=tuple(results)))


def _result(span: Span) -> Result:
    content = first(span.attributes, *RESULT)
    value = parsed(content) if isinstance(content, str) and content[:1] in '{["' else content
    if isinstance(value, str):
        content = value
    if isinstance(value, dict) and set(value) == {"output"}:
        value = content = value["output"]
    message = next((r for t in turns_of(value) if t.role is Role.TOOL for r in t.results), None)
    flagged = isinstance(value, dict) and "isError" in value and isinstance(value.get("content"), list)
    if message is None:
        message = make_result(value["content"], value, None) if flagged else make_result(content, {}, None)
    status = message.status
    if span.failed:
        status = Status.ERROR
    elif status is Status.UNKNOWN and span.end_us is not None:
        status = Status.OK
    return changed(
        message,
        text=_with_error(message.text, span.error),
        status=status,
        native_error=span.failed if span.failed is not None else message.native_error,
        start_us=span.start_us if span.end_us is not None else None,
        end_us=span.end_us,
    )


def _with_error(text: str | None, error: str | None) -> str | None:
    """What came back and what is said to have gone wrong, once where both are the same."""
    return text if error is None or (text and error in text) else f"{text}\n{error}" if text else error


def _lend_answers(steps: list[_Step]) -> None:
    """Where an answer was not recorded, the next span's history still holds it."""
    for step, later in pairwise(steps):
        if step.said.answer:
            continue
        before = sum(turn.role is Role.MODEL for turn in step.said.shown)
        echoed = [turn for turn in later.said.shown if turn.role is Role.MODEL][before : before + 1]
        step.said = Said(step.said.shown, tuple(echoed))


def _fill_results(tools: list[_Tool], steps: list[_Step]) -> None:
    """Where a tool span holds no result, the first model span that was shown it does."""
    sight: dict[str, str] = {}
    for step in steps:
        for result in (r for turn in step.said.shown for r in turn.results):
            if result.id and result.text is not None:
                sight.setdefault(result.id, result.text)
    for tool in tools:
        identity = tool.call.id or tool.result.id
        if tool.result.text is None and identity in sight:
            tool.result = changed(tool.result, text=sight[identity])


def _join(steps: list[_Step], tools: list[_Tool]) -> None:
    """Give each call the span that ran it, and each span left over to the step before it; both lists go by time."""
    ran = _Ran(tools)
    for number, step in enumerate(steps):
        start = step.span.start_us or 0
        end = steps[number + 1].span.start_us if number + 1 < len(steps) else None
        calls = [call for turn in step.said.answer for call in turn.calls]
        found: dict[int, _Tool] = {}
        for index, call in enumerate(calls):
            if (tool := ran.same(call, start)) is not None:
                found[index] = tool
        for index, call in enumerate(calls):
            if index not in found and (tool := ran.alike(call, start, end)) is not None:
                found[index] = tool
        step.tools += [(call, found.get(index)) for index, call in enumerate(calls)]
    starts = [step.span.start_us or 0 for step in steps]
    for tool in tools:
        before = bisect_right(starts, tool.start)
        if not tool.taken and before:
            tool.taken = True
            steps[before - 1].tools.append((tool.call, tool))


class _Ran:
    """Tool spans by name and by id, in the order of time."""

    def __init__(self, tools: list[_Tool]) -> None:
        self._by_name: dict[str, list[_Tool]] = {}
        self._by_id: dict[str, list[_Tool]] = {}
        for tool in tools:
            self._by_name.setdefault(tool.call.name, []).append(tool)
            for identity in {tool.call.id, tool.result.id}:
                if identity is not None:
                    self._by_id.setdefault(identity, []).append(tool)

    def same(self, call: Call, start: int) -> _Tool | None:
        """The span that says it ran this call: by id, else by tool and arguments, however late."""
        if call.id is not None:
            for tool in _free(self._by_id.get(call.id, []), start):
                return _take(tool)
        wanted: object = None
        for number, tool in enumerate(_free(self._by_name.get(call.name, []), start)):
            wanted = _arguments(call) if number == 0 else wanted
            if _may_be(call, tool) and tool.arguments == wanted:
                return _take(tool)
        return None

    def alike(self, call: Call, start: int, end: int | None) -> _Tool | None:
        """A span of this tool before the model thought again: defaults may be filled in, or arguments not recorded."""
        for tool in _free(self._by_name.get(call.name, []), start):
            if end is not None and tool.start >= end:
                return None
            if _may_be(call, tool):
                return _take(tool)
        return None


def _free(tools: list[_Tool], start: int) -> Iterator[_Tool]:
    """Those that no call has yet, from a time on."""
    for at in range(bisect_left(tools, start, key=lambda tool: tool.start), len(tools)):
        if not tools[at].taken:
            yield tools[at]


def _take(tool: _Tool) -> _Tool:
    tool.taken = True
    return tool


def _may_be(call: Call, tool: _Tool) -> bool:
    return call.id is None or tool.call.id in (None, call.id)


def _arguments(call: Call) -> object:
    return parsed(arguments_of(call.arguments)[0])


def _overlapping(tools: list[_Tool]) -> Iterator[list[_Tool]]:
    """Tools that ran at the same time were asked for together: all that a trace without model spans can tell."""
    group: list[_Tool] = []
    end = 0
    for tool in tools:
        start = tool.start
        if group and start >= end:
            yield group
            group = []
        group.append(tool)
        end = max(end, tool.span.end_us or start)
    if group:
        yield group
