"""What ``miner proxy`` adds to a call that was not foreseen, and to one that was.

    python benchmarks/proxy.py [--calls N] [--http] [--json]

A client talks to the test server (tests/integrations/file_server.py, whose tools take no time) directly and through
the proxy, in alternating blocks (A B A B); two series of direct calls show the noise of the machine (A/A). On a miss
the proxy predicts, judges and finds nothing; on a hit the early call has ended before the client asks. With ``--http``
both sides of the proxy are HTTP, and the server is the same one, made to listen by a second proxy that is off.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
BLOCK = 20
TARGET_MS = 2.0
POLICY = {
    "format": 1,
    "tools": {name: {"level": "full", "effect": "local_read", "reads": ["files"]} for name in ("find", "open")},
}


class Server:
    """A connection to a server, through whatever stands before it."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        self._number = 0
        self.ask("initialize", {})

    def ask(self, method: str, params: dict[str, Any]) -> float:
        """Milliseconds from the request to its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._number += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}) + "\n"
        start = time.perf_counter()
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise SystemExit("the server has ended")
        return 1e3 * (time.perf_counter() - start)

    def call(self, tool: str, **arguments: Any) -> float:
        """Milliseconds of a call."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def close(self) -> None:
        """Ends it."""
        self._process.communicate(timeout=20)


class Listening:
    """A connection to a server over HTTP, which is kept open."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT, text=True
        )
        assert self._process.stderr is not None
        self.address = self._process.stderr.readline().split()[-1]
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self.join()

    def join(self) -> None:
        """Begins a session of its own."""
        parts = urlsplit(self.address)
        self._link = http.client.HTTPConnection(parts.netloc)
        self._headers.pop("Mcp-Session-Id", None)
        self._number = 0
        self.ask("initialize", {})

    def ask(self, method: str, params: dict[str, Any]) -> float:
        """Milliseconds from the request to the end of its answer."""
        self._number += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        start = time.perf_counter()
        self._link.request("POST", "/mcp", body, self._headers)
        response = self._link.getresponse()
        response.read()
        took = 1e3 * (time.perf_counter() - start)
        if response.status != 200:
            raise SystemExit(f"the server answers {response.status}")
        self._headers["Mcp-Session-Id"] = response.headers["Mcp-Session-Id"] or self._headers["Mcp-Session-Id"]
        return took

    def call(self, tool: str, **arguments: Any) -> float:
        """Milliseconds of a call."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def close(self) -> None:
        """Ends it."""
        self._link.close()
        self._process.terminate()
        self._process.communicate(timeout=20)


class Second(Listening):
    """Another session with a server that listens already."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self.join()

    def close(self) -> None:
        """The server is somebody else's to end."""
        self._link.close()


def over_pipes(folder: Path) -> tuple[Server, Server, Server]:
    """The server twice, and behind the proxy."""
    alone, behind = commands(folder)
    return Server(alone), Server(alone), Server(behind)


def over_http(folder: Path) -> tuple[Listening, Listening, Listening]:
    """The same, all of them at addresses."""
    alone, behind = commands(folder)
    cut = behind.index("--")
    listen = ["--listen", "127.0.0.1:0"]
    direct = Listening([*behind[:cut], "--mode", "off", *listen, "--", *alone])
    again = Second(direct.address)
    return direct, again, Listening([*behind[:cut], *listen, "--upstream-url", direct.address])


def commands(folder: Path) -> tuple[list[str], list[str]]:
    """Starts the server alone, and behind the proxy."""
    from tests.integrations.found_files import bundle

    (folder / "bundle.json").write_bytes(bundle())
    (folder / "policy.json").write_text(json.dumps(POLICY))
    server = [sys.executable, "tests/integrations/file_server.py"]
    miner = [sys.executable, "-c", "import sys; from miner.cli import main; sys.exit(main())", "proxy"]
    options = ["--bundle", str(folder), "--policy", str(folder / "policy.json"), "--mode", "on"]
    return server, [*miner, *options, "--", *server]


def measure(calls: int, start: Callable[[Path], tuple[Any, Any, Any]] = over_pipes) -> dict[str, Any]:
    """Milliseconds a call, by kind."""
    with tempfile.TemporaryDirectory() as folder:
        direct, again, proxy = start(Path(folder))
        times: dict[str, list[float]] = {"direct": [], "direct again": [], "miss": [], "hit": []}
        for number in range(max(1, calls // BLOCK)):
            for name, server in (("direct", direct), ("miss", proxy), ("direct again", again)):
                times[name] += [server.call("open", path="a.txt", of=f"{number} {one}") for one in range(BLOCK)]
        for _ in range(min(40, calls)):
            proxy.call("find")
            time.sleep(0.05)
            times["hit"].append(proxy.call("open", path="a.txt"))
        for server in (proxy, again, direct):
            server.close()
    found = {name: quantiles(series) for name, series in times.items()}
    added = found["miss"]["p50"] - found["direct"]["p50"]
    noise = abs(found["direct"]["p50"] - found["direct again"]["p50"])
    return {**found, "added_on_a_miss_p50": round(added, 3), "noise_p50": round(noise, 3), "target": TARGET_MS}


def quantiles(series: list[float]) -> dict[str, float]:
    """The middle and the tail."""
    cuts = statistics.quantiles(series, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3), "calls": len(series)}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.calls, over_http if options.http else over_pipes)
    if options.json:
        print(json.dumps(figures))
        return
    for name in ("direct", "direct again", "miss", "hit"):
        print(f"{name:14}" + "".join(f"{key} {value:>9} " for key, value in figures[name].items()) + "(ms)")
    added, noise = figures["added_on_a_miss_p50"], figures["noise_p50"]
    print(f"added on a miss, p50: {added} ms (target {TARGET_MS}; A/A noise {noise})")


if __name__ == "__main__":
    main()
