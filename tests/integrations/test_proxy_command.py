"""``miner proxy`` as a client starts it: real processes, real pipes, and the MCP library's own client and server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from tests.integrations.found_files import bundle

SERVER = [sys.executable, str(Path(__file__).with_name("file_server.py"))]
MINER = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())", "proxy"]
POLICY = {
    "format": 1,
    "tools": {
        "find": {"level": "full", "effect": "local_read", "reads": ["files"]},
        "open": {"level": "full", "effect": "local_read", "reads": ["files"]},
        "write": {"effect": "write", "writes": ["files"]},
    },
}


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Options that allow reading early."""
    (tmp_path / "bundle.json").write_bytes(bundle())
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    ledger = str(tmp_path / "ledger.jsonl")
    return ["--bundle", str(tmp_path), "--policy", str(tmp_path / "policy.json"), "--mode", "on", "--ledger", ledger]


def ask(process: subprocess.Popen[bytes], id_: Any, method: str, params: Any) -> bytes:
    """Sends a request and reads one line."""
    assert process.stdin is not None
    assert process.stdout is not None
    request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return process.stdout.readline()


def wait_for(errors: IO[bytes], text: bytes) -> None:
    """Reads stderr up to a line that holds the text."""
    while text not in (line := errors.readline()):
        assert line


def test_answers_are_those_of_the_server_and_the_process_ends_with_it(options: list[str], tmp_path: Path) -> None:
    """The same bytes as without the proxy, one of them made early; then the server's exit code."""
    asked = [
        ("initialize", {}),
        ("tools/list", {}),
        ("tools/call", {"name": "find", "arguments": {}}),
        ("tools/call", {"name": "open", "arguments": {"path": "a.txt"}}),
        ("tools/call", {"name": "open", "arguments": {"path": "missing"}}),
        ("tools/call", {"name": "write", "arguments": {"path": "b.txt", "text": "é" * 100_000}}),
        ("tools/call", {"name": "open", "arguments": {"path": "b.txt"}}),
    ]
    answers = []
    for command in (SERVER, [*MINER, *options, "--", *SERVER]):
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            lines = []
            for number, (method, params) in enumerate(asked):
                if number == 3 and command is not SERVER:
                    assert process.stderr is not None
                    wait_for(process.stderr, b"early open")
                lines.append(ask(process, number, method, params))
            _, errors = process.communicate(timeout=20)
            answers.append(lines)
            assert process.returncode == 0
    assert answers[0] == answers[1]
    assert b"Traceback" not in errors
    how = [json.loads(line).get("how") for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [one for one in how if one][1] in ("served", "joined")


@pytest.mark.parametrize("code", [0, 3])
def test_a_server_that_dies_ends_the_proxy_with_its_code(options: list[str], code: int) -> None:
    """The client sees the end of the connection, as it would without us."""
    dying = [sys.executable, "-c", f"input(); raise SystemExit({code})"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*MINER, *options, "--", *dying], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert ask(process, 1, "tools/call", {"name": "find", "arguments": {}}) == b""
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (code, b"")


def test_a_command_that_is_not_there_is_named(options: list[str]) -> None:
    """No traceback, and the way out."""
    command = [*MINER, *options, "--", "no-such-server"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the server cannot be started" in done.stderr
    assert "no-such-server" in done.stderr


def test_a_refused_bundle_is_named(options: list[str], tmp_path: Path) -> None:
    """Before any server is started."""
    (tmp_path / "bundle.json").write_text("{}")
    done = subprocess.run([*MINER, *options, "--", "no-such-server"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the bundle is refused" in done.stderr


def test_the_mcp_library_works_through_the_proxy(options: list[str], tmp_path: Path) -> None:
    """Its client, through the proxy, to a server of its own: list, call, error, progress, resource."""
    pytest.importorskip("mcp")
    fastmcp = pytest.importorskip("fastmcp")
    from fastmcp.client.transports import StdioTransport

    server = Path(__file__).with_name("library_server.py")
    progress: list[float] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async def play() -> list[Any]:
        transport = StdioTransport(MINER[0], [*MINER[1:], *options, "--", sys.executable, str(server)])
        async with fastmcp.Client(transport, progress_handler=heard) as client:
            seen: list[Any] = [sorted(tool.name for tool in await client.list_tools())]
            seen.append((await client.call_tool("find", {})).content[0].text)
            await asyncio.sleep(0.3)
            seen.append((await client.call_tool("open", {"path": "a.txt"})).content[0].text)
            failed = await client.call_tool("open", {"path": "missing"}, raise_on_error=False)
            seen.append(failed.is_error)
            seen.append((await client.call_tool("count", {"to": 3})).content[0].text)
            seen.append((await client.read_resource("note://one"))[0].text)
            return seen

    seen = asyncio.run(asyncio.wait_for(play(), 40))
    assert {"count", "find", "open"} <= set(seen[0])
    assert seen[2:] == ["alpha", True, "3", "the note"]
    assert progress == [1.0, 2.0, 3.0]
    entries = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [entry["how"] for entry in entries if entry["kind"] == "call"][1] in ("served", "joined")


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_file_in_place_of_a_client_is_refused_in_words(options: list[str], tmp_path: Path, stream: str) -> None:
    """Neither a traceback nor a wait without end: the command says which side is no pipe, and what to do."""
    with (tmp_path / "messages.jsonl").open("w+b") as file:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, stream: file}
        with subprocess.Popen([*MINER, *options, "--", *SERVER], **pipes, stderr=subprocess.PIPE) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"where: {stream}".encode() in errors
    assert b"Traceback" not in errors
