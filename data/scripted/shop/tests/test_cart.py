"""The cart."""

from shop.cart import Cart


def test_add_twice() -> None:
    cart = Cart()
    cart.add("tea", 300)
    cart.add("tea", 300, 2)
    assert cart.lines == {"tea": (300, 3)}


def test_remove() -> None:
    cart = Cart()
    cart.add("tea", 300)
    cart.remove("tea")
    assert cart.subtotal() == 0


def test_total() -> None:
    cart = Cart()
    cart.add("pot", 4000)
    assert cart.total(10) == 3600 + 490
