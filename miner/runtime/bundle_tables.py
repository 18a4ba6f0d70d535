"""A pattern set as tables of whole numbers over one table of strings, and back.

Writing never fails on what mining makes. Reading trusts nothing: every number is in range, every reference leads
somewhere, every name is on a closed list, so that a model built from it can predict without failing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain, pairwise
from typing import Any

from .canonical import canonical
from .errors import BundleError
from .forms import Form, Slot
from .memory import path_text, value_key
from .patterns import NO_CALL, Hole, PatternSet
from .rules import POLICIES, Rule
from .transforms import load_transform

Row = list[Any]
Tables = dict[str, Any]
Number = Callable[[str], int]

NONE = -1
"""Stands for nothing where a table refers to a string or a form."""
MILLION = 1_000_000
MOST_SLOTS, MOST_RULES, MOST_OPTIONS, MOST_STEPS = 64, 400, 12, 16
LONGEST_STRING, LONGEST_VALUE = 2_000, 2_000
SPEAKERS = frozenset({"user", "said", "host"})
TABLES = (
    "strings", "paths", "tools", "forms", "literals", "rules", "looks", "holes", "patterns",
    "candidate_weights", "state_weights", "calibration", "gate",
)  # fmt: skip
_POLICIES = frozenset(POLICIES)
_WHOLE = frozenset((int,))
_FLAT = ("candidate_weights", "calibration")
_ROWS = ("paths", "tools", "forms", "literals", "rules", "looks", "state_weights")


# --- writing ---------------------------------------------------------------------------------------------------------


def tables_of(patterns: PatternSet, fingerprints: Mapping[str, str] | None = None) -> Tables:
    """The tables of a pattern set; strings that are used most get the smallest numbers.

    Args:
        patterns: what was mined.
        fingerprints: tool -> digest of its input schema, where that is known.
    """
    uses: Counter[str] = Counter()

    def count(text: str) -> int:
        uses[text] += 1
        return 0

    _Writing(patterns, fingerprints or {}, count).tables()
    strings = sorted(uses, key=lambda text: (-uses[text], text))
    numbers = {text: number for number, text in enumerate(strings)}
    return {"strings": strings, **_Writing(patterns, fingerprints or {}, numbers.__getitem__).tables()}


def value_text(key: str) -> str:
    """How the value of a key is written: ``=`` and the text of a string, the JSON of anything else."""
    return key[1:] if key[:1] == "\0" else "=" + key


class _Writing:
    """One pass over a pattern set; a first one counts strings, a second one numbers them."""

    def __init__(self, patterns: PatternSet, fingerprints: Mapping[str, str], number: Number) -> None:
        self._patterns = patterns
        self._fingerprints = fingerprints
        self._number = number
        self._paths: dict[tuple[str, ...], int] = {}
        self._looks: dict[tuple[tuple[str, int], ...], int] = {}

    def tables(self) -> Tables:
        patterns, number = self._patterns, self._number
        tools = self._tools()
        places = {name: place for place, name in enumerate(tools)}
        forms = [
            [places[form.tool], *([NONE] if form.slots is None else chain(*map(self._slot, form.slots)))]
            for form in patterns.forms
        ]
        holes = [self._hole(name, hole) for name, hole in sorted(patterns.holes.items())]
        return {
            "tools": [self._tool(name) for name in tools],
            "forms": forms,
            "literals": [
                [number(hole), *(number(value_text(value_key(value))) for value in values)]
                for hole, values in sorted(patterns.literals.items())
            ],
            "rules": [self._rule(rule) for rule in patterns.rules],
            "holes": holes,
            "patterns": [self._context(key, counts) for key, counts in sorted(patterns.contexts.items())],
            "candidate_weights": self._weights(patterns.candidate_weights),
            "state_weights": [
                [number(trait), *self._weights(weights)] for trait, weights in sorted(patterns.state_weights.items())
            ],
            "calibration": list(chain(*patterns.calibration)),
            "gate": patterns.gate,
            "paths": [[number(step) for step in path] for path in self._paths],
            "looks": [list(chain(*((number(trait), weight) for trait, weight in looks))) for looks in self._looks],
        }

    def _tools(self) -> list[str]:
        return sorted({form.tool for form in self._patterns.forms} | set(self._patterns.seconds))

    def _tool(self, name: str) -> Row:
        fingerprint = self._fingerprints.get(name)
        mark = NONE if fingerprint is None else self._number(fingerprint)
        return [self._number(name), mark, self._patterns.seconds.get(name, NONE)]

    def _slot(self, slot: Slot) -> Row:
        path = self._paths.setdefault(slot.path, len(self._paths))
        return [path, NONE if slot.literal is None else self._number(value_text(slot.literal))]

    def _rule(self, rule: Rule) -> Row:
        number = self._number
        constant = number(value_text(rule.constant)) if rule.source == "constant" else NONE
        options = (number(value_text(value_key(option))) for option in rule.options)
        names = (rule.hole, rule.source, rule.policy, rule.transform, rule.anchor)
        return [*map(number, names), constant, *options]

    def _hole(self, name: str, hole: Hole) -> Row:
        looks = self._looks.setdefault(tuple(sorted(hole.traits.items())), len(self._looks))
        after = [[self._number(last), *chain(*sorted(weights.items()))] for last, weights in sorted(hole.after.items())]
        pairs = list(chain(*zip(hole.rules, hole.weights, strict=True)))
        return [self._number(name), hole.distinct, hole.none, looks, pairs, after]

    def _context(self, key: str, counts: Mapping[int, int]) -> Row:
        level, space, rest = key.partition(" ")
        pieces = [self._number(piece) for piece in rest.split("|")] if space else []
        return [self._number(level), pieces, *chain(*sorted(counts.items()))]

    def _weights(self, weights: Mapping[str, int]) -> Row:
        return list(chain(*((self._number(name), weight) for name, weight in sorted(weights.items()))))


# --- reading ---------------------------------------------------------------------------------------------------------


def patterns_of(tables: Tables) -> PatternSet:
    """The pattern set of tables.

    Raises:
        BundleError: ``bad_shape``, ``unknown_transform``, ``unknown_policy``, ``unknown_source``.
    """
    try:
        return _Reading(tables).patterns()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # A table that is not even of the right kind: the checks below name everything finer.
        raise BundleError("bad_shape", type(error).__name__) from None


class _Reading:
    """Tables being checked, in the order in which they refer to each other."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._strings: list[str] = tables["strings"]
        self._sources: set[tuple[int, int]] = set()
        """Sources with policies that were found good."""

    def patterns(self) -> PatternSet:
        """Everything, checked."""
        strings = self._strings
        if not all(type(text) is str and len(text) <= LONGEST_STRING for text in strings):
            raise BundleError("bad_shape", "strings")
        self._check_numbers()
        paths = [tuple(self._text(step) for step in row) for row in self._tables["paths"]]
        if not all(0 < len(path) <= MOST_STEPS for path in paths):
            raise BundleError("bad_shape", "paths")
        tools = [self._text(row[0]) for row in self._tables["tools"]]
        literals = {self._text(row[0]): [self._value(at) for at in row[1:]] for row in self._tables["literals"]}
        rules = [self._rule(row) for row in self._tables["rules"]]
        looks = [self._weights(row, 0) for row in self._tables["looks"]]
        holes = {self._text(row[0]): self._hole(row, rules, looks) for row in self._tables["holes"]}
        known = {value_key(value) for values in literals.values() for value in values}
        forms = [self._form(row, paths, tools, holes, known) for row in self._tables["forms"]]
        return PatternSet(
            forms=forms,
            literals=literals,
            rules=rules,
            holes=holes,
            contexts=dict(self._context(row, len(forms)) for row in self._tables["patterns"]),
            candidate_weights=self._weights(self._tables["candidate_weights"], 0),
            state_weights={self._text(row[0]): self._weights(row, 1) for row in self._tables["state_weights"]},
            calibration=self._calibration(),
            gate=self._share(self._tables["gate"], "gate"),
            seconds={tools[at]: row[2] for at, row in enumerate(self._tables["tools"]) if row[2] != NONE},
        )

    def _check_numbers(self) -> None:
        """Everything but the strings is whole numbers, in lists as deep as their table has them."""
        tables = self._tables
        for name in _FLAT:
            _check_flat(tables[name])
        for name in _ROWS:
            for row in tables[name]:
                _check_flat(row)
        for row in tables["holes"]:
            number, distinct, none, look, pairs, after = row
            _check_flat([number, distinct, none, look])
            _check_flat(pairs)
            for gains in after:
                _check_flat(gains)
        for row in tables["patterns"]:
            _check_flat(row[1])
            _check_flat([row[0], *row[2:]])

    def _text(self, number: int) -> str:
        if number < 0:
            raise BundleError("bad_shape", "a reference below zero")
        return self._strings[number]

    def _key(self, number: int) -> str:
        text = self._text(number)
        if len(text) > LONGEST_VALUE:
            raise BundleError("bad_shape", "a long value")
        if text[:1] == "=":
            return text[1:]
        if text.count("[") + text.count("{") > MOST_STEPS or canonical(json.loads(text)) != text:
            raise BundleError("bad_shape", "a value that is not canonical")
        return "\0" + text

    def _value(self, number: int) -> Any:
        key = self._key(number)
        return json.loads(key[1:]) if key[:1] == "\0" else key

    def _rule(self, row: Row) -> Rule:
        strings = self._strings
        a, b, c, d, e, constant, *options = row
        if min(a, b, c, d, e) < 0 or len(options) > MOST_OPTIONS:
            raise BundleError("bad_shape", "rules")
        source, policy, transform = strings[b], strings[c], strings[d]
        if (source == "constant") == (constant == NONE):
            raise BundleError("bad_shape", "a rule with half a constant")
        if (b, c) not in self._sources:
            _check_source(source, policy)
            self._sources.add((b, c))
        values = tuple(map(self._value, options)) if options else ()
        _check_transform(transform, values)
        return Rule(
            strings[a], source, policy, transform, values, strings[e], "" if constant == NONE else self._key(constant)
        )

    def _hole(self, row: Row, rules: list[Rule], looks: list[dict[str, int]]) -> Hole:
        _, distinct, none, look, pairs, after = row
        chosen, weights = pairs[::2], pairs[1::2]
        if len(chosen) != len(weights) or not all(0 <= at < len(rules) for at in chosen) or len(chosen) > MOST_RULES:
            raise BundleError("bad_shape", "holes")
        if distinct < 0 or not 0 <= look < len(looks):
            raise BundleError("bad_shape", "holes")
        found: dict[str, dict[int, int]] = {}
        for entry in after:
            gains = found[self._text(entry[0])] = dict(zip(entry[1::2], entry[2::2], strict=True))
            if not all(NONE <= place < len(chosen) for place in gains):
                raise BundleError("bad_shape", "holes")
        return Hole(chosen, weights, none, looks[look], found, distinct)

    def _form(
        self, row: Row, paths: list[tuple[str, ...]], tools: list[str], holes: Mapping[str, Hole], known: set[str]
    ) -> Form:
        tool = tools[_within(row[0], len(tools))]
        if row[1:] == [NONE]:
            return Form(tool, None)
        slots = []
        for path, literal in zip(row[1::2], row[2::2], strict=True):
            slot = Slot(paths[_within(path, len(paths))], None if literal == NONE else self._key(literal))
            filled = tool + path_text(slot.path) in holes if slot.literal is None else slot.literal in known
            if not filled:
                raise BundleError("bad_shape", "a form that nothing fills")
            slots.append(slot)
        taken = [slot.path for slot in slots]
        inner = {path[:length] for path in taken for length in range(1, len(path))}
        if len(slots) > MOST_SLOTS or len(set(taken)) < len(taken) or inner & set(taken):
            raise BundleError("bad_shape", "a form whose arguments collide")
        return Form(tool, tuple(slots))

    def _context(self, row: Row, forms: int) -> tuple[str, dict[int, int]]:
        pieces = "|".join(map(self._text, row[1]))
        counts = dict(zip(row[2::2], row[3::2], strict=True))
        if not counts or not all(NO_CALL <= form < forms for form in counts) or min(counts.values()) < 1:
            raise BundleError("bad_shape", "patterns")
        level = self._text(row[0])
        return (f"{level} {pieces}" if row[1] else level), counts

    def _weights(self, row: Row, start: int) -> dict[str, int]:
        return {self._text(at): weight for at, weight in zip(row[start::2], row[start + 1 :: 2], strict=True)}

    def _calibration(self) -> list[tuple[int, int]]:
        flat = self._tables["calibration"]
        points = list(zip(flat[::2], flat[1::2], strict=True))
        for (low, less), (high, more) in pairwise(points):
            if low >= high or less > more:
                raise BundleError("bad_shape", "a calibration that does not rise")
        for point in points:
            for share in point:
                self._share(share, "calibration")
        return points

    def _share(self, value: Any, name: str) -> int:
        if type(value) is not int or not 0 <= value <= MILLION:
            raise BundleError("bad_shape", name)
        return value


def _check_flat(row: Any) -> None:
    """A list of whole numbers; true and false are none."""
    if type(row) is not list or not _WHOLE.issuperset(map(type, row)):
        raise BundleError("bad_shape", "a table holds something else than whole numbers")


def _within(number: int, count: int) -> int:
    if not 0 <= number < count:
        raise BundleError("bad_shape", "a reference that leads nowhere")
    return number


def _check_source(source: str, policy: str) -> None:
    """The source is one that a memory can have, and the policy one that chooses from it."""
    if source in ("constant", "same"):
        if policy:
            raise BundleError("unknown_policy", "for a source that needs none")
    elif source == "beside":
        if policy.count("\x1f") != 1:
            raise BundleError("unknown_policy", "for a row")
    else:
        speaker = source.partition("~")[0].partition(".")[0].partition("{")[0].partition("[")[0]
        if not (speaker in SPEAKERS or source.startswith(("arg:", "res:", "env."))):
            raise BundleError("unknown_source", "not a place that a session has")
        if policy not in _POLICIES:
            raise BundleError("unknown_policy", "not on the list")


_checked: set[tuple[str, str]] = set()
"""Transforms with options that were tried before; options are few and recur."""


def _check_transform(name: str, options: tuple[Any, ...]) -> None:
    """The transform is on the list, and can be applied with these options: tried on its own examples."""
    if name == "copy":
        if options:
            raise BundleError("bad_shape", "options that copy does not take")
        return
    if not all(type(option) in (str, int) for option in options):
        raise BundleError("bad_shape", "options of a transform")
    mark = (name, canonical(list(options)))
    if mark in _checked:
        return
    transform = load_transform(name)
    filled = ["/" if option == "$cwd" else option for option in options]
    try:
        for source, _, _ in transform.EXAMPLES:
            transform.apply(source, *filled)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError):
        raise BundleError("bad_shape", "options of a transform") from None
    if len(_checked) < 10_000:
        _checked.add(mark)
