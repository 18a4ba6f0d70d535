"""A deletion request: sessions leave the store, the counts and the bundle, and runs that still hold them are deleted.

The new run is published however it compares: what was asked to be forgotten is not served on. Exit codes are those of
``nightly``; killed at any point, the next start of either completes the run. The log files are the owner's to delete;
while they lie there, what was forgotten in them is passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from miner.errors import RunFolderError
from pipelines.home import opened
from pipelines.nightly import Facts, guarded, night, parser
from pipelines.settings import PipelineSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Forget sessions."""
    accepted = parser(__doc__)
    accepted.add_argument("sessions", nargs="+", metavar="SESSION", help="key of a session, as in the view `sessions`")
    chosen = accepted.parse_args(arguments)
    return guarded("forget", chosen.settings, lambda settings: forget(settings, chosen.sessions))


def forget(settings: PipelineSettings, sessions: Sequence[str]) -> Facts:
    """One run without the sessions, from the last one's state.

    Raises:
        RunFolderError: there is no run that could hold them.
    """
    with opened(Path(settings.nightly.home)) as home:
        if home.last_full() is None:
            raise RunFolderError("there is no run to forget anything in", where=str(home.path))
    return night("forget", settings, forgotten=sessions)


if __name__ == "__main__":
    sys.exit(main())
