"""The tables of observability platforms, a map for each: how to know its export, and where a span's parts lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from miner.readers.span_maps import SpanMap, cell, decoded
from miner.readers.values import listing, mapping, word


def _langsmith(row: dict[str, Any]) -> dict[str, Any]:
    """LangChain's lists of lists: the messages of the first prompt, the message of the first generation."""
    inputs, outputs = decoded(row.get("inputs")), decoded(row.get("outputs"))
    messages = listing(mapping(inputs).get("messages"))
    if messages and isinstance(messages[0], list):
        inputs = {**mapping(inputs), "messages": messages[0]}
    generations = listing(mapping(outputs).get("generations"))
    first = listing(generations[0]) if generations and isinstance(generations[0], list) else generations
    if first and "message" in mapping(first[0]):
        outputs = {"output": first[0]["message"]}
    return {**row, "inputs": inputs, "outputs": outputs}


def _braintrust(row: dict[str, Any]) -> dict[str, Any]:
    parents = decoded(row.get("span_parents"))
    return {**row, "span_parent": listing(parents)[0] if listing(parents) else None}


def _weave(row: dict[str, Any]) -> dict[str, Any]:
    """A call is a model's when it counted tokens; its operation is named by a reference."""
    operation = (word(row.get("op_name")) or "").rpartition("/op/")[2].partition(":")[0]
    usage = mapping(cell(row, ("summary.usage",)))
    kind = word(cell(row, ("attributes.kind", "attributes.weave.kind"))) or ("llm" if usage else "")
    model = next(iter(usage), None)
    counts = mapping(usage.get(model)) if model else {}
    inputs = {k: v for k, v in mapping(decoded(row.get("inputs"))).items() if k not in ("self", "cls")}
    known = {"model": model, "tokens_in": counts.get("prompt_tokens"), "tokens_out": counts.get("completion_tokens")}
    return {**row, **known, "kind": kind, "title": operation or row.get("op_name"), "inputs": inputs}


def _mlflow(row: dict[str, Any]) -> dict[str, Any]:
    """Attributes are JSON inside JSON; an older span keeps its ids apart."""
    attributes = {key: decoded(value) for key, value in mapping(row.get("attributes")).items()}
    return {**mapping(row.get("context")), **row, **attributes}


def expanded(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The spans of a row that holds a whole trace, with what the trace says of itself; any other row as it is."""
    spans = mapping(row.get("data")).get("spans")
    if "info" not in row or not isinstance(spans, list):
        yield row
        return
    info = mapping(row["info"])
    about = {
        **mapping(info.get("tags")),
        **mapping(info.get("request_metadata")),
        **mapping(info.get("trace_metadata")),
    }
    for span in spans:
        if isinstance(span, dict):
            yield {**span, "trace_session": about.get("mlflow.trace.session")}


MLFLOW = SpanMap(
    "mlflow",
    frozenset({"info", "data"}),
    id=("span_id",),
    trace=("trace_id",),
    parent=("parent_span_id", "parent_id"),
    title=("name",),
    kind=("mlflow.spanType",),
    start=("start_time_unix_nano", "start_time_ns", "start_time"),
    end=("end_time_unix_nano", "end_time_ns", "end_time"),
    input=("mlflow.spanInputs",),
    output=("mlflow.spanOutputs",),
    tools=frozenset({"tool"}),
    models=frozenset({"chat_model", "llm"}),
    agents=frozenset({"agent"}),
    session=("trace_session",),
    model=("mlflow.llm.model", "mlflow.chat.model"),
    tokens_in=("mlflow.chat.tokenUsage.input_tokens",),
    tokens_out=("mlflow.chat.tokenUsage.output_tokens",),
    failed=("status.code", "status.status_code", "status_code"),
    prepare=_mlflow,
)
LANGSMITH = SpanMap(
    "langsmith",
    frozenset({"run_type", "trace_id", "inputs", "outputs"}),
    id=("id",),
    trace=("trace_id",),
    parent=("parent_run_id",),
    title=("name",),
    kind=("run_type",),
    start=("start_time",),
    end=("end_time",),
    input=("inputs",),
    output=("outputs",),
    tools=frozenset({"tool"}),
    models=frozenset({"llm"}),
    # ``session_id`` is the project here.
    session=("extra.metadata.thread_id", "extra.metadata.session_id", "extra.metadata.conversation_id", "thread_id"),
    call_id=("outputs.output.tool_call_id", "outputs.tool_call_id"),
    model=("extra.metadata.ls_model_name", "extra.invocation_params.model", "extra.invocation_params.model_name"),
    tokens_in=("prompt_tokens",),
    tokens_out=("completion_tokens",),
    failed=("error",),
    service=("session_name", "project_name"),
    prepare=_langsmith,
)
LANGFUSE = SpanMap(
    "langfuse",
    frozenset({"type", "parent_observation_id", "trace_id"}),
    id=("id",),
    trace=("trace_id", "traceId"),
    parent=("parent_observation_id", "parentObservationId"),
    title=("name",),
    kind=("type",),
    start=("start_time", "startTime"),
    end=("end_time", "endTime"),
    input=("input",),
    output=("output",),
    tools=frozenset({"tool"}),
    models=frozenset({"generation"}),
    agents=frozenset({"agent"}),
    session=("session_id", "sessionId"),
    call_id=("metadata.tool_call_id", "metadata.attributes.gen_ai.tool.call.id"),
    model=("provided_model_name", "providedModelName", "model"),
    tokens_in=("usage_details.input", "usageDetails.input"),
    tokens_out=("usage_details.output", "usageDetails.output"),
    failed=("level",),
    service=("trace_name", "environment"),
)
BRAINTRUST = SpanMap(
    "braintrust",
    frozenset({"span_id", "root_span_id", "span_attributes"}),
    id=("span_id",),
    trace=("root_span_id",),
    parent=("span_parent",),
    title=("span_attributes.name",),
    kind=("span_attributes.type",),
    start=("metrics.start",),
    end=("metrics.end",),
    input=("input",),
    output=("output",),
    tools=frozenset({"tool"}),
    models=frozenset({"llm"}),
    session=("metadata.session_id", "metadata.thread_id", "metadata.conversation_id"),
    call_id=("metadata.tool_call_id",),
    model=("metadata.model",),
    tokens_in=("metrics.prompt_tokens",),
    tokens_out=("metrics.completion_tokens",),
    failed=("error",),
    service=("project_name",),
    prepare=_braintrust,
)
WEAVE = SpanMap(
    "weave",
    frozenset({"op_name", "trace_id", "started_at"}),
    id=("id",),
    trace=("trace_id",),
    parent=("parent_id",),
    title=("title",),
    kind=("kind",),
    start=("started_at",),
    end=("ended_at",),
    input=("inputs",),
    output=("output",),
    tools=frozenset({"tool"}),
    models=frozenset({"llm"}),
    agents=frozenset({"agent"}),
    session=("thread_id",),
    model=("model",),
    tokens_in=("tokens_in",),
    tokens_out=("tokens_out",),
    failed=("exception",),
    prepare=_weave,
)
OPENAI_AGENTS = SpanMap(
    "openai_agents",
    frozenset({"object", "span_data", "trace_id"}),
    id=("id",),
    trace=("trace_id",),
    parent=("parent_id",),
    title=("span_data.name",),
    kind=("span_data.type",),
    start=("started_at",),
    end=("ended_at",),
    input=("span_data.input",),
    output=("span_data.output",),
    tools=frozenset({"function"}),
    models=frozenset({"generation", "response"}),
    agents=frozenset({"agent"}),
    session=("group_id",),
    model=("span_data.model",),
    tokens_in=("span_data.usage.input_tokens",),
    tokens_out=("span_data.usage.output_tokens",),
    failed=("error",),
)
CAMEL = {"parent_observation_id": "parentObservationId", "trace_id": "traceId"}
"""Langfuse's API writes what its exports write, in another case."""
MAPS = (MLFLOW, LANGSMITH, LANGFUSE, BRAINTRUST, WEAVE, OPENAI_AGENTS)


def map_for(columns: set[str]) -> SpanMap | None:
    """The map whose columns these are."""
    for table in MAPS:
        if table.signs <= columns or {CAMEL.get(sign, sign) for sign in table.signs} <= columns:
            return table
    return None
