"""Long work beside the pages: started on request, followed while it goes on, and told what became of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

import streamlit as st

from dashboards import frame

LOOKS_EVERY_S = 2


@dataclass
class Work:
    """A process, and the file that it tells its progress to."""

    process: subprocess.Popen[bytes]
    told: IO[bytes]
    began: float = field(default_factory=time.monotonic)

    def last_words(self) -> str:
        """The last line it told."""
        self.told.seek(0)
        lines = self.told.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else "starting"


@st.cache_resource
def _going_on() -> dict[str, Work]:
    """What was started, by its name: one for all visitors."""
    return {}


def started(name: str, module: str, arguments: Sequence[str]) -> Work:
    """Start a module of ours in a process of its own, in the server's group so that it ends with it."""
    told = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the work goes on
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=told, stderr=subprocess.STDOUT)
    _going_on()[name] = Work(process, told)
    return _going_on()[name]


def offered(name: str, label: str, module: str, arguments: Sequence[str]) -> None:
    """A button that starts the work; while it goes on its progress, and afterwards what went wrong, if it did."""
    work = _going_on().get(name)
    if work is None or work.process.poll() is not None:
        if work is not None and work.process.returncode:
            st.warning(frame.plain(f"It ended without a result: {work.last_words()}"))
        if st.button(label, key=f"start_{name}", type="primary"):
            work = started(name, module, arguments)
    if work is not None and work.process.poll() is None:
        _followed(work)


@st.fragment(run_every=LOOKS_EVERY_S)
def _followed(work: Work) -> None:
    """Progress, until the work ends and the page is drawn again."""
    if work.process.poll() is not None:
        st.rerun()
    seconds = time.monotonic() - work.began
    st.info(
        f"Working for {frame.lasting(seconds)}: {frame.plain(work.last_words())}. You may leave this page meanwhile."
    )
