"""LangGraph: a wrapper for the calls of a ``ToolNode``, and one line for the node that asks the model.

foresight = Foresight(load_bundle("bundle.json"), tools, policy, mode=Mode.ON)
ToolNode(tools, awrap_tool_call=foresight.tool_call)      # and in the model's node: foresight.model_started(state)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from miner.runtime.policy import Policy
from miner.runtime.run import Predictor
from miner.runtime.speculator import Session, Speculator


class EarlyToolError(Exception):
    """An early call ended with an error, which is nobody's answer."""


class Foresight:
    """The speculator of a graph's tools."""

    def __init__(self, bundle: Predictor, tools: Iterable[Any], policy: Policy, **settings: Any) -> None:
        """``tools`` are those that may be called early; ``settings`` any other of ``Speculator``."""
        self._tools = {tool.name: tool for tool in tools}
        self._told: dict[str, int] = {}
        self.speculator = Speculator(
            bundle, policy, execute=self._execute, **{"describe_result": _described, **settings}
        )

    def model_started(self, state: Mapping[str, Any]) -> None:
        """The model is asked next."""
        session, messages = self._session(state), state["messages"]
        for message in messages[self._told.get(session.live.id, 0) :]:
            if message.type == "human":
                session.user_message(_text(message))
        self._told[session.live.id] = len(messages)
        session.model_started()

    async def tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """One call of the model; its message keeps the id that the model gave it."""
        asked = request.tool_call
        message = await self._session(request.state).call(asked["name"], asked["args"], lambda: handler(request))
        if getattr(message, "tool_call_id", asked["id"]) != asked["id"]:
            message = message.model_copy(update={"tool_call_id": asked["id"]})
        return message

    async def close(self, state: Mapping[str, Any]) -> None:
        """The run is over."""
        session = self._session(state)
        self._told.pop(session.live.id, None)
        await session.close()

    async def _execute(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        call = {"type": "tool_call", "name": tool, "args": dict(arguments), "id": "early"}
        message = await self._tools[tool].ainvoke(call)
        if getattr(message, "status", "success") != "success":
            raise EarlyToolError(tool)
        return message

    def _session(self, state: Mapping[str, Any]) -> Session:
        """The conversation is known by its first message: LangGraph gives each an id of its own."""
        return self.speculator.session(str(state["messages"][0].id))


def _described(message: Any) -> tuple[str, str]:
    return ("error" if getattr(message, "status", "") == "error" else "ok"), _text(message)


def _text(message: Any) -> str:
    content = getattr(message, "content", "")
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if isinstance(block, dict))
