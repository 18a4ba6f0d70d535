"""The loop that relays are tested on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.simulation.virtual_loop import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """Time that passes when nothing else is left to do."""
    loop = VirtualLoop()
    yield loop
    loop.close()
