"""Signatures of bundles: the vectors of RFC 8032, a signature that minisign made, and every way to be wrong."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.errors import BundleError
from miner.runtime.minisign import BASE, ORDER, P, encoded, is_signed, public_key, times, verify
from tests.runtime.small_patterns import small_patterns

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
MINISIGN_KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
MINISIGN_SIGNATURE = (
    "untrusted comment: signature from minisign secret key\n"
    "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n"
    "trusted comment: timestamp:1633700835\tfile:test\tprehashed\n"
    "wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n"
)
SECRET, ID = b"a secret of thirty-two bytes, ok", b"12345678"


def signed(message: bytes, secret: bytes = SECRET) -> tuple[bytes, bytes]:
    """(public key, signature) as RFC 8032 makes them."""
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & ~7 & (1 << 255) - 1 & ~(1 << 255) | 1 << 254
    key = encoded(times(scalar, BASE))
    nonce = int.from_bytes(hashlib.sha512(digest[32:] + message).digest(), "little") % ORDER
    point = encoded(times(nonce, BASE))
    challenge = int.from_bytes(hashlib.sha512(point + key + message).digest(), "little") % ORDER
    return key, point + ((nonce + challenge * scalar) % ORDER).to_bytes(32, "little")


def key_text() -> str:
    """Our public key, as a ``.pub`` file has it."""
    return "untrusted comment: ours\n" + base64.b64encode(b"Ed" + ID + signed(b"")[0]).decode() + "\n"


def signature_text(data: bytes, comment: str = "revision:1", *, prehashed: bool = True, name: bytes = ID) -> str:
    """What signing a file gives."""
    message = hashlib.blake2b(data).digest() if prehashed else data
    _, own = signed(message)
    _, whole = signed(own + comment.encode())
    first = base64.b64encode((b"ED" if prehashed else b"Ed") + name + own).decode()
    return f"untrusted comment: x\n{first}\ntrusted comment: {comment}\n{base64.b64encode(whole).decode()}\n"


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(key: str, message: str, signature: str) -> None:
    """Each signature is right for its message and wrong when any one bit of it, or of the message, is turned."""
    key_, message_, signature_ = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert is_signed(message_, signature_, key_)
    assert not is_signed(message_ + b"\0", signature_, key_)
    for place in range(0, 64, 7):
        damaged = bytearray(signature_)
        damaged[place] ^= 1
        assert not is_signed(message_, bytes(damaged), key_)


def test_a_signature_has_one_form_only() -> None:
    """The scalar plus the group's order, a key of small order and a key that is no point are refused."""
    key, signature = signed(b"m")
    assert is_signed(b"m", signature, key)
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed(b"m", signature[:32] + more.to_bytes(32, "little"), key)
    for number in (0, 1, 2, P - 1, P, P + 1):
        weak = number.to_bytes(32, "little")
        assert not is_signed(b"m", weak + bytes(32), weak)
    assert not is_signed(b"m", signature[:-1], key)


def test_a_signature_that_minisign_made_is_right() -> None:
    """Prehashed, with its trusted comment."""
    assert verify(b"test", MINISIGN_SIGNATURE, [public_key(MINISIGN_KEY)]).startswith("timestamp:1633700835\t")
    with pytest.raises(BundleError, match="something else"):
        verify(b"Test", MINISIGN_SIGNATURE, [public_key(MINISIGN_KEY)])


@pytest.mark.parametrize("prehashed", [True, False])
def test_both_kinds_of_signatures_are_read(prehashed: bool) -> None:
    """That of today and that of old versions."""
    assert verify(b"x", signature_text(b"x", prehashed=prehashed), [public_key(key_text())]) == "revision:1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "format"),
        ("a\nb\nc\nd\n", "format"),
        (signature_text(b"x").replace("revision:1", "revision:2"), "trusted comment"),
        (signature_text(b"x", name=b"87654321"), "not trusted"),
        (signature_text(b"y"), "something else"),
        (signature_text(b"x").replace("trusted comment: revision", "comment: revision"), "format"),
        ("\n" * 100_000, "format"),
    ],
)
def test_a_wrong_signature_is_refused_by_name(text: str, reason: str) -> None:
    """The code is always the same, the detail says what."""
    with pytest.raises(BundleError, match=reason) as refused:
        verify(b"x", text, [public_key(key_text())])
    assert refused.value.code == "bad_signature"


def test_a_key_that_is_none_is_refused() -> None:
    """Empty, no base64, another kind."""
    for text in ("", "RW", "é", base64.b64encode(b"XX" + bytes(40)).decode()):
        with pytest.raises(BundleError, match="bad_signature"):
            public_key(text)


def test_a_bundle_is_read_only_if_it_is_signed_where_that_is_asked(tmp_path: Path) -> None:
    """Without its signature, with that of other bytes, or damaged, it is refused; with its own it is read."""
    data, file = bundle_bytes(small_patterns()), tmp_path / "bundle.json"
    file.write_bytes(data)
    beside = tmp_path / "bundle.json.minisig"
    with pytest.raises(BundleError, match="there is none"):
        load_bundle(file, public_keys=[key_text()])
    with pytest.raises(BundleError, match="there is none"):
        load_bundle(data, public_keys=[key_text()])
    beside.write_text(signature_text(b"other"))
    with pytest.raises(BundleError, match="something else"):
        load_bundle(file, public_keys=[key_text()])
    beside.write_text(signature_text(data))
    assert load_bundle(file, public_keys=[MINISIGN_KEY, key_text()]).size == len(data)
    assert load_bundle(data, public_keys=[key_text()], signature=signature_text(data).encode()).size == len(data)
    file.write_bytes(data + b" ")
    with pytest.raises(BundleError, match="something else"):
        load_bundle(file, public_keys=[key_text()])


def test_another_implementation_agrees() -> None:
    """What a well-known library signs is right here, and what is signed here is right there."""
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    theirs = ed25519.Ed25519PrivateKey.from_private_bytes(SECRET)
    key, signature = signed(b"message")
    assert theirs.public_key().public_bytes_raw() == key
    assert theirs.sign(b"message") == signature
