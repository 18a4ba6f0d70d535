"""Addresses."""

from shop.addresses import label, parse_postcode


def test_parse_postcode() -> None:
    assert parse_postcode(" 10115 Berlin ") == ("10115", "Berlin")


def test_label() -> None:
    assert label("Ann", "Main 1", "10115 Berlin") == "Ann\nMain 1\n10115 BERLIN"
