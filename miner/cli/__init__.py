"""The command line: ``miner COMMAND``. A command is a file of this folder that defines ``command``.

Exit codes: 0 done, 1 failed (with an error on stderr), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec

from miner.errors import MinerError, MissingExtraError, UsageError

DONE, FAILED, WRONG_USAGE, INTERRUPTED, READER_GONE = 0, 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; errors become messages, tracebacks only with ``--debug``."""
    if find_spec("click") is None:
        print(f"error: {MissingExtraError('mining', 'click')}", file=sys.stderr)
        return WRONG_USAGE
    words, debug = _take_debug(list(sys.argv[1:] if arguments is None else arguments))
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except MinerError as error:
        return _fail(str(error), debug, WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except OSError as error:
        return _fail(_of_the_system(error), debug, FAILED)
    return code


def _run(words: list[str]) -> int:
    """Let click parse and run; its own complaints are usage errors that it prints itself."""
    import click

    from miner.cli.commands import commands

    try:
        code = commands.main(words, prog_name="miner", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else DONE


def _of_the_system(error: OSError) -> str:
    """What the system refused, told as our own errors are; a file is written beside its place, which is what counts."""
    advice = {errno.ENOENT: "check the path: its folder must be there", errno.EACCES: "choose a place that you may use", errno.ENOSPC: "free some space"}  # fmt: skip  # noqa: E501
    where = str(error.filename).removesuffix(".part") if error.filename else None
    return str(MinerError(error.strerror or str(error), where=where, next_step=advice.get(error.errno or 0)))


def _take_debug(words: list[str]) -> tuple[list[str], bool]:
    """Take out ``--debug``, which may stand anywhere before a ``--``: people add it at the end of what failed."""
    end = words.index("--") if "--" in words else len(words)
    own = [word for word in words[:end] if word != "--debug"]
    return own + words[end:], len(own) < end


def _fail(message: str, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return code
