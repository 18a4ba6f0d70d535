"""Errors a user meets: each says what happened, where, and what to do next."""

from __future__ import annotations


class MinerError(Exception):
    """A failure with its facts kept apart, so that a message, a JSON object and a test can each use them.

    Args:
        what: what happened, in one sentence.
        where: the file, line, table or setting it happened at.
        next_step: what the user can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, next_step: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)


class UsageError(MinerError):
    """The command or its settings are wrong; the command line ends with 2."""


class MissingExtraError(MinerError):
    """An optional part is not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"this needs the optional part '{extra}' ({module} is not installed)",
            next_step=f"pip install 'toolcall-miner[{extra}]'",
        )
        self.extra = extra
        self.module = module


class LogError(MinerError):
    """Logs that cannot be read at all: missing, unreadable, empty or of no known format."""


class StoreError(MinerError):
    """The events database cannot be opened, written or trusted."""


class MiningError(MinerError):
    """Mining could not be carried through."""


class RunFolderError(MinerError):
    """A run folder that is missing a part, is of another version, or is in use."""


class SplitError(MinerError):
    """Training and held-out sessions that overlap, or a part that is empty."""
