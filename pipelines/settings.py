"""Settings of the pipelines: those of a run, and where logs come from, what is kept, and what is not published."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from miner.errors import UsageError
from miner.settings import Count, Range, Settings, Share, read_settings

Figure = Literal["exact_top1", "exact_top3", "exact_top5", "served_top5", "tool_top1", "precision", "recall", "coverage"]  # fmt: skip  # noqa: E501
DEFAULT_FILE = Path(__file__).with_name("settings.toml")


@dataclass(frozen=True, slots=True)
class NightlySettings:
    """What is read, and where its runs live."""

    sources: tuple[str, ...] = ()
    """Files, folders and globs; relative ones start at the settings file."""
    home: str = "nightly"
    """The folder of the runs and of the pointer to the published one."""
    keep: Count = 7
    """Full runs that are kept; the published one always is."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What keeps a bundle from being published."""

    min_precision: Share = 0.8
    """The promise: speculations that must have been right on held-out sessions."""
    figures: tuple[Figure, ...] = ("exact_top1", "exact_top5", "recall")
    """None of these may be worse than the published bundle's beyond noise."""
    min_held_out_sessions: Count = 30
    """Held-out sessions with calls that a comparison with the published bundle takes; with fewer there is none."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """What the shipped bundle is held to on new logs."""

    tolerance: Share = 0.8
    """Of the precision that its probabilities promise."""
    alpha: Annotated[float, Range(1e-9, 0.5)] = 0.01
    """Chance of a false alarm, however often one looks."""


@dataclass(frozen=True, slots=True)
class PipelineSettings(Settings):
    """All settings of the pipelines."""

    nightly: NightlySettings = field(default_factory=NightlySettings)
    gates: GateSettings = field(default_factory=GateSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)


def load(path: Path) -> PipelineSettings:
    """The settings of a TOML file, its paths made absolute.

    Raises:
        UsageError: it cannot be read, a key is unknown (with the nearest one) or a value impossible, or no source.
    """
    found = read_settings(PipelineSettings, path)
    if not found.nightly.sources:
        raise UsageError(
            "no source of logs is named", where=str(path), next_step='set nightly.sources = ["/path/to/logs"]'
        )
    base = path.absolute().parent
    sources = tuple(str(_from(base, source)) for source in found.nightly.sources)
    home = str(_from(base, found.nightly.home))
    return replace(found, nightly=replace(found.nightly, sources=sources, home=home))


def _from(base: Path, path: str) -> Path:
    """An absolute path without ``..``, so that the same folder has one name every night."""
    return Path(os.path.normpath(base / Path(path).expanduser()))
