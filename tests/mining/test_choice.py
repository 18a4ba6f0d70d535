"""The conditional logit: optimal by brute force, equal to scikit-learn where they overlap, fair to folds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from miner.mining.choice import Choices, thousandths

Situation = tuple[list[list[str]], tuple[int, ...]]
SMALL: list[Situation] = [
    ([["none"], ["a"], ["b"]], (1,)),
    ([["none"], ["a", "b"]], (1,)),
    ([["none"], ["b"]], (0,)),
    ([["none"], ["a"], ["b"]], (2,)),
    ([["none"], ["a"], ["a", "b"]], (1, 2)),
]


def gathered(situations: Sequence[Situation], folds: int = 1) -> Choices:
    """The situations, dealt to folds in turn."""
    choices = Choices()
    for number, (options, chosen) in enumerate(situations):
        choices.add(options, chosen, number % folds)
    return choices


def loss(weights: Mapping[str, float], situations: Sequence[Situation], prior: float) -> float:
    """What fitting makes small, written down once more from the definition."""
    value = prior / 2 * sum(weight**2 for weight in weights.values())
    for options, chosen in situations:
        scores = [sum(weights.get(feature, 0.0) for feature in option) for option in options]
        whole = math.log(sum(map(math.exp, scores)))
        value -= sum(scores[option] - whole for option in chosen)
    return value


def test_no_weights_on_a_grid_are_better() -> None:
    """Against 9,261 others around and away from them, the fitted weights of a tiny problem are the best."""
    found = gathered(SMALL).fit(0.5)
    best = loss(found, SMALL, 0.5)
    grid = [step / 5 for step in range(-10, 11)]
    for none, a, b in itertools.product(grid, repeat=3):
        assert loss({"none": none, "a": a, "b": b}, SMALL, 0.5) >= best - 1e-6
    for feature, step in itertools.product(found, (-0.01, 0.01)):
        assert loss({**found, feature: found[feature] + step}, SMALL, 0.5) > best


def test_scikit_learn_finds_the_same_multinomial() -> None:
    """Where every situation has the same options, it is multinomial regression, and the shares agree."""
    chance = random.Random(3)
    classes, inputs, outputs = 3, [], []
    choices = Choices()
    for _ in range(200):
        seen = [chance.random() < 0.5 for _ in range(2)]
        target = chance.choices(range(classes), [1 + seen[0], 1 + 2 * seen[1], 1])[0]
        inputs.append([1.0, *map(float, seen)])
        outputs.append(target)
        features = ["always", *(f"x{place}" for place, on in enumerate(seen) if on)]
        choices.add([[(feature, option) for feature in features] for option in range(classes)], (target,))
    reference = LogisticRegression(C=1 / 0.7, fit_intercept=False, tol=1e-10, max_iter=1000).fit(inputs, outputs)
    found = [shares for shares, _ in choices.shares(choices.fit(0.7), 0)]
    assert np.array(found) == pytest.approx(reference.predict_proba(inputs), abs=1e-3)


def test_shares_are_the_softmax_of_the_weights() -> None:
    """Two options with weights ln 3 and 0 have shares of three quarters and one quarter."""
    choices = gathered([([["a"], ["b"]], (0,))])
    (shares, chosen), *rest = choices.shares({"a": math.log(3)}, 0)
    assert list(shares) == pytest.approx([0.75, 0.25])
    assert (chosen, rest) == ((0,), [])


def test_what_always_wins_weighs_more_and_the_prior_holds_it() -> None:
    """Evidence moves weights away from 0, a stronger prior holds them nearer to it."""
    situations: list[Situation] = [([["loser"], ["winner"]], (1,))] * 50
    weak, strong = gathered(situations).fit(0.1), gathered(situations).fit(10.0)
    assert weak["winner"] > strong["winner"] > 0 > strong["loser"] > weak["loser"]
    assert weak["winner"] == pytest.approx(-weak["loser"], abs=1e-3)


def test_situations_left_out_have_no_say() -> None:
    """Fitting without a fold equals fitting what the others hold."""
    choices = gathered(SMALL * 4, folds=2)
    others = gathered([situation for number, situation in enumerate(SMALL * 4) if number % 2])
    left = choices.fit(1.0, without=0)
    alone = others.fit(1.0)
    assert {feature: left.get(feature, 0.0) for feature in ("none", "a", "b")} == pytest.approx(
        {feature: alone.get(feature, 0.0) for feature in ("none", "a", "b")}, abs=1e-3
    )


def test_cross_fitting_keeps_each_fold_out_of_its_own_weights() -> None:
    """A feature that only one fold has gets no weight in the fit without that fold."""
    choices = Choices()
    for fold, feature in ((0, "common"), (0, "only here"), (1, "common"), (1, "common")):
        choices.add([["none"], [feature]], (1,), fold)
    fit = choices.cross_fit((1.0,), 2)
    assert "only here" not in fit.without[0]
    assert fit.without[1]["only here"] > 0
    assert fit.whole["only here"] > 0


def test_held_out_situations_choose_the_prior() -> None:
    """Pure chance asks for the strongest prior, a clear rule for the weakest."""
    chance = random.Random(11)
    noise: list[Situation] = [
        ([[f"n{chance.randrange(40)}"], [f"n{chance.randrange(40)}"]], (chance.randrange(2),)) for _ in range(120)
    ]
    rule: list[Situation] = [([["wrong"], ["right"]], (1,))] * 60
    assert gathered(noise, 3).cross_fit((0.1, 1.0, 30.0), 3).prior == 30.0
    assert gathered(rule, 3).cross_fit((0.1, 1.0, 30.0), 3).prior == 0.1


def test_nothing_to_learn_from_is_no_error() -> None:
    """No situation at all, and a fold that holds none, give no weights and no shares."""
    assert Choices().fit(1.0) == {}
    assert list(Choices().shares({}, 0)) == []
    only = gathered(SMALL)
    assert only.fit(1.0, without=0) == {}
    assert list(only.shares({}, 5)) == []
    assert only.cross_fit((1.0,), 3).without[0] == {}


def test_one_option_teaches_nothing() -> None:
    """A situation without an alternative moves no weight."""
    assert gathered([([["a"]], (0,))] * 9).fit(1.0).get("a", 0.0) == pytest.approx(0.0)


def test_weights_are_stored_in_thousandths() -> None:
    """Rounded to the nearest, as whole numbers."""
    assert [thousandths(weight) for weight in (0.0, 1.2344, -0.0006, 3.9996)] == [0, 1234, -1, 4000]
