"""Tokens: what a text holds that may later become an argument, by kind, each distinct token once.

One regular expression (``atoms.KINDS``) says what a token is. To try its kinds at each letter of a text takes long, so
the text is cut where no token can reach across, into runs of token letters, and what a run holds is kept: most runs
come again and again. The few kinds that reach across runs (a URL, a day with its month, a time) are searched for where
they may begin.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, filterfalse

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
_URL, _TIME, _MONTH = re.compile(r"https?://"), re.compile(r"-\d\d[T ]\d\d:"), re.compile(MONTHS)
_DAY_AFTER = re.compile(r"[a-z]*\.?\s+\d")
_ORDINALS = ("st", "nd", "rd", "th")
"""In what a token reaches across runs: a URL, a time after its date, a month with its day."""
_SCHEMES = ("http", "https")
_CROSSING = re.compile(rf"{MONTHS}|https?\||-\d\d(?:T\d\d)?\|")
"""What of a run, with a bar behind it, tells that a token may reach across."""
_CROSSES = "crosses"
"""Stands among the kinds of such a run."""
_BLANKED = {code: " " for code in range(128) if not re.match(rf"[({RUN_LETTERS}]", chr(code))}
_PLAIN_LETTERS = bytes(range(128))
_SHAPED = frozenset({"code", "dashed", "number"})
_SHAPE_MARKS = ("=", "^", "X")
"""What the names of shapes begin with."""

_QUOTE = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*")
_LABEL = re.compile(r"\n[ \t>*-]*+([A-Za-z_][\w -]{0,30}+)\**+\s?[:=]\s*+(?=.{0,201}+[ \t,;]*+$)(\S.*+)", re.MULTILINE)
"""A label and the rest of its line, whose end is yet to be stripped: at most 201 letters of it count."""
_LINE_PATH = re.compile(r"\n[ \t]*+((?:[\w@+.~-]*+/)+[\w@+.-]++|[\w@+-]++\.[A-Za-z]{1,5}+)(?=[:\s]|$)", re.MULTILINE)
_LINE_NUMBER = re.compile(r"\n(?:[^\s:/.]*+[/.][^\s:]*+:)?[ \t]*+(\d{1,7})(?=[:\u2192\t-])", re.MULTILINE)

Token = tuple[str, str]
"""Kind, text."""
Known = dict[str, tuple[Token, ...]]
"""Run -> its tokens."""


class Tokens:
    """Finds the tokens of texts.

    Args:
        kinds: the kinds, shapes and labels to look for; None for all.
        words: also plain lower-case words, which only a short text such as a person's message is searched for.
    """

    __slots__ = ("_kinds", "_labels", "_searched", "_shaped", "_silent", "_unasked", "_words", "runs")

    def __init__(self, kinds: frozenset[str] | None = None, *, words: bool = False) -> None:
        self._kinds = kinds
        self._words = words
        self._unasked = (frozenset() if kinds is None else KINDS.keys() - kinds) | (frozenset() if words else {"word"})
        self._shaped = kinds is None or any(kind.startswith(_SHAPE_MARKS) for kind in kinds)
        self._silent = self._unasked - (_SHAPED if self._shaped else frozenset())
        """Kinds of token of which nothing is kept."""
        self._searched = self._shaped or any(kind in KINDS for kind in kinds or ())
        self._labels = None if kinds is None else [kind[6:] for kind in kinds if kind.startswith("label:")]
        self.runs: Known = {}
        """Kept ready; begun anew when it is full. What is handed out is never emptied: other threads read it."""

    def by_kind(self, text: str) -> dict[str, dict[str, str]]:
        """Kind -> its distinct tokens; kinds in the order of their first token, tokens in order of place."""
        text = clip(text)
        runs = dict.fromkeys(_runs(text))
        known, fresh = self._fresh(runs)
        if max(map(len, fresh), default=0) > LONGEST:
            text = BLOB.sub(" ", text)
            runs = dict.fromkeys(_runs(text))
            known, fresh = self._fresh(runs)
        found: dict[str, dict[str, str]] = {}
        if self._searched:
            known.update(self._learnt(fresh))
            found = _grouped(chain.from_iterable(map(known.__getitem__, runs)))
            if found.pop(_CROSSES, None):
                crossings = sorted(_crossings(text))
                if crossings:
                    found = _grouped(self._across(text, crossings))
                    found.pop(_CROSSES, None)
        self._add_marked(text, found)
        return found

    def _across(self, text: str, crossings: list[tuple[int, int]]) -> Iterable[Token]:
        """The tokens of a text some of which may reach across runs."""
        at = 0
        for start, end in crossings:
            if start < at:
                continue
            begin = _start_of_run(text, start)
            yield from self._in_runs(dict.fromkeys(_RUN.findall(text, at, begin)))
            at = _end_of_run(text, end)
            for match in _TOKEN.finditer(text, begin):
                if match.start() >= at:
                    break
                yield from self._named(match)
                if match.end() > at:
                    at = _end_of_run(text, match.end())
        yield from self._in_runs(dict.fromkeys(_RUN.findall(text, at)))

    def _fresh(self, runs: Iterable[str]) -> tuple[Known, list[str]]:
        """What is known, and those of some runs that are not; nothing is when there is no room left for these."""
        known = self.runs
        fresh = list(filterfalse(known.__contains__, runs))
        if len(known) + len(fresh) > RUNS_KEPT:
            known = self.runs = {}
            fresh = list(runs)
        return known, fresh

    def _in_runs(self, runs: Iterable[str]) -> Iterable[Token]:
        """The tokens of distinct runs."""
        known, fresh = self._fresh(runs)
        known.update(self._learnt(fresh))
        return chain.from_iterable(map(known.__getitem__, runs))

    def _learnt(self, runs: Iterable[str]) -> Known:
        """The tokens of each of some runs: most hold none, or are one."""
        found: Known = {}
        named, silent = self._named, self._silent
        looked: list[str] = []
        for run in runs:
            if not self._words and run.islower() and run.isalpha() and run.isascii() and not run.endswith(_SCHEMES):
                found[run] = ()
                continue
            looked.append(run)
            match = (_WORD_TOKEN if run.isidentifier() or not _MARK.search(run) else _TOKEN).match(run)
            if match is not None and ((end := match.end()) == len(run) or run[end] == "("):
                found[run] = () if match.lastgroup in silent else named(match)
            else:
                found[run] = tuple(chain.from_iterable(map(named, _TOKEN.finditer(run))))
        if _CROSSING.search("|".join((*looked, ""))):
            for run in looked:
                if _CROSSING.search(run + "|"):
                    found[run] += ((_CROSSES, run),)
        return found

    def _named(self, match: re.Match[str]) -> tuple[Token, ...]:
        """A token under its kind, and under what it looks like."""
        kind, token, kinds = match.lastgroup or "", match.group(), self._kinds
        found: tuple[Token, ...] = () if kind in self._unasked else ((kind, token),)
        if self._shaped and kind in _SHAPED:
            found += tuple([(shape, token) for shape in shapes(token) if kinds is None or shape in kinds])
        return found

    def _add_marked(self, text: str, found: dict[str, dict[str, str]]) -> None:
        """Add what stands in quotes, behind a label, or at the beginning of a line."""
        kinds, lines = self._kinds, "\n" + text
        if kinds is None or "quoted" in kinds:
            for quoted in _QUOTE.findall(text):
                token = next(filter(None, quoted))
                found.setdefault("quoted", {})[token] = token
        if self._labels is None or _holds_any(text, self._labels):
            for label, rest in _LABEL.findall(lines):
                kind = f"label:{label.strip().lower()}"
                if kinds is None or kind in kinds:
                    token = (rest.rstrip(" \t,;") or rest[0]).strip("\"'`*")
                    found.setdefault(kind, {})[token] = token
        for kind, grammar in (("line_path", _LINE_PATH), ("line_number", _LINE_NUMBER)):
            if kinds is None or kind in kinds:
                tokens = grammar.findall(lines)
                if tokens:
                    found.setdefault(kind, {}).update(zip(tokens, tokens, strict=True))


def _runs(text: str) -> list[str]:
    """The runs of a text: brackets of calls may stand alone, and hold nothing."""
    if not text.isascii():
        others = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN_LETTERS)
        if any(map(str.isalnum, set(others.decode("utf-8", "surrogatepass")))):
            return _RUN.findall(text)
        text = text.encode("ascii", "replace").decode("ascii")
    return text.replace("(", "( ").translate(_BLANKED).split()


def _holds_any(text: str, labels: list[str]) -> bool:
    """Whether one of some labels may stand in a text."""
    if not labels:
        return False
    lower = text.lower()
    # The small letter of a sigma depends on what follows it, so a text with one is searched in any case.
    return "\u03a3" in text or any(label in lower for label in labels)


def _grouped(tokens: Iterable[Token]) -> dict[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for kind, token in tokens:
        found[kind][token] = token
    return dict(found)


def _crossings(text: str) -> Iterator[tuple[int, int]]:
    """Where tokens that reach across runs may begin, and as much of each as tells that they may."""
    for pattern in (_URL, _TIME):
        for match in pattern.finditer(text):
            yield match.span()
    for month in _MONTH.finditer(text):
        after = _DAY_AFTER.match(text, month.end())
        if after is not None:
            yield month.start(), after.end()
        day = _day_before(text[: month.start()])
        if day is not None:
            yield day, month.end()


def _day_before(text: str) -> int | None:
    """Where the last digit of a day begins that a text ends with before a month: ``3 ``, ``3rd ``, ``3rd of ``."""
    before = text.rstrip()
    if len(before) < len(text) and before.endswith("of"):
        text = before[:-2]
        before = text.rstrip()
    if len(before) == len(text):
        return None
    ends = len(before) - (2 if before.endswith(_ORDINALS) else 0)
    return ends - 1 if ends and before[ends - 1].isdecimal() else None


def _start_of_run(text: str, place: int) -> int:
    while place and (text[place - 1].isalnum() or text[place - 1] in "_@+.~/-"):
        place -= 1
    return place


def _end_of_run(text: str, place: int) -> int:
    match = _REST_OF_RUN.match(text, place)
    return match.end() if match else place
