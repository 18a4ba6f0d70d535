"""What serving rules would have answered in held-out sessions, judged by the results that are recorded there.

A prediction of a broader call answers a real one when a rule says so and nothing recorded speaks against it. Where the
session holds a result of the broader call, that decides: what the rule makes of it must be the recorded answer, unless
something in between may have changed it. Where it holds none, the recorded answer itself must be what the rule could
have given: written in the form and within the frame that the rule knows, and from no further down than whole results
are known to reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from miner.events import Event, EventKind, SessionLog, Status
from miner.mining.serving import is_undisturbed
from miner.mining.survey import arguments_of
from miner.runtime.canonical import call_identity
from miner.runtime.serving import load_derivation
from miner.runtime.serving_rules import Broader, Serving, ServingRule, frame_mark
from miner.runtime.speculation import Speculation

Serves = Callable[[Speculation, Event], bool]
"""Whether the result of a speculated call would answer a real one that is not equal to it."""


def rules_of(predictors: Iterable[Any]) -> Sequence[ServingRule]:
    """The serving rules that the predictors bring: those of what would be shipped."""
    for predictor in predictors:
        rules: Sequence[ServingRule] = getattr(predictor, "serving_rules", ())
        if rules:
            return rules
    return ()


class HeldOutServing:
    """The rules on held-out sessions, and how often they can be checked there and are right."""

    def __init__(self, rules: Sequence[ServingRule]) -> None:
        self._rules = rules
        self._serving = Serving(rules)
        self.narrower = self.possible = self.checked = self.right = 0

    def session(self, log: SessionLog) -> Record | None:
        """Who answers whom in one session; None without rules."""
        if not self._rules:
            return None
        record = Record(log, self._serving)
        for event in record.narrower():
            self.narrower += 1
            self.possible += record.broader_of(event) is not None
            verdict = record.verdict(event)
            self.checked += verdict is not None
            self.right += verdict is True
        return record

    def as_json(self) -> dict[str, Any]:
        """For evaluation.json."""
        return {
            "rules": len(self._rules),
            "narrower_calls": self.narrower,
            "answerable": self.possible,
            "checked": self.checked,
            "right": self.right,
        }


class Record:
    """The calls of one session, and which of them others would have answered."""

    def __init__(self, log: SessionLog, serving: Serving) -> None:
        self._serving = serving
        self._calls = [event for event in log.events if event.kind is EventKind.TOOL_CALL and event.tool]
        self._place = {event.seq: place for place, event in enumerate(self._calls)}
        self._same: dict[str, list[Event]] = {}
        self._reach: dict[tuple[str, int], int] = {}
        """Identity of a broader call, and rule -> the furthest that a recorded result of it or of a part shows."""
        self._known: dict[tuple[int, str], bool] = {}
        for event in self._calls:
            identity = _identity(event.tool or "", arguments_of(event))
            self._same.setdefault(identity, []).append(event)
        for event in self.narrower():
            self._note_reach(event)

    def narrower(self) -> Iterable[Event]:
        """Calls that ended well and that a broader one could answer."""
        for event in self._calls:
            if event.status is Status.OK and event.text and self._broader(event):
                yield event

    def serves(self, guess: Speculation, call: Event) -> bool:
        """Whether the guess would have answered the call."""
        identity = _identity(guess.tool, guess.arguments)
        known = self._known.get((call.seq, identity))
        if known is None:
            known = self._known[call.seq, identity] = self._answers(identity, call)
        return known

    def broader_of(self, call: Event) -> str | None:
        """The identity of the surest broader call that would have answered it; None when there is none."""
        identities = (_identity(broader.tool, broader.arguments) for broader in self._broader(call))
        return next((identity for identity in identities if self._answers(identity, call)), None)

    def verdict(self, call: Event) -> bool | None:
        """Whether a rule is right where it answers; None where there is no result of a broader call to derive from."""
        for broader in self._broader(call):
            answers = [(event, answer) for event in self._results(broader) if (answer := _answer(broader, event, call))]
            if any(answer == call.text for _, answer in answers):
                return True
            if any(self._is_undisturbed(broader, event, call) for event, _ in answers):
                return False
        return None

    def _broader(self, call: Event) -> list[Broader]:
        return self._serving.broader(call.tool or "", arguments_of(call))

    def _answers(self, identity: str, call: Event) -> bool:
        if call.status is not Status.OK or not call.text:
            return False
        for broader in self._broader(call):
            if _identity(broader.tool, broader.arguments) == identity:
                results = self._results(broader)
                if any(_answer(broader, event, call) == call.text for event in results):
                    return True
                undisturbed = any(self._is_undisturbed(broader, event, call) for event in results)
                return not undisturbed and self._fits(broader, call, identity)
        return False

    def _results(self, broader: Broader) -> Sequence[Event]:
        return self._same.get(_identity(broader.tool, broader.arguments), ())

    def _is_undisturbed(self, broader: Broader, event: Event, call: Event) -> bool:
        first, last = sorted((event, call), key=lambda one: one.seq)
        return is_undisturbed(self._place[first.seq], first, last, broader.arguments, self._calls)

    def _fits(self, broader: Broader, call: Event, identity: str) -> bool:
        """Whether the rule could have given the recorded answer, as far as that tells."""
        items = _own_items(broader.rule, call)
        furthest = self._reach.get((identity, id(broader.rule)), 0)
        return items is not None and max(items, furthest) <= broader.rule.whole[0]

    def _note_reach(self, call: Event) -> None:
        for broader in self._broader(call):
            items = _own_items(broader.rule, call)
            if items is not None:
                name = _identity(broader.tool, broader.arguments), id(broader.rule)
                self._reach[name] = max(self._reach.get(name, 0), items)


def _answer(broader: Broader, event: Event, call: Event) -> str | None:
    """What the rule makes of a recorded result of the broader call."""
    if event.status is not Status.OK or event.truncated:
        return None
    return broader.rule.answer(event.text or "", arguments_of(call))


def _own_items(rule: ServingRule, call: Event) -> int | None:
    """How far down a narrower result ends, from itself; None when it is not of the rule's form and frame.

    What a rule selects from its own answer is that answer, where lines or entries say which ones they are.
    """
    arguments = arguments_of(call)
    derived = load_derivation(rule.derivation).derive(call.text or "", arguments, dict(rule.options))
    if derived is None or derived.text != call.text:
        return None
    return derived.items if frame_mark(derived, arguments) in ("", *rule.frames) else None


def _identity(tool: str, arguments: Mapping[str, Any]) -> str:
    """What equal calls have in common; "" for what no call can ask for."""
    try:
        return call_identity(tool, arguments)
    except (TypeError, ValueError, RecursionError):
        return ""
