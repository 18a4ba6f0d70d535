"""The coding agent's tools, at work on a copy of the project ``shop`` in a temporary folder.

Logs show the folder as ``/workspace/shop``, whatever it is called on the machine that ran the tools.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .transcript import Outcome, Tool, ToolError

SHOWN = "/workspace/shop"
TEMPLATE = Path(__file__).parent / "shop"
LONGEST_OUTPUT = 4000


class Workspace:
    """A fresh copy of the project, and the tools that see it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shop"
        self.read_files: set[str] = set()
        shutil.copytree(TEMPLATE, self.root, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()},
        }

    def begin_history(self) -> None:
        """Make the first commit, when this machine has git."""
        if shutil.which("git", path=self.environment["PATH"]):
            self._shell("git init -q -b main && git add -A && git commit -q -m 'Begin'")

    def tools(self) -> dict[str, Tool]:
        """The tools by the names that the agent uses."""
        return {"Bash": self.bash, "Read": self.read, "Grep": self.grep, "Glob": self.glob, "Edit": self.edit}

    def path(self, shown: str) -> Path:
        """Where a path of the log really lies."""
        return self.root / shown.removeprefix(SHOWN).lstrip("/")

    def bash(self, command: str, description: str = "") -> Outcome:  # noqa: ARG002 - for people who read the log
        """Run a shell command in the project."""
        done = self._shell(command)
        out, err = (self._shown(text)[:LONGEST_OUTPUT].rstrip("\n") for text in (done.stdout, done.stderr))
        text = "\n".join(part for part in (out, err) if part)
        if done.returncode:
            failure = f"Exit code {done.returncode}\n{text}"
            return Outcome(failure, f"Error: {failure}", failed=True)
        return Outcome(text, {"stdout": out, "stderr": err, "interrupted": False, "isImage": False})

    def read(self, file_path: str, offset: int = 1, limit: int = 2000) -> Outcome:
        """Number the lines of a file."""
        path = self.path(file_path)
        if not path.is_file():
            raise ToolError("File does not exist.")
        self.read_files.add(file_path)
        lines = path.read_text().splitlines()
        part = lines[offset - 1 : offset - 1 + limit]
        text = "\n".join(f"{number:6}→{line}" for number, line in enumerate(part, offset))
        file = {"filePath": file_path, "numLines": len(part), "startLine": offset, "totalLines": len(lines)}
        return Outcome(text, {"type": "text", "file": file})

    def grep(self, pattern: str, path: str = SHOWN, output_mode: str = "files_with_matches") -> Outcome:
        """Search the Python files, as lines or as file names."""
        expression = re.compile(pattern)
        hits = []
        for file in sorted(self.path(path).rglob("*.py")):
            shown = f"{SHOWN}/{file.relative_to(self.root)}"
            hits += [
                (shown, number, line)
                for number, line in enumerate(file.read_text().splitlines(), 1)
                if expression.search(line)
            ]
        files = list(dict.fromkeys(shown for shown, _, _ in hits))
        typed = {"mode": output_mode, "filenames": files, "numFiles": len(files)}
        if not hits:
            return Outcome("No matches found", typed)
        if output_mode == "content":
            return Outcome("\n".join(f"{shown}:{number}:{line}" for shown, number, line in hits), typed)
        return Outcome("\n".join([f"Found {len(files)} files", *files]), typed)

    def glob(self, pattern: str) -> Outcome:
        """Find files by name."""
        found = [f"{SHOWN}/{path.relative_to(self.root)}" for path in sorted(self.root.glob(pattern))]
        return Outcome("\n".join(found) or "No files found", {"filenames": found, "numFiles": len(found)})

    def edit(self, file_path: str, old_string: str, new_string: str, replace_all: bool = False) -> Outcome:
        """Replace text in a file that was read before."""
        if file_path not in self.read_files:
            raise ToolError("File has not been read yet. Read it first before writing to it.")
        path = self.path(file_path)
        text = path.read_text()
        if old_string not in text:
            raise ToolError(f"String to replace not found in file.\nString: {old_string}")
        path.write_text(text.replace(old_string, new_string, -1 if replace_all else 1))
        typed = {"filePath": file_path, "oldString": old_string, "newString": new_string, "replaceAll": replace_all}
        return Outcome(f"The file {file_path} has been updated.", typed)

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        real = command.replace(SHOWN, str(self.root))
        return subprocess.run(
            ["bash", "-c", real],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def _shown(self, text: str) -> str:
        """Output without anything that only this machine has: its folders and its Python."""
        text = text.replace(str(self.root.resolve()), SHOWN).replace(str(self.root), SHOWN)
        return text.replace(str(Path(sys.executable).parent), "/usr/bin").replace(sys.prefix, "/usr")


_IDENTITY = {"NAME": "Agent", "EMAIL": "agent@example.org", "DATE": "2026-03-02T08:00:00Z"}
