"""Stand in front of an MCP server and make its likely next calls while the model thinks."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from miner.cli import console
from miner.errors import MinerError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miner.integrations.mcp_proxy import Proxy
    from miner.runtime.ledger import Ledger
    from miner.runtime.policy import Policy

PATH = "/mcp"
"""Where clients over HTTP find the server."""


@click.command(context_settings={"ignore_unknown_options": False})
@click.option(
    "--bundle", required=True, type=click.Path(path_type=Path), help="What was mined: a bundle file or a run folder."
)
@click.option(
    "--require-signature",
    "public_key",
    metavar="KEY",
    help="Only a bundle that is signed by this minisign public key (or the file with it); the signature is beside it.",
)
@click.option("--mode", type=click.Choice(["off", "shadow", "on"]), default="shadow", show_default=True)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What may be called early, as JSON.",
)
@click.option("--known-server", help="Allow what is shipped for this reference server: filesystem, git, …")
@click.option("--prefix", default="", help="What bundle and policy have before this server's tool names.")
@click.option("--in-flight", type=click.IntRange(1, 64), default=2, show_default=True, help="Early calls at once.")
@click.option("--ledger", type=click.Path(path_type=Path, dir_okay=False), help="Append what happened to this file.")
@click.option("--upstream-url", metavar="URL", help="The server is at this address, instead of COMMAND.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Goes to --upstream-url with every request of a client over pipes.")  # fmt: skip  # noqa: E501
@click.option("--listen", metavar="HOST:PORT", help="Clients come over HTTP, to /mcp at this address; port 0: any that is free.")  # fmt: skip  # noqa: E501
@click.argument("command_line", nargs=-1, metavar="-- [COMMAND...]")
def command(
    bundle: Path,
    public_key: str | None,
    mode: str,
    policy_file: Path | None,
    known_server: str | None,
    prefix: str,
    in_flight: int,
    ledger: Path | None,
    upstream_url: str | None,
    headers: tuple[str, ...],
    listen: str | None,
    command_line: tuple[str, ...],
) -> int:
    """Relay MCP between a client and a server: the one that COMMAND starts, or the one at --upstream-url.

    The client is at this program's stdin and stdout, or comes over HTTP to --listen; then each client gets a COMMAND
    of its own. In shadow mode, the default, nothing is called early; the ledger says what would have been. With
    `--mode on`, what the policy allows is; without a policy that is nothing.
    """
    import asyncio

    from miner.cli._bundle import opened
    from miner.integrations.mcp_proxy import Proxy
    from miner.runtime.budget import Budget
    from miner.runtime.run import Mode

    if bool(upstream_url) == bool(command_line):
        raise UsageError("one server is needed", next_step="give either -- COMMAND... or --upstream-url")
    found = opened(bundle, public_key)
    policy = _policy(policy_file, known_server, prefix)
    named = _headers(headers)
    if listen is None:
        _check_pipes()
    with ExitStack() as stack:
        proxy = Proxy(
            found,
            policy,
            mode=Mode(mode),
            prefix=prefix,
            budget=Budget(in_flight=in_flight),
            ledger=_ledger(ledger, stack),
            environment=None if listen else {"cwd": str(Path.cwd())},
        )
        try:
            return asyncio.run(_served(proxy, command_line, upstream_url, named, listen))
        except (FileNotFoundError, PermissionError) as error:
            raise MinerError(
                "the server cannot be started", where=command_line[0], next_step="check the command after --"
            ) from error


def _check_pipes() -> None:
    """Refuse a client that is a file: what answers as the other side goes on cannot be read ahead of it."""
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout)):
        mode = os.fstat(stream.fileno()).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()):
            raise UsageError(
                "the client must be at the other end of a pipe, not a file",
                where=name,
                next_step="let the client start this command, as in docs/proxy.md, or serve it over HTTP with --listen",
            )


async def _served(
    proxy: Proxy, command_line: tuple[str, ...], url: str | None, headers: Mapping[str, str], listen: str | None
) -> int:
    """Relays until either side ends."""
    from miner.integrations import _mcp_stdio

    if listen is None and url is None:
        return await _mcp_stdio.serve(command_line, proxy)
    try:
        import httptools
        import httpx2
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("mcp", error.name or "uvicorn") from error
    del httptools, httpx2, uvicorn
    if listen is None:
        return await _mcp_stdio.serve_address(url or "", proxy, headers)
    return await _listened(proxy, command_line, url, listen)


async def _listened(proxy: Proxy, command_line: tuple[str, ...], url: str | None, listen: str) -> int:
    from miner.integrations._mcp_http import HttpProxy, reach
    from miner.integrations._mcp_http_server import HttpHost
    from miner.integrations._mcp_listen import Listener

    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise UsageError("an address is needed", where=f"--listen {listen}", next_step="write 127.0.0.1:8000")
    if url:
        handler: HttpProxy | HttpHost = HttpProxy(proxy, url, PATH, reach(url))
    else:
        handler = HttpHost(proxy, command_line, PATH)
    try:
        listener = Listener(host.strip("[]") or "127.0.0.1", int(port), handler.handle)
    except OSError as error:
        raise MinerError("the address is not free", where=listen, next_step="choose another port") from error
    console.note(f"listening at http://{host or '127.0.0.1'}:{listener.port}{PATH}")
    try:
        await listener.serve()
    finally:
        await handler.close()
    return 0


def _headers(texts: tuple[str, ...]) -> dict[str, str]:
    """Headers as they are written on a command line."""
    headers = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError("a header is needed", where="--header", next_step="write 'NAME: VALUE'")
        headers[name.strip()] = value.strip()
    return headers


def _policy(file: Path | None, known_server: str | None, prefix: str) -> Policy:
    """The policy of the options, one of which may be left out."""
    from dataclasses import replace

    from miner.runtime.policy import Policy, PolicyError
    from miner.runtime.policy_file import load_policy, starter_policy

    try:
        shipped = starter_policy(servers={known_server: prefix}) if known_server else Policy()
        own = load_policy(file) if file else Policy()
    except PolicyError as error:
        raise MinerError(error.what, where=error.where, next_step=error.next_step) from error
    return replace(own, tools={**shipped.tools, **own.tools})


def _ledger(file: Path | None, stack: ExitStack) -> Ledger:
    """A ledger, written to the file line by line if there is one."""
    import json

    from miner.runtime.ledger import Ledger

    if file is None:
        return Ledger()
    lines = stack.enter_context(file.open("a", encoding="utf-8"))
    return Ledger(sink=lambda entry: print(json.dumps(entry, sort_keys=True), file=lines, flush=True))
