"""The detectors: an example for each, in several readings, and ordinary arguments that must stay."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from miner.export.secrets import secret_in

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0"
SECRETS = {
    "known_key": [
        KEY,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "xoxb-" + "123456789012-abcdef",
        "sk-" + "proj-abcdefghijklmnop1234",
    ],
    "private_key": ["-----BEGIN RSA PRIVATE KEY-----\nMIIE"],
    "url_password": ["postgres://app:hunter22@db.internal/x"],
    "named_secret": ["password=hunter22", "curl -H 'Authorization: Bearer abcdefgh1234'", '{"api_key": "abcd1234"}'],
    "email": ["alice.smith+x@mail.example.org"],
    "card_number": ["4111 1111 1111 1111"],
    "random_token": ["f3k9Qz81LmPx72TtRw0b", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"],
}
ORDINARY = [
    "docs/notes.txt",
    "/workspace/shop/shop/orders.py",
    "python3 -m pytest -q tests/test_stock.py",
    "git commit -m 'Mend as asked'",
    "What happens when an article is out of stock?",
    "https://example.org/library/page?id=42",
    "2024-05-20T15:00:00",
    "jana_adler_1238",
    "W4154",
    "select name from orders where total > 100",
    "get_reservation_details",
    "some-long-branch-name-about-things",
    "tokens",
    "mcp__mail_server_v2__search_all_threads_of_2024",
    "getReservationDetailsOfCustomer2Version3",
    "packages/long_module_name_of_something2/test_file_number_3.py",
    "3f2b8c1e-9a7d-4e5f-8b6a-1c2d3e4f5a6b",
    "password: $PASSWORD",
    "1234567890123",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SECRETS.items() for text in texts])
def test_secrets_are_found(kind: str, text: str) -> None:
    """Each kind is found by its own name, also in the middle of a text."""
    assert secret_in(text) == kind
    assert secret_in(f"echo {text} > file") is not None


@pytest.mark.parametrize("text", [KEY, "alice.smith@example.org", "postgres://app:hunter22@db.internal/x"])
def test_encodings_hide_nothing(text: str) -> None:
    """What is escaped for a URL or written in Base64 is still found."""
    assert secret_in(quote(text, safe="")) is not None
    assert secret_in(base64.b64encode(text.encode()).decode()) is not None


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_arguments_stay(text: str) -> None:
    """Paths, commands, questions, dates and plain identifiers are no secrets."""
    assert secret_in(text) is None
