"""``miner verify``: rows against their digests."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from miner.cli import DONE, FAILED, main
from miner.readers import load_reader
from miner.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A closed store of one log."""
    reader = load_reader("messages")
    log = tmp_path / reader.EXAMPLE_NAME
    log.write_bytes(reader.EXAMPLE)
    with Store.open(tmp_path / "events.duckdb") as opened:
        opened.ingest([log])
    return tmp_path / "events.duckdb"


def verified(store: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, int, int]:
    """Exit code, sources checked, sources damaged."""
    code = main(["verify", str(store), "--json", *options])
    found = json.loads(capsys.readouterr().out)
    return code, found["sources"], len(found["damaged"])


def test_a_sound_store_passes(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --full only what came after the last checkpoint is checked: of a closed store, nothing."""
    assert verified(store, capsys) == (DONE, 0, 0)
    assert verified(store, capsys, "--full") == (DONE, 1, 0)


def test_a_run_folder_is_its_store(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder of a store is as good as the store, and the text says how much of it was looked at."""
    assert verified(store.parent, capsys, "--full") == (DONE, 1, 0)
    assert main(["verify", str(store.parent)]) == DONE
    assert "0 sources since the last checkpoint (--full: all of them) checked" in capsys.readouterr().out


def test_a_changed_row_is_found_and_forgotten_on_demand(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--full finds the source, --forget takes its rows out, and the next ingest reads it again."""
    with duckdb.connect(str(store)) as connection:
        connection.execute("update all_events set text = 'other' where seq = 1")
    assert verified(store, capsys, "--full") == (FAILED, 1, 1)
    assert main(["verify", str(store), "--full"]) == FAILED
    assert f"next:  miner verify {store} --forget" in capsys.readouterr().out
    assert verified(store, capsys, "--full", "--forget") == (FAILED, 1, 1)
    assert verified(store, capsys, "--full") == (DONE, 0, 0)
    with Store.open(store) as opened:
        assert opened.ingest([store.parent / load_reader("messages").EXAMPLE_NAME]).files_read == 1
    assert verified(store, capsys, "--full") == (DONE, 1, 0)
