"""Settings of mining as its recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from miner.settings import Settings, settings_as_dict

if TYPE_CHECKING:
    from miner.mining.mine import Recipe


def recipe_of(settings: Settings) -> Recipe:
    """How to mine, as the settings say."""
    from miner.mining.mine import Recipe

    chosen, usual = settings.mining, Recipe()
    thresholds = replace(
        usual.thresholds,
        rule_groups=chosen.min_sessions,
        literal_groups=max(usual.thresholds.literal_groups, chosen.min_sessions),
    )
    return replace(
        usual,
        form_groups=chosen.min_sessions,
        thresholds=thresholds,
        precision=chosen.precision,
        sample_calls=chosen.sample_calls,
        workers=chosen.workers,
        engine=chosen.engine,
    )


def mined_by(settings: Settings) -> dict[str, Any]:
    """The settings that patterns depend on; where they were mined, and by how many processes, is none."""
    chosen = settings_as_dict(settings)["mining"]
    return {name: value for name, value in chosen.items() if name not in ("engine", "workers")}
