"""Detached signatures in the format of minisign, verified with the standard library: Ed25519 over BLAKE2b.

A signature that may be absent is no signature, so whoever names a public key gets a bundle that is signed by it or
none. Verification works on public data only; nothing here is hardened for secrets.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from .errors import BundleError

Point = tuple[int, int, int, int]
"""Extended coordinates: x, y and t = xy, over z."""
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_ROOT = pow(2, (P - 1) // 4, P)
_MOST_TEXT = 8_192


class PublicKey(NamedTuple):
    """A minisign public key."""

    id: bytes
    key: bytes


def public_key(text: str) -> PublicKey:
    """The key in the text of a ``.pub`` file, or in its second line alone.

    Raises:
        BundleError: it is no minisign public key.
    """
    data = _decoded((text.strip().splitlines() or [""])[-1], 42)
    if data[:2] != b"Ed":
        raise BundleError("bad_signature", "not a minisign public key")
    return PublicKey(data[2:10], data[10:])


def verify(data: bytes, signature: str, keys: list[PublicKey]) -> str:
    """Checks a file against the text of its ``.minisig``; the trusted comment, which is signed too.

    Raises:
        BundleError: ``bad_signature``, and what is wrong.
    """
    lines = signature.split("\n") if len(signature) <= _MOST_TEXT else []
    if len(lines) < 4 or not lines[2].startswith("trusted comment: "):
        raise BundleError("bad_signature", "not in the format of minisign")
    signed, comment, whole = _decoded(lines[1], 74), lines[2].removeprefix("trusted comment: "), _decoded(lines[3], 64)
    algorithm, id_, own = signed[:2], signed[2:10], signed[10:]
    key = next((one.key for one in keys if one.id == id_), None)
    if key is None:
        raise BundleError("bad_signature", "made with a key that is not trusted")
    if algorithm not in (b"ED", b"Ed"):
        raise BundleError("bad_signature", "of an unknown algorithm")
    message = hashlib.blake2b(data).digest() if algorithm == b"ED" else data
    if not is_signed(message, own, key):
        raise BundleError("bad_signature", "of something else than this file")
    if not is_signed(own + comment.encode(), whole, key):
        raise BundleError("bad_signature", "its trusted comment was changed")
    return comment


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """Ed25519 (RFC 8032), strict: one encoding for each number and point, and no key of small order."""
    if len(signature) != 64 or len(key) != 32:
        return False
    owner, scalar = _point(key), int.from_bytes(signature[32:], "little")
    if owner is None or scalar >= ORDER or _is_neutral(times(8, owner)):
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    x, y, z, t = owner
    found = plus(times(scalar, BASE), times(challenge, (P - x, y, z, P - t)))
    return encoded(found) == signature[:32]


def plus(one: Point, other: Point) -> Point:
    """The sum of two points."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * _D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A point added to itself so many times."""
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = plus(found, point)
        point = plus(point, point)
        number >>= 1
    return found


def encoded(point: Point) -> bytes:
    """The 32 bytes of a point."""
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _point(data: bytes) -> Point | None:
    """The point that 32 bytes stand for; None when they are no point, or not its one encoding."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _is_neutral(point: Point) -> bool:
    x, y, z, _ = point
    return x % P == 0 and (y - z) % P == 0


def _decoded(text: str, size: int) -> bytes:
    try:
        data = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size:
        raise BundleError("bad_signature", "not in the format of minisign")
    return data


def _base() -> Point:
    point = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    if point is None:
        raise ArithmeticError("the base point of Ed25519 is a point")
    return point


BASE = _base()
