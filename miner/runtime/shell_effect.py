"""The effect of a shell command line, by parsing it: a pipeline is as unsafe as its worst part.

``miner.runtime.shell`` guesses what a line is about and may guess wrong; this module decides what may run early, so
it knows only a small part of the shell exactly and calls everything else a write: expansions, substitutions,
assignments, background jobs, here-documents, functions, redirections to files, ``cd`` (shells that live on keep it).
Aliases and functions of the user's own shell cannot be seen; hosts run early calls in a shell without them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from .effects import Effect, worst
from .shell_programs import is_known, program_effect

_MAX_LENGTH = 1_000
_REMEMBERED_LINES = 512
_TOKEN = re.compile(
    r"""
      (?= [12&>] ) (?<! [^ \t\n;|&] ) (?: (?: [12]?+ > | &> | 2>> ) [ ]?+ /dev/null | 2>&1 ) (?= [\s|&;] | $ )
    | ( (?: [A-Za-z0-9_./:,=+@%^~*?\[\]-]++ | '[^']*+' | "(?: [^"\\$`!]++ | \\[^\n$`] )*+" )++ ) [ \t]*+
    | (?: [ \t] | \\\n )++
    | ( \|\| | && | \| | ; | \n )
    | (?<! [^ \t\n;|&] ) \#[^\n]*+
    | ( .++ )
    """,
    re.VERBOSE | re.DOTALL,
)
"""What is thrown away, a word, a blank, an operator, a comment; all the rest of a line that is not understood.

What is thrown away and comments must stand alone: ``a2>/dev/null`` and ``a#b`` are not understood.
"""
_PIECE = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^'"]+)""", re.DOTALL)
_FIRST = re.compile(r"\s*([A-Za-z0-9_./-]+)(?=[\s;|&]|$)")


class Word(NamedTuple):
    """One word as the program gets it; ``expands`` when the shell may put file names in its place."""

    text: str
    expands: bool


def shell_effect(line: Any, *, early: bool = False) -> Effect:
    """The worst effect of any command in the line; whatever is not understood is a write.

    ``early`` asks about running it for nothing beside the agent, which also forbids reads that take a lock
    (``git status`` may hold ``index.lock`` just when the agent commits) or never end.
    """
    if isinstance(line, str):
        return _line_effect(line, early=early) if len(line) <= _MAX_LENGTH else Effect.WRITE
    return _worst_effect(_listed(line) if isinstance(line, list) else None, early=early)


@lru_cache(maxsize=_REMEMBERED_LINES)
def _line_effect(line: str, *, early: bool) -> Effect:
    """Remembered by the text: a command is judged before it is asked for, when it is, and when it comes again."""
    return _worst_effect(parsed(line), early=early)


def _worst_effect(commands: list[list[Word]] | None, *, early: bool) -> Effect:
    """The worst of several commands; what was not understood writes."""
    if commands is None:
        return Effect.WRITE
    return worst(*(program_effect(command, early=early) for command in commands))


def parsed(line: Any) -> list[list[Word]] | None:
    """The simple commands of a line; None for anything that is not wholly understood."""
    if not isinstance(line, str) or not line.strip() or len(line) > _MAX_LENGTH:
        return None
    first = _FIRST.match(line)
    if first is not None and not is_known(first[1]):
        return None  # most lines that do something say so in their first word
    commands: list[list[Word]] = [[]]
    pending = False
    for word, operator, unknown in _TOKEN.findall(line):
        if word:
            commands[-1].append(_word(word))
            pending = False
        elif unknown:
            return None
        elif operator:
            separator = operator in (";", "\n")
            if not commands[-1] and operator != "\n":
                return None
            pending = not separator or (pending and not commands[-1])
            if commands[-1]:
                commands.append([])
    kept = [command for command in commands if command]
    return None if pending or not kept else kept


def _listed(words: list[Any]) -> list[list[Word]] | None:
    """A command given as a list of words, which no shell expands unless the list itself starts one."""
    if not words or len(words) > _MAX_LENGTH or not all(isinstance(word, str) for word in words):
        return None
    if len(words) == 3 and words[0] in ("bash", "sh", "zsh") and words[1] in ("-c", "-lc"):
        return parsed(words[2])
    return [[Word(word, expands=False) for word in words]]


def _word(raw: str) -> Word:
    """Quotes taken off, as the shell would."""
    if "'" not in raw and '"' not in raw:
        return Word(raw, _is_pattern(raw))
    text, expands = [], False
    for piece in _PIECE.finditer(raw):
        if piece["single"] is not None:
            text.append(piece["single"])
        elif piece["double"] is not None:
            text.append(re.sub(r'\\(["\\])', r"\1", piece["double"]))
        else:
            text.append(piece["bare"])
            expands = expands or _is_pattern(piece["bare"])
    return Word("".join(text), expands)


def _is_pattern(text: str) -> bool:
    """True when the shell may put file names in its place."""
    return "*" in text or "?" in text or "[" in text
