"""Say what is installed, found and working, and why nothing is being speculated."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import click

from miner.cli import console
from miner.errors import MissingExtraError, StoreError

PARTS = {
    "mining": ("duckdb", "polars", "pyarrow", "numba", "sklearn", "orjson"),
    "dashboard": ("streamlit",),
    "spark": ("pyspark",),
    "mcp": ("mcp",),
}
"""Extras, and the modules that show they are installed."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ENOUGH_DISK_BYTES = 1 << 30
RUN_FILES = ("run.json", "events.duckdb", "patterns.json", "evaluation.json", "savings.json", "bundle.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do when it is not well."""

    about: str
    state: Literal["ok", "note", "fail"]
    detail: str
    next_step: str = ""


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@console.json_option
@click.pass_context
def command(context: click.Context, run: Path | None, as_json: bool) -> None:
    """Say what is installed, found and working; with RUN, a run folder, also why nothing is being speculated."""
    findings = [*_of_installation(), *_of_folder(run or Path()), *(_of_run(run) if run else ())]
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        console.say_json({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        console.table(
            ("state", "about", "found", "next"), [(f.state, f.about, f.detail, f.next_step) for f in findings]
        )
    context.exit(int(failed))


def _of_installation() -> Iterator[Finding]:
    brought_by = importlib.metadata.packages_distributions()  # a distribution's name is not always its module's
    yield Finding("miner", "ok", importlib.metadata.version("toolcall-miner"))
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    for extra, modules in PARTS.items():
        missing = [name for name in modules if find_spec(name) is None]
        if missing:
            advice = f"pip install 'toolcall-miner[{extra}]'"
            yield Finding(f"extra {extra}", "note", f"not installed: {', '.join(missing)}", advice)
        else:
            found = (f"{name} {importlib.metadata.version(brought_by[name][0])}" for name in modules)
            yield Finding(f"extra {extra}", "ok", ", ".join(found))
    java = shutil.which("java")
    yield Finding(
        "java", "ok" if java else "note", java or "not found", "" if java else "only the Spark engine needs it"
    )
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    only = "only the dashboard's own tests need it"
    yield Finding("chromium", "ok" if browser else "note", browser or "not found", "" if browser else only)


def _of_folder(folder: Path) -> Iterator[Finding]:
    """Whether results can be written where they would go: the folder, or the nearest one above that is there."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    advice = "" if free >= ENOUGH_DISK_BYTES else "free some space: a run needs about as much as its logs"
    yield Finding("disk", "note" if advice else "ok", f"{console.size(free)} free at {there}", advice)
    try:
        with tempfile.TemporaryFile(dir=there):
            yield Finding("write access", "ok", str(there))
    except OSError as error:
        advice = "choose another folder with --out"
        yield Finding("write access", "fail", f"{there}: {error.strerror}", advice)


def _of_run(run: Path) -> Iterator[Finding]:
    """What a run folder holds, then the first reason why a runtime with its bundle would start nothing early."""
    if not run.is_dir():
        yield Finding("run folder", "fail", f"{run} is not there", f"miner run LOGS --out {run}")
        return
    yield _of_files(run)
    if (run / "events.duckdb").exists():
        yield _of_store(run / "events.duckdb")
    yield _why_silent(run)


def _of_files(run: Path) -> Finding:
    """Whether the files of a run are there, readable and of this version."""
    from miner.journey.folder import FORMAT

    about, again = "run folder", f"miner run LOGS --out {run}"
    documents = [name for name in RUN_FILES if name.endswith(".json") and (run / name).exists()]
    broken = [name for name in documents if _json(run / name) is None]
    if broken:
        return Finding(about, "fail", f"no JSON object: {', '.join(broken)}", again)
    if (_json(run / "run.json") or {}).get("format", FORMAT) != FORMAT:
        advice = "start a new one: miner run LOGS --out ANOTHER"
        return Finding(about, "fail", "written by another version of miner", advice)
    missing = [name for name in RUN_FILES if not (run / name).exists()]
    if missing:
        return Finding(about, "note", f"without {', '.join(missing)}", again)
    return Finding(about, "ok", "complete")


def _of_store(path: Path) -> Finding:
    """Whether the store opens for reading, and what is in it."""
    from miner.store import Store

    try:
        with Store.open(path, read_only=True) as store:
            ((sessions, problems),) = store.query(
                "select (select count(*) from sessions), (select count(*) from problems)"
            )
    except MissingExtraError as error:
        return Finding("store", "note", "not looked at", error.next_step or "")
    except StoreError as error:
        advice = error.next_step or "run again: a store can always be rebuilt from its logs"
        return Finding("store", "fail", error.what, advice)
    counted = f"{console.cell(sessions)} sessions, {console.cell(problems)} problems"
    return Finding("store", "ok", f"{counted}, {console.size(path.stat().st_size)}")


def _why_silent(run: Path) -> Finding:
    """Walk from logs to live speculation and stop at the first gap."""
    about = "speculation"
    bundle = _json(run / "bundle.json")
    if bundle is None:
        return Finding(about, "note", "there is no readable bundle", f"miner export {run}")
    if not bundle.get("patterns"):
        advice = "mine more sessions, or lower mining.min_sessions in the settings"
        return Finding(about, "note", "the bundle holds no pattern: nothing recurred often enough", advice)
    evaluation = _json(run / "evaluation.json") or {}
    shipped = evaluation.get("predictors", {}).get("shipped", {}).get("overall", {})
    if not shipped:
        return Finding(about, "note", "the bundle was never scored", f"miner evaluate {run}")
    if not shipped.get("coverage"):
        advice = "give more logs, or lower mining.precision in the settings, which wastes more early calls"
        return Finding(about, "note", "no prediction passed the gate on held-out sessions", advice)
    detail = (
        f"at {console.share(shipped['coverage'])} of decisions something passes the gate, "
        f"{console.share(shipped.get('precision'))} of it is asked for"
    )
    return Finding(about, "ok", detail, "a runtime starts switched off: give it a policy that allows tools")


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
