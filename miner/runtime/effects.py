"""What a call does to the world, and how far a speculation of it may go: two short ladders, worst last."""

from __future__ import annotations

from enum import StrEnum

EVERYTHING = "*"
"""The conflict group that every other one belongs to: what is not declared reads and changes everything."""


class Effect(StrEnum):
    """What running a tool does. Only the operator may say so; hints of a server can only move it down this list."""

    PURE = "pure"
    """Same answer for ever, nothing seen by anybody: the only results that may be used twice."""
    LOCAL_READ = "local_read"
    """Reads state of this machine or process; nothing outside learns of it."""
    REMOTE_READ = "remote_read"
    """Reads from somebody else, who learns the arguments."""
    OBSERVED_READ = "observed_read"
    """A read that leaves a trace: metered, logged, marks as read. Counts as a write for what was read before."""
    WRITE = "write"
    """Changes something, or is unknown."""

    @property
    def changes(self) -> bool:
        """True when what was read before such a call can no longer be trusted."""
        return self in (Effect.OBSERVED_READ, Effect.WRITE)

    @property
    def badness(self) -> int:
        """0 for the most harmless."""
        return _WORST_LAST.index(self)


class Level(StrEnum):
    """How far a speculation may go."""

    NEVER = "never"
    """Not at all."""
    WARM = "warm"
    """Only the host's own warm-up for that call (a connection, a cache); there is no result."""
    DRY_RUN = "dry_run"
    """Only the declared dry-run twin; its result is never given to the agent."""
    FULL = "full"
    """The call itself; its result may answer the real one."""


_WORST_LAST = tuple(Effect)


def worst(*effects: Effect) -> Effect:
    """The most harmful of several effects; of none, the worst there is."""
    return max(effects, key=lambda effect: effect.badness, default=Effect.WRITE)
