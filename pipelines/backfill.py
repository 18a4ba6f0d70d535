"""Older logs into the next run: archives are read one by one, each kept before the next, then judged as every night.

``--afresh`` starts from nothing instead of the last run, for a new version of miner or a deleted session. Exit codes
are those of ``nightly``; killed at any point, the next start of either completes the run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.nightly import guarded, night, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one backfill."""
    accepted = parser(__doc__)
    accepted.add_argument("archives", nargs="*", help="files or folders that are read beside nightly.sources")
    accepted.add_argument("--afresh", action="store_true", help="read everything that is named, and nothing else")
    chosen = accepted.parse_args(arguments)
    archives = [str(Path(name).expanduser().absolute()) for name in chosen.archives]
    return guarded(
        "backfill", chosen.settings, lambda settings: night("backfill", settings, archives, afresh=chosen.afresh)
    )


if __name__ == "__main__":
    sys.exit(main())
