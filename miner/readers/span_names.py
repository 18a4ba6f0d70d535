"""What spans mean, as data: which are tools, model calls and agents, and where each dialect keeps what they said."""

from __future__ import annotations

from enum import StrEnum


class Work(StrEnum):
    """What a span is about."""

    MODEL = "model"
    TOOL = "tool"
    AGENT = "agent"


SIGNS: tuple[tuple[str, dict[str, Work]], ...] = (
    (
        "gen_ai.operation.name",
        {
            **dict.fromkeys(("chat", "generate_content", "text_completion"), Work.MODEL),
            "execute_tool": Work.TOOL,
            "invoke_agent": Work.AGENT,
        },
    ),
    ("openinference.span.kind", {"LLM": Work.MODEL, "TOOL": Work.TOOL, "AGENT": Work.AGENT}),
    ("traceloop.span.kind", {"tool": Work.TOOL, "agent": Work.AGENT}),
    ("llm.request.type", {"chat": Work.MODEL, "completion": Work.MODEL}),
    (
        "ai.operationId",
        {
            "ai.toolCall": Work.TOOL,
            **dict.fromkeys(("ai.generateText.doGenerate", "ai.streamText.doStream"), Work.MODEL),
            **dict.fromkeys(("ai.generateText", "ai.streamText"), Work.AGENT),
        },
    ),
    ("mlflow.spanType", {"TOOL": Work.TOOL, "CHAT_MODEL": Work.MODEL, "LLM": Work.MODEL, "AGENT": Work.AGENT}),
    (
        "span.type",
        {
            "agentic.tool.invocation": Work.TOOL,
            **dict.fromkeys(("inference", "inference.framework"), Work.MODEL),
            "agentic.invocation": Work.AGENT,
        },
    ),
    ("mcp.method.name", {"tools/call": Work.TOOL}),
)
"""Attribute and its telling values: semantic conventions, OpenInference, OpenLLMetry, Vercel, MLflow, Monocle, MCP."""
TOOL_SPAN_NAMES = frozenset({"running tool"})
"""pydantic-ai before the conventions said it by the span's name only."""

TOOL_NAME = (
    "gen_ai.tool.name",
    "tool.name",
    "traceloop.entity.name",
    "ai.toolCall.name",
    "tool_name",
    "entity.1.name",
)
ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "ai.toolCall.args",
    "ai.toolCall.input",
    "tool_arguments",
    "traceloop.entity.input",
    "mlflow.spanInputs",
    "data.input.input",
    "input.value",
    "tool.parameters",
)
RESULT = (
    "gen_ai.tool.call.result",
    "ai.toolCall.result",
    "ai.toolCall.output",
    "tool_response",
    "traceloop.entity.output",
    "mlflow.spanOutputs",
    "data.output.response",
    "output.value",
)
CALL_ID = ("gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id", "tool.id", "tool_call_id")
MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.response.model", "ai.model.id")
TOKENS_IN = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.promptTokens",
    "metadata.prompt_tokens",
)
TOKENS_OUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.completionTokens",
    "metadata.completion_tokens",
)
SESSION = (
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "scope.agentic.session",
)
AGENT_NAME = ("gen_ai.agent.name", "agent.name", "traceloop.entity.name", "entity.1.name")
INPUT = (
    "gen_ai.input.messages",
    "llm.input_messages",
    "gen_ai.prompt",
    "ai.prompt.messages",
    "data.input.input",
)
OUTPUT = ("gen_ai.output.messages", "llm.output_messages", "gen_ai.completion", "data.output.response")
PROMPT = ("gen_ai.system_instructions",)
WHOLE = (("mlflow.spanInputs", "mlflow.spanOutputs"), ("input.value", "output.value"))
"""Request and response as JSON, where a model's messages are not attributes of their own."""
WRAPPERS = ("message", "tool_call", "message_content")
OLD_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
