"""pydantic-ai: an agent with the capability.    python examples/pydantic_ai_agent.py"""

from __future__ import annotations

import asyncio
from typing import Any

import library
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from miner.integrations.pydantic_ai import speculate
from miner.runtime import Mode


async def scripted(messages: Any, info: Any) -> ModelResponse:
    """A model that follows the script."""
    await asyncio.sleep(library.THINK_S)
    number = sum(isinstance(message, ModelResponse) for message in messages)
    calls = [ToolCallPart(tool, arguments) for tool, arguments in library.STEPS[number : number + 1]]
    return ModelResponse(parts=calls or [TextPart("That is all.")])


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    capability = speculate(library.bundle(), library.POLICY, mode=mode)  # this and …
    tools = [library.search, library.open_page]
    agent = Agent(FunctionModel(scripted), tools=tools, capabilities=[capability])  # … this is all
    result = await agent.run(library.QUESTION)
    parts = [part for message in result.all_messages() for part in message.parts]
    answers = [str(part.content) for part in parts if part.part_kind == "tool-return"]
    return answers, library.how(capability.speculator)


if __name__ == "__main__":
    library.compare(run)
