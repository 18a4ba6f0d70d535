"""What tests of several parts start from: virtual time, and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from miner.cli import main
from tests.runtime.simulation.virtual_loop import VirtualLoop

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """Time that passes when nothing else is left to do."""
    loop = VirtualLoop()
    yield loop
    loop.close()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs one command line and gives its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
