"""FastMCP: a middleware that speculates inside a server, or in a proxy that FastMCP makes of any server.

server.add_middleware(speculate(server, load_bundle("bundle.json"), policy, mode=Mode.ON))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from miner.runtime.policy import Policy
from miner.runtime.run import Predictor
from miner.runtime.speculator import Speculator

MOST_SESSIONS = 256
"""Beyond this the oldest is closed: a server is not told when a client is gone."""


class EarlyToolError(Exception):
    """An early call ended with an error, which is nobody's answer."""


def client_of(context: Any) -> str:
    """Whose call it is: over pipes there is one client; else the connection, if the protocol in use has any."""
    own = context.fastmcp_context
    return "stdio" if own.transport == "stdio" else str(own.session_id)


def speculate(
    server: Any, bundle: Predictor, policy: Policy, *, session_of: Callable[[Any], str] = client_of, **settings: Any
) -> Any:
    """The middleware. An answer that was given is taken as the start of the model: a server hears no more of it.

    Args:
        server: the FastMCP server; early calls run in it without its middleware.
        bundle: what predicts.
        policy: what may be called early.
        session_of: names the session of a call; over HTTP without connections, from what the client sends.
        settings: any other of ``Speculator``.
    """
    from fastmcp.server.middleware import Middleware

    async def execute(tool: str, arguments: Mapping[str, Any]) -> Any:
        result = await server.call_tool(tool, dict(arguments), run_middleware=False)
        if getattr(result, "is_error", False):
            raise EarlyToolError(tool)
        return result

    class Speculate(Middleware):  # type: ignore[misc, unused-ignore]
        """Answers foreseen calls."""

        def __init__(self) -> None:
            self.speculator = Speculator(bundle, policy, execute=execute, **settings)
            self._latest: dict[str, None] = {}

        async def on_call_tool(self, context: Any, call_next: Any) -> Any:
            """One call of a client."""
            name, asked = session_of(context), context.message
            self._latest[name] = self._latest.pop(name, None)
            if len(self._latest) > MOST_SESSIONS:
                oldest = next(iter(self._latest))
                del self._latest[oldest]
                await self.speculator.session(oldest).close()
            session = self.speculator.session(name)
            result = await session.call(asked.name, asked.arguments or {}, lambda: call_next(context))
            session.model_started()
            return result

    return Speculate()
