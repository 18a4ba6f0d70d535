"""A real browser walks every page, uses the main controls, and keeps pictures of what it saw."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards.browser import CHROMIUM, NARROW, PAGES, Tab, serving

pytestmark = pytest.mark.browser

ALSO_VARIABLE = "MINER_SCREENSHOTS"
"""Names a folder for the pictures beside artefacts/: docs/screenshots holds those of the README."""
ARTEFACTS = Path(__file__).parents[2] / "artefacts"
LOCAL = {"127.0.0.1", "localhost"}


def _folders() -> list[Path]:
    also = os.environ.get(ALSO_VARIABLE)
    return [ARTEFACTS, *([Path(also)] if also else [])]


@pytest.fixture(scope="module")
def address(sample_run: Path) -> Iterator[str]:
    """A dashboard served as a user would serve it."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    pytest.importorskip("playwright.sync_api")
    ARTEFACTS.mkdir(exist_ok=True)
    with serving(sample_run, ARTEFACTS / "server.log") as server:
        yield server.address


@pytest.fixture(params=["light", "dark"])
def tab(request: pytest.FixtureRequest, address: str) -> Iterator[Tab]:
    """A tab in light or dark."""
    with Tab.opened(address, request.param) as tab:
        yield tab


def test_every_page_is_drawn_without_a_failure_and_without_another_host(tab: Tab) -> None:
    """Each page opens by its address, shows no exception, and asks no host but this one."""
    for page in PAGES:
        tab.open(page)
        assert "Page not found" not in tab.tab.inner_text("body")
        tab.picture(page, _folders())
    assert tab.hosts <= LOCAL


def test_the_bare_address_leads_to_the_first_page(address: str) -> None:
    """Without a page in the address the overview is shown, under an address that can be passed on."""
    with Tab.opened(address) as tab:
        tab.open("")
        tab.settle()
        assert tab.tab.url.rstrip("/").endswith("/overview")


def test_pages_fit_a_narrow_window(address: str) -> None:
    """On a telephone's width nothing has to be scrolled sideways but tables."""
    with Tab.opened(address, width=NARROW) as tab:
        for page in PAGES:
            tab.open(page)
            tab.settle()
            assert tab.spills() == [], page


def test_the_main_controls_work_and_stand_in_the_address(tab: Tab) -> None:
    """Changing a control redraws the page, shows in the address, and the address alone brings the view back."""
    tab.open("sequences")
    tab.tab.get_by_role("radio", name="median time").click()
    tab.settle()
    assert "edges=median+time" in tab.tab.url
    tab.open("evaluation", "?figure=exact,+within+five")
    assert tab.tab.get_by_role("radio", name="exact, within five").get_attribute("aria-checked") == "true"
    tab.open("savings", "?gate=0.5&allow=search&allow=open_page")
    tab.settle()
    tab.picture("savings-allowed", [ARTEFACTS])
    tab.open("bundle", "?drift=true")
    tab.picture("bundle-drift", [ARTEFACTS])
    with tab.tab.expect_download() as download:
        tab.tab.get_by_role("button", name="bundle.json").click()
    assert download.value.suggested_filename == "bundle.json"
    with tab.tab.expect_download() as download:
        tab.tab.get_by_role("button", name=re.compile(r"as CSV$")).first.click()
    assert download.value.suggested_filename.endswith(".csv")
    assert tab.hosts <= LOCAL


def test_the_report_is_one_page_that_asks_nobody(sample_run: Path, address: str) -> None:
    """report.html is drawn from its one file, in light and dark, and fits a narrow window."""
    for scheme in ("light", "dark"):
        with Tab.opened(address, scheme) as tab:
            asked: list[str] = []
            tab.tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.tab.goto((sample_run / "report.html").as_uri())
            tab.tab.screenshot(path=str(ARTEFACTS / f"report-{scheme}.png"), full_page=True)
            assert asked == [(sample_run / "report.html").as_uri()]
            tab.tab.set_viewport_size({"width": NARROW, "height": 900})
            assert tab.tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
