"""The two parts of a run's sessions: those that train and those that are scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from miner.errors import SplitError, UsageError
from miner.evaluation.split import HELD_OUT, Logs, by_group, by_hash, by_time, select
from miner.store.stored import StoredLogs

if TYPE_CHECKING:
    from miner.store.database import Store

SPLITS = ("given", "session", "time", "source")


class Parts(NamedTuple):
    """What trains, what is scored, and how they were told apart."""

    train: Logs
    test: Logs
    how: str


def parts_of(store: Store, how: str | None = None, held_out: float = HELD_OUT) -> Parts:
    """The parts of a store: as given when test logs were named, else (or when asked for) split here.

    ``session`` keeps whole families together: sub-agents with their parents, and all runs of one task.

    Raises:
        SplitError: a part would be empty.
    """
    given = bool(store.sessions("test"))
    how = how or ("given" if given else "session")
    if how == "given":
        if not given or not store.sessions("train"):
            raise SplitError(
                "this run has no test logs of its own", next_step="give them with --test, or split by session"
            )
        said = "given: LOGS train, the logs of --test are scored"
        return Parts(StoredLogs(store, "train"), StoredLogs(store, "test"), said)
    sessions = store.sessions()
    if how == "session":
        split = by_hash(sessions, held_out)
    elif how == "time":
        split = by_time(sessions, held_out)
    elif how == "source":
        source = {str(key): str(name) for key, name in store.query("select key, source from sessions order by key")}
        split = by_group(sessions, source, held_out)
    else:
        raise UsageError(f"there is no split called {how!r}", next_step="known: " + ", ".join(SPLITS))
    every = StoredLogs(store)
    return Parts(select(every, split.train), select(every, split.test), split.how)
