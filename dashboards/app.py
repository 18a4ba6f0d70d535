"""The entry of the dashboard: chooses the page, shows which run it is about, and turns errors into advice."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards import frame
from miner.errors import MinerError

VIEWS = Path(__file__).parent / "views"  # a folder named "pages" would be served a second time, without this frame
TITLES = {
    "overview": "Overview",
    "sequences": "Sequences",
    "argument_rules": "Argument rules",
    "evaluation": "Evaluation",
    "savings": "Savings",
    "sessions": "Sessions",
    "bundle": "Bundle",
}


@st.fragment(run_every="5s")
def _follow(seen: str) -> None:
    """Shows the new run as soon as a pipeline has published one."""
    try:
        changed = frame.current_run().stamp != seen
    except MinerError:
        changed = True
    if changed:
        st.rerun()


st.set_page_config(page_title="miner", layout="wide", initial_sidebar_state="auto")
views = {name: st.Page(VIEWS / f"{name}.py", title=title, url_path=name) for name, title in TITLES.items()}


def _front() -> None:
    """The bare address leads to the first page, which then has an address like all others."""
    st.switch_page(views["overview"], query_params=dict(st.query_params))


page = st.navigation([st.Page(_front, title="miner", default=True, visibility="hidden"), *views.values()])
try:
    run = frame.current_run()
    with st.sidebar:
        st.markdown(f"Run **{frame.plain(run.path.name)}**", help=frame.plain(str(run.path)))
        st.toggle(
            "Show what looks secret",
            key="reveal",
            help="Keys, passwords, addresses and card numbers in values from the logs are masked until you ask.",
        )
        _follow(run.stamp)
    page.run()
except MinerError as error:
    frame.problem(error)
