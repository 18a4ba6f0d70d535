"""Agent frameworks: a real agent with a scripted model; what was foreseen is answered early, and nothing else changes.

Each part is skipped, and counted, where its framework is not installed.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from miner.runtime.bundle import load_bundle
from miner.runtime.run import Mode
from tests.integrations.found_files import bundle, policy

FOUND = json.dumps({"items": [{"path": "a.txt"}, {"path": "b.txt"}]})
THINK_S = 0.15
SCRIPT: list[tuple[str, dict[str, Any]] | None] = [
    ("find", {}),
    ("open", {"path": "a.txt"}),
    ("open", {"path": "b.txt"}),
    None,
]


class Tools:
    """``find`` and ``open``, which remember what they were asked."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def find(self) -> str:
        """Lists the files."""
        self.ran.append("find")
        return FOUND

    async def open(self, path: str) -> str:
        """Reads a file."""
        self.ran.append(path)
        await asyncio.sleep(0.01)
        return f"content of {path}"


def how(speculator: Any) -> list[str]:
    """How each call was answered."""
    return [entry["how"] for entry in speculator.ledger if entry["kind"] == "call"]


SPECULATED = ["plain", "served", "served"]


def settled(found: list[str]) -> list[str]:
    """A busy machine may still be at it when the call comes: joined is as good as served here."""
    return ["served" if one == "joined" else one for one in found]


def test_fastmcp_answers_inside_the_server() -> None:
    """Through its own client; an early failure is not given out."""
    fastmcp = pytest.importorskip("fastmcp")
    from miner.integrations.fastmcp import speculate

    tools = Tools()
    server = fastmcp.FastMCP("files")
    server.tool(tools.find, output_schema=None)
    server.tool(tools.open, name="open", output_schema=None)
    middleware = speculate(server, load_bundle(bundle()), policy(), session_of=lambda context: "one", mode=Mode.ON)
    server.add_middleware(middleware)

    async def play() -> list[str]:
        texts = []
        async with fastmcp.Client(server) as client:
            for step in SCRIPT[:-1]:
                assert step is not None
                await asyncio.sleep(THINK_S)
                texts.append((await client.call_tool(*step)).content[0].text)
        return texts

    assert asyncio.run(play()) == [FOUND, "content of a.txt", "content of b.txt"]
    assert settled(how(middleware.speculator)) == SPECULATED


def langchain_model() -> Any:
    """A chat model that follows the script."""
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Model(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "scripted"

        def bind_tools(self, tools: Any, **more: Any) -> Any:
            return self

        def _generate(self, messages: Any, **more: Any) -> Any:
            raise NotImplementedError

        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any) -> Any:
            await asyncio.sleep(THINK_S)
            number = sum(message.type == "ai" for message in messages)
            step = SCRIPT[number]
            calls = [] if step is None else [{"name": step[0], "args": step[1], "id": f"call-{number}"}]
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=calls))])

    return Model()


def check_messages(messages: list[Any]) -> None:
    """The model saw each result under the id of its own call."""
    results = [(message.tool_call_id, message.content) for message in messages if message.type == "tool"]
    assert results == [("call-0", FOUND), ("call-1", "content of a.txt"), ("call-2", "content of b.txt")]


def test_langchain_agents_are_answered_early() -> None:
    """Two runs at once, each with a session of its own."""
    pytest.importorskip("langchain")
    from langchain.agents import create_agent
    from langchain_core.tools import StructuredTool

    from miner.integrations.langchain import speculate

    tools = Tools()
    own = [StructuredTool.from_function(coroutine=tools.find, name="find", description="x")]
    own.append(StructuredTool.from_function(coroutine=tools.open, name="open", description="x"))
    middleware = speculate(load_bundle(bundle()), own, policy(), mode=Mode.ON)
    agent = create_agent(langchain_model(), own, middleware=[middleware])

    async def play() -> list[Any]:
        asked = {"messages": [{"role": "user", "content": "read them"}]}
        return await asyncio.gather(agent.ainvoke(asked), agent.ainvoke(asked))

    for state in asyncio.run(play()):
        check_messages(state["messages"])
    found = settled(how(middleware.speculator))
    assert found.count("served") >= 2
    assert len(found) == 6


def test_langgraph_tool_nodes_are_answered_early() -> None:
    """A graph of one's own: one argument, and one line in the node that asks the model."""
    pytest.importorskip("langgraph")
    pytest.importorskip("langchain_core")
    from langchain_core.tools import StructuredTool
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode

    from miner.integrations.langgraph import Foresight

    tools, model = Tools(), langchain_model()
    own = [StructuredTool.from_function(coroutine=tools.find, name="find", description="x")]
    own.append(StructuredTool.from_function(coroutine=tools.open, name="open", description="x"))
    foresight = Foresight(load_bundle(bundle()), own, policy(), mode=Mode.ON)

    async def ask(state: Any) -> Any:
        foresight.model_started(state)
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", ask)
    graph.add_node("tools", ToolNode(own, awrap_tool_call=foresight.tool_call))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")

    async def play() -> Any:
        state = await graph.compile().ainvoke({"messages": [{"role": "user", "content": "read them"}]})
        await foresight.close(state)
        return state

    check_messages(asyncio.run(play())["messages"])
    assert settled(how(foresight.speculator)) == SPECULATED


def test_pydantic_ai_agents_are_answered_early() -> None:
    """Each run has its own session; arguments are compared as the model wrote them."""
    pytest.importorskip("pydantic_ai")
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    from miner.integrations.pydantic_ai import speculate

    async def model(messages: Any, info: Any) -> Any:
        await asyncio.sleep(THINK_S)
        step = SCRIPT[sum(isinstance(message, ModelResponse) for message in messages)]
        return ModelResponse(parts=[TextPart("done") if step is None else ToolCallPart(*step)])

    tools = Tools()
    capability = speculate(load_bundle(bundle()), policy(), mode=Mode.ON)
    agent = Agent(FunctionModel(model), tools=[tools.find, tools.open], capabilities=[capability])

    async def play() -> list[Any]:
        return await asyncio.gather(agent.run("read them"), agent.run("read them"))

    for result in asyncio.run(play()):
        parts = [part for message in result.all_messages() for part in message.parts]
        returned = [part.content for part in parts if part.part_kind == "tool-return"]
        assert returned == [FOUND, "content of a.txt", "content of b.txt"]
    found = settled(how(capability.speculator))
    assert found.count("served") >= 2
    assert len(found) == 6


def test_openai_agents_are_answered_early() -> None:
    """The wrapped tools answer; a tool that needs approval is left alone."""
    pytest.importorskip("agents")
    from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    from miner.integrations.openai_agents import speculate

    class Scripted(Model):
        def __init__(self) -> None:
            self.number = 0

        async def get_response(self, *args: Any, **more: Any) -> Any:
            await asyncio.sleep(THINK_S)
            step, self.number = SCRIPT[self.number], self.number + 1
            if step is None:
                text = ResponseOutputText(text="done", type="output_text", annotations=[])
                item: Any = ResponseOutputMessage(
                    id="m", content=[text], role="assistant", status="completed", type="message"
                )
            else:
                item = ResponseFunctionToolCall(
                    arguments=json.dumps(step[1]), call_id=f"c{self.number}", name=step[0], type="function_call"
                )
            return ModelResponse(output=[item], usage=Usage(), response_id=None)

        def stream_response(self, *args: Any, **more: Any) -> Any:
            raise NotImplementedError

    tools = Tools()

    @function_tool(needs_approval=True)
    async def remove(path: str) -> str:
        """Removes a file."""
        return path

    own = [function_tool(tools.find), function_tool(tools.open), remove]
    agent, hooks = speculate(
        Agent(name="reader", model=Scripted(), tools=own), load_bundle(bundle()), policy(), mode=Mode.ON
    )
    assert agent.tools[2] is remove

    async def play() -> Any:
        return await Runner.run(agent, "read them", hooks=hooks, run_config=RunConfig(tracing_disabled=True))

    result = asyncio.run(play())
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    assert outputs == [FOUND, "content of a.txt", "content of b.txt"]
    assert settled(how(hooks.speculator)) == SPECULATED
