"""A night that is killed at any instant, and started again, ends as if nobody had touched it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.conftest import SESSIONS, Site
from tests.pipelines.killing import Campaign, Nights, nights_of, restore, undisturbed

FIRST, ALL = 8, 11
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
def nights(small: Site) -> Iterator[Nights]:
    """The nights of that schedule."""
    with nights_of(small) as nights:
        yield nights


@pytest.fixture
def second_night(small: Site, nights: Nights, tmp_path: Path) -> Path:
    """The home before the second night: one run is published, and more sessions have come since."""
    undisturbed(small, nights)
    (small.logs / "second.jsonl").write_text("\n".join(SESSIONS[FIRST:ALL]) + "\n", encoding="utf-8")
    return Path(shutil.copytree(small.home, tmp_path / "second"))


def campaign(site: Site, nights: Nights, before: Path, seed: int) -> Campaign:
    """A campaign on the home as it lies in ``before``, whose reference is an undisturbed night from there."""
    restore(site, before)
    expected, seconds = undisturbed(site, nights)
    return Campaign(site, nights, expected, seconds, random.Random(seed))


def test_killed_now_and_then(small: Site, nights: Nights, second_night: Path) -> None:
    """Three kills, wherever they fall: the same bundle and the same rows, and no file that does not belong there."""
    found = campaign(small, nights, second_night, seed=1)
    found.run(3, second_night)
    assert (found.kills, sum(found.kills_by_night)) == (3, 3)


@pytest.mark.soak
@pytest.mark.parametrize("found", ["nothing", "the last run"])
def test_killed_at_200_random_instants(
    small: Site, nights: Nights, second_night: Path, tmp_path: Path, found: str
) -> None:
    """A hundred kills in nights that begin with nothing, and a hundred in nights that add to the last run."""
    small.configure("[mining]\nworkers = 1\n")  # starting others takes half of a small night; the test above does
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    before = second_night if found == "the last run" else nothing
    tried = campaign(small, nights, before, seed=len(found))
    tried.run(100, before)
    print(f"from {found}: {tried.kills} kills in {tried.ended} nights, by step: {dict(tried.kills_by_step)}")
    assert sum(tried.kills_by_night) == 100
