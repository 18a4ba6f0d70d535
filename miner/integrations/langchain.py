"""LangChain: a middleware for ``create_agent``.

create_agent(model, tools, middleware=[speculate(load_bundle("bundle.json"), tools, policy, mode=Mode.ON)])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from miner.runtime.policy import Policy
from miner.runtime.run import Predictor

from .langgraph import Foresight


def speculate(bundle: Predictor, tools: Iterable[Any], policy: Policy, **settings: Any) -> Any:
    """The middleware, for agents that are run with ``ainvoke`` or ``astream``.

    Args:
        bundle: what predicts.
        tools: those that may be called early.
        policy: what may be called early, and how far.
        settings: any other of ``Speculator``.
    """
    from langchain.agents.middleware import AgentMiddleware

    class Speculate(AgentMiddleware):  # type: ignore[misc, unused-ignore]
        """Answers foreseen calls."""

        def __init__(self) -> None:
            super().__init__()
            self.foresight = Foresight(bundle, tools, policy, **settings)
            self.speculator = self.foresight.speculator

        async def awrap_model_call(self, request: Any, handler: Any) -> Any:
            """The model is asked."""
            self.foresight.model_started(request.state)
            return await handler(request)

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            """The model calls a tool."""
            return await self.foresight.tool_call(request, handler)

        async def aafter_agent(self, state: Any, runtime: Any) -> None:  # noqa: ARG002 - the framework's signature
            """The run is over."""
            await self.foresight.close(state)

    return Speculate()
