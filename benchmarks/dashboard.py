"""How long each page of the dashboard takes to open over a run: first in a fresh server, then again.

    python benchmarks/dashboard.py RUN [--page NAME ...] [--browser] [--most SECONDS]
    python benchmarks/dashboard.py RUN --made CALLS --like OTHER

The server loads what pages need while it waits for its first visitor; a first opening is what comes after that, and a
later one finds its answers kept. Beside the seconds on the
wall stand those of the processor, which the other work of a busy machine does not add to. ``--browser`` opens the
pages in Chromium, as a user does, and counts until the page is drawn. ``--made`` first makes RUN: a store of so many
made-up calls, written by SQL, with the documents of another run beside it. Ends with 1 when a first opening takes
more processor seconds than ``--most``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "dashboards" / "app.py"
PAGES = ("overview", "sequences", "argument_rules", "evaluation", "savings", "sessions", "bundle")
AGAIN = 3
RUN_VARIABLE = "MINER_DASHBOARD_RUN"
CALLS_A_SESSION = 40
_SESSIONS = """
    insert into all_sessions by name
    select i::integer as source, 'made:' || md5(i::varchar) as key, 'made' as reader, i::varchar as native_id,
           'root' as relation, 'app ' || i % 7 as application, 'model ' || i % 3 as model, i::varchar as task,
           1750000000000000 + i * 60000000 as started_us, 1750000000000000 + i * 60000000 + 240000000 as ended_us,
           []::bigint[] as off_path, 2 * {calls} + 1 as events, {calls} as calls, 400 * {calls} as bytes,
           0::ubigint as digest
    from range({sessions}) t(i)
"""
_SOURCES = """
    insert into sources by name
    select i::integer as source, 1 as batch, case when i % 5 = 0 then 'test' else 'train' end as part,
           'made/' || i as path, 'made' as reader, 1 as version, md5(i::varchar) as content, 81 as records,
           1 as sessions, 2 * {calls} + 1 as events, 0 as problems, i::hugeint as rows_digest
    from range({sessions}) t(i)
"""
_EVENTS = """
    insert into all_events by name
    with places as (
        select i, p, hash(i, p // 2) as drawn, hash(i, p // 2 - 1) % 4 as before, 'made:' || md5(i::varchar) as session,
               1750000000000000 + i * 60000000 + (p // 2) * 6000000 as asked_us
        from range({first}, {last}) s(i), range(2 * {calls} + 1) e(p))
    select i::integer as source, session, p as seq, 0 as turn, (p - 1) // 2 as step, drawn::ubigint as digest,
           case when p = 0 then 'user_message' when p % 2 = 1 then 'model_step' else 'tool_call' end as kind,
           case when p = 0 then 'do job ' || i when p % 2 = 1 then 'now the next step'
                else 'result ' || drawn || ' ' || repeat('line of output ', 12) end as text,
           case when p = 0 or p % 2 = 1 then asked_us else asked_us + 4000000 end as time_us,
           case when p > 0 and p % 2 = 0 then asked_us + 4000000 end as start_us,
           case when p > 0 and p % 2 = 0 then asked_us + 4000000 + (drawn % 3000000)::bigint
                when p % 2 = 1 then asked_us + 4000000
                end as end_us,
           case when p > 0 then 'native' else 'none' end as time_source, 0 as call_index,
           case when p > 0 and p % 2 = 0 then 'tool ' || (case when before = 0 then drawn % 4 else drawn % 24 end)
                end as tool,
           case when p > 0 and p % 2 = 0 then '{{"path": "src/file' || drawn % 900 || '.py"}}' end as arguments,
           true as arguments_ok, false as truncated,
           case when p > 0 and p % 2 = 0 then (case when drawn % 20 = 0 then 'error' else 'ok' end) end as status
    from places
"""
_BATCH = 20_000
"""Sessions written at a time."""


class Opening(NamedTuple):
    """One opening of a page, in seconds."""

    wall_s: float
    cpu_s: float


def make(run: Path, calls: int, like: Path) -> None:
    """A run of so many made-up calls, with the documents of another run."""
    from miner.evaluation.overview import overview
    from miner.store import Store

    sys.path.insert(0, str(ROOT))
    run.mkdir(parents=True)
    sessions = max(1, calls // CALLS_A_SESSION)
    with Store.open(run / "events.duckdb") as store:
        for text in (_SOURCES, _SESSIONS):
            store.connection.execute(text.format(calls=CALLS_A_SESSION, sessions=sessions))
        for first in range(0, sessions, _BATCH):
            last = min(sessions, first + _BATCH)
            store.connection.execute(_EVENTS.format(calls=CALLS_A_SESSION, first=first, last=last))
            print(f"{last:,} of {sessions:,} sessions", file=sys.stderr)
    with Store.open(run / "events.duckdb", read_only=True) as store:
        (run / "overview.json").write_text(json.dumps(overview(store)))
    for name in ("patterns.json", "bundle.json", "bundle.txt", "evaluation.json", "savings.json", "run.json"):
        shutil.copy(like / name, run / name)


def in_process(run: Path, page: str) -> list[Opening]:
    """The page's openings in this process, without a browser: to be called in a fresh one."""
    from streamlit.testing.v1 import AppTest

    from dashboards.serve import warm

    warm()
    os.environ[RUN_VARIABLE] = str(run)
    app = AppTest.from_file(str(APP), default_timeout=900)
    if page != PAGES[0]:
        app.switch_page(f"views/{page}.py")
    found = []
    for _ in range(1 + AGAIN):
        wall, cpu = time.perf_counter(), time.process_time()
        app.run()
        found.append(Opening(time.perf_counter() - wall, time.process_time() - cpu))
        if app.exception:
            raise SystemExit(f"{page}: {app.exception[0].message}")
    return found


def in_fresh_process(run: Path, page: str) -> list[Opening]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, str(run), "--page", page, "--inside"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [Opening(*one) for one in json.loads(told)]


def in_browser(run: Path, page: str) -> list[Opening]:
    """The page's openings in Chromium, each in a new tab, over a server of its own."""
    from tests.dashboards.browser import Tab, serving

    with serving(run) as server, Tab.opened(server.address) as tab:
        tab.warm()
        found = []
        for _ in range(1 + AGAIN):
            wall, cpu = time.perf_counter(), server.cpu_s()
            tab.open(page)
            found.append(Opening(time.perf_counter() - wall, server.cpu_s() - cpu))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a row a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--page", choices=PAGES, action="append", dest="pages")
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--made", type=int, metavar="CALLS")
    parser.add_argument("--like", type=Path)
    parser.add_argument("--most", type=float, metavar="SECONDS")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT))
    if asked.inside:
        print(json.dumps(in_process(asked.run, asked.pages[0])))
        return 0
    if asked.made:
        make(asked.run, asked.made, asked.like)
    print(f"{'page':<16}{'first':>8}{'cpu':>8}{'later':>8}{'cpu':>8}   seconds")
    worst = 0.0
    for page in asked.pages or PAGES:
        first, *later = (in_browser if asked.browser else in_fresh_process)(asked.run, page)
        again = Opening(*(statistics.median(column) for column in zip(*later, strict=True)))
        print(f"{page:<16}{first.wall_s:>8.2f}{first.cpu_s:>8.2f}{again.wall_s:>8.2f}{again.cpu_s:>8.2f}", flush=True)
        worst = max(worst, first.cpu_s)
    return int(asked.most is not None and worst > asked.most)


if __name__ == "__main__":
    raise SystemExit(main())
