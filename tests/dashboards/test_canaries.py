"""Canaries: secrets put into a log are to be found nowhere while masks are on, and are found when they are off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.queries.folder import find_run
from dashboards.queries.walks import session_rows
from miner.cli import main
from tests.dashboards.pages import NAMES, opened

KEY, TOKEN, MAIL = "AKIAQ7CANARYWXYZ2345", "ghp_" + "cAnArY0123456789abcdefghijklmnopqrst", "canary@private.example"
CANARIES = (KEY, TOKEN, MAIL)
SESSIONS = 10


@pytest.fixture(scope="module")
def canary_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over sessions that pass secrets from a message and a result on to the next call."""
    folder = tmp_path_factory.mktemp("canaries")
    lines = []
    for number in range(SESSIONS):
        messages: list[dict[str, Any]] = [{"role": "user", "content": f"job {number}: deploy with {KEY} for {MAIL}"}]
        for place, (tool, arguments, result) in enumerate(
            [
                ("sign_in", {"key": KEY}, json.dumps({"token": TOKEN, "user": MAIL})),
                ("deploy", {"token": TOKEN, "notify": MAIL}, f"deployed with {TOKEN}"),
                ("run_shell", {"command": f"curl -H 'Authorization: Bearer {TOKEN}' https://host.example"}, "fine"),
            ]
        ):
            call = {"id": f"c{number}-{place}", "type": "function"}
            function = {"name": tool, "arguments": json.dumps(arguments)}
            messages.append({"role": "assistant", "content": None, "tool_calls": [{**call, "function": function}]})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        lines.append(json.dumps({"id": f"s{number}", "messages": messages}))
    log, quick = folder / "chat.jsonl", folder / "quick.toml"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    quick.write_text("[evaluation]\nresamples = 20\n")
    assert main(["run", str(log), "--out", str(folder / "run"), "--settings", str(quick)]) == 0
    return folder / "run"


def _sent(app: AppTest) -> Iterator[str]:
    """Everything that the page sends to the browser, tables and charts included."""
    waiting: list[Any] = [app._tree]
    while waiting:
        node = waiting.pop()
        waiting.extend(getattr(node, "children", {}).values())
        if getattr(node, "proto", None) is not None:
            yield node.proto.SerializeToString().decode("latin-1")


def _found(app: AppTest) -> set[str]:
    text = "\n".join(_sent(app))
    return {canary for canary in CANARIES if canary in text}


@pytest.mark.parametrize("page", NAMES)
def test_no_page_sends_a_canary(page: str, canary_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With masks on, no secret of the log is in anything that a page sends."""
    app = opened(canary_run, page, monkeypatch)
    assert not app.exception
    assert _found(app) == set()


def test_canaries_are_seen_once_they_are_asked_for(canary_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crawl would see a canary: a session shows them as soon as somebody asks for what looks secret."""
    key = session_rows(find_run(canary_run), "", "deploy", 0)[0]["session"]
    app = opened(canary_run, "sessions", monkeypatch, session=key)
    assert _found(app) == set()
    next(toggle for toggle in app.toggle if toggle.key == "reveal").set_value(True)
    app.run()
    assert _found(app) == set(CANARIES)


@pytest.mark.parametrize("name", ["report.html", "report.md", "overview.json", "evaluation.json", "savings.json"])
def test_no_report_holds_a_canary(name: str, canary_run: Path) -> None:
    """What is handed on of a run has no secret of the log in it."""
    text = (canary_run / name).read_text(encoding="utf-8")
    assert [canary for canary in CANARIES if canary in text] == []


def test_what_pages_keep_holds_no_canary(canary_run: Path) -> None:
    """The files that a run keeps for its pages are numbers and names."""
    import numpy as np

    for name in ("recording.npz", "excerpt.npz"):
        with np.load(canary_run / name) as file:
            facts = file["facts"].tobytes().decode()
        assert [canary for canary in CANARIES if canary in facts] == []
