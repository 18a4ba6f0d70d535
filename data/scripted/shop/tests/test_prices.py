"""Prices."""

from shop.prices import discounted, gross_price, shipping_cost


def test_gross_price() -> None:
    assert gross_price(1000) == 1190


def test_discounted() -> None:
    assert discounted(2000, 25) == 1500


def test_shipping_cost() -> None:
    assert shipping_cost(4999) == 490
    assert shipping_cost(5000) == 0
