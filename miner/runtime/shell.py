"""A shell command line taken apart: which programs it runs, behind which wrappers, and with which verb.

The words are cut by one regular expression and unquoted by :mod:`shlex`. What a context needs is the program, not
the shell's full grammar: a construct that is not understood ends the walk and never raises.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise, takewhile

_QUOTED = r"""'[^']*+'"""
_GROUP = rf"""(?:[^()'"\\] | \\. | {_QUOTED} | "(?:\\. | [^"\\])*+" | \(%s\))*+"""
_SUBSTITUTION = r"\$\(" + _GROUP % (_GROUP % (_GROUP % r"[^()]*+")) + r"\)"
_DOUBLE_QUOTED = rf"""\"(?:\\. | {_SUBSTITUTION} | [^"\\])*+\""""
_TOKEN = re.compile(
    rf"""
      (?P<blank>   (?:[ \t\r] | \\\n)++ )
    | (?P<comment> \#[^\n]*+ )
    | (?P<heredoc> \d*+<<-?(?!<)[ \t]*+ (?P<mark> (?:'[^'\n]*+' | "[^"\n]*+" | \\. | [^\s|&;()<>'"\\])++ ) )
    | (?P<redirect> \d*+ (?: <<< | &>>? | >& | <& | <> | >\| | >> | >(?!\() | <(?!\() ) )
    | (?P<separator> \n | ;;&? | ;& | ; | \|\| | \|& | \| | && | & | \( | \) )
    | (?P<word> (?: \\. | \$?{_QUOTED} | \$?{_DOUBLE_QUOTED} | `(?:\\. | [^`\\])*+`
                  | {_SUBSTITUTION} | [<>]\({_GROUP % r"[^()]*+"}\)
                  | \$\{{[^}}]*+\}} | [^\s\\'"`|&;()<>$] | \$(?![\('"{{]) )++ )
    """,
    re.VERBOSE | re.DOTALL,
)

_OPENERS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"})
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_LOOPS = frozenset({"for", "select"})
_UNSUPPORTED = frozenset({"case", "function", "[[", "coproc"})

_WRAPPERS: dict[str, tuple[str, int]] = {
    "builtin": ("", 0),
    "caffeinate": ("-t -w", 0),
    "command": ("", 0),
    "doas": ("-u -C", 0),
    "env": ("-u -C", 0),
    "exec": ("-a", 0),
    "ionice": ("-c -n", 0),
    "nice": ("-n", 0),
    "nohup": ("", 0),
    "setsid": ("", 0),
    "stdbuf": ("-i -o -e", 0),
    "sudo": ("-u -g -h -p -C -D -R -T -U", 0),
    "time": ("-f -o", 0),
    "timeout": ("-s -k", 1),
    "xargs": ("-a -d -E -I -L -n -P -s", 0),
}
"""Programs that run another: the options of theirs that take a value, and how many words stand before the other."""

_RUNNERS = frozenset({"conda", "hatch", "pdm", "pipenv", "poetry", "uv"})
"""Programs whose verb ``run`` runs another."""
_SHELLS = frozenset({"bash", "dash", "sh", "zsh"})
_PRELUDES = frozenset(
    {
        ".",
        ":",
        "[",
        "alias",
        "cd",
        "export",
        "popd",
        "pushd",
        "set",
        "shopt",
        "source",
        "test",
        "true",
        "ulimit",
        "umask",
        "unset",
    }
)
"""Commands that prepare the shell for the one that matters."""
_VALUE_OPTIONS = {
    "docker": frozenset({"--context", "-H", "-c"}),
    "git": frozenset({"-C", "-c", "--git-dir", "--work-tree"}),
    "kubectl": frozenset({"--context", "--namespace", "-n"}),
    "make": frozenset({"-C", "-f"}),
    "npm": frozenset({"--prefix"}),
}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=")
_VERB = re.compile(r"[a-z][a-z0-9]*(?:[-:_][a-z0-9]+)*")
_PYTHON = re.compile(r"python(?:\d+(?:\.\d+)?)?|pypy\d*")


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a line in the order in which they are written: words without quotes and redirections.

    Assignments before a program are left out, keywords of loops and branches too. The walk ends at the first thing
    that is not understood: an open quote, ``case``, a function.
    """
    for words in _raw_commands(line):
        kept = _without_keywords(words)
        if kept is None:
            return
        if kept:
            yield tuple(kept)


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command that is really run behind ``sudo``, ``timeout 60``, ``env A=1``, ``xargs -n 1``, ``uv run`` …"""
    rest = list(words)
    while rest:
        name = _program_name(rest[0])
        if name in _WRAPPERS:
            values, positional = _WRAPPERS[name]
            inner = _after_options(rest[1:], frozenset(values.split()))[positional:]
        elif name in _RUNNERS and rest[1:2] == ["run"]:
            inner = _after_options(rest[2:], frozenset())
        elif _PYTHON.fullmatch(name) and "-m" in rest[1:-1]:
            inner = rest[rest.index("-m") + 1 :]
        else:
            break
        while inner and _ASSIGNMENT.match(inner[0]):
            inner = inner[1:]
        if not inner:
            break
        rest = inner
    return tuple(rest)


def program_and_verbs(line: str, depth: int = 0) -> tuple[str, ...]:
    """The program that a line is about, then up to two words that look like its verbs; empty when it cannot be told.

    The line is about its first command that is no mere preparation: ``cd x && git diff | head`` is about
    ``("git", "diff")``.
    """
    first: tuple[str, ...] = ()
    for words in simple_commands(line):
        command = unwrapped(words)
        name = _program_name(command[0])
        if name in _SHELLS and depth < 3:
            script = _inline_script(command)
            if script is not None:
                return program_and_verbs(script, depth + 1)
        if not _is_plain(name):
            return first
        found = (name, *_verbs(name, command[1:]))
        if name not in _PRELUDES:
            return found
        first = first or found[:1]
    return first


def _raw_commands(line: str) -> Iterator[list[str]]:
    """Words between separators, redirections dropped; stops at what cannot be cut into words."""
    words: list[str] = []
    heredocs: list[str] = []
    position, skip_target = 0, False
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            return
        position, kind = match.end(), match.lastgroup
        if match["word"] is not None:
            if not skip_target:
                words.append(match["word"])
            skip_target = False
        elif match["redirect"] is not None:
            skip_target = True
        elif match["heredoc"] is not None:
            heredocs.append(_unquoted(match["mark"]))
        elif kind == "separator":
            skip_target = False
            if words:
                yield words
                words = []
            if match["separator"] == "\n" and heredocs:
                position = _after_heredocs(line, position, heredocs)
                heredocs = []
    if words:
        yield words


def _after_heredocs(line: str, position: int, marks: list[str]) -> int:
    """Where the line goes on after the bodies of its here-documents; its end when one is never closed."""
    for mark in marks:
        closing = re.compile(rf"^\t*{re.escape(mark)}$", re.MULTILINE).search(line, position)
        if closing is None:
            return len(line)
        position = closing.end() + 1
    return position


def _without_keywords(raw: list[str]) -> list[str] | None:
    """The words of the program itself, unquoted; empty for a bare keyword; None for what is not understood."""
    rest = raw
    while rest and (rest[0] in _OPENERS or rest[0] in _CLOSERS or _ASSIGNMENT.match(rest[0])):
        rest = rest[1:]
    if not rest or rest[0] in _LOOPS:
        return []
    if rest[0] in _UNSUPPORTED:
        return None
    return [_unquoted(word) for word in rest]


def _unquoted(word: str) -> str:
    """One word with its quotes taken off."""
    if not ("'" in word or '"' in word or "\\" in word):
        return word
    try:
        return "".join(shlex.split(word, comments=False)) if "`" not in word and "$(" not in word else word
    except ValueError:
        return word


def _after_options(words: list[str], with_value: frozenset[str]) -> list[str]:
    """The words after leading options, and after the values of those that take one."""
    rest = words
    while rest and rest[0].startswith("-") and rest[0] != "-":
        rest = rest[2:] if rest[0] in with_value else rest[1:]
    return rest


def _program_name(word: str) -> str:
    """A program without its folder."""
    return word.rstrip("/").rpartition("/")[2] or word


def _is_plain(name: str) -> bool:
    """False for a program that only the shell can name: a variable, a substitution, a pattern."""
    return bool(name) and len(name) <= 40 and not any(letter in "$`*?{}()<>=\n\"'" for letter in name)


def _inline_script(command: tuple[str, ...]) -> str | None:
    """The script of ``bash -lc SCRIPT``."""
    for option, script in pairwise(command[1:]):
        if not option.startswith("-"):
            return None
        if not option.startswith("--") and "c" in option:
            return script
    return None


def _verbs(program: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Up to two adjoining words that look like sub-commands, after the options of the program itself."""
    rest = _after_options(list(words), _VALUE_OPTIONS.get(program, frozenset()))
    return tuple(takewhile(lambda word: len(word) <= 24 and _VERB.fullmatch(word) is not None, rest[:2]))
