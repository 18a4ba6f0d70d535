"""Detectors for values that must not be shipped even to their owner's other machines: keys, passwords, addresses.

A small set, chosen for few false alarms on what arguments hold (paths, identifiers, words): each has an example in the
tests. A text is also looked at as it reads once its URL escapes, Base64 or hexadecimal form is undone. Detectors are a
second line: the first is that a value is only ever kept when many sessions share it.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote_plus

_KEY_PREFIXES = re.compile(
    r"(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|hf_[A-Za-z0-9]{20,}|SG\.[\w-]{16,}"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_URL_PASSWORD = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
_NAMED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|authorization|credential)s?[\"']?\s*[=:]\s*[\"']?"
    r"(?!\$|\{|<|\*)[^\s\"'&,;]{4,}|bearer\s+[\w.~+/-]{8,}"
)  # fmt: skip
_DIGITS = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_TOKEN = re.compile(r"[A-Za-z0-9]{20,}")
_DIGIT_GROUP = re.compile(r"\d+")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
RANDOM_BITS = 3.8
"""Bits of entropy a character from which a long token of letters and digits counts as random."""


def secret_in(text: str) -> str | None:
    """What kind of secret a text holds, in one word; None when nothing is found."""
    for reading in _readings(text[:4_000]):
        found = _secret(reading)
        if found:
            return found
    return None


def _secret(text: str) -> str | None:
    for name, pattern in (
        ("private_key", _PRIVATE_KEY),
        ("known_key", _KEY_PREFIXES),
        ("url_password", _URL_PASSWORD),
        ("named_secret", _NAMED),
        ("email", _EMAIL),
    ):
        if pattern.search(text):
            return name
    if any(_is_card(match.group()) for match in _DIGITS.finditer(text)):
        return "card_number"
    if any(_is_random(match.group()) for match in _TOKEN.finditer(text)) or _HEX.search(text):
        return "random_token"
    return None


def _readings(text: str) -> Iterator[str]:
    """The text, and what it hides behind one encoding."""
    yield text
    if "%" in text:
        yield unquote_plus(text)
    for match in _BASE64.finditer(text):
        token = match.group()
        try:
            plain = base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), altchars=b"-_" if "-" in token or "_" in token else None)  # fmt: skip  # noqa: E501
            if plain.isascii() and len(plain) >= 8:
                yield plain.decode()
        except (binascii.Error, ValueError):
            continue


def _is_card(digits: str) -> bool:
    """Luhn's check, which one in ten numbers passes by chance, on numbers as long as a card's."""
    numbers = [int(digit) for digit in digits if digit.isdecimal()]
    if not 13 <= len(numbers) <= 19 or len(set(numbers)) < 2:
        return False
    doubled = [
        number if place % 2 == 0 else number * 2 - 9 * (number > 4) for place, number in enumerate(numbers[::-1])
    ]
    return sum(doubled) % 10 == 0


def _is_random(token: str) -> bool:
    """Letters with digits strewn in between: a name has its digits in one place, at most two."""
    return len(_DIGIT_GROUP.findall(token)) >= 3 and _bits(token) >= RANDOM_BITS


def _bits(text: str) -> float:
    """Shannon entropy of its characters."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
