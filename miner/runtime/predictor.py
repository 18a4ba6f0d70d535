"""The predictor: one session as it unfolds, and the calls that may come next, best first.

Contexts say which forms may follow; argument rules bind their holes against the session's memory; earlier calls may
come again. The moment and the last words say which tool is meant; a log-linear ranking weighs what is seen of each
candidate, "no call" among them; the result is calibrated. Prediction is pure: only ``observe_…`` changes anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

from .binding import Binder
from .canonical import call_identity
from .filling import Filler, Filling
from .forms import fill
from .habits import REPEATS, Habits
from .memory import Memory, leaves, path_text, value_key
from .model import Model
from .origins import origin_of_place, origins_of, repeated
from .outlook import Outlook
from .overlay import Overlay
from .patterns import NO_CALL
from .ranking import after_traits, candidate_traits, none_traits, total
from .rules import fit_of
from .signature import coarse_status, signature
from .speculation import Speculation
from .sweeps import Sweeps
from .tool_choice import NO_TOOL, Seen

LEAST_FORM_SHARE = 0.004
"""Forms that are less likely at this moment are not looked at."""
FROM_FORMS = 16
WRITTEN_OUT = 18
"""Likeliest fillings over all forms that are written out as calls; two forms may give the same call."""


class Candidate(NamedTuple):
    """A call that may come next, before it is ranked."""

    tool: str
    arguments: dict[str, Any]
    form: int | None
    joint: float
    bound: float
    keys: tuple[str, ...]
    """Value keys of its bound holes."""
    fit: int
    """How well its values stand together; see ``rules.fit_of``."""
    rules: dict[str, int]
    """Path text of each hole -> the first rule that proposed its value."""
    swept: dict[str, str]
    """See ``Speculation.swept``."""


class SessionPredictor:
    """Follows one session and predicts at each of its decisions.

    Args:
        model: the patterns.
        environment: where the session runs.
        binds: False where only tools are asked for: then nothing is kept for arguments.
    """

    def __init__(self, model: Model, environment: Mapping[str, str] | None = None, *, binds: bool = True) -> None:
        self.model = model
        self.memory = Memory(environment, model.wanted if binds else frozenset())
        self.outlook = Outlook(model, environment or {})
        cwd = (environment or {}).get("cwd", "")
        self._binders = {name: Binder(plan, cwd) for name, plan in model.plans.items()} if binds else {}
        self._readers = model.readers if binds else {}
        self._habits = Habits(model.patterns.successions)
        self._sweeps = Sweeps()
        self._branches: dict[str, SessionPredictor] = {}
        """Identity of a speculated call -> this session as it would go on, until something happens."""

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
        self._branches.clear()
        self.memory.message(kind, text)
        self._touch(self.memory.kept)
        self.outlook.message(kind, text)

    def observe_call(self, tool: str, arguments: dict[str, Any], status: str | None, text: str | None) -> None:
        """Take in a call that the model made, with its result as the model will see it."""
        self._branches.clear()
        identity = call_identity(tool, arguments)
        self._sweeps.call(tool, arguments, identity, self.memory)
        self.memory.call(tool, arguments, text, identity)
        if self.memory.given is not None:
            self._sweeps.result(self.memory.given)
        self._touch(self.memory.kept)
        self._touch(self.memory.taken)
        self._habits.note(tool, arguments, identity, self.outlook.last)
        ended = coarse_status(status, text)
        self.outlook.call(signature(tool, ended), f"{self.model.form(tool, arguments)} {ended}")

    def _touch(self, changed: Iterable[str]) -> None:
        for name in changed:
            for hole, readings in self._readers.get(name, ()):
                self._binders[hole].touch(readings)

    def _branch(self) -> SessionPredictor:
        """The session as it may go on: continued without changing it, and before it changes."""
        other = copy(self)
        other.memory = self.memory.branch()
        other.outlook = self.outlook.branch()
        other._binders = Overlay(self._binders, Binder.branch)
        other._habits = self._habits.branch()
        other._sweeps = self._sweeps.branch()
        other._branches = {}
        return other

    # --- what may come -------------------------------------------------------------------------------------------

    def predict(self, most: int = 5) -> list[Speculation]:
        """The likeliest calls at this decision, best first, no two the same."""
        weights = self.model.patterns.candidate_weights
        no_call, found = self.candidates()
        scores = [total(weights, traits) for _, traits in found]
        none = total(weights, no_call)
        highest = max(none, max(scores, default=none))
        whole = math.exp((none - highest) / 1000) + sum(math.exp((score - highest) / 1000) for score in scores)
        ranked = sorted(range(len(found)), key=lambda place: -scores[place])[:most]
        return [
            self._speculation(found[place][0], math.exp((scores[place] - highest) / 1000) / whole) for place in ranked
        ]

    def predict_after(self, parent: Speculation, status: str, text: str | None, most: int = 5) -> list[Speculation]:
        """The likeliest calls after a speculated one whose result is there, if the model asks for it: the next step
        of a beam, bound late to that result. Changes nothing; may be asked again for what it returned.

        Args:
            parent: what was speculated at this decision, or what this method said before.
            status: how it ended.
            text: its result as the model would see it.
            most: how many calls to return.

        Returns:
            Calls with the joint probability of the steps up to them; ``after`` is the parent's identity.
        """
        start = self if parent.after is None else self._branches.get(parent.after)
        if start is None:
            return []
        branch = start._branch()
        branch.decision_starts()
        branch.observe_call(parent.tool, parent.arguments, status, text)
        self._branches[parent.identity] = branch
        return [
            replace(one, probability=parent.probability * one.probability, after=parent.identity)
            for one in branch.predict(most)
        ]

    def _speculation(self, candidate: Candidate, raw: float) -> Speculation:
        rules = self.model.patterns.rules
        if candidate.form is None:
            origins = repeated(candidate.tool, candidate.arguments)
            origins.update((name, origin_of_place(where, self.model.tools)) for name, where in candidate.swept.items())
        else:
            bound = {place: rules[rule] for place, rule in candidate.rules.items()}
            origins = origins_of(self.model.patterns.forms[candidate.form], bound, self.model.tools)
        return Speculation(
            candidate.tool,
            candidate.arguments,
            self.model.calibrated(raw),
            candidate.form,
            candidate.rules,
            origins,
            candidate.swept,
        )

    def tools(self) -> list[Seen]:
        """What is seen of the tools that may come next, and of ``NO_TOOL``."""
        return self.outlook.tools(self._habits)

    def tool_chances(self) -> dict[str, float]:
        """How likely each tool is to be called next, ``NO_TOOL`` among them; the first step of a prediction."""
        return self.outlook.chances(self._habits)[1]

    def candidates(self) -> tuple[list[str], list[tuple[Candidate, list[str]]]]:
        """The traits of "no call"; the calls that may come next, with theirs: forms, rhythms, sweeps, repeats."""
        outcomes, tools = self.outlook.chances(self._habits)
        found = self._from_forms(outcomes)
        traits = self._add_habits(found)
        last, memory, after = self.outlook.last, self.memory, after_traits(self.outlook.history)
        followed, bigrams, lately = self._habits.followed(last), self._habits.tools_after(last), self._habits.lately()
        listed = []
        for rank, (identity, candidate) in enumerate(found.items()):
            times = memory.calls.get(identity, ())
            seen = candidate_traits(
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
                candidate.fit,
            )
            follows = [beginning + candidate.tool for beginning in after]
            listed.append((candidate, seen + follows + traits.get(identity, [])))
        return none_traits(tools[NO_TOOL], after), listed

    def _from_forms(self, outcomes: Mapping[int, float]) -> dict[str, Candidate]:
        """The likeliest calls that forms give, best first: chance of the form times chance of its arguments."""
        forms = self.model.patterns.forms
        shares = [
            (outcome, share)
            for outcome, share in outcomes.items()
            if share >= LEAST_FORM_SHARE and outcome != NO_CALL and forms[outcome].slots is not None
        ]
        shares.sort(key=lambda item: (-item[1], item[0]))
        filler = Filler(self.model, self._binders, self.memory, self.outlook.last[0])
        found: dict[str, Candidate] = {}
        for filling in filler.fillings(shares, WRITTEN_OUT):
            candidate = self._written_out(filling, outcomes[filling.form])
            identity = call_identity(candidate.tool, candidate.arguments)
            known = found.get(identity)
            found[identity] = candidate if known is None else known._replace(joint=known.joint + candidate.joint)
        return dict(sorted(found.items(), key=lambda item: (-item[1].joint, item[0]))[:FROM_FORMS])

    def _written_out(self, filling: Filling, share: float) -> Candidate:
        form, order = self.model.patterns.forms[filling.form], self.model.order[filling.form]
        bound = [(place, one) for (place, _), one in zip(order, filling.bound, strict=True)]
        values = {place: one.value for place, one in bound}
        return Candidate(
            form.tool,
            fill(form.slots or (), self.model.literals, values),
            filling.form,
            filling.joint,
            filling.joint / share,
            tuple(one.key for _, one in bound),
            fit_of(values, self.memory),
            {place: one.rule for place, one in bound},
            {},
        )

    def _add_habits(self, found: dict[str, Candidate]) -> dict[str, list[str]]:
        """Add calls that continue a rhythm or a sweep, or that come again; traits of the first two, by identity."""
        traits: dict[str, list[str]] = {}
        for identity, tool, arguments, seen in self._habits.next_steps():
            traits[identity] = seen
            if identity not in found:
                found[identity] = _formless(tool, arguments, {})
        for identity, tool, arguments, seen, swept in self._sweeps.go_on():
            traits[identity] = traits.get(identity, []) + seen
            if identity not in found:
                found[identity] = _formless(tool, arguments, swept)
        latest = [identity for _, _, identity in self.memory.made[-REPEATS:]]
        for identity, tool, arguments in self._habits.repeats(self.outlook.last, latest):
            if identity not in found:
                found[identity] = _formless(tool, arguments, {})
        return traits

    def could_produce(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether some form and some rule for each of its holes would give this call now, however unlikely."""
        identity = call_identity(tool, arguments)
        if identity in self.memory.calls or any(identity == following.identity for following in self._sweeps.go_on()):
            return True
        form = self.model.patterns.forms[number] if (number := self.model.form(tool, arguments)) >= 0 else None
        if form is None or form.slots is None:
            return any(identity == step for step, *_ in self._habits.next_steps())
        values = {path_text(path): value for path, value in leaves(arguments)}
        for slot in form.slots:
            if slot.literal is None:
                place = path_text(slot.path)
                others = {other: value for other, value in values.items() if other != place}
                if value_key(values[place]) not in self._binders[tool + place].proposed(self.memory, others):
                    return False
        return True


def _formless(tool: str, arguments: dict[str, Any], swept: dict[str, str]) -> Candidate:
    """A candidate that no form gives."""
    return Candidate(tool, arguments, None, 0.0, 0.0, (), 0, {}, swept)
