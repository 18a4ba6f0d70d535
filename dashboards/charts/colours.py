"""The one colour language: a colour means the same thing on every page, and is readable in light and dark."""

from __future__ import annotations

import altair as alt

MODEL, TOOL, PERSON, HOST = "#7c83f5", "#0d9488", "#d99a2b", "#8a97a6"
"""Whose time it is: the model thinks, a tool runs, a person is waited for, the host does something."""
HIT, WASTE, REFUSED = "#2e9e5b", "#dc6a4b", "#a9b4c0"
"""What became of a prediction: asked for, started for nothing, or not started because the policy refuses it."""
SHIPPED, BASELINE, CEILING, CONTROL = TOOL, HOST, MODEL, WASTE
"""Whose score it is: what would be shipped, a plain predictor, the best possible, and one that must fail."""

WHOSE = {"model": MODEL, "tool": TOOL, "person": PERSON, "host": HOST}
FATES = {"hit": HIT, "waste": WASTE, "refused by the policy": REFUSED}
SCORES = {"shipped": SHIPPED, "baseline": BASELINE, "ceiling": CEILING, "control": CONTROL}


def scale(colours: dict[str, str]) -> alt.Scale:
    """Words to colours, always in the same order."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))
