"""LangGraph: a graph of one's own, with one argument and one line more.    python examples/langgraph_agent.py"""

from __future__ import annotations

from typing import Any

import library
from langchain_agent import TOOLS, Scripted
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from miner.integrations.langgraph import Foresight
from miner.runtime import Mode


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    foresight, model = Foresight(library.bundle(), TOOLS, library.POLICY, mode=mode), Scripted()

    async def ask(state: Any) -> Any:
        foresight.model_started(state)  # one line in the node that asks the model
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", ask)
    graph.add_node("tools", ToolNode(TOOLS, awrap_tool_call=foresight.tool_call))  # one argument
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")
    state = await graph.compile().ainvoke({"messages": [{"role": "user", "content": library.QUESTION}]})
    await foresight.close(state)
    answers = [message.content for message in state["messages"] if message.type == "tool"]
    return answers, library.how(foresight.speculator)


if __name__ == "__main__":
    library.compare(run)
