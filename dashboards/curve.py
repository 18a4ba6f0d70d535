"""Adds a learning curve to a run's evaluation, telling its progress: what the page starts beside itself.

python -m dashboards.curve RUN
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import MinerError, RunFolderError

if TYPE_CHECKING:
    from miner.evaluation.learning_curve import Fit


def add_curve(folder: Path, say: Callable[[str], None]) -> None:
    """Learn from parts of the training sessions and score each on the held-out ones; everything else stays as it is.

    Raises:
        RunFolderError: the run has no evaluation to add it to.
        SplitError: there are too few sessions to hold some out.
    """
    from miner.evaluation.evaluate import Options
    from miner.evaluation.learning_curve import SHARES, learning_curve
    from miner.evaluation.parts import parts_of
    from miner.evaluation.run_folder import CURVES, fits_of, open_store, read_result, write_result

    if not read_result(folder, "evaluation.json"):
        raise RunFolderError("nothing has been scored", where=str(folder), next_step=f"miner evaluate {folder}")
    done = 0

    def told(name: str, fit: Fit) -> Fit:
        def learn(train: object) -> object:
            nonlocal done
            done += 1
            say(f"{done} of {len(SHARES) * len(CURVES)}: {name} learns")
            return fit(train)  # type: ignore[arg-type]

        return learn  # type: ignore[return-value]

    with open_store(folder) as store:
        parts = parts_of(store)
        fits = {name: told(name, fit) for name, fit in fits_of(CURVES).items()}
        rows = learning_curve(parts.train, parts.test, fits, Options(how=parts.how))
    # Read anew: a pipeline may have written it meanwhile.
    write_result(folder, "evaluation.json", {**(read_result(folder, "evaluation.json") or {}), "learning_curve": rows})


def main() -> int:
    """Add the curve to the run that is named."""
    try:
        add_curve(Path(sys.argv[1]), lambda words: print(words, flush=True))
    except MinerError as error:
        print(f"{error.what}; {error.next_step}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
