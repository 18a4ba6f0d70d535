"""Tokens: what a text holds that may later become an argument, by kind, each distinct token once.

One regular expression (``atoms.KINDS``) says what a token is. To try its kinds at each letter of a text takes long, so
the text is cut where no token can reach across, into runs of token letters, and what a run holds is kept: most runs
come again and again. The few kinds that reach across runs (a URL, a day with its month, a time) are searched for where
they may begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain

from .atoms import BLOB, KINDS, LONGEST, MONTHS, RUN_LETTERS, clip, shapes

RUNS_KEPT = 32_768
"""Runs whose tokens are kept ready."""

_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
_WORDY = ("number", "code", "camel", "name", "word")
_WORD_TOKEN = re.compile("|".join(f"(?P<{kind}>{KINDS[kind]})" for kind in _WORDY))
"""The same for a run of nothing but letters, digits and underscores, in which no other kind can stand."""
_MARK = re.compile(r"[@+.~/-]")
_RUN = re.compile(rf"[{RUN_LETTERS}]+\(?")
"""Token letters, and the bracket of a call, which tells ``file.py`` from ``object.method(``."""
_REST_OF_RUN = re.compile(rf"[{RUN_LETTERS}]*")
_MONTHS = tuple(MONTHS.split("|"))
_CROSSING_URL = re.compile(r"https?://")
_CROSSING_TIME = re.compile(r"-\d\d[T ]\d\d:")
_CROSSING_DAYS = (
    re.compile(rf"(?:{MONTHS})[a-z]*\.?\s+\d"),
    re.compile(rf"\d(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})"),
)
"""In what a token reaches across runs: one pattern for each first letter, by which it is found fast."""
_SHAPED = frozenset({"code", "dashed", "number"})
_SHAPE_MARKS = ("=", "^", "X")
"""What the names of shapes begin with."""

_QUOTE = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*")
_LABEL = re.compile(r"^[ \t>*-]*([A-Za-z_][\w -]{0,30}?)\**\s?[:=]\s*(\S.{0,200}?)[ \t,;]*$", re.MULTILINE)
_LINE_PATH = re.compile(r"^[ \t]*((?:[\w@+.~-]*/)+[\w@+.-]+|[\w@+-]+\.[A-Za-z]{1,5})(?=[:\s]|$)", re.MULTILINE)
_LINE_NUMBER = re.compile(r"^(?:[^\s:/.]*+[/.][^\s:]*+:)?[ \t]*(\d{1,7})(?=[:\u2192\t-])", re.MULTILINE)

Token = tuple[str, str]
"""Kind, text."""


class _Runs(dict[str, tuple[Token, ...]]):
    """Run -> its tokens, looked for when they are asked for the first time; emptied when it is full."""

    __slots__ = ("_look",)

    def __init__(self, look: Callable[[str], tuple[Token, ...]]) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, run: str) -> tuple[Token, ...]:
        if len(self) >= RUNS_KEPT:
            self.clear()
        found = self[run] = self._look(run)
        return found


class Tokens:
    """Finds the tokens of texts.

    Args:
        kinds: the kinds, shapes and labels to look for; None for all.
        words: also plain lower-case words, which only a short text such as a person's message is searched for.
    """

    __slots__ = ("_kinds", "_searched", "_shaped", "_words", "runs")

    def __init__(self, kinds: frozenset[str] | None = None, *, words: bool = False) -> None:
        self._kinds = kinds
        self._words = words
        self._shaped = kinds is None or any(kind.startswith(_SHAPE_MARKS) for kind in kinds)
        self._searched = self._shaped or any(kind in KINDS for kind in kinds or ())
        self.runs = _Runs(self._in_run)
        """Kept ready."""

    def by_kind(self, text: str) -> dict[str, dict[str, str]]:
        """Kind -> its distinct tokens; kinds in the order of their first token, tokens in order of place."""
        text = clip(text)
        runs = dict.fromkeys(_RUN.findall(text))
        if max(map(len, runs), default=0) > LONGEST:
            text = BLOB.sub(" ", text)
            runs = dict.fromkeys(_RUN.findall(text))
        found: dict[str, dict[str, str]] = {}
        if self._searched:
            crossings = _crossings(text)
            for kind, token in (
                self._across(text, crossings) if crossings else chain.from_iterable(map(self.runs.__getitem__, runs))
            ):
                if kind in found:
                    found[kind][token] = token
                else:
                    found[kind] = {token: token}
        self._add_marked(text, found)
        return found

    def _across(self, text: str, crossings: list[tuple[int, int]]) -> Iterable[Token]:
        """The tokens of a text some of which may reach across runs."""
        at = 0
        for start, end in crossings:
            if start < at:
                continue
            begin = _start_of_run(text, start)
            yield from chain.from_iterable(map(self.runs.__getitem__, _RUN.findall(text, at, begin)))
            at = _end_of_run(text, end)
            for match in _TOKEN.finditer(text, begin):
                if match.start() >= at:
                    break
                yield from self._named(match)
                if match.end() > at:
                    at = _end_of_run(text, match.end())
        yield from chain.from_iterable(map(self.runs.__getitem__, _RUN.findall(text, at)))

    def _in_run(self, run: str) -> tuple[Token, ...]:
        grammar = _TOKEN if _MARK.search(run) else _WORD_TOKEN
        return tuple(token for match in grammar.finditer(run) for token in self._named(match))

    def _named(self, match: re.Match[str]) -> Iterable[Token]:
        """A token under its kind, and under what it looks like."""
        kind, token, kinds = match.lastgroup or "", match.group(), self._kinds
        if (kind != "word" or self._words) and (kinds is None or kind in kinds):
            yield kind, token
        if self._shaped and kind in _SHAPED:
            for shape in shapes(token):
                if kinds is None or shape in kinds:
                    yield shape, token

    def _add_marked(self, text: str, found: dict[str, dict[str, str]]) -> None:
        """Add what stands in quotes, behind a label, or at the beginning of a line."""
        kinds = self._kinds
        if kinds is None or "quoted" in kinds:
            for quoted in _QUOTE.findall(text):
                token = next(filter(None, quoted))
                found.setdefault("quoted", {})[token] = token
        if kinds is None or any(kind.startswith("label:") for kind in kinds):
            for label, marked in _LABEL.findall(text):
                kind, token = f"label:{label.strip().lower()}", marked.strip("\"'`*")
                if kinds is None or kind in kinds:
                    found.setdefault(kind, {})[token] = token
        for kind, grammar in (("line_path", _LINE_PATH), ("line_number", _LINE_NUMBER)):
            if kinds is None or kind in kinds:
                tokens = grammar.findall(text)
                if tokens:
                    found.setdefault(kind, {}).update(zip(tokens, tokens, strict=True))


def _crossings(text: str) -> list[tuple[int, int]]:
    """Where tokens may reach across runs, in order: from where on, and how far at least."""
    patterns = [_CROSSING_TIME]
    if "://" in text:
        patterns.append(_CROSSING_URL)
    if any(month in text for month in _MONTHS):
        patterns.extend(_CROSSING_DAYS)
    return sorted(match.span() for pattern in patterns for match in pattern.finditer(text))


def _start_of_run(text: str, place: int) -> int:
    while place and (text[place - 1].isalnum() or text[place - 1] in "_@+.~/-"):
        place -= 1
    return place


def _end_of_run(text: str, place: int) -> int:
    match = _REST_OF_RUN.match(text, place)
    return match.end() if match else place
