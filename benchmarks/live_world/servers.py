"""Real MCP servers, installed by npm and pip into a folder of their own; what cannot be had is said, not fatal."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INSTALL_S = 300


class UnavailableError(Exception):
    """A server cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Package:
    """What provides a server."""

    source: str
    """``npm`` or ``pypi``."""
    name: str
    beside: tuple[str, ...] = ()
    """Requirements that must be installed with it."""
    script: str = ""
    """For npm: the file that node runs, inside the package."""
    before: tuple[str, ...] = ()
    """What stands before the server's command."""

    def command(self, folder: Path) -> list[str]:
        """What starts the server, installed if it is not there yet.

        Raises:
            UnavailableError: no npm, no network, no such package.
        """
        return self._npm(folder / "npm") if self.source == "npm" else self._pypi(folder / self.name)

    def version(self, folder: Path) -> str:
        """The installed version."""
        if self.source == "npm":
            stated = json.loads((folder / "npm" / "node_modules" / self.name / "package.json").read_text())
            return str(stated["version"])
        asked = f"import importlib.metadata as m; print(m.version({self.name!r}))"
        done = subprocess.run([folder / self.name / "bin" / "python", "-c", asked], capture_output=True, text=True)
        return done.stdout.strip()

    def _npm(self, folder: Path) -> list[str]:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise UnavailableError("node and npm are not installed")
        script = folder / "node_modules" / self.name / self.script
        if not script.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", self.name])
        return [node, str(script)]

    def _pypi(self, folder: Path) -> list[str]:
        program = folder / "bin" / self.name
        if not program.exists():
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(folder / "bin" / "pip"), "install", "--quiet", self.name, *self.beside])
        return [*self.before, str(program)]


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{Path(command[0]).name} {type(error).__name__}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise UnavailableError(f"{Path(command[0]).name} failed: {lines[-1][:200]}")
