"""``miner proxy`` over HTTP: the MCP library's own clients and servers, on either side of it, in real processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.found_files import bundle

pytest.importorskip("uvicorn")
fastmcp = pytest.importorskip("fastmcp")
mcp = pytest.importorskip("mcp")

SERVER = [sys.executable, str(Path(__file__).with_name("library_server.py"))]
MINER = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())", "proxy"]
POLICY = {
    "format": 1,
    "tools": {
        "find": {"level": "full", "effect": "local_read", "reads": ["files"]},
        "open": {"level": "full", "effect": "local_read", "reads": ["files"]},
        "count": {"level": "never", "effect": "local_read", "reads": ["files"]},
        "think": {"level": "never", "effect": "local_read", "reads": ["files"]},
        "much": {"level": "never", "effect": "local_read", "reads": ["files"]},
        "write": {"effect": "write", "writes": ["files"]},
    },
}
WAYS = ["http to http", "pipes to http", "http to pipes"]


class Started:
    """A process whose stderr is read as it comes."""

    def __init__(self, command: list[str], cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=cwd, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def wait_for(self, pattern: str, seconds: float = 300.0) -> re.Match[str]:
        """The first line that fits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            time.sleep(0.01)
        raise AssertionError(f"no {pattern} in {self.lines}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(timeout=5)


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def upstream(*more: str) -> Iterator[tuple[str, Started]]:
    """The address of the library's server, and its process."""
    port = free_port()
    started = Started([*SERVER, "--http", str(port), *more])
    try:
        end = time.monotonic() + 300
        while time.monotonic() < end:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp", started
    finally:
        started.close()


@contextmanager
def listening(options: list[str], *server: str) -> Iterator[tuple[str, Started]]:
    """The address of a proxy, and its process."""
    started = Started([*MINER, *options, "--listen", "127.0.0.1:0", *server])
    try:
        yield started.wait_for(r"listening at (\S+)")[1], started
    finally:
        started.close()


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Options that allow reading early."""
    (tmp_path / "bundle.json").write_bytes(bundle())
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    ledger = str(tmp_path / "ledger.jsonl")
    return ["--bundle", str(tmp_path), "--policy", str(tmp_path / "policy.json"), "--mode", "on", "--ledger", ledger]


@contextmanager
def joined(way: str, options: list[str]) -> Iterator[tuple[Any, Started | None]]:
    """What a client connects to, and the process that says what the server did, if the client has not started it."""
    from fastmcp.client.transports import StdioTransport

    if way == "http to pipes":
        with listening(options, "--", *SERVER) as (address, started):
            yield address, started
        return
    with upstream() as (url, server):
        if way == "pipes to http":
            yield StdioTransport(MINER[0], [*MINER[1:], *options, "--upstream-url", url]), server
        else:
            with listening(options, "--upstream-url", url) as (address, _):
                yield address, server


def entries(tmp_path: Path, kind: str) -> list[dict[str, Any]]:
    """Lines of the ledger."""
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def wait_for_entry(tmp_path: Path, kind: str, tool: str, seconds: float = 300.0) -> None:
    """Waits until the ledger holds such a line."""
    end = time.monotonic() + seconds
    while not any(one.get("tool") == tool for one in entries(tmp_path, kind)):
        assert time.monotonic() < end, f"{tool} was not {kind}"
        time.sleep(0.02)


@pytest.mark.parametrize("version", ["legacy", "auto"])
@pytest.mark.parametrize("way", WAYS)
def test_the_mcp_library_works_through_the_proxy(way: str, version: Any, options: list[str], tmp_path: Path) -> None:
    """List, call, error, progress, resource, sampling, list-changed, a large answer; one call answered early.

    In the protocol with sessions, and in the newest that both sides have, which has no questions of a server.
    """
    progress: list[float] = []
    notices: list[str] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async def sampled(messages: Any, params: Any, context: Any) -> str:
        return "yes"

    async def noticed(message: Any) -> None:
        notices.append(type(getattr(message, "root", message)).__name__)

    async def play(target: Any) -> list[Any]:
        client = fastmcp.Client(
            target,
            progress_handler=heard,
            sampling_handler=sampled,
            message_handler=noticed,
            timeout=300,
            mode=version,
        )
        async with client:
            seen: list[Any] = [sorted(tool.name for tool in await client.list_tools())]
            seen.append((await client.call_tool("find", {})).content[0].text)
            await asyncio.to_thread(wait_for_entry, tmp_path, "ended", "open")
            seen.append((await client.call_tool("open", {"path": "a.txt"})).content[0].text)
            failed = await client.call_tool("open", {"path": "missing"}, raise_on_error=False)
            seen.append(failed.is_error)
            seen.append((await client.call_tool("count", {"to": 3})).content[0].text)
            seen.append((await client.read_resource("note://one"))[0].text)
            seen.append(len((await client.call_tool("much", {"size": 900_000})).content[0].text))
            seen.append((await client.call_tool("think", {"about": "it"}, raise_on_error=False)).content[0].text)
            await client.call_tool("learn", {})
            seen.append("learned" in [tool.name for tool in await client.list_tools()])
            return seen

    with joined(way, options) as (target, _):
        seen = asyncio.run(asyncio.wait_for(play(target), 400))
    assert seen[0] == ["count", "die", "find", "hang", "learn", "much", "open", "think", "write"]
    assert seen[2:7] == ["alpha", True, "3", "the note", 900_000]
    if version == "legacy":
        assert seen[7] == "it says yes"
        assert any("ListChanged" in name for name in notices)
    assert seen[8] is True
    assert progress == [1.0, 2.0, 3.0]
    how = [entry["how"] for entry in entries(tmp_path, "call")]
    assert how[:3] == ["plain", "served", "plain"]


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_dies_in_a_call_is_an_error_and_no_hang(way: str, options: list[str]) -> None:
    """The client is told, and need not wait for its own patience to end."""

    async def play(target: Any) -> str:
        async with fastmcp.Client(target, timeout=200) as client:
            await client.call_tool("find", {})
            try:
                await client.call_tool("die", {})
            except (fastmcp.exceptions.FastMCPError, mcp.MCPError, RuntimeError, OSError) as error:
                return str(error)
            return "it lives"

    with joined(way, options) as (target, _):
        said = asyncio.run(asyncio.wait_for(play(target), 400))
    assert said != "it lives"
    assert "timed out" not in said.lower()


@pytest.mark.parametrize("way", ["http to http", "http to pipes"])
def test_two_clients_at_once_have_sessions_of_their_own(way: str, options: list[str], tmp_path: Path) -> None:
    """Each gets its own answers, and what is made early for one is not for the other."""

    async def one(address: str) -> list[str]:
        texts: list[str] = []
        async with fastmcp.Client(address, timeout=300) as client:
            await client.call_tool("find", {})
            await asyncio.sleep(0.4)
            texts += [(await client.call_tool("open", {"path": path})).content[0].text for path in ("a.txt", "b.txt")]
        return texts

    async def both(address: str) -> list[list[str]]:
        return list(await asyncio.gather(one(address), one(address)))

    with joined(way, options) as (address, _):
        assert asyncio.run(asyncio.wait_for(both(address), 400)) == [["alpha", "beta"]] * 2
    calls = entries(tmp_path, "call")
    assert len({entry["session"] for entry in calls}) == 2
    owner = {entry["run"]: entry["session"] for entry in entries(tmp_path, "launched")}
    served = [entry for entry in calls if entry["how"] != "plain"]
    assert served
    assert all(owner[entry["run"]] == entry["session"] for entry in served)


def test_a_stateless_server_is_passed_through(options: list[str], tmp_path: Path) -> None:
    """Without sessions a client is known by who it is."""

    async def play(address: str) -> list[str]:
        texts: list[str] = []
        async with fastmcp.Client(address, timeout=300) as client:
            await client.call_tool("find", {})
            await asyncio.to_thread(wait_for_entry, tmp_path, "ended", "open")
            texts += [(await client.call_tool("open", {"path": path})).content[0].text for path in ("a.txt", "b.txt")]
        return texts

    with upstream("--stateless") as (url, _), listening(options, "--upstream-url", url) as (address, _):
        assert asyncio.run(asyncio.wait_for(play(address), 400)) == ["alpha", "beta"]
    assert [entry["how"] for entry in entries(tmp_path, "call")][1] == "served"


def test_what_was_made_early_is_shown_to_nobody_else(options: list[str], tmp_path: Path) -> None:
    """A request with the same session but other credentials goes to the server."""
    from fastmcp.client.transports import StreamableHttpTransport

    async def one(address: str, token: str) -> None:
        transport = StreamableHttpTransport(address, headers={"Authorization": f"Bearer {token}"})
        async with fastmcp.Client(transport, timeout=300) as client:
            if token == "mine":
                await client.call_tool("find", {})
                await asyncio.sleep(0.5)
            await client.call_tool("open", {"path": "a.txt"})

    async def both(address: str) -> None:
        await one(address, "yours")
        await one(address, "mine")

    with upstream("--stateless") as (url, _), listening(options, "--upstream-url", url) as (address, _):
        asyncio.run(asyncio.wait_for(both(address), 400))
    calls = entries(tmp_path, "call")
    assert [entry["how"] for entry in calls][:2] == ["plain", "plain"]
    assert calls[2]["how"] in ("served", "joined")
    assert len({entry["session"] for entry in calls}) == 2


@pytest.mark.parametrize("name", ["host", "origin"])
def test_a_web_page_elsewhere_cannot_use_the_proxy(name: str, options: list[str]) -> None:
    """A browser that is made to ask under our name shows the page's own host or origin, and is refused."""
    import httpx2

    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    with listening(options, "--", *SERVER) as (address, _):
        refused = httpx2.post(address, json=body, headers={name: "http://evil.example"[7 * (name == "host") :]})
        welcome = httpx2.get(address, headers={"mcp-session-id": "none"})
    assert (refused.status_code, welcome.status_code) == (403, 404)


def test_an_address_that_nobody_listens_at_is_said_to_be_so(options: list[str]) -> None:
    """Over HTTP with a status, over pipes with an error for each request."""
    import httpx2

    nobody = f"http://127.0.0.1:{free_port()}/mcp"
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    with listening(options, "--upstream-url", nobody) as (address, _):
        answer = httpx2.post(address, json=body)
    assert answer.status_code == 502
    done = subprocess.run(
        [*MINER, *options, "--upstream-url", nobody],
        input=json.dumps(body) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "cannot be reached" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "one server is needed"),
        (["--upstream-url", "http://127.0.0.1:1/", "--", "cat"], "one server is needed"),
        (["--listen", "here", "--", "cat"], "an address is needed"),
        (["--header", "x", "--upstream-url", "http://127.0.0.1:1/"], "a header is needed"),
    ],
)
def test_options_that_make_no_sense_are_named(more: list[str], said: str, options: list[str]) -> None:
    """Wrong usage, with a way out."""
    done = subprocess.run([*MINER, *options, *more], capture_output=True, text=True, check=False, env={**os.environ})
    assert (done.returncode, said in done.stderr) == (2, True)
