"""A night that is killed at any instant, and started again, ends as if nobody had touched it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.pipelines.conftest import SESSIONS, Site
from tests.pipelines.killing import Campaign, restore, undisturbed

FIRST, ALL = 12, 16
"""Sessions that are there on the first night and on the second: few, for every night mines anew."""


@pytest.fixture
def small(tmp_path: Path) -> Site:
    """A schedule with a small log and no night behind it."""
    site = Site(tmp_path / "schedule")
    site.logs.mkdir(parents=True)
    site.configure()
    (site.logs / "first.jsonl").write_text("\n".join(SESSIONS[:FIRST]) + "\n", encoding="utf-8")
    return site


@pytest.fixture
def second_night(small: Site, tmp_path: Path) -> Path:
    """The home before the second night: one run is published, and more sessions have come since."""
    undisturbed(small)
    (small.logs / "second.jsonl").write_text("\n".join(SESSIONS[FIRST:ALL]) + "\n", encoding="utf-8")
    return Path(shutil.copytree(small.home, tmp_path / "second"))


def campaign(site: Site, before: Path, seed: int) -> Campaign:
    """A campaign on the home as it lies in ``before``, whose reference is an undisturbed night from there."""
    restore(site, before)
    expected, seconds = undisturbed(site)
    return Campaign(site, expected, seconds, random.Random(seed))


def test_killed_now_and_then(small: Site, second_night: Path) -> None:
    """Three kills, wherever they fall: the same bundle and the same rows, and no file that does not belong there."""
    found = campaign(small, second_night, seed=1)
    found.run(3, second_night)
    assert (found.kills, sum(found.kills_by_night)) == (3, 3)


@pytest.mark.soak
@pytest.mark.parametrize("found", ["nothing", "the last run"])
def test_killed_at_200_random_instants(small: Site, second_night: Path, tmp_path: Path, found: str) -> None:
    """A hundred kills in nights that begin with nothing, and a hundred in nights that add to the last run."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    before = second_night if found == "the last run" else nothing
    tried = campaign(small, before, seed=len(found))
    tried.run(100, before)
    print(f"from {found}: {tried.kills} kills in {tried.ended} nights, {tried.kills_by_night} in each")
    assert sum(tried.kills_by_night) == 100
