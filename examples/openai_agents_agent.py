"""OpenAI Agents SDK: an agent and the hooks of its runs.    python examples/openai_agents_agent.py"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import library
from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from miner.integrations.openai_agents import speculate
from miner.runtime import Mode


class Scripted(Model):
    """A model that follows the script."""

    def __init__(self) -> None:
        self.steps = iter(library.STEPS)

    async def get_response(self, *args: Any, **more: Any) -> ModelResponse:
        """The next call, or the end."""
        await asyncio.sleep(library.THINK_S)
        step = next(self.steps, None)
        if step is None:
            text = ResponseOutputText(text="That is all.", type="output_text", annotations=[])
            item: Any = ResponseOutputMessage(
                id="m", content=[text], role="assistant", status="completed", type="message"
            )
        else:
            tool, arguments = step
            name = f"call-{tool}-{arguments}"
            item = ResponseFunctionToolCall(
                arguments=json.dumps(arguments), call_id=name, name=tool, type="function_call"
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **more: Any) -> Any:
        """Not here."""
        raise NotImplementedError


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    plain = Agent(
        name="reader", model=Scripted(), tools=[function_tool(library.search), function_tool(library.open_page)]
    )
    agent, hooks = speculate(plain, library.bundle(), library.POLICY, mode=mode)  # this, and hooks=hooks
    quiet = RunConfig(tracing_disabled=True)
    result = await Runner.run(agent, library.QUESTION, hooks=hooks, run_config=quiet)
    answers = [str(item.output) for item in result.new_items if item.type == "tool_call_output_item"]
    return answers, library.how(hooks.speculator)


if __name__ == "__main__":
    library.compare(run)
