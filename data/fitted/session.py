"""One session drawn from a profile: who said what, which calls were asked for together, and what came back.

An argument takes its value from where arguments of its kind took theirs: from a value that recurs everywhere, from
an earlier argument, from what a recent result showed, from what the person said, or from nowhere. Texts are given as
they stand inside a JSON string.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from fitted.profile import KINDS, SIZE, Argument, Profile, Tool

SHOWN = 12
"""Values that a result shows at most."""
SHOWN_LETTERS = 120
"""A result shows a value for each so many letters."""
CONTENT_LETTERS = 900
ERROR = "Error: it did not work. "


class Call(NamedTuple):
    """A call with its result."""

    tool: str
    arguments: str
    """A JSON object."""
    result: str
    failed: bool
    ms: int


class Step(NamedTuple):
    """What a person said before it, if anybody spoke; what the model said, how long it took, and what it called."""

    asked: str
    said: str
    think_ms: int
    calls: list[Call]


class _State:
    """What is known in a session."""

    def __init__(self, profile: Profile) -> None:
        kinds = len(profile.kinds)
        self.own: list[list[str]] = [[] for _ in range(profile.holes)]
        self.used: list[list[str]] = [[] for _ in range(kinds)]
        self.shown: list[list[str]] = [[] for _ in range(kinds)]
        """Of each kind, the values in the newest result that showed any."""
        self.told: list[list[str]] = [[] for _ in range(kinds)]


def session(profile: Profile, seed: str, calls: int) -> Iterator[Step]:
    """The steps of a session with so many calls."""
    chance = random.Random(seed)
    draw = chance.random
    state = _State(profile)
    turns = max(1, profile.turns[int(draw() * SIZE)])
    speaks = (turns - 1) / max(1, calls)
    asked = _asked(profile, state, chance)
    tool = profile.tools[profile.first[int(draw() * SIZE)]]
    while calls:
        size = min(calls, profile.parallel[int(draw() * SIZE)])
        made = []
        for _ in range(size):
            made.append((tool, _arguments(profile, tool, state, chance)))
            tool = profile.tools[tool.next[int(draw() * SIZE)]]
        done = [_done(profile, one, arguments, state, chance) for one, arguments in made]
        letters = profile.said[int(draw() * SIZE)]
        said = profile.filler.text(chance, letters) if letters else ""
        yield Step(asked, said, profile.think_ms[int(draw() * SIZE)], done)
        calls -= size
        asked = _asked(profile, state, chance) if calls and draw() < speaks else ""


def _asked(profile: Profile, state: _State, chance: random.Random) -> str:
    """What a person says: some text, and values for what is to be done."""
    values = []
    for kind in profile.told:
        if chance.random() < 0.5:
            new = profile.kinds[kind].new(chance)
            state.told[kind].append(new)
            values.append(new)
    letters = profile.asked[int(chance.random() * SIZE)] - sum(map(len, values))
    return " ".join([profile.filler.text(chance, max(8, letters)), *values])


def _arguments(profile: Profile, tool: Tool, state: _State, chance: random.Random) -> str:
    found = []
    for argument in tool.arguments:
        if chance.random() < argument.present:
            source = argument.sources[int(chance.random() * SIZE)]
            if source == "content":
                value = profile.filler.text(chance, 400 + int(chance.random() * CONTENT_LETTERS))
            else:
                value = _value(profile, argument, source, state, chance)
                state.own[argument.hole].append(value)
                state.used[argument.kind].append(value)
            found.append(f'"{argument.name}":"{value}"')
    return "{" + ",".join(found) + "}"


def _value(profile: Profile, argument: Argument, source: str, state: _State, chance: random.Random) -> str:
    kind = profile.kinds[argument.kind]
    if source == "fixed":
        value: str = kind.fixed[int(chance.random() * SIZE)]
        return value
    if source == "result" and (shown := state.shown[argument.kind]):
        place = profile.places[int(chance.random() * SIZE)]
        return shown[0 if place == 0 else int(chance.random() * (5 if place == 1 else len(shown))) % len(shown)]
    known = {"own": state.own[argument.hole], "argument": state.used[argument.kind], "user": state.told[argument.kind]}
    values = known.get(source)
    if values:
        return values[-1] if chance.random() < 0.5 else values[int(chance.random() * len(values))]
    return kind.new(chance)


def _done(profile: Profile, tool: Tool, arguments: str, state: _State, chance: random.Random) -> Call:
    draw = chance.random
    letters = tool.letters[int(draw() * SIZE)]
    ms = tool.ms[int(draw() * SIZE)] if tool.ms else 0
    if draw() < tool.error:
        return Call(tool.name, arguments, ERROR + profile.filler.text(chance, min(letters, 300)), failed=True, ms=ms)
    if not tool.shows or not letters:
        return Call(tool.name, arguments, _plain(profile, letters, chance), failed=False, ms=ms)
    shown: dict[int, list[str]] = {}
    for _ in range(min(SHOWN, 1 + letters // SHOWN_LETTERS)):
        kind = tool.shows[int(draw() * SIZE)]
        shown.setdefault(kind, []).append(profile.kinds[kind].new(chance))
    for kind, values in shown.items():
        state.shown[kind] = values
    return Call(tool.name, arguments, _showing(profile, shown, letters, chance), failed=False, ms=ms)


def _plain(profile: Profile, letters: int, chance: random.Random) -> str:
    if profile.is_json and letters > 40:
        return "{" + profile.leaves.text(chance, letters)[:-1] + "}"
    return profile.filler.text(chance, letters)


def _showing(profile: Profile, shown: dict[int, list[str]], letters: int, chance: random.Random) -> str:
    """A result in which the values stand: fields of objects, or at the beginnings of lines."""
    values = [(kind, value) for kind, found in shown.items() for value in found]
    rest = max(0, letters - sum(len(value) + 16 for _, value in values)) // len(values)
    if profile.is_json:
        rows = [
            f'{{\\"{KINDS[kind]}\\":\\"{value}\\",{profile.leaves.text(chance, rest)[:-1]}}}' for kind, value in values
        ]
        return '{\\"items\\":[' + ",".join(row.replace(",}", "}") for row in rows) + "]}"
    return "\\n".join(
        f"{value}:{1 + int(chance.random() * 900)}: {profile.filler.text(chance, rest)}" for _, value in values
    )
