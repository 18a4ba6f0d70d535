"""What every page is framed in: the run it shows, kept answers, tables with downloads, empty states, plain text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards.queries.folder import Run, find_run
from dashboards.queries.masking import csv_bytes, masked
from miner.errors import MinerError

Key = tuple[str, str, str]
"""A query's name, a run's folder, and its state."""
RUN_VARIABLE = "MINER_DASHBOARD_RUN"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&@])")


def card(place: Any, label: str, value: str, beside: str, **more: Any) -> None:
    """A figure in a frame, and what it is to be read with: no rise or fall, so neither colour nor arrow."""
    place.metric(label, value, beside, delta_color="off", delta_arrow="off", border=True, **more)


def current_run() -> Run:
    """The run that the command line named, in its state now.

    Raises:
        RunFolderError: it is no run folder.
    """
    return find_run(Path(os.environ.get(RUN_VARIABLE, ".")))


def ask(query: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of a query on the current run, kept until the run changes."""
    run = current_run()
    return _kept(_key(query, run), arguments, query, run)


def hold(query: Callable[..., Any], *arguments: Any) -> Any:
    """The same for answers that are large and only read: kept once, never copied."""
    run = current_run()
    return _held(_key(query, run), arguments, query, run)


def derive(function: Callable[..., Any], held: Any, made_with: tuple[Any, ...], *arguments: Any) -> Any:
    """What a function makes of something held; ``made_with`` is what that was held under."""
    return _derived(_key(function, current_run()), made_with, arguments, function, held)


def made(function: Callable[..., Any], held: Any, *arguments: Any) -> Any:
    """The same for what is large itself: kept once, never copied."""
    return _made(_key(function, current_run()), arguments, function, held)


@st.cache_resource(max_entries=8, show_spinner="Working it out …")
def _made(key: Key, arguments: Any, _function: Callable[..., Any], _held: Any) -> Any:
    del key  # what the answer is kept under
    return _function(_held, *arguments)


@st.cache_data(max_entries=256, show_spinner="Working it out …")
def _derived(key: Key, made_with: Any, arguments: Any, _function: Callable[..., Any], _held: Any) -> Any:
    del key, made_with  # what the answer is kept under
    return _function(_held, *arguments)


@st.cache_data(max_entries=256, show_spinner="Working it out …")
def _kept(key: Key, arguments: Any, _query: Callable[..., Any], _run: Run) -> Any:
    del key  # what the answer is kept under
    return _query(_run, *arguments)


@st.cache_resource(max_entries=4, show_spinner="Walking the sessions; kept until the run changes …")
def _held(key: Key, arguments: Any, _query: Callable[..., Any], _run: Run) -> Any:
    del key  # what the answer is kept under
    return _query(_run, *arguments)


def _key(query: Callable[..., Any], run: Run) -> Key:
    return (f"{query.__module__}.{query.__name__}", str(run.path), run.stamp)


def opening(title: str, lead: str) -> None:
    """The head of a page."""
    st.title(title)
    st.caption(lead)


def empty(what: str, next_step: str, command: str = "") -> None:
    """An empty state that says what to do."""
    with st.container(border=True):
        st.markdown(f"**{plain(what)}**")
        st.markdown(plain(next_step))
        if command:
            st.code(command, language="bash")


def problem(error: MinerError) -> None:
    """An error as a person should meet it: what, where, what next."""
    with st.container(border=True):
        st.markdown(f"**{plain(error.what)}**")
        if error.where:
            st.markdown("Where")
            st.code(error.where, language=None)
        if error.next_step:
            st.markdown("What to do")
            st.code(error.next_step, language=None)
        st.button("Look again", key="look_again")


def plain(text: str) -> str:
    """Text that means itself in Markdown, whatever a log put into it."""
    return _MARKUP.sub(r"\\\1", text)


def shown(text: str) -> str:
    """Text from a log as the reader wants it: what looks like a secret masked until asked for."""
    return text if st.session_state.get("reveal") else masked(text)


def table(
    rows: Sequence[dict[str, Any]],
    name: str,
    columns: dict[str, Any] | None = None,
    *,
    hide: Sequence[str] = (),
    names: Sequence[str] = (),
    select: bool = False,
    height: int | None = None,
) -> int | None:
    """Rows as a table with a download; the chosen row's place where one may be chosen.

    ``names`` are columns of our own keys, which look random and are no secret.
    """
    rows = [
        {key: value if key in names else _shown_cell(value) for key, value in row.items() if key not in hide}
        for row in rows
    ]
    filled = {key for row in rows for key, value in row.items() if value not in (None, "")}
    order = [key for key in (rows[0] if rows else {}) if key in filled]
    options: dict[str, Any] = {"height": height} if height else {}
    if select:
        options |= {"on_select": "rerun", "selection_mode": "single-row"}
    chosen = st.dataframe(
        [{key: _neat(value) for key, value in row.items()} for row in rows],
        hide_index=True,
        column_order=order,
        column_config=columns,
        key=f"table_{name}",
        alt=name,
        **options,
    )
    st.download_button(
        f"Download {len(rows):,} {'row' if len(rows) == 1 else 'rows'} as CSV",
        partial(csv_bytes, rows),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv_{name}",
        on_click="ignore",
        type="tertiary",
    )
    if not select:
        return None
    places = chosen["selection"]["rows"]
    return places[0] if places else None


def _shown_cell(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    return [_shown_cell(item) for item in value] if isinstance(value, list) else value


def _neat(value: Any) -> Any:
    """A figure with as many digits as people read; the download has them all."""
    if not isinstance(value, float):
        return value
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return round(value, digits) + 0.0  # adding 0 makes -0.0 a plain zero


def share_column(label: str, description: str | None = None) -> Any:
    """A column of shares, as a bar with a figure."""
    return st.column_config.ProgressColumn(label, help=description, format="percent", min_value=0, max_value=1)


def verdict(passed: bool, text: str) -> None:
    """One line that says whether something holds, and what."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("holds" if passed else "broken", color="green" if passed else "red")
        st.markdown(text, width="stretch")


def percent(value: float | None, digits: int = 1) -> str:
    """A share as people read it."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def interval(ends: Sequence[float] | None) -> str:
    """A 95 % interval in words."""
    return "" if not ends else f"95 %: {100 * ends[0]:.1f}–{100 * ends[1]:.1f}"


def lasting(seconds: float | None) -> str:
    """Seconds in the unit people read."""
    if seconds is None:
        return "–"
    if 0 < abs(seconds) < 1:
        return f"{1000 * seconds:,.1f} ms"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if abs(seconds) < limit:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 86_400:,.1f} days"
