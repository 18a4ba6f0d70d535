"""What goes wrong at night: each has an exit code, a reason in the summary, and leaves the published bundle alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from miner.errors import RunFolderError
from miner.journey.folder import RunFolder
from miner.journey.outcome import Inputs
from miner.journey.steps import ingest
from miner.settings import Settings
from pipelines import nightly, reading
from pipelines.home import Home, opened
from tests.pipelines.conftest import PINNED, ROOT, Night, Site

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
from pipelines.nightly import main
sys.exit(main(["--settings", sys.argv[1]]))
"""

PLAIN = """
import sys
from pipelines.nightly import main
sys.exit(main(["--settings", sys.argv[1]]))
"""


def failed(night: tuple[int, dict[str, Any], str]) -> str:
    """The reason of a night that failed and left the published run alone."""
    code, summary, _ = night
    assert (code, summary["status"], summary["exit_code"]) == (1, "failed", 1)
    (reason,) = summary["reasons"]
    return str(reason)


def test_a_source_that_is_gone(site: Site, run_pipeline: Night) -> None:
    """A folder that is not mounted is no empty night; when it is back, all is as it was."""
    site.logs.rename(site.base / "away")
    night = run_pipeline(nightly.main, "--settings", site.settings)
    assert failed(night) == "a source of logs is not there"
    assert night[1]["error"]["where"] == str(site.logs)
    (site.base / "away").rename(site.logs)
    assert run_pipeline(nightly.main, "--settings", site.settings)[1]["status"] == "nothing_new"
    assert site.current() == "runs/000001\n"


def test_a_source_that_vanishes_in_mid_run(site: Site, run_pipeline: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs that disappear while they are read fail the night instead of shipping half of it."""
    site.arrive()

    def vanishing(folder: RunFolder, inputs: Inputs, settings: Settings, _: Callable[..., None]) -> Any:
        return ingest(folder, inputs, settings, lambda _: shutil.rmtree(site.logs, ignore_errors=True))

    monkeypatch.setattr(reading, "ingest", vanishing)
    failed(run_pipeline(nightly.main, "--settings", site.settings))
    assert not site.logs.exists()
    assert site.current() == "runs/000001\n"


def test_an_empty_first_night(site: Site, run_pipeline: Night) -> None:
    """A source folder that holds nothing yet is nothing new."""
    shutil.rmtree(site.home)
    (site.logs / "first.jsonl").unlink()
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"], summary["current"]) == (0, "nothing_new", None)


def test_logs_that_were_rotated_away(site: Site, run_pipeline: Night) -> None:
    """Sessions stay when their files are deleted after they were read."""
    (site.logs / "first.jsonl").unlink()
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"]) == (0, "nothing_new")
    assert summary["read"]["sessions"] == 30


@pytest.mark.parametrize(
    "text", ["no log at all\n", '{"messages": [{"role": "user", "content": "hi"}]}\n{"messages": [{"role": "us\n']
)
def test_a_night_with_only_broken_files(text: str, site: Site, run_pipeline: Night) -> None:
    """New files of which nothing can be read fail the night, also among many good ones of other nights."""
    broken = text.splitlines()[-1] + "\n"
    for number in range(3):
        (site.logs / f"broken{number}.jsonl").write_text(broken)
    failed(run_pipeline(nightly.main, "--settings", site.settings))
    assert site.current() == "runs/000001\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[nightly]\nsuorces = ["logs"]\n', "did you mean nightly.sources?"),
        ('[nightlyy]\nsources = ["logs"]\n', "did you mean nightly?"),
        ('[nightly]\nsources = ["logs"]\n[gates]\nfigures = ["exactness"]\n', "gates.figures[0] must be one of"),
        ("[nightly]\nsources = []\n", "no source of logs is named"),
        ("nightly", "not TOML"),
    ],
)
def test_wrong_settings(text: str, said: str, site: Site, run_pipeline: Night) -> None:
    """A key that does not exist is named with its nearest, before anything is touched; the exit code is 2."""
    site.settings.write_text(text)
    code, summary, error = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary) == (2, {})
    assert said in error


def test_two_nightlies_at_once(site: Site, run_pipeline: Night) -> None:
    """The second leaves at once with its own exit code, and makes no run."""
    with opened(site.home):
        code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"]) == (75, "busy")
    assert [run.name for run in (site.home / "runs").iterdir()] == ["000001"]


def test_two_nightlies_started_in_the_same_moment(site: Site) -> None:
    """Of two processes one does the night and the other leaves, whichever comes first; one run is made."""
    site.arrive()
    site.configure(gates="min_precision = 0.0\nfigures = []")
    words = [sys.executable, "-c", PINNED + PLAIN, str(site.settings)]
    both = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    told = [json.loads(night.communicate()[0]) for night in both]
    assert sorted((night.returncode, one["status"]) for night, one in zip(both, told, strict=True)) == [
        (0, "published"),
        (75, "busy"),
    ]
    assert sorted(run.name for run in (site.home / "runs").iterdir()) == ["000001", "000002"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be made here: that takes root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(site: Site, run_pipeline: Night, small_disk: Path) -> None:
    """The night fails without a bundle and says so; once the disk has room, the next one publishes."""
    ballast = small_disk / "ballast"
    site.settings.write_text(site.settings.read_text().replace('home = "home"', f'home = "{small_disk / "home"}"'))
    ballast.write_bytes(bytes(7 << 20))
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"]) == (1, "failed")
    assert not (small_disk / "home" / "current").exists()
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=512m", str(small_disk)], check=True)
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"]) == (0, "published")


@pytest.mark.parametrize("room", [1_000, 200_000, 2_000_000])
def test_a_disk_that_fills_up(room: int, site: Site, run_pipeline: Night) -> None:
    """Writes that fail for want of room fail the night; the next one with room does the work."""
    pytest.importorskip("resource", reason="no limit on the size of files here")
    later = site.arrive()
    words = [sys.executable, "-c", PINNED + LIMITED, str(site.settings), str(room)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["status"] == "failed"
    assert site.current() == "runs/000001\n"
    later.unlink()
    assert run_pipeline(nightly.main, "--settings", site.settings)[1]["status"] == "nothing_new"


def test_a_pointer_that_leads_nowhere(site: Site, run_pipeline: Night) -> None:
    """A damaged pointer is no licence to publish without comparing: the night fails and says what to write."""
    (site.home / "current").write_text("runs/000007\n")
    site.configure("[replay]\nconcurrency = 2\n")
    night = run_pipeline(nightly.main, "--settings", site.settings)
    assert "leads to no bundle" in failed(night)
    assert site.current() == "runs/000007\n"


def test_old_runs_go_and_the_published_one_stays(tmp_path: Path) -> None:
    """Beyond the newest ``keep`` full runs everything older goes, except where the pointer leads."""
    home = Home(tmp_path)
    for number in range(1, 7):
        run = home.begin({"number": number}, None)
        if number != 4:
            (run / "bundle.json").write_text("{}")
        home.finish(run, {"number": number}, full=number != 4)
    home.publish(home.runs / "000002")
    assert home.retain(keep=2) == ["000001", "000003", "000004"]
    assert sorted(run.name for run in home.runs.iterdir()) == ["000002", "000005", "000006"]
    assert home.begin({}, None).name == "000007"


def test_a_pointer_cannot_leave_its_home(tmp_path: Path) -> None:
    """A name that leads out of the runs is refused."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "bundle.json").write_text("{}")
    (tmp_path / "current").write_text("elsewhere\n")
    with pytest.raises(RunFolderError, match="leads to no bundle"):
        _ = Home(tmp_path).published
