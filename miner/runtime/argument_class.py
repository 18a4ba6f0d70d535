"""What class an argument's value falls in: small functions from a value to names, finest name first.

Mining measures which function tells most about the next call; the runtime then applies the same one. A function
returns an empty tuple for a value it has nothing to say of, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from miner.runtime.shell import program_and_verbs

_LONGEST = 40
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@\s]*@)?(?P<host>[^/?#:\s]+)", re.IGNORECASE)
_EXTENSION = re.compile(r"[^/\\\s]\.(?P<extension>[A-Za-z][A-Za-z0-9]{0,9})$")
_MAILBOX = re.compile(r"[^@/\\\s]+@[^@/\\\s]+")
_FIRST_WORD = re.compile(r"\s*(?P<word>[A-Za-z_]{2,24})\b")


def value(argument: Any) -> tuple[str, ...]:
    """The value itself, when it is short: modes, flags, verbs of a tool with sub-commands."""
    if isinstance(argument, bool) or argument is None:
        return (str(argument).lower(),)
    if isinstance(argument, int):
        return (str(argument),) if abs(argument) < 10**9 else ()
    if isinstance(argument, str) and 0 < len(argument) <= _LONGEST and argument.isprintable():
        return (argument,)
    return ()


def presence(argument: Any) -> tuple[str, ...]:
    """That the argument was given at all."""
    return ("null" if argument is None else "given",)


def shell(argument: Any) -> tuple[str, ...]:
    """Program and verbs of a shell command, then the program alone: ``git stash pop``, ``git stash``, ``git``."""
    if isinstance(argument, list):
        words = [word for word in argument if isinstance(word, str)]
        argument = " ".join(_quoted(word) for word in words) if len(words) == len(argument) else None
    if not isinstance(argument, str):
        return ()
    names = program_and_verbs(argument)
    return tuple(" ".join(names[:length]) for length in range(len(names), 0, -1))


def extension(argument: Any) -> tuple[str, ...]:
    """The extension of a path: ``.py``; the end of a mail address is none."""
    if isinstance(argument, str) and _MAILBOX.fullmatch(argument):
        return ()
    found = _EXTENSION.search(argument) if isinstance(argument, str) and len(argument) <= 4096 else None
    return ("." + found["extension"].lower(),) if found else ()


def host(argument: Any) -> tuple[str, ...]:
    """The host of a URL, then its domain: ``en.wikipedia.org``, ``wikipedia.org``."""
    found = _HOST.match(argument) if isinstance(argument, str) else None
    if found is None:
        return ()
    name = found["host"].lower()
    domain = ".".join(name.split(".")[-2:])
    return (name,) if domain == name else (name, domain)


def first_word(argument: Any) -> tuple[str, ...]:
    """The first word of a text, in lower case: ``select`` of a query."""
    found = _FIRST_WORD.match(argument) if isinstance(argument, str) else None
    return (found["word"].lower(),) if found else ()


CLASS_FUNCTIONS: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "value": value,
    "presence": presence,
    "shell": shell,
    "extension": extension,
    "host": host,
    "first_word": first_word,
}
"""Every class function by its name in a bundle, simplest first: a tie goes to the earlier one."""


def _quoted(word: str) -> str:
    """A word of an argument vector as the shell would have to be given it."""
    return "'" + word.replace("'", "'\"'\"'") + "'" if re.search(r"[^\w@%+=:,./-]", word) or not word else word
