"""pydantic-ai: a capability.

Agent(model, tools=tools, capabilities=[speculate(load_bundle("bundle.json"), policy, mode=Mode.ON)])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from miner.runtime.policy import Policy
from miner.runtime.run import Predictor
from miner.runtime.speculator import Speculator


class NoSuchToolError(LookupError):
    """A run has no such tool, so it cannot be called early."""


def speculate(bundle: Predictor, policy: Policy, **settings: Any) -> Any:
    """The capability; each run of the agent is a session of its own.

    Args:
        bundle: what predicts.
        policy: what may be called early, and how far.
        settings: any other of ``Speculator``.
    """
    from pydantic_ai.capabilities import AbstractCapability

    async def nobody(tool: str, _: Mapping[str, Any]) -> Any:
        raise NoSuchToolError(tool)

    class Speculate(AbstractCapability[Any]):  # type: ignore[misc, unused-ignore]
        """Answers foreseen calls."""

        def __init__(self, speculator: Speculator, run: Any = None) -> None:
            self.speculator, self._run = speculator, run
            self._toolset: Any = None
            if run is not None:
                self._session = speculator.session(run.run_id, execute=self._execute)

        async def for_run(self, ctx: Any) -> Any:
            """What one run has to itself."""
            return Speculate(self.speculator, ctx)

        def get_wrapper_toolset(self, toolset: Any) -> Any:
            """The toolset stays as it is; early calls go through it too."""
            self._toolset = toolset

        async def wrap_run(self, ctx: Any, *, handler: Any) -> Any:
            """A run, from the user's words to its end."""
            if isinstance(ctx.prompt, str):
                self._session.user_message(ctx.prompt)
            try:
                return await handler()
            finally:
                await self._session.close()

        async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
            """The model is asked."""
            self._run = ctx
            self._session.model_started()
            return await handler(request_context)

        async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:  # noqa: ARG002
            """The model calls a tool."""
            return await self._session.call(call.tool_name, call.args_as_dict(), lambda: handler(args))

        async def _execute(self, tool: str, arguments: Mapping[str, Any]) -> Any:
            ctx, toolset = self._run, self._toolset
            found = (await toolset.get_tools(ctx)).get(tool) if toolset is not None else None
            if found is None:
                raise NoSuchToolError(tool)
            return await toolset.call_tool(tool, found.args_validator.validate_python(dict(arguments)), ctx, found)

    return Speculate(Speculator(bundle, policy, execute=nobody, **settings))
