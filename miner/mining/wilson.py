"""Wilson's score interval for a share: honest for few trials and for shares near 0 and 1 (Wilson 1927)."""

from __future__ import annotations

import math

SURE = 1.96
"""Standard deviations of a two-sided 95 % interval."""


def wilson(successes: float, trials: int, deviations: float = SURE) -> tuple[float, float]:
    """Lower and upper end; 0 and 1 without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z = successes / trials, deviations
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # Rounding must not push the share itself out of its interval.
    return max(0.0, min(share, (middle - spread) / scale)), min(1.0, max(share, (middle + spread) / scale))
