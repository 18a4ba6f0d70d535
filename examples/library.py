"""What every example uses: a small library with slow tools, a scripted agent for it, and a bundle mined from its logs.

    python examples/library.py        # writes the logs and mines them

No model runs: the agent follows a script, so that nothing needs a key. Its tools take 0.4 s and it thinks 0.5 s.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from miner.runtime import Bundle, Effect, Level, Mode, Policy, ToolRule, load_bundle  # noqa: E402 - found on the path

RUN = ROOT / "data" / "runs" / "examples"
TOOL_S, THINK_S = 0.4, 0.5
SUBJECTS = ["amber", "basin", "cedar", "delta", "ember", "fable", "grove", "harbour", "island", "juniper", "lantern"]
QUESTION = "What is written about harbour?"
STEPS: list[tuple[str, dict[str, str]]] = [
    ("search", {"subject": "harbour"}),
    ("open_page", {"page": "harbour/1"}),
    ("open_page", {"page": "harbour/2"}),
]
"""What the scripted model asks for, one call after the other."""
_READ = ToolRule(level=Level.FULL, effect=Effect.LOCAL_READ, reads=frozenset({"pages"}))
POLICY = Policy({"search": _READ, "open_page": _READ})
"""Both tools only read, and asking them for nothing harms nobody: so says the one who runs them."""


def hits(subject: str) -> str:
    """What a search finds."""
    return json.dumps({"hits": [{"page": f"{subject}/{number}", "title": f"On {subject}"} for number in (1, 2, 3)]})


async def search(subject: str) -> str:
    """Finds pages on a subject."""
    await asyncio.sleep(TOOL_S)
    return hits(subject)


async def open_page(page: str) -> str:
    """Reads a page."""
    await asyncio.sleep(TOOL_S)
    return f"This is page {page}."


def write_logs(path: Path) -> None:
    """Conversations as an agent without miner left them: search, then the first pages that were found."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(42):
            subject = f"{SUBJECTS[number % len(SUBJECTS)]}-{number // len(SUBJECTS)}"
            asked = [("search", {"subject": subject}, hits(subject))]
            pages = [f"{subject}/{place}" for place in range(1, 2 + (number % 3 > 0))]
            asked += [("open_page", {"page": page}, f"This is page {page}.") for page in pages]
            messages: list[dict[str, Any]] = [{"role": "user", "content": f"What is written about {subject}?"}]
            for place, (tool, arguments, result) in enumerate(asked):
                function = {"name": tool, "arguments": json.dumps(arguments)}
                call = {"id": f"c{place}", "type": "function", "function": function}
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
                messages.append({"role": "tool", "tool_call_id": f"c{place}", "content": result})
            messages.append({"role": "assistant", "content": "That is all."})
            file.write(json.dumps({"id": f"conversation-{number}", "messages": messages}) + "\n")


def run_folder() -> Path:
    """A run folder with the bundle, mined the first time."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    if not (RUN / "bundle.json").exists():
        print("mining, once …", file=sys.stderr)
        RUN.parent.mkdir(parents=True, exist_ok=True)
        logs = RUN.with_suffix(".jsonl")
        write_logs(logs)
        miner = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())"]
        subprocess.run([*miner, "run", str(logs), "--out", str(RUN)], check=True, capture_output=True, cwd=ROOT)
    return RUN


def bundle() -> Bundle:
    """What was mined."""
    return load_bundle(run_folder() / "bundle.json")


def how(speculator: Any) -> list[str]:
    """How each call of an agent was answered: plain, served or joined."""
    return [entry["how"] for entry in speculator.ledger if entry["kind"] == "call"]


def compare(agent: Callable[[Mode], Awaitable[tuple[list[str], list[str]]]]) -> None:
    """Runs an agent without and with speculation.

    Args:
        agent: gives what its tools answered, and how each call was.
    """
    seen = {}
    run_folder()
    for mode in (Mode.OFF, Mode.ON):
        start = time.perf_counter()
        answers, ways = asyncio.run(_awaited(agent(mode)))
        seen[mode] = answers
        print(f"speculation {mode.value:3}  {time.perf_counter() - start:.1f} s  {' '.join(ways) or 'plain calls'}")
    print("the same answers" if seen[Mode.OFF] == seen[Mode.ON] else "DIFFERENT ANSWERS")


async def _awaited(outcome: Awaitable[Any]) -> Any:
    return await outcome


if __name__ == "__main__":
    print(run_folder())
