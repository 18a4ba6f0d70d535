"""OpenAI Agents SDK: an agent whose function tools answer foreseen calls, and the hooks that tell when it thinks.

agent, hooks = speculate(agent, load_bundle("bundle.json"), policy, mode=Mode.ON)
await Runner.run(agent, "…", hooks=hooks)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from miner.runtime.policy import Policy
from miner.runtime.run import Predictor
from miner.runtime.speculator import Session, Speculator

FAILED = "An error occurred while running the tool"
"""How the SDK begins the text that it makes of a tool's error."""


class EarlyToolError(Exception):
    """An early call ended with an error, which is nobody's answer."""


def speculate(agent: Any, bundle: Predictor, policy: Policy, **settings: Any) -> tuple[Any, Any]:
    """(the agent, hooks for its runs). Tools that need approval or have guardrails are left as they are.

    Args:
        agent: any agent of the SDK.
        bundle: what predicts.
        policy: what may be called early, and how far.
        settings: any other of ``Speculator``.
    """
    from agents import FunctionTool, RunHooks
    from agents.tool_context import ToolContext

    plain = {tool.name: tool for tool in agent.tools if isinstance(tool, FunctionTool) and _is_unguarded(tool)}
    # A run is known by its count of tokens, which all its contexts share; holding it keeps its identity its own.
    runs: dict[int, tuple[Any, Session]] = {}

    async def execute(tool: str, arguments: Mapping[str, Any]) -> Any:
        text = json.dumps(arguments)
        context = ToolContext(context=None, tool_name=tool, tool_call_id="early", tool_arguments=text)
        result = await plain[tool].on_invoke_tool(context, text)
        if isinstance(result, str) and result.startswith(FAILED):
            raise EarlyToolError(tool)
        return result

    speculator = Speculator(bundle, policy, execute=execute, **settings)

    def session_of(context: Any) -> Session:
        usage = context.usage
        if id(usage) not in runs:
            runs[id(usage)] = usage, speculator.session(f"run-{id(usage)}")
        return runs[id(usage)][1]

    def wrapped(tool: Any) -> Any:
        async def invoke(context: Any, text: str) -> Any:
            arguments = _object(text)
            if arguments is None:
                return await tool.on_invoke_tool(context, text)
            return await session_of(context).call(tool.name, arguments, lambda: tool.on_invoke_tool(context, text))

        return replace(tool, on_invoke_tool=invoke)

    class Hooks(RunHooks[Any]):  # type: ignore[misc, unused-ignore]
        """Tells the speculator when the model thinks."""

        def __init__(self) -> None:
            self.speculator = speculator

        async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:  # noqa: ARG002
            """The model is asked."""
            known = id(context.usage) in runs
            session = session_of(context)
            for item in () if known else input_items:
                if isinstance(item, dict) and item.get("role") == "user" and isinstance(item.get("content"), str):
                    session.user_message(item["content"])
            session.model_started()

        async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:  # noqa: ARG002
            """The run is over."""
            await session_of(context).close()
            runs.pop(id(context.usage), None)

    tools = [wrapped(tool) if plain.get(getattr(tool, "name", "")) is tool else tool for tool in agent.tools]
    return agent.clone(tools=tools), Hooks()


def _is_unguarded(tool: Any) -> bool:
    guards = ("needs_approval", "tool_input_guardrails", "tool_output_guardrails")
    return not any(getattr(tool, name, None) for name in guards)


def _object(text: str) -> dict[str, Any] | None:
    """The arguments, if they are an object."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
