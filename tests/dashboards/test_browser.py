"""A real browser walks every page, uses the main controls, and keeps pictures of what it saw."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser

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
ALSO_VARIABLE = "MINER_SCREENSHOTS"
"""Names a folder for the pictures beside artefacts/: docs/screenshots holds those of the README."""
ARTEFACTS = Path(__file__).parents[2] / "artefacts"
STARTS_WITHIN_S = 60
PATIENCE_MS = 120_000
LOCAL = {"127.0.0.1", "localhost"}
BUSY = "[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stSpinner], [data-testid=stSkeleton]"


@pytest.fixture(scope="module")
def address(sample_run: Path) -> Iterator[str]:
    """A dashboard served as a user would serve it."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from miner.cli import main; raise SystemExit(main())"]
    ARTEFACTS.mkdir(exist_ok=True)
    with (ARTEFACTS / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "dashboard", str(sample_run), "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(10 * STARTS_WITHIN_S):
        assert server.poll() is None, "the dashboard ended by itself"
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the dashboard did not start")


class Walk:
    """One browser tab, and every address it asked for."""

    def __init__(self, tab: Any, address: str, scheme: str, also: str | None) -> None:
        self.tab = tab
        self.address = address
        self.folders = [ARTEFACTS, *([Path(also)] if also else [])]
        self.scheme = scheme
        self.hosts: set[str] = set()
        tab.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or "127.0.0.1"))
        tab.on("websocket", lambda socket_: self.hosts.add(urlsplit(socket_.url).hostname or ""))

    def open(self, page: str, query: str = "") -> None:
        """Open a page by its address (the first has the bare one) and wait until it has been drawn."""
        self.tab.goto(f"{self.address}/{'' if page == PAGES[0] else page}{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing on the page is being worked out, and see that nothing failed."""
        self.tab.wait_for_selector("[data-testid=stHeading]", timeout=PATIENCE_MS)
        self.tab.wait_for_timeout(500)
        self.tab.wait_for_function(f"document.querySelectorAll('{BUSY}').length === 0", timeout=PATIENCE_MS)
        self.tab.wait_for_timeout(700)
        assert self.tab.locator("[data-testid=stException]").count() == 0, self.tab.inner_text("body")

    def picture(self, name: str) -> None:
        """Keep what is to be seen, the whole page."""
        height = self.tab.evaluate(
            "Math.max(...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stMainBlockContainer]')]"
            ".map(part => part.scrollHeight))"
        )
        self.tab.set_viewport_size({"width": 1360, "height": min(2600, max(800, int(height) + 20))})
        self.settle()
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=str(folder / f"{name}-{self.scheme}.png"))
        self.tab.set_viewport_size({"width": 1360, "height": 900})


@pytest.fixture(params=["light", "dark"])
def walk(request: pytest.FixtureRequest, address: str) -> Iterator[Walk]:
    """A tab in light or dark."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            context = browser.new_context(color_scheme=request.param, viewport={"width": 1360, "height": 900})
            yield Walk(context.new_page(), address, request.param, os.environ.get(ALSO_VARIABLE))
        finally:
            browser.close()


def test_every_page_is_drawn_without_a_failure_and_without_another_host(walk: Walk) -> None:
    """Each page opens by its address, shows no exception, and asks no host but this one."""
    for page in PAGES:
        walk.open(page)
        walk.picture(page)
    assert walk.hosts <= LOCAL


def test_the_main_controls_work_and_stand_in_the_address(walk: Walk) -> None:
    """Changing a control redraws the page, shows in the address, and the address alone brings the view back."""
    walk.open("sequences")
    walk.tab.get_by_role("radio", name="median time").click()
    walk.settle()
    assert "edges=median+time" in walk.tab.url
    walk.open("evaluation", "?figure=exact,+within+five")
    assert walk.tab.get_by_role("radio", name="exact, within five").get_attribute("aria-checked") == "true"
    walk.open("savings", "?gate=0.5&allow=search&allow=open_page")
    walk.settle()
    walk.picture("savings-allowed")
    walk.open("bundle", "?drift=true")
    walk.picture("bundle-drift")
    with walk.tab.expect_download() as download:
        walk.tab.get_by_role("button", name="bundle.json").click()
    assert download.value.suggested_filename == "bundle.json"
    assert walk.hosts <= LOCAL
