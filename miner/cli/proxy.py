"""Stand in front of an MCP server and make its likely next calls while the model thinks."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from miner.errors import MinerError

if TYPE_CHECKING:
    from miner.integrations.mcp_proxy import Relay, Write
    from miner.runtime.ledger import Ledger
    from miner.runtime.policy import Policy


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
@click.argument("command_line", nargs=-1, required=True, metavar="-- COMMAND...")
def command(
    bundle: Path,
    public_key: str | None,
    mode: str,
    policy_file: Path | None,
    known_server: str | None,
    prefix: str,
    in_flight: int,
    ledger: Path | None,
    command_line: tuple[str, ...],
) -> int:
    """Relay MCP between this program's stdin and stdout and the server that COMMAND starts.

    In shadow mode, the default, nothing is called early; the ledger says what would have been. With
    `--mode on`, what the policy allows is; without a policy that is nothing.
    """
    import asyncio

    from miner.cli._bundle import opened
    from miner.integrations._mcp_stdio import serve
    from miner.integrations.mcp_proxy import Relay
    from miner.runtime.budget import Budget
    from miner.runtime.run import Mode

    found = opened(bundle, public_key)
    policy = _policy(policy_file, known_server, prefix)
    with ExitStack() as stack:
        book = _ledger(ledger, stack)

        def relay_of(to_client: Write, to_server: Write) -> Relay:
            return Relay(
                found,
                policy,
                to_client,
                to_server,
                mode=Mode(mode),
                prefix=prefix,
                budget=Budget(in_flight=in_flight),
                ledger=book,
                environment={"cwd": str(Path.cwd())},
            )

        try:
            return asyncio.run(serve(command_line, relay_of))
        except (FileNotFoundError, PermissionError) as error:
            raise MinerError(
                "the server cannot be started", where=command_line[0], next_step="check the command after --"
            ) from error


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
