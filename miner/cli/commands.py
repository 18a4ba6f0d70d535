"""Finds the commands: every file of this folder but the shared ones, loaded only when it is asked for."""

from __future__ import annotations

import ast
import difflib
import importlib
import pkgutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

_SUPPORT = {"commands", "console"}
_FOLDER = Path(__file__).parent
_PACKAGE = "miner.cli"


class Commands(click.Group):
    """A group whose commands are files, so that adding one edits nothing and ``--help`` loads none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, by file name."""
        return command_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command; an unknown one is refused with the nearest name."""
        if cmd_name not in command_names():
            near = difflib.get_close_matches(cmd_name, command_names(), n=1)
            ctx.fail(f"there is no command {cmd_name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        module = importlib.import_module(f"{_PACKAGE}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands with the first line of each file's docstring: no file is run for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name)) for name in command_names()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and let a closed pipe reach ``main``, which click would end with 1 and no word."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(141) from None


def command_names() -> list[str]:
    """Every command, by file name; a file says ``_`` where the command says ``-``."""
    names = (module.name for module in pkgutil.iter_modules([str(_FOLDER)]))
    return sorted(name.replace("_", "-") for name in names if name not in _SUPPORT and not name.startswith("_"))


def summary(name: str) -> str:
    """The first line of a command file's docstring."""
    source = (_FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"miner {version('toolcall-miner')}")
        ctx.exit()


@click.group(cls=Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error; may stand anywhere.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Learn from agent logs which tool call comes next, and ship it to a runtime.

    Start with `miner run LOGS --out RUN`: it reads the logs, mines them, scores what it
    found on sessions it has not seen, and writes a bundle for a runtime.
    """
