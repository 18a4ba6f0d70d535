"""Tables of a bundle -> pattern set, trusting nothing.

Every number is in range, every reference leads somewhere, every name is on a closed list, so that a model built from
it can predict without failing. ``bundle_writing`` makes the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from .bundle_writing import NONE, Row, Tables
from .canonical import canonical
from .errors import BundleError
from .forms import Form, Slot
from .memory import path_text, value_key
from .patterns import NO_CALL, Hole, PatternSet
from .rules import POLICIES, Rule
from .serving_table import serving_rules
from .transforms import load_transform

MILLION = 1_000_000
MOST_SLOTS, MOST_RULES, MOST_OPTIONS, MOST_STEPS = 64, 400, 12, 16
LONGEST_STRING, LONGEST_VALUE = 2_000, 2_000
SPEAKERS = frozenset({"user", "said", "host"})
TABLES = (
    "strings", "paths", "tools", "forms", "literals", "rules", "looks", "holes", "patterns",
    "candidate_weights", "tool_weights", "state_weights", "successions", "calibration", "gate", "serving",
)  # fmt: skip
SINCE = {"serving": 1}
"""Table -> the minor version that added it; an older bundle is without."""
_POLICIES = frozenset(POLICIES)
_MOVES: dict[str, tuple[type, ...]] = {"=": (), "+": (int, str), ":": (int, float, str, bool, type(None))}
_WHOLE = frozenset((int,))
_FLAT = ("candidate_weights", "tool_weights", "calibration")
_ROWS = ("paths", "tools", "forms", "literals", "rules", "looks", "state_weights", "successions")


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
            tool_weights=self._weights(self._tables["tool_weights"], 0),
            state_weights={self._text(row[0]): self._weights(row, 1) for row in self._tables["state_weights"]},
            successions=dict(map(self._succession, self._tables["successions"])),
            calibration=self._calibration(),
            gate=self._share(self._tables["gate"], "gate"),
            serving=serving_rules(self._tables.get("serving", []), self._text),
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

    def _succession(self, row: Row) -> tuple[str, dict[str, int]]:
        steps = self._weights(row, 1)
        if min(steps.values(), default=0) < 0:
            raise BundleError("bad_shape", "successions")
        for text in steps:
            if text:
                _check_step(text)
        return self._text(row[0]), steps

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


def _check_step(text: str) -> None:
    """A step that can be taken: for each argument its path, and that it stays, moves, or becomes a short value."""
    if text.count("[") > 3 * MOST_STEPS or canonical(json.loads(text)) != text:
        raise BundleError("bad_shape", "a step that is not canonical")
    taken: set[tuple[str, ...]] = set()
    inner: set[tuple[str, ...]] = set()
    for path, kind, *rest in json.loads(text):
        keys = tuple(path)
        if not 0 < len(keys) <= MOST_STEPS or not all(type(key) is str for key in keys) or keys in taken:
            raise BundleError("bad_shape", "a step of a path")
        kinds = _MOVES[kind]
        if len(rest) != (1 if kinds else 0) or not all(type(item) in kinds for item in rest):
            raise BundleError("bad_shape", "a step of a kind")
        taken.add(keys)
        inner |= {keys[:length] for length in range(1, len(keys))}
    if inner & taken:
        raise BundleError("bad_shape", "a step whose arguments collide")


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
