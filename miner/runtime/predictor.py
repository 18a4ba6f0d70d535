"""The predictor: one session as it unfolds, and the calls that may come next, best first.

Contexts say which forms may follow; argument rules bind their holes against the session's memory; earlier calls may
come again; a log-linear ranking weighs what is seen of each candidate and of the moment, "no call" among them; the
result is calibrated. Prediction is pure: only the ``observe_…`` methods change anything.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from .binding import Binder, Ranked
from .canonical import call_identity
from .contexts import blend, context_keys, setting_of
from .forms import Form, Slot, fill, form_of
from .memory import SETTING, Memory, leaves, path_text, value_key
from .origins import origins_of, repeated
from .patterns import NO_CALL, PatternSet
from .ranking import candidate_traits, level, moment_traits, total, word_traits
from .rules import Rule, applier
from .signature import coarse_status, signature
from .speculation import Speculation
from .succession import state, step, take

FORMS_TRIED = 10
LEAST_FORM_SHARE = 0.004
GENERAL_SHARE = 0.1
"""Weight of the context-free share of a form: what is rare here but common elsewhere stays a candidate."""
BEAM = 8
BEAMS = ((0.03, 8), (0.0, 3))
"""(least share of a form, ways to fill it that are followed): unlikely forms get little time."""
FROM_FORMS = 16
REPEATS = 4
"""Calls of each kind that may come again: those that followed this moment, the usual, the latest."""
STEPPING_TOOLS = 6
STEPS = 2
HALF = 0.4
LATELY = 8
"""Candidates that continue the rhythm of one tool, at most."""
HISTORY = 64


class Candidate(NamedTuple):
    """A call that may come next, before it is ranked."""

    tool: str
    arguments: dict[str, Any]
    form: int | None
    joint: float
    bound: float
    keys: tuple[str, ...]
    """Value keys of its bound holes."""
    rules: dict[str, int]
    """Path text of each hole -> the first rule that proposed its value."""


class Model:
    """A pattern set made ready: what is the same for every session."""

    def __init__(self, patterns: PatternSet) -> None:
        self.patterns = patterns
        self.form_ids: dict[Form, int] = {}
        for place, form in enumerate(patterns.forms):
            # A form that export withheld stands there as one more open form: the first one keeps the name.
            self.form_ids.setdefault(form, place)
        self.literal_keys = {hole: frozenset(map(value_key, values)) for hole, values in patterns.literals.items()}
        self.literals = {value_key(value): value for values in patterns.literals.values() for value in values}
        self.hole_rules = {
            name: [patterns.rules[place] for place in hole.rules] for name, hole in patterns.holes.items()
        }
        self.readers = _readers(self.hole_rules)
        self.wanted = frozenset(rule.source for rule in patterns.rules)
        self.order = [self._most_telling_first(form) for form in patterns.forms]
        general = patterns.contexts.get("", {})
        whole = sum(general.values()) or 1
        self.general = {outcome: GENERAL_SHARE * count / whole for outcome, count in general.items()}
        self.tools = patterns.tools()
        self.scores = [score for score, _ in patterns.calibration]
        self.chances = [chance for _, chance in patterns.calibration]

    def _most_telling_first(self, form: Form) -> list[Slot]:
        def key(slot: Slot) -> tuple[int, tuple[str, ...]]:
            return -self.patterns.holes[form.tool + path_text(slot.path)].distinct, slot.path

        return sorted((slot for slot in form.slots or () if slot.literal is None), key=key)

    def form(self, tool: str, arguments: Mapping[str, Any]) -> int:
        """The number of a call's form; that of the tool's open form, or -2, when it is not known."""
        form = form_of(tool, arguments, self._is_literal, self.hole_rules.__contains__)
        known = self.form_ids.get(form)
        return known if known is not None else self.form_ids.get(Form(tool, None), -2)

    def _is_literal(self, hole: str, key: str) -> bool:
        return key in self.literal_keys.get(hole, ())

    def calibrated(self, raw: float) -> float:
        """The probability that a raw score stands for."""
        if not self.scores:
            return raw
        score = raw * 1e6
        at = bisect_right(self.scores, score)
        if at == 0:
            return self.chances[0] / 1e6
        if at == len(self.scores):
            return self.chances[-1] / 1e6
        low, high = self.scores[at - 1], self.scores[at]
        share = (score - low) / (high - low)
        return (self.chances[at - 1] + share * (self.chances[at] - self.chances[at - 1])) / 1e6


def _readers(hole_rules: Mapping[str, list[Rule]]) -> dict[str, list[tuple[str, list[int]]]]:
    """Stream, or hole whose used values matter -> the rules that must look again when it changes."""
    found: dict[str, dict[str, list[int]]] = {}
    for hole, rules in hole_rules.items():
        for place, rule in enumerate(rules):
            found.setdefault(rule.source, {}).setdefault(hole, []).append(place)
            if rule.policy.startswith(("next", "fresh")):
                found.setdefault(rule.hole, {}).setdefault(hole, []).append(place)
    return {name: list(holes.items()) for name, holes in found.items()}


class Often:
    """How often each of many keys came, and the few that came most often, kept ready in their order."""

    __slots__ = ("best", "counts", "whole")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.best: list[str] = []
        self.whole = 0

    def add(self, key: str, *, ranked: bool = True) -> None:
        """Once more. Counts only grow, so no key but this one can enter the best."""
        counts, best = self.counts, self.best
        counts[key] = counts.get(key, 0) + 1
        self.whole += 1
        if ranked:
            if key not in best:
                best.append(key)
            best.sort(key=lambda one: (-counts[one], one))
            del best[REPEATS:]


_NEVER = Often()


class SessionPredictor:
    """Follows one session and predicts at each of its decisions."""

    def __init__(self, model: Model, environment: Mapping[str, str] | None = None) -> None:
        self.model = model
        self.memory = Memory(environment, model.wanted)
        self.history: list[tuple[str, str]] = []
        cwd = (environment or {}).get("cwd", "")
        self._binders = {
            name: Binder(name, model.patterns.holes[name], rules, [applier(rule, cwd) for rule in rules])
            for name, rules in model.hole_rules.items()
        }
        self._words: set[str] = set()
        self._setting = setting_of(environment or {})
        self._running = [f"{name} {environment[name]}" for name in SETTING if environment and environment.get(name)]
        self._followed: dict[str, Often] = {}
        self._bigrams: dict[str, dict[str, int]] = {}
        self._arguments: dict[str, tuple[str, dict[str, Any]]] = {}
        self._made = Often()
        self._latest: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, Often] = {}
        """State of a tool -> the steps taken from it; those that the logs do not know are ranked."""

    # --- what happens --------------------------------------------------------------------------------------------

    def decision_starts(self) -> None:
        """A decision begins: what is observed from here on is new to it. Optional; sharpens how new a value is."""
        self.memory.mark()

    def observe_message(self, kind: str, text: str) -> None:
        """Take in a message.

        Args:
            kind: ``user``, ``host``, or ``said`` for the model's own text.
            text: what was said.
        """
        self.memory.message(kind, text)
        self._touch(self.memory.kept)
        if kind == "user":
            self._push("user", "user")
            self._words = word_traits(text)
        elif kind != "said":
            self._words = set()

    def observe_call(self, tool: str, arguments: dict[str, Any], status: str | None, text: str | None) -> None:
        """Take in a call that the model made, with its result as the model will see it."""
        last = self._last_fine()
        identity = self.memory.call(tool, arguments, text)
        self._touch(self.memory.kept)
        self._touch(self.memory.taken)
        self._arguments[identity] = tool, arguments
        self._made.add(identity)
        self._followed.setdefault(last, Often()).add(identity)
        bigrams = self._bigrams.setdefault(self.history[-1][0] if self.history else "^", {})
        bigrams[tool] = bigrams.get(tool, 0) + 1
        before = self._latest.pop(tool, None)
        taken = step(before, arguments) if before is not None else None
        if before is not None and taken is not None:
            at = state(tool, before)
            known = self._steps.setdefault(at, Often())
            known.add(taken, ranked=taken not in self.model.patterns.successions.get(at, ()))
        self._latest[tool] = arguments
        ended = coarse_status(status, text)
        self._push(signature(tool, ended), f"{self.model.form(tool, arguments)} {ended}")
        self._words = set()

    def _touch(self, changed: Iterable[str]) -> None:
        readers = self.model.readers
        for name in changed:
            for hole, places in readers.get(name, ()):
                self._binders[hole].touch(places)

    def _push(self, coarse: str, fine: str) -> None:
        self.history.append((coarse, fine))
        if len(self.history) > HISTORY * 2:
            del self.history[:HISTORY]

    def _last_fine(self) -> str:
        return self.history[-1][1] if self.history else "^"

    # --- what may come -------------------------------------------------------------------------------------------

    def predict(self, most: int = 5) -> list[Speculation]:
        """The likeliest calls at this decision, best first, no two the same."""
        patterns = self.model.patterns
        moment = self.moment()
        by_tool: dict[str, int] = {}
        for trait in moment:
            for tool, weight in patterns.state_weights.get(trait, {}).items():
                by_tool[tool] = by_tool.get(tool, 0) + weight
        weights = patterns.candidate_weights
        found = self.candidates()
        scores = [total(weights, traits) + by_tool.get(candidate.tool, 0) for candidate, traits in found]
        none = by_tool.get("", 0)
        highest = max(scores, default=none)
        highest = max(highest, none)
        whole = math.exp((none - highest) / 1000) + sum(math.exp((score - highest) / 1000) for score in scores)
        ranked = sorted(range(len(found)), key=lambda place: -scores[place])[:most]
        return [
            self._speculation(found[place][0], math.exp((scores[place] - highest) / 1000) / whole) for place in ranked
        ]

    def _speculation(self, candidate: Candidate, raw: float) -> Speculation:
        rules = self.model.patterns.rules
        if candidate.form is None:
            origins = repeated(candidate.tool, candidate.arguments)
        else:
            bound = {place: rules[rule] for place, rule in candidate.rules.items()}
            origins = origins_of(self.model.patterns.forms[candidate.form], bound, self.model.tools)
        return Speculation(
            candidate.tool, candidate.arguments, self.model.calibrated(raw), candidate.form, candidate.rules, origins
        )

    def moment(self) -> list[str]:
        """Traits of the moment."""
        traits = ["", *moment_traits(self.history), *self._running]
        if self._words:
            known = self.model.patterns.state_weights
            traits.extend(sorted(word for word in self._words if not known or word in known))
        return traits

    def candidates(self) -> list[tuple[Candidate, list[str]]]:
        """Calls that may come next, with their traits: filled forms by joint chance, then rhythms, then repeats."""
        patterns = self.model.patterns
        outcomes = blend(patterns.contexts, context_keys(self.history, self._setting))
        for outcome in outcomes:
            outcomes[outcome] *= 1 - GENERAL_SHARE
        for outcome, share in self.model.general.items():
            outcomes[outcome] = outcomes.get(outcome, 0.0) + share
        tools: dict[str, float] = {}
        for outcome, share in outcomes.items():
            if outcome >= 0:
                tool = patterns.forms[outcome].tool
                tools[tool] = tools.get(tool, 0.0) + share
        filled = sorted(self._from_forms(outcomes).items(), key=lambda item: (-item[1].joint, item[0]))
        found = dict(filled[:FROM_FORMS])
        steps = self._from_steps(found)
        self._from_repeats(found)
        followed = self._followed.get(self._last_fine(), _NEVER).counts
        memory = self.memory
        lately: dict[str, int] = {}
        for tool, _, _ in memory.made[-LATELY:]:
            lately[tool] = lately.get(tool, 0) + 1
        bigrams = self._bigrams.get(self.history[-1][0], {}) if self.history else {}
        listed = []
        for rank, (identity, candidate) in enumerate(found.items()):
            times = memory.calls.get(identity, ())
            listed.append(
                (
                    candidate,
                    candidate_traits(
                        candidate.tool,
                        candidate.form,
                        candidate.joint,
                        candidate.bound,
                        tools.get(candidate.tool, 0.0),
                        rank,
                        len(times),
                        memory.clock - times[-1] if times else 0,
                        followed.get(identity, 0),
                        [memory.age(key) for key in candidate.keys],
                        lately.get(candidate.tool, 0),
                        bigrams.get(candidate.tool, 0),
                    )
                    + steps.get(identity, []),
                )
            )
        return listed

    def _from_steps(self, found: dict[str, Candidate]) -> dict[str, list[str]]:
        """Add calls that continue the rhythm of a tool; traits of those calls, by identity."""
        traits: dict[str, list[str]] = {}
        for tool in islice(reversed(self._latest), STEPPING_TOOLS):
            before = self._latest[tool]
            at = state(tool, before)
            learned, taken = self.model.patterns.successions.get(at, {}), self._steps.get(at, _NEVER)
            own, learned_whole, own_whole = taken.counts, sum(learned.values()), taken.whole
            ranked = sorted(
                {*learned, *taken.best} - {""}, key=lambda text: (-own.get(text, 0) - learned.get(text, 0) / 4, text)
            )
            for text in ranked[:STEPS]:
                arguments = take(text, before)
                if arguments is None:
                    continue
                identity = call_identity(tool, arguments)
                by_logs = learned.get(text, 0) / (learned_whole + 1)
                by_session = own.get(text, 0) / (own_whole + 1)
                traits[identity] = [
                    f"l{level(by_logs, 0.02) // 2}",
                    f"o{level(by_session, 0.02) // 2}",
                    f"L{tool} {by_logs > HALF}",
                    f"O{tool} {by_session > HALF}",
                ]
                if identity not in found:
                    found[identity] = Candidate(tool, arguments, None, 0.0, 0.0, (), {})
        return traits

    def _from_forms(self, outcomes: Mapping[int, float]) -> dict[str, Candidate]:
        forms = self.model.patterns.forms
        found: dict[str, Candidate] = {}
        cache: dict[str, list[Ranked]] = {}
        tried = 0
        for outcome, share in sorted(outcomes.items(), key=lambda item: (-item[1], item[0])):
            if share < LEAST_FORM_SHARE or tried >= FORMS_TRIED:
                break
            if outcome == NO_CALL or forms[outcome].slots is None:
                continue
            tried += 1
            for candidate in self._filled(outcome, share, cache):
                identity = call_identity(candidate.tool, candidate.arguments)
                known = found.get(identity)
                if known is not None:
                    best = known if known.joint >= candidate.joint else candidate
                    candidate = best._replace(joint=known.joint + candidate.joint)
                found[identity] = candidate
        return found

    def _filled(self, number: int, share: float, cache: dict[str, list[Ranked]]) -> list[Candidate]:
        """The likeliest ways to fill a form, by a beam over its holes, the most telling hole first."""
        form = self.model.patterns.forms[number]
        slots = form.slots or ()
        literals = self.model.literals
        last = self.history[-1][0] if self.history else "^"
        width = next(width for least, width in BEAMS if share >= least)
        fixed = {path_text(slot.path): literals[slot.literal] for slot in slots if slot.literal is not None}
        beam: list[tuple[float, dict[str, Any], tuple[str, ...], dict[str, int]]] = [(1.0, fixed, (), {})]
        for slot in self.model.order[number]:
            place = path_text(slot.path)
            binder = self._binders[form.tool + place]
            wider = []
            for chance, values, keys, rules in beam:
                known_as = binder.name + binder.anchored(values)
                ranked = cache.get(known_as)
                if ranked is None:
                    ranked = cache[known_as] = binder.ranked(self.memory, values, last, BEAM)
                for value_chance, value, key, rule in ranked[:width]:
                    wider.append(
                        (chance * value_chance, {**values, place: value}, (*keys, key), {**rules, place: rule})
                    )
            wider.sort(key=lambda item: -item[0])
            beam = wider[:width]
        return [
            Candidate(form.tool, fill(slots, literals, values), number, share * chance, chance, keys, rules)
            for chance, values, keys, rules in beam
        ]

    def could_produce(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether some form and some rule for each of its holes would give this call now, however unlikely."""
        identity = call_identity(tool, arguments)
        if identity in self.memory.calls:
            return True
        form = self.model.patterns.forms[number] if (number := self.model.form(tool, arguments)) >= 0 else None
        if form is None or form.slots is None:
            found: dict[str, Candidate] = {}
            self._from_steps(found)
            return identity in found
        values = {path_text(path): value for path, value in leaves(arguments)}
        for slot in form.slots:
            if slot.literal is None:
                place = path_text(slot.path)
                others = {other: value for other, value in values.items() if other != place}
                if value_key(values[place]) not in self._binders[tool + place].proposed(self.memory, others):
                    return False
        return True

    def _from_repeats(self, found: dict[str, Candidate]) -> None:
        """Add calls of this session that may come again: what followed this moment before, the usual, the latest."""
        wanted = dict.fromkeys(self._followed.get(self._last_fine(), _NEVER).best)
        wanted.update(dict.fromkeys(self._usual()))
        for _, _, identity in reversed(self.memory.made[-REPEATS:]):
            wanted[identity] = None
        for identity in wanted:
            if identity not in found:
                tool, arguments = self._arguments[identity]
                found[identity] = Candidate(tool, arguments, None, 0.0, 0.0, (), {})

    def _usual(self) -> list[str]:
        """The calls made most often, and more than once."""
        made = self._made
        return [identity for identity in made.best if made.counts[identity] > 1]
