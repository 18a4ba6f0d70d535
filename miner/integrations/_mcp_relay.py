"""One connection of the MCP proxy: passes lines on in the moment they arrive and as they are, answers foreseen calls.

It knows no pipes and no processes: whoever owns the connections calls ``from_client`` and ``from_server``. A call that
was not foreseen costs a look at its message.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.runtime.live import Call

from . import _mcp_wire as wire

if TYPE_CHECKING:
    from .mcp_proxy import Proxy

Write = Callable[[bytes], None]
Forward = Callable[[], None]
THINKS_AFTER_S = 0.005
"""A client that asks again within this time does not think; predicting then would only be in its way."""
LISTS_AFTER_S = 0.05
"""After the client's first word: a request of our own must not come before it."""
MOST_PAGES = 50
"""Pages of a server's list of tools that are asked for."""
_ASKED_OF_ANYONE = frozenset({"ping", "roots/list"})
"""Requests of a server that do not come from a tool."""
_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """A call of the client that is on its way."""

    call: Call
    forward: Forward
    answer: Write


class EarlyCallError(Exception):
    """An early call gave nothing that may answer a real one."""


class Relay:
    """One connection of a client to a server."""

    def __init__(self, proxy: Proxy, name: str, to_client: Write, to_server: Write) -> None:
        self._proxy, self._to_client, self._to_server = proxy, to_client, to_server
        self._prefix, self.speculator = proxy.prefix, proxy.speculator
        self._session = proxy.session(name, self._run_early)
        self._mark, self._numbers = f"miner-{secrets.token_hex(8)}-", itertools.count(1)
        self._early: dict[str, tuple[str, asyncio.Future[bytes]]] = {}
        """Id of an early call, as JSON text -> its tool, and what it waits for."""
        self._asked: dict[str, _Asked] = {}
        """Calls that the server is running for the client, by id."""
        self._adrift: dict[str, _Asked] = {}
        """Calls that the client took back while the server was at it."""
        self._serving: dict[str, asyncio.Task[None]] = {}
        """Calls that an early one answers, by id."""
        self._listing: set[str] = set()
        """Requests of the client, and of our own, for a list of tools."""
        self._pages = itertools.count(1)
        self._meta = "{}"
        self._thinks: asyncio.TimerHandle | None = None

    # --- lines ---------------------------------------------------------------------------------------------------

    def from_client(self, line: bytes, forward: Forward | None = None, answer: Write | None = None) -> None:
        """Takes a line of the client.

        Where each line has a way of its own, ``forward`` sends this one on as it came, and ``answer`` is called
        instead of it with a line for the client.
        """
        ways = forward or (lambda: self._to_server(line)), answer or self._to_client
        if not self._safely(lambda: self._take_from_client(line, *ways)):
            ways[0]()

    def from_server(self, line: bytes) -> None:
        """Takes a line of the server."""
        if not self._safely(lambda: self._take_from_server(line)):
            self._to_client(line)
            self.passed(line)

    def passed(self, line: bytes) -> None:
        """A line of the server was passed on, by us or by who knows that it belongs to the client."""
        self._safely(lambda: self._follow_server(line))

    def from_early(self, line: bytes) -> None:
        """Takes a line of the server that only an early call led to; the client gets nothing of it."""
        self._safely(lambda: self._take_early(line))

    def lost(self, id_: str) -> None:
        """No answer will come to a request any more; the id is JSON text."""
        _, future = self._early.get(id_, ("", None))
        if future is not None and not future.done():
            future.set_exception(EarlyCallError("the server gave no answer"))
        self._listing.discard(id_)
        if (serving := self._serving.get(id_)) is not None:
            serving.cancel()
        asked = self._asked.pop(id_, None) or self._adrift.pop(id_, None)
        if asked is not None:
            self._session.call_finished(asked.call, status="error")
            self._wait_for_thought()

    def owns(self, id_: str) -> bool:
        """True for the id of an early call, which nobody else can guess."""
        return id_.startswith(f'"{self._mark}')

    async def close(self) -> None:
        """The connection has ended: early calls are taken back, nothing is passed on any more."""
        if self._thinks is not None:
            self._thinks.cancel()
        for task in list(self._serving.values()):
            task.cancel()
        for _, future in self._early.values():
            if not future.done():
                future.set_exception(EarlyCallError("the connection has ended"))
        for asked in (*self._asked.values(), *self._adrift.values()):
            self._session.call_finished(asked.call, status="cancelled")
        self._asked.clear()
        self._adrift.clear()
        await self._session.close()

    def _safely(self, action: Callable[[], bool]) -> bool:
        """True when a line was dealt with; a fault of ours passes it on and leaves a plain relay."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection goes on without us
            _log.warning("the proxy only relays from now on (%s)", type(error).__name__)
            self.speculator.off()
            return False

    # --- the client ----------------------------------------------------------------------------------------------

    def _take_from_client(self, line: bytes, forward: Forward, answer: Write) -> bool:
        message = wire.read(line)
        if message is None:
            self.speculator.core.discard_all("not_understood")
            return False
        if message.method == "notifications/cancelled":
            return self._cancelled(message)
        if message.method == "notifications/initialized" and self._proxy.authority.compares:
            asyncio.get_running_loop().call_later(LISTS_AFTER_S, self._list)
        if not message.is_request:
            return False
        if message.method == "tools/call":
            return self._call(message, line, forward, answer)
        if message.method == "tools/list":
            self._listing.add(message.id or "")
        elif message.method not in wire.HARMLESS:
            self.speculator.core.discard_all("not_understood")
        return False

    def _call(self, message: wire.Message, line: bytes, forward: Forward, answer: Write) -> bool:
        """A tool is called: True when an early call will answer."""
        id_ = message.id or ""
        asked = wire.tool_call(message, line)
        if self._thinks is not None:
            self._thinks.cancel()
            self._thinks = None
        if asked is None or id_ in self._asked or id_ in self._serving:
            self.speculator.core.discard_all("not_understood")
            return False
        if asked.meta != self._meta:
            self._meta = asked.meta
            self.speculator.core.discard_all("meta_changed")
        tool = self._prefix + asked.tool
        call = (self._session.ask if asked.exact else self._session.call_started)(tool, asked.arguments)
        mine = _Asked(call, forward, answer)
        if call.run is None:
            self._asked[id_] = mine
            return False
        task = asyncio.get_running_loop().create_task(self._serve(id_, mine))
        self._serving[id_] = task
        return True

    async def _serve(self, id_: str, asked: _Asked) -> None:
        """Answers a call with what an early one gave, or hands it to the server after all."""
        status, result = "cancelled", None
        try:
            adopted = await self._session.adopt(asked.call)
            answer = None if adopted is None else wire.readdressed(adopted.value[1], adopted.value[0], id_)
            if answer is None:
                self._asked[id_] = asked
                asked.forward()
                return
            status, result = "ok", adopted and adopted.value
            asked.answer(answer)
        finally:
            del self._serving[id_]
            if id_ not in self._asked:
                self._session.call_finished(asked.call, result, status)
                self._wait_for_thought()

    def _cancelled(self, message: wire.Message) -> bool:
        """The client takes a request back; one that the server has never seen is ours to end."""
        params = message.body.get("params")
        id_ = json.dumps(params.get("requestId")) if isinstance(params, dict) else ""
        serving = self._serving.get(id_)
        if serving is not None:
            serving.cancel()
            return True
        asked = self._asked.pop(id_, None)
        if asked is not None and asked.call.changes:
            # Cancelled or not, it may still change something: what it would change counts as changing until it ends.
            self._adrift[id_] = asked
        elif asked is not None:
            self._session.call_finished(asked.call, status="cancelled")
        return False

    # --- the server ----------------------------------------------------------------------------------------------

    def _take_from_server(self, line: bytes) -> bool:
        """True for what only a speculation led to, so that the client never sees it."""
        if self._mark.encode() in line:
            message = wire.read(line)
            if message is not None and message.is_response and self.owns(message.id or ""):
                self._ended(message, line)
                return True
        if self._early and b'"method"' in line:
            message = wire.read(line)
            if message is not None and message.is_request and message.method not in _ASKED_OF_ANYONE:
                return self._asks_client(message)
        return False

    def _take_early(self, line: bytes) -> bool:
        message = wire.read(line)
        if message is not None and message.is_response:
            self._ended(message, line)
        elif message is not None and message.is_request:
            self._asks_client(message, certain=True)
        elif b"list_changed" in line:
            self.speculator.tools_changed()
        return True

    def _list(self, cursor: Any = None) -> None:
        """Asks which tools there are: whether they are those that were mined is known before any is called early."""
        id_ = f"{self._mark}{next(self._numbers)}"
        self._listing.add(json.dumps(id_))
        self._to_server(wire.list_request(id_, cursor))

    def _ended(self, message: wire.Message, line: bytes) -> None:
        """The answer to a request of our own."""
        if message.id in self._listing:
            self._answered(message)
            cursor = (message.body.get("result") or {}).get("nextCursor")
            if cursor is not None and next(self._pages) < MOST_PAGES:
                self._list(cursor)
            return
        _, future = self._early.get(message.id or "", ("", None))
        if future is None or future.done():
            return
        if wire.is_fine(message):
            future.set_result(line)
        else:
            future.set_exception(EarlyCallError("no complete answer"))

    def _asks_client(self, message: wire.Message, *, certain: bool = False) -> bool:
        """A tool asks the person or the model something, while it runs early for ``certain`` or perhaps."""
        self._proxy.authority.asked_somebody(tool for tool, _ in self._early.values())
        self._proxy.enforce()
        if self._asked and not certain:
            return False
        self._to_server(wire.refusal(message.id or ""))
        return True

    def _follow_server(self, line: bytes) -> bool:
        """What a line that was passed on means for what comes."""
        if not (self._asked or self._adrift or self._listing or b"list_changed" in line):
            return True
        message = wire.read(line)
        if message is None:
            self.speculator.core.discard_all("not_understood")
        elif message.method == "notifications/tools/list_changed":
            self.speculator.tools_changed()
        elif message.is_response:
            self._answered(message)
        return True

    def _answered(self, message: wire.Message) -> None:
        id_ = message.id or ""
        if id_ in self._listing:
            self._listing.remove(id_)
            self._proxy.authority.listed(wire.tools_of(message))
            self._proxy.enforce()
        asked = self._asked.pop(id_, None) or self._adrift.pop(id_, None)
        if asked is not None:
            status = "error" if "error" in message.body else "ok"
            self._session.call_finished(asked.call, message.body.get("result"), status)
            self._wait_for_thought()

    # --- early calls ---------------------------------------------------------------------------------------------

    async def _run_early(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, bytes]:
        """Has the server run a call that nobody asked for yet; (our id, the server's line)."""
        id_ = f"{self._mark}{next(self._numbers)}"
        future = asyncio.get_running_loop().create_future()
        self._early[json.dumps(id_)] = tool, future
        self._to_server(wire.tool_request(id_, tool.removeprefix(self._prefix), arguments, self._meta))
        try:
            return id_, await future
        except asyncio.CancelledError:
            self._to_server(wire.cancellation(id_))
            raise
        finally:
            del self._early[json.dumps(id_)]

    def _wait_for_thought(self) -> None:
        """Every call has its answer, so the model thinks, unless the client asks again at once."""
        if not self._asked and not self._serving and self._thinks is None:
            self._thinks = asyncio.get_running_loop().call_later(THINKS_AFTER_S, self._think)

    def _think(self) -> None:
        self._thinks = None
        self._session.model_started()
