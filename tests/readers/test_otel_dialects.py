"""Traces: every dialect gives the same call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import recognise
from tests.readers.altered import altered
from tests.readers.otlp import ARGS, USER, asks, request, span
from tests.readers.reading import arguments, lines, read

DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "semantic conventions, JSON text": (
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": json.dumps([USER]),
            "gen_ai.output.messages": json.dumps([asks("c1")]),
        },
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": json.dumps(ARGS),
            "gen_ai.tool.call.result": "paid",
        },
    ),
    "semantic conventions, structured": (
        {"gen_ai.operation.name": "chat", "gen_ai.input.messages": [USER], "gen_ai.output.messages": [asks("c1")]},
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get",
            "gen_ai.tool.call.arguments": ARGS,
            "gen_ai.tool.call.result": "paid",
        },
    ),
    "OpenInference": (
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "Is o1 paid?",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "get",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": json.dumps(ARGS),
        },
        {
            "openinference.span.kind": "TOOL",
            "tool.name": "get",
            "tool.parameters": '{"type": "object"}',
            "input.value": json.dumps(ARGS),
            "output.value": "paid",
        },
    ),
    "OpenLLMetry": (
        {
            "llm.request.type": "chat",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Is o1 paid?",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.tool_calls.0.id": "c1",
            "gen_ai.completion.0.tool_calls.0.name": "get",
            "gen_ai.completion.0.tool_calls.0.arguments": json.dumps(ARGS),
        },
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "get",
            "traceloop.entity.input": json.dumps({"inputs": ARGS}),
            "traceloop.entity.output": json.dumps({"output": "paid"}),
        },
    ),
    "Vercel AI SDK": (
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.prompt.messages": json.dumps([{"role": "user", "content": [{"type": "text", "text": "Is o1 paid?"}]}]),
            "ai.response.toolCalls": json.dumps([{"toolCallId": "c1", "toolName": "get", "input": ARGS}]),
        },
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "get",
            "ai.toolCall.id": "c1",
            "ai.toolCall.args": json.dumps(ARGS),
            "ai.toolCall.result": '"paid"',
        },
    ),
    "pydantic-ai, old": (
        {
            "gen_ai.operation.name": "chat",
            "events": json.dumps(
                [
                    {"event.name": "gen_ai.user.message", **USER},
                    {
                        "event.name": "gen_ai.choice",
                        "message": {
                            "role": "assistant",
                            "tool_calls": [
                                {
                                    "id": "c1",
                                    "type": "function",
                                    "function": {"name": "get", "arguments": json.dumps(ARGS)},
                                }
                            ],
                        },
                    },
                ]
            ),
        },
        {"gen_ai.tool.name": "get", "tool_arguments": json.dumps(ARGS), "tool_response": "paid"},
    ),
    "MLflow, JSON in JSON": (
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"messages": [USER]}),
            "mlflow.spanOutputs": json.dumps(
                {
                    "choices": [
                        {
                            "message": {
                                "role": "assistant",
                                "tool_calls": [
                                    {"id": "c1", "function": {"name": "get", "arguments": json.dumps(ARGS)}}
                                ],
                            }
                        }
                    ]
                }
            ),
        },
        {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": json.dumps(ARGS), "mlflow.spanOutputs": '"paid"'},
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_call(tmp_path: Path, dialect: str) -> None:
    """One person, one step, one call with its result and the time of its span, in every dialect."""
    model, ran = DIALECTS[dialect]
    name = "running tool" if dialect.startswith("pydantic") else "get"
    path = lines(tmp_path, [request(span("3", "1", name, 100, 350, ran)), request(span("2", "1", "llm", 0, 90, model))])
    assert recognise(path) == "otel"
    found = read("otel", path)
    assert found.reasons == []
    [asked] = found.calls
    assert (asked.tool, arguments(asked), asked.text, asked.status) == ("get", ARGS, "paid", Status.OK)
    assert ((asked.end_us or 0) - (asked.start_us or 0), asked.time_source) == (250_000, TimeSource.SPAN)
    assert found.kinds == ["user_message", "model_step", "tool_call"]
    assert (found.session.application, found.session.native_id) == ("bakery", "a" * 32)
    [step] = found.of(EventKind.MODEL_STEP)
    assert ((step.end_us or 0) - (step.start_us or 0), step.time_source) == (90_000, TimeSource.SPAN)


DEEP: Any = "x"
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "odd",
    [DEEP, {"kept": DEEP, "message.role": "user"}, {".".join("a" * 3000): 1}, {"a.b": 1, "a": {"0": 2}}],
    ids=["lists", "lists beside a dotted key", "a key of thousands of dots", "a list where a name stood"],
)
def test_what_no_dialect_writes_ends_no_reading(tmp_path: Path, odd: Any) -> None:
    """Whatever a message holds, however deep: the call of the same answer is read."""
    model, ran = DIALECTS["semantic conventions, JSON text"]
    said = json.dumps([asks("c1"), {"role": "assistant", "content": odd}])
    about = {**model, "gen_ai.output.messages": said}
    path = lines(
        tmp_path, [request(span("3", "1", "get", 100, 350, ran)), request(span("2", "1", "llm", 0, 90, about))]
    )
    assert [(call.tool, call.text) for call in read("otel", path).calls] == [("get", "paid")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_that_an_attribute_may_be_ends_a_reading(tmp_path: Path, dialect: str) -> None:
    """Whatever stands where a dialect has something else, both spans are accounted for and nothing is raised."""
    model, ran = DIALECTS[dialect]
    pairs = [(odd, ran) for odd in altered(model)] + [(model, odd) for odd in altered(ran)]
    for asked, made in pairs:
        if isinstance(asked, dict) and isinstance(made, dict):
            spans = request(span("3", "1", "get", 100, 350, made)), request(span("2", "1", "llm", 0, 90, asked))
            path = lines(tmp_path, spans)
            assert read("otel", path).source.account.total == path.stat().st_size, (asked, made)
