"""Outlook: what the last messages and calls of a session let expect, before any argument is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

from .contexts import blend, context_keys, setting_of
from .habits import Habits
from .memory import SETTING
from .model import GENERAL_SHARE, Model
from .ranking import level, moment_traits, word_traits
from .tool_choice import NO_TOOL, Seen, stems, tool_shares

HISTORY = 64
"""Signatures that are kept, at least."""
START = "^", "^"


class Outlook:
    """The recent history of one session, and the chances of tools and forms after it.

    Args:
        model: the patterns.
        environment: where the session runs.
    """

    def __init__(self, model: Model, environment: Mapping[str, str]) -> None:
        self._model = model
        self.history: list[tuple[str, str]] = []
        """Coarse and fine signatures of what happened, newest last."""
        self._words: set[str] = set()
        """Words of the user, until something follows them."""
        self._asked: dict[str, int] = {}
        self._said: dict[str, int] = {}
        """Tools that the last message of the user, and the model's last text, name."""
        self._setting = setting_of(environment)
        self._running = [f"{name} {environment[name]}" for name in SETTING if environment.get(name)]

    def message(self, kind: str, text: str) -> None:
        """Take in a message; see ``SessionPredictor.observe_message``."""
        if kind == "user":
            self._push("user", "user")
            self._words = word_traits(text)
            self._asked = self._model.tool_choice.names.named(stems(text))
        elif kind == "said":
            self._said = self._model.tool_choice.names.named(stems(text))
        else:
            self._words = set()

    def call(self, coarse: str, fine: str) -> None:
        """Take in the signatures of a call."""
        self._push(coarse, fine)
        self._words = set()

    def _push(self, coarse: str, fine: str) -> None:
        self.history.append((coarse, fine))
        if len(self.history) > HISTORY * 2:
            del self.history[:HISTORY]

    @property
    def last(self) -> tuple[str, str]:
        """Coarse and fine signature of what happened last."""
        return self.history[-1] if self.history else START

    def branch(self) -> Outlook:
        """An outlook that goes on from here."""
        other = copy(self)
        other.history = list(self.history)
        return other

    def moment(self) -> list[str]:
        """Traits of the moment."""
        traits = ["", *moment_traits(self.history), *self._running]
        if self._words:
            known = self._model.patterns.state_weights
            traits.extend(sorted(word for word in self._words if not known or word in known))
        return traits

    def tools(self, habits: Habits) -> list[Seen]:
        """What is seen of the tools that may come next, and of ``NO_TOOL``."""
        return self._seen(tool_shares(self._model.patterns.forms, self._outcomes()), habits)

    def _seen(self, shares: Mapping[str, float], habits: Habits) -> list[Seen]:
        last, lately, made = self.last, habits.lately(), habits.made_of
        bigrams, words = habits.tools_after(last), "w" if last[0] == "user" else "W"
        asked, said = self._asked, self._said
        unnamed = f"{words}00"
        found = [Seen(NO_TOOL, level(shares[NO_TOOL], 1e-3))]
        for tool, share in shares.items():
            if tool == NO_TOOL:
                continue
            known = made(tool)
            found.append(
                Seen(
                    tool,
                    level(share, 1e-4),
                    f"{words}{asked.get(tool, 0)}{said.get(tool, 0)}" if tool in asked or tool in said else unnamed,
                    min(lately.get(tool, 0), 3) if known else 0,
                    min(bigrams.get(tool, 0), 3) if known else 0,
                    known,
                )
            )
        return found

    def _outcomes(self) -> dict[int, float]:
        """The share of each form, and of no call, in the present contexts."""
        outcomes = blend(self._model.patterns.contexts, context_keys(self.history, self._setting))
        for outcome in outcomes:
            outcomes[outcome] *= 1 - GENERAL_SHARE
        for outcome, share in self._model.general.items():
            outcomes[outcome] = outcomes.get(outcome, 0.0) + share
        return outcomes

    def chances(self, habits: Habits) -> tuple[dict[int, float], dict[str, float]]:
        """The chance of each form, and of each tool, at this moment; no call among both."""
        forms, outcomes = self._model.patterns.forms, self._outcomes()
        shares = tool_shares(forms, outcomes)
        choice = self._model.tool_choice
        if not choice:
            return outcomes, shares
        chances = choice.chances(self._seen(shares, habits), self.moment())
        for outcome in outcomes:
            tool = forms[outcome].tool if outcome >= 0 else NO_TOOL
            outcomes[outcome] *= chances[tool] / shares[tool]
        return outcomes, chances
