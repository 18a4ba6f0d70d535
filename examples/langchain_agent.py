"""LangChain: an agent of ``create_agent`` with the middleware.    python examples/langchain_agent.py"""

from __future__ import annotations

import asyncio
from typing import Any

import library
from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool

from miner.integrations.langchain import speculate
from miner.runtime import Mode

TOOLS = [
    StructuredTool.from_function(coroutine=tool, name=tool.__name__) for tool in (library.search, library.open_page)
]


class Scripted(BaseChatModel):
    """A model that follows the script."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **more: Any) -> Any:
        """It knows them."""
        return self

    def _generate(self, messages: Any, **more: Any) -> Any:
        raise NotImplementedError

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any) -> ChatResult:
        await asyncio.sleep(library.THINK_S)
        number = sum(message.type == "ai" for message in messages)
        steps = library.STEPS[number : number + 1]
        calls = [{"name": tool, "args": arguments, "id": f"call-{number}"} for tool, arguments in steps]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=calls))])


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    middleware = speculate(library.bundle(), TOOLS, library.POLICY, mode=mode)  # this and …
    agent = create_agent(Scripted(), TOOLS, middleware=[middleware])  # … this is all
    state = await agent.ainvoke({"messages": [{"role": "user", "content": library.QUESTION}]})
    answers = [message.content for message in state["messages"] if message.type == "tool"]
    return answers, library.how(middleware.speculator)


if __name__ == "__main__":
    library.compare(run)
