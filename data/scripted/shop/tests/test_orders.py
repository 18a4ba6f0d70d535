"""Orders."""

from shop.cart import Cart
from shop.orders import Order, cancel_order, place_order
from shop.stock import Stock


def test_place_order() -> None:
    cart = Cart()
    cart.add("pot", 5000)
    assert place_order(1, cart, Stock({"pot": 1})) == Order(1, 5950)


def test_place_order_without_stock() -> None:
    cart = Cart()
    cart.add("pot", 5000)
    assert place_order(2, cart, Stock({})).status == "rejected"


def test_cancel_order() -> None:
    order = Order(3, 100)
    assert cancel_order(order)
    assert not cancel_order(order)
