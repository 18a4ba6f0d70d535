"""Open the dashboard on a run folder, in the browser of this machine."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from miner.cli import console
from miner.errors import MinerError, MissingExtraError, RunFolderError

_ADDRESS = "127.0.0.1"
_MADE_BY_A_RUN = ("run.json", "events.duckdb", "patterns.json", "bundle.json")
_RUN_VARIABLE = "MINER_DASHBOARD_RUN"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
def command(run: Path, port: int) -> None:
    """Show a RUN folder in the browser; it stays on this machine, and nothing is sent anywhere."""
    for module in ("streamlit", "duckdb"):
        if find_spec(module) is None:
            raise MissingExtraError("dashboard", module)
    _check(run)
    _check_free(port)
    console.note(f"the dashboard is at http://{_ADDRESS}:{port} until you press Ctrl-C")
    environment = {**os.environ, _RUN_VARIABLE: str(run.expanduser().absolute())}
    # In this process's place, so that whatever ends the command ends the server.
    os.execve(sys.executable, _server(port), environment)  # noqa: S606 - no shell is wanted


def _check(run: Path) -> None:
    """Refuse what no run has written, before a server is started for it."""
    if not run.is_dir():
        raise RunFolderError("there is no such run folder", where=str(run), next_step=f"miner run LOGS --out {run}")
    if not any((run / name).is_file() for name in _MADE_BY_A_RUN):
        advice = f"name the folder that --out named, or make one: miner run LOGS --out {run}"
        raise RunFolderError("this is no run folder", where=str(run), next_step=advice)


def _check_free(port: int) -> None:
    """Refuse a port that another program listens at, before an address is promised."""
    with socket.socket() as there:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            there.bind((_ADDRESS, port))
        except OSError as error:
            raise MinerError(
                f"the dashboard cannot listen at port {port}: {error.strerror}",
                where=f"{_ADDRESS}:{port}",
                next_step=f"choose another: --port {port % 65535 + 1}; another dashboard may be open at this one",
            ) from error


def _server(port: int) -> list[str]:
    """The command that serves the app: this machine only, no statistics, no browser of its own."""
    return [
        *(sys.executable, "-m", "dashboards.serve", "run", str(_app())),
        *("--server.address", _ADDRESS, "--server.port", str(port), "--server.headless", "true"),
        *("--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"),
    ]


def _app() -> Path:
    """The app's file, wherever the package is installed."""
    found = find_spec("dashboards")
    if found is None or not found.submodule_search_locations:
        raise RunFolderError(
            "the dashboard is not part of this installation",
            next_step="pip install 'toolcall-miner[dashboard]'",
        )
    return Path(found.submodule_search_locations[0]) / "app.py"
