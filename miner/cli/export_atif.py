"""Write the sessions of a store as ATIF trajectories, the interchange format of agent logs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from miner.cli import console
from miner.errors import LogError


@click.command()
@click.argument("store", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the files.")
@click.option("--reader", help="Only sessions of this log format.")
@console.json_option
def command(store: Path, out: Path, reader: str | None, as_json: bool) -> None:
    """Write every session of STORE (a database, or a run folder) as one ATIF file in the folder --out.

    Times, status and exit codes stand in the free `extra` of calls and results. The files hold what the logs hold:
    look through them before you share them.
    """
    from miner.readers.atif_writer import children_of, trajectory_of
    from miner.store.database import Store

    path = store / "events.duckdb" if store.is_dir() else store
    calls = written = 0
    with Store.open(path, read_only=True) as opened:
        sessions = opened.sessions()
        children = children_of((session.key, session.parent, session.spawned_by) for session in sessions)
        chosen = [session for session in sessions if reader in (None, session.reader)]
        if not chosen:
            raise LogError(
                "there is no session to write", where=str(path), next_step="`miner formats` lists the names of formats"
            )
        out.mkdir(parents=True, exist_ok=True)
        with console.progress("writing trajectories", len(chosen)) as advance:
            for log in opened.session_logs():
                if reader not in (None, log.session.reader):
                    continue
                trajectory = trajectory_of(log, children.get(log.session.key))
                text = json.dumps(trajectory, indent=1, ensure_ascii=False) + "\n"
                (out / f"{log.session.key}.json").write_text(text, encoding="utf-8")
                calls += sum(len(step.get("tool_calls", ())) for step in trajectory["steps"])
                written += 1
                advance(1)
    if as_json:
        console.say_json({"sessions": written, "calls": calls, "folder": str(out)})
    else:
        console.say(f"{written} sessions with {calls} calls written to {out}")
