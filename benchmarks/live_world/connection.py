"""A client of an MCP server over pipes: one call after the other, each with its time."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

START_S = 60


class Answer(NamedTuple):
    """What a call gave."""

    text: str
    seconds: float
    result: dict[str, Any]
    """As the server wrote it."""


class Connection:
    """One session with a server, through whatever stands before it."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._number = 0
        about = {"protocolVersion": "2025-06-18", "capabilities": {}}
        self._ask("initialize", {**about, "clientInfo": {"name": "live-benchmark", "version": "1"}})
        self._send({"method": "notifications/initialized"})
        self.tools: list[dict[str, Any]] = self._ask("tools/list", {})["tools"]

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """The answer of a call."""
        start = time.perf_counter()
        result = self._ask("tools/call", {"name": tool, "arguments": arguments})
        seconds = time.perf_counter() - start
        texts = [block.get("text", "") for block in result.get("content", [])]
        return Answer("\n".join(texts), seconds, result)

    def close(self) -> None:
        """Ends it."""
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise SystemExit("the server has no input")
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            line = self._process.stdout.readline() if self._process.stdout is not None else b""
            if not line:
                raise SystemExit(f"the server has ended at {method}")
            message = json.loads(line)
            if message.get("id") == self._number and "method" not in message:
                return dict(message.get("result") or {"error": message.get("error")})
