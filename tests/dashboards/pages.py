"""Runs the pages of the dashboard in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards.frame import RUN_VARIABLE

APP = Path(__file__).parents[2] / "dashboards" / "app.py"
NAMES = tuple(sorted(path.stem for path in (APP.parent / "views").glob("*.py")))


def opened(run: Path, page: str, monkeypatch: object, **query: str) -> AppTest:
    """One page over one run folder, drawn."""
    monkeypatch.setenv(RUN_VARIABLE, str(run))  # type: ignore[attr-defined]
    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.run()
    if page != "overview":
        app.switch_page(f"views/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def said(app: AppTest) -> str:
    """Every text on a page."""
    return "\n".join(_texts(app))


def _texts(app: AppTest) -> Iterator[str]:
    for kind in (app.markdown, app.caption, app.code, app.title, app.subheader, app.info):
        yield from (str(part.value) for part in kind)
    for metric in app.metric:
        yield f"{metric.label}: {metric.value}"
