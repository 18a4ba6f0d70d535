"""Starts the server and, while it waits for its first visitor, loads what the pages need.

python -m dashboards.serve run APP OPTIONS: what follows the module's name is Streamlit's.
"""

from __future__ import annotations

import threading
from importlib import import_module

_USED_BY_PAGES = (
    "altair",
    "duckdb",
    "pandas",
    "pyarrow.compute",
    "dashboards.frame",
    "dashboards.queries.replays",
    "dashboards.queries.bundles",
    "dashboards.queries.rules",
    "miner.evaluation.run_folder",
    "miner.evaluation.excerpt",
    "miner.mining.sequences",
    "miner.predictors.shipped",
    "miner.evaluation.replay.permits",
    "miner.evaluation.replay.replanning",
)


def warm() -> None:
    """Import what pages use, and load the replay's compiled loop by a replay of nothing."""
    for name in _USED_BY_PAGES:
        import_module(name)
    import numpy as np

    from miner.evaluation.replay.arrivals import alone
    from miner.evaluation.replay.planning import limits_of, no_plan
    from miner.evaluation.replay.simulator import simulate
    from miner.evaluation.replay.workload import Workload
    from miner.runtime.budget import Budget

    none = np.zeros(0, dtype=np.int64)
    one_session = Workload(*[none] * len(Workload._fields))._replace(
        decision_start=np.zeros(2, dtype=np.int64), call_start=np.zeros(1, dtype=np.int64), began_us=none - 1
    )
    simulate(one_session, no_plan(0), limits_of(Budget()), alone(one_session), 1)


def main() -> None:
    """Serve until interrupted."""
    from streamlit.web.cli import main as streamlit

    threading.Thread(target=warm, daemon=True, name="warm").start()
    streamlit()


if __name__ == "__main__":
    main()
