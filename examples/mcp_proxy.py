"""Any MCP server, unchanged, behind ``miner proxy``.    python examples/mcp_proxy.py

What a client's configuration says is ``COMMAND`` alone, or with the proxy before it; nothing else differs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import fastmcp
import library
from fastmcp.client.transports import StdioTransport
from fastmcp_server import play

from miner.runtime import Mode

HERE = Path(__file__).parent
COMMAND = [sys.executable, str(HERE / "fastmcp_server.py"), "--serve"]
MINER = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())"]


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder, "ledger.jsonl")
        options = ["--bundle", str(library.run_folder()), "--policy", str(HERE / "policy.json")]
        proxy = [*MINER, "proxy", *options, "--mode", mode.value, "--ledger", str(ledger), "--"]
        program, *words = [*proxy, *COMMAND]
        answers = await play(fastmcp.Client(StdioTransport(program, words, cwd=str(library.ROOT))))
        lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    return answers, [line["how"] for line in lines if line["kind"] == "call"]


if __name__ == "__main__":
    library.compare(run)
