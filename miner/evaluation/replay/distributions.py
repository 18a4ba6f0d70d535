"""Times for logs that have none: distributions that the user states, drawn with a fixed seed and said in the output."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from miner.errors import UsageError

_NORMAL = NormalDist()
_SHAPES = {"const": 1, "exp": 1, "uniform": 2, "lognormal": 2}


@dataclass(frozen=True, slots=True)
class Distribution:
    """``const:SECONDS``, ``exp:MEAN``, ``uniform:LOW,HIGH`` or ``lognormal:MEDIAN,SIGMA``."""

    shape: str
    numbers: tuple[float, ...]

    def at(self, share: float) -> float:
        """The quantile, in seconds."""
        first = self.numbers[0]
        if self.shape == "exp":
            return -first * math.log1p(-share)
        if self.shape == "uniform":
            return first + share * (self.numbers[1] - first)
        if self.shape == "lognormal":
            return first * math.exp(self.numbers[1] * _NORMAL.inv_cdf(share))
        return first

    def __str__(self) -> str:
        return f"{self.shape}:{','.join(f'{number:g}' for number in self.numbers)}"


def parse_distribution(text: str) -> Distribution:
    """A distribution as the user wrote it.

    Raises:
        UsageError: an unknown shape, a wrong count of numbers, or one that is negative or no number.
    """
    shape, _, rest = text.partition(":")
    try:
        numbers = tuple(float(part) for part in rest.split(","))
    except ValueError:
        numbers = ()
    right = shape in _SHAPES and len(numbers) == _SHAPES.get(shape)
    if not right or not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise UsageError(
            f"{text!r} is no distribution of seconds",
            next_step="write const:SECONDS, exp:MEAN, uniform:LOW,HIGH or lognormal:MEDIAN,SIGMA",
        )
    return Distribution(shape, numbers)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What to believe where the log has no times."""

    think: Distribution
    tool: Distribution
    by_tool: Mapping[str, Distribution] = field(default_factory=dict)
    seed: int = 1

    def think_us(self, name: tuple[int, ...]) -> int:
        """Think time of a decision: the same for the same name."""
        return round(self.think.at(self._share("think", name)) * 1e6)

    def tool_us(self, tool: str, name: tuple[int, ...]) -> int:
        """Duration of a call: the same for the same name."""
        return round(self.by_tool.get(tool, self.tool).at(self._share("tool", name)) * 1e6)

    def said(self) -> str:
        """One line for the report."""
        each = "".join(f", {tool} {distribution}" for tool, distribution in sorted(self.by_tool.items()))
        return f"assumed where the log has no times: think {self.think}, tools {self.tool}{each}; seed {self.seed}"

    def _share(self, kind: str, name: tuple[int, ...]) -> float:
        digest = hashlib.blake2b(f"{self.seed}/{kind}/{name}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") + 0.5) / 2**64
