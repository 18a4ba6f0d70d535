"""What may be called early of one server: the operator's policy, lowered by what the server says and does."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from miner.runtime.effects import Level
from miner.runtime.fingerprint import fingerprint_of
from miner.runtime.policy import Policy

_log = logging.getLogger(__name__)
CHANGED, ASKS = "schema_changed", "asks_questions"
"""Why a tool is refused, as it stands in the ledger."""


class Authority:
    """Shared by all connections to a server."""

    def __init__(self, policy: Policy, prefix: str = "", fingerprints: Mapping[str, str] | None = None) -> None:
        """``prefix`` is what policy and fingerprints have before the names of this server's tools."""
        self._own, self._prefix, self._mined = policy, prefix, fingerprints or {}
        self._hints: dict[str, Mapping[str, Any]] = {}
        self._refused: dict[str, str] = {}

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        policy = self._own.lowered(self._hints)
        refused = {
            tool: replace(policy.rule(tool), level=Level.NEVER, refusal=reason)
            for tool, reason in self._refused.items()
        }
        return replace(policy, tools={**policy.tools, **refused})

    @property
    def compares(self) -> bool:
        """True when the bundle knows the schemas of tools, so that the server's list matters."""
        return bool(self._mined)

    def listed(self, tools: Iterable[Mapping[str, Any]]) -> None:
        """The server lists its tools: annotations and input schemas are taken note of.

        A tool whose schema is not the one that was mined is refused until it is listed with that one again.
        """
        for tool in tools:
            name, hint = self._prefix + tool["name"], tool.get("annotations")
            self._hints[name] = hint if isinstance(hint, dict) else {}
            mined = self._mined.get(name)
            if mined is None or mined == fingerprint_of(tool.get("inputSchema")):
                if self._refused.get(name) == CHANGED:
                    del self._refused[name]
            elif self._refused.setdefault(name, CHANGED) == CHANGED:
                _log.warning("%s takes other arguments than when it was mined: it is not called early", name)

    def asked_somebody(self, tools: Iterable[str]) -> None:
        """Tools that asked the person or the model something while they ran early: they are left alone from then on."""
        for tool in tools:
            self._refused[tool] = ASKS
