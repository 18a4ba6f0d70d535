"""What single programs do: a short list of readers and the options that would turn them into something else.

A program that is not here writes. So does a listed one with an option that is not known to be harmless where its
options matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .effects import Effect

if TYPE_CHECKING:
    from .shell_effect import Word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PURE = frozenset({"basename", "dirname", "echo", "false", "seq", "true"})
_READERS = _words(
    """
    cat cksum cmp column comm cut df diff du egrep expand fgrep fold grep head hexdump id join jq ls md5sum nl nproc
    od paste printenv pwd readlink realpath rev sha1sum sha256sum stat strings tac test tr uname wc which whoami
    """
)
"""Programs that no option turns into a writer."""
_REPORT_VERSION = _words(
    "bash bun cargo clang cmake deno docker gcc git go java make mypy node npm pip pip3 pnpm python python3 ruff "
    "rustc uv yarn"
)
_GLOB_FIRST = re.compile(r"[*?\[]")
_HOME = re.compile(r"(?:/usr)?/bin/([^/]+)")
_DEVICE = re.compile(r"/(?:dev|proc|sys)(?:/|$)")
_FIND_TESTS = _words(
    """
    -a -and -o -or -not -name -iname -path -ipath -wholename -regex -iregex -type -size -empty -newer -mtime -mmin
    -atime -ctime -maxdepth -mindepth -prune -print -print0 -perm -user -group -links -depth -xdev -mount -follow -L
    -H -P -true -false -quit -readable -writable -executable -ls -printf -regextype
    """
)
_SED_PRINT = re.compile(r"(?:\d+|\$)(?:,(?:\d+|\$))?p(?:;(?:\d+|\$)(?:,(?:\d+|\$))?p)*;?")
_AWK_PRINT = re.compile(r"\s*\{\s*print(?:\s+\$\w+(?:\s*,?\s*\$\w+)*)?\s*;?\s*\}\s*")
_RG_RUNS = re.compile(r"--pre(?:=.*|-glob.*)?|--hostname-bin.*|--search-zip|-[a-zA-Z]*z[a-zA-Z]*")
_SORT_WRITES = re.compile(r"-[a-zA-Z]*[oTS].*|--o.*|--t.*|--c.*|--f.*")
_TAIL_FOLLOWS = re.compile(r"-[a-zA-Z0-9]*[fF].*|--f.*|--r.*|--p.*")


def is_known(name: str) -> bool:
    """False for a program that writes whatever its arguments are."""
    name = _plain_name(name)
    return name in _PURE or name in _READERS or name in _CHECKED or name in _REPORT_VERSION or name in ("git", "tail")


def program_effect(words: Sequence[Word], *, early: bool) -> Effect:
    """The effect of one simple command."""
    name = _plain_name(words[0].text)
    arguments = [word.text for word in words[1:]]
    if words[0].expands:
        return Effect.WRITE
    if any(_DEVICE.search(argument) for argument in arguments if "/" in argument):
        return Effect.WRITE  # reading a device may wait for ever, and may change it
    if name in _REPORT_VERSION and arguments in (["--version"], ["-V"], ["version"]):
        return Effect.WRITE if (name, arguments) == ("make", ["version"]) else Effect.LOCAL_READ
    if name in _PURE:
        looks = any(word.expands or word.text.startswith("~") for word in words[1:])
        return Effect.LOCAL_READ if looks else Effect.PURE
    if name in _READERS:
        return Effect.LOCAL_READ
    if any(word.expands and _GLOB_FIRST.match(word.text) for word in words[1:]):
        return Effect.WRITE  # a file may be called -delete
    if name == "git":
        return _git(arguments, early=early)
    if name == "tail":
        follows = any(_TAIL_FOLLOWS.fullmatch(argument) for argument in arguments)
        return Effect.WRITE if follows and early else Effect.LOCAL_READ
    check = _CHECKED.get(name)
    return Effect.LOCAL_READ if check is not None and check(arguments) else Effect.WRITE


def _plain_name(word: str) -> str:
    """A program without the folder that every system has it in."""
    home = _HOME.fullmatch(word) if word.startswith("/") else None
    return home[1] if home else word


def _sort(arguments: list[str]) -> bool:
    return not any(_SORT_WRITES.fullmatch(argument) for argument in arguments)


def _uniq(arguments: list[str]) -> bool:
    """A second file name is where ``uniq`` writes; counts of ``-f 1`` look like one and are refused too."""
    return sum(not argument.startswith("-") for argument in arguments) <= 1


def _find(arguments: list[str]) -> bool:
    return all(argument in _FIND_TESTS for argument in arguments if argument.startswith("-") and len(argument) > 1)


def _sed(arguments: list[str]) -> bool:
    """Only ``sed -n 10,20p FILE``: the language can write files and run commands."""
    return (
        len(arguments) >= 2
        and arguments[0] == "-n"
        and _SED_PRINT.fullmatch(arguments[1]) is not None
        and not any(argument.startswith("-") for argument in arguments[2:])
    )


def _awk(arguments: list[str]) -> bool:
    """Only ``awk '{print $2}'``: the language can write files and run commands."""
    rest = arguments[2:] if arguments[:1] == ["-F"] else arguments
    rest = rest[1:] if rest and re.fullmatch(r"-F.", rest[0]) else rest
    plain = not any(argument.startswith("-") or "=" in argument for argument in rest[1:])
    return bool(rest) and _AWK_PRINT.fullmatch(rest[0]) is not None and plain


def _rg(arguments: list[str]) -> bool:
    return not any(argument.startswith("-") and _RG_RUNS.fullmatch(argument) for argument in arguments)


def _file(arguments: list[str]) -> bool:
    return not any(re.fullmatch(r"-[a-zA-Z]*[Cmf].*|--[cmf].*", argument) for argument in arguments)


def _tree(arguments: list[str]) -> bool:
    return not any(re.fullmatch(r"-[a-zA-Z]*[oR].*|--o.*", argument) for argument in arguments)


def _date(arguments: list[str]) -> bool:
    return all(argument.startswith("+") or argument in ("-u", "--utc", "-R", "-I") for argument in arguments)


def _printf(arguments: list[str]) -> bool:
    return not arguments[:1] or not arguments[0].startswith("-")


_CHECKED: dict[str, Callable[[list[str]], bool]] = {
    "awk": _awk,
    "date": _date,
    "file": _file,
    "find": _find,
    "printf": _printf,
    "rg": _rg,
    "sed": _sed,
    "sort": _sort,
    "tree": _tree,
    "uniq": _uniq,
}

_GIT_READS = _words(
    "blame cat-file diff diff-tree for-each-ref grep log ls-files ls-tree merge-base name-rev rev-list rev-parse "
    "shortlog show show-ref status whatchanged"
)
_GIT_LISTS = {
    "branch": _words("-a --all -r --remotes -v -vv --list -l --show-current"),
    "remote": frozenset({"-v", "--verbose"}),
    "stash": frozenset({"list"}),
    "tag": frozenset({"-l", "--list"}),
    "worktree": frozenset({"list"}),
}
"""Subcommands that list with these words and change something with almost any other."""
_GIT_LOCKS = frozenset({"diff", "status"})
"""These refresh the index, for which they take its lock."""
_GIT_RUNS = re.compile(r"--ou.*|--ext-diff|--textconv|--filters|--open-files-in-pager.*|--conten.*|--contents.*|-O.*")


def _git(arguments: list[str], *, early: bool) -> Effect:
    """A reader among the subcommands, with no option that writes a file or runs a program."""
    rest, unlocked = list(arguments), False
    while rest[:1] in (["--no-pager"], ["--no-optional-locks"], ["-C"]):
        unlocked = unlocked or rest[0] == "--no-optional-locks"
        rest = rest[2:] if rest[0] == "-C" else rest[1:]
    if not rest:
        return Effect.WRITE
    verb, options = rest[0], rest[1:]
    if verb in _GIT_LISTS:
        listing = all(option in _GIT_LISTS[verb] for option in options)
        needs_word = verb in ("stash", "worktree") and not options
        return Effect.LOCAL_READ if listing and not needs_word else Effect.WRITE
    if verb not in _GIT_READS or any(_GIT_RUNS.fullmatch(option) for option in options):
        return Effect.WRITE
    return Effect.WRITE if early and verb in _GIT_LOCKS and not unlocked else Effect.LOCAL_READ
