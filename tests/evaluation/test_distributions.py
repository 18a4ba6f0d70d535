"""Times that the user states for logs without any."""

from __future__ import annotations

import pytest

from miner.errors import UsageError
from miner.evaluation.replay.distributions import Assumed, parse_distribution


@pytest.mark.parametrize(
    ("text", "median"),
    [("const:2", 2.0), ("exp:2", 1.386294), ("uniform:1,3", 2.0), ("lognormal:3,0.8", 3.0)],
)
def test_each_shape_has_the_median_its_numbers_say(text: str, median: float) -> None:
    """And it is printed as it was written."""
    distribution = parse_distribution(text)
    assert distribution.at(0.5) == pytest.approx(median, abs=1e-6)
    assert str(distribution) == text


@pytest.mark.parametrize(
    "text", ["", "normal:1,2", "const:", "const:x", "exp:-1", "uniform:1", "exp:nan", "exp:inf", "const:1,2"]
)
def test_what_is_no_distribution_is_refused_with_the_known_ones(text: str) -> None:
    """The error lists the shapes."""
    with pytest.raises(UsageError) as caught:
        parse_distribution(text)
    assert "lognormal" in str(caught.value)


def test_draws_depend_on_name_and_seed_alone() -> None:
    """The same decision always thinks as long; another seed or decision does not."""
    assumed = Assumed(parse_distribution("exp:3"), parse_distribution("exp:1"))
    again = Assumed(parse_distribution("exp:3"), parse_distribution("exp:1"), seed=2)
    assert assumed.think_us((1, 2)) == assumed.think_us((1, 2))
    assert len({assumed.think_us((1, 2)), assumed.think_us((1, 3)), again.think_us((1, 2))}) == 3
    mean = sum(assumed.tool_us("t", (0, n)) for n in range(4000)) / 4000
    assert mean == pytest.approx(1e6, rel=0.08)
