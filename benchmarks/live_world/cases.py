"""The servers that are measured: how each is started, what it looks at, who uses it, and what may be called early."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.live_world import agents, worlds
from benchmarks.live_world.foreign import Steps, fetches
from benchmarks.live_world.servers import Package


@dataclass(frozen=True)
class Case:
    """One server with its world and its agent."""

    package: Package
    start: Callable[[str], list[str]]
    """What stands behind the server's command, for a world."""
    place: str
    """Where the world lies in the folder of the case; for a site, its address."""
    make: Callable[[Path], None]
    restore: Callable[[Path], None]
    """Puts the world back after a session."""
    agent: Callable[[random.Random, str], agents.Agent]
    policy: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the operator allows beside the starter policy."""
    flows: tuple[tuple[str, str], ...] = ()
    """What may go where early, in the operator's words."""
    known: str = ""
    """The server's name in the starter policy."""
    foreign: Callable[[Path, str, str], list[Steps]] | None = None
    """Somebody else's sessions in place of the agent's, of a folder of logs, a part and a world."""

    def root(self, folder: Path) -> str:
        """The world, as the agent names it."""
        return self.place if "://" in self.place else str(folder / self.place)


def _nothing(_: Path) -> None:
    """The world does not change."""


FETCHER = Package("pypi", "mcp-server-fetch", before=("env", "PATH=/nonexistent"))
"""Where it finds node it starts one for every page, which takes seconds on a small machine and hides the network."""
FETCH = {"level": "full", "effect": "local_read", "reads": ["site"], "speculation_safe": True}
"""The site is on this machine and the operator's own, so reading it early costs nobody anything."""
FLOWS = (("result:*", "open world"), ("argument:*", "open world"))
"""The server says that its tool reaches the open world: what its answers hold may go there all the same."""

CASES = {
    "filesystem": Case(
        Package("npm", "@modelcontextprotocol/server-filesystem", script="dist/index.js"),
        lambda root: [root],
        "texts",
        worlds.files,
        worlds.empty_notes,
        agents.reads_files,
        known="filesystem",
    ),
    "git": Case(
        Package("pypi", "mcp-server-git"),
        lambda root: ["--repository", root],
        "repository",
        worlds.repository,
        _nothing,
        agents.reads_history,
        known="git",
    ),
    "sqlite": Case(
        # Its last release does not start with version 2 of the MCP library, and does not say so.
        Package("pypi", "mcp-server-sqlite", beside=("mcp<2",)),
        lambda root: ["--db-path", root],
        "shop.db",
        worlds.database,
        worlds.forget_notes,
        agents.asks_database,
        known="sqlite",
    ),
    "fetch": Case(
        FETCHER,
        lambda _: ["--ignore-robots-txt", "--allow-private-ips"],
        f"http://127.0.0.1:{worlds.SITE_PORT}",
        _nothing,
        _nothing,
        agents.reads_pages,
        policy={"fetch": FETCH},
        flows=FLOWS,
    ),
    "fetch-livemcpbench": Case(
        FETCHER,
        lambda _: ["--ignore-robots-txt", "--allow-private-ips"],
        f"http://127.0.0.1:{worlds.SITE_PORT}",
        _nothing,
        _nothing,
        agents.reads_pages,
        policy={"fetch": FETCH},
        flows=FLOWS,
        foreign=fetches,
    ),
}
