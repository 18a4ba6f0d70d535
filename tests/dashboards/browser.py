"""A dashboard served as a user would serve it, and a tab of a real browser on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = ("overview", "sequences", "argument_rules", "evaluation", "savings", "sessions", "bundle")
STARTS_WITHIN_S = 120
PATIENCE_MS = 180_000
WIDE, NARROW = 1360, 480
BUSY = "[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stSpinner], [data-testid=stSkeleton]"
_MAIN = "[data-testid=stMain], [data-testid=stMainBlockContainer]"


class Server:
    """A running dashboard."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process = process
        self.address = address

    def cpu_s(self) -> float:
        """Processor seconds that the server has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(run: Path, log: Path | None = None) -> Iterator[Server]:
    """`miner dashboard RUN` on a free port, for as long as the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from miner.cli import main; raise SystemExit(main())"]
    with (log or Path(os.devnull)).open("wb") as told:
        process = subprocess.Popen(
            [*command, "dashboard", str(run), "--port", str(port)],
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/_stcore/health", process)
        yield Server(process, address)
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(10 * STARTS_WITHIN_S):
        if server.poll() is not None:
            raise AssertionError("the dashboard ended by itself")
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the dashboard did not start")


class Tab:
    """One browser tab, and every address it asked for."""

    def __init__(self, tab: Any, address: str, scheme: str) -> None:
        self.tab = tab
        self.address = address
        self.scheme = scheme
        self.hosts: set[str] = set()
        tab.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or "127.0.0.1"))
        tab.on("websocket", lambda socket_: self.hosts.add(urlsplit(socket_.url).hostname or ""))

    @classmethod
    @contextmanager
    def opened(cls, address: str, scheme: str = "light", width: int = WIDE) -> Iterator[Tab]:
        """A fresh tab, in light or dark."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            try:
                context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
                yield cls(context.new_page(), address, scheme)
            finally:
                browser.close()

    def warm(self) -> None:
        """Fetch the front end's own files once, so that what is timed afterwards is the page."""
        self.tab.goto(f"{self.address}/static/index.html")

    def open(self, page: str, query: str = "") -> None:
        """Open a page by its address and wait until it has been drawn."""
        self.tab.goto(f"{self.address}/{page}{query}")
        self.drawn()

    def drawn(self) -> None:
        """Wait until nothing on the page is being worked out, and see that nothing failed."""
        self.tab.wait_for_selector("[data-testid=stHeading]", timeout=PATIENCE_MS)
        self.tab.wait_for_function(f"document.querySelectorAll('{BUSY}').length === 0", timeout=PATIENCE_MS)
        assert self.tab.locator("[data-testid=stException]").count() == 0, self.tab.inner_text("body")

    def settle(self) -> None:
        """The same, after what was just clicked has had time to begin, and charts to be painted."""
        self.tab.wait_for_timeout(500)
        self.drawn()
        self.tab.wait_for_timeout(700)

    def spills(self) -> list[str]:
        """What is wider than the window, or than the box it stands in."""
        found: list[str] = self.tab.evaluate(
            f"""() => [...document.querySelectorAll('{_MAIN}')]
                .filter(part => part.scrollWidth > part.clientWidth + 1)
                .map(part => part.dataset.testid + ' ' + part.scrollWidth + ' > ' + part.clientWidth)"""
        )
        return found

    def picture(self, name: str, folders: Sequence[Path], most: int = 2600) -> None:
        """Keep what is to be seen, the whole page."""
        size = self.tab.viewport_size
        height = self.tab.evaluate(f"Math.max(...[...document.querySelectorAll('{_MAIN}')].map(p => p.scrollHeight))")
        self.tab.set_viewport_size({"width": size["width"], "height": min(most, max(800, int(height) + 20))})
        self.settle()
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=str(folder / f"{name}-{self.scheme}.png"))
        self.tab.set_viewport_size(size)
