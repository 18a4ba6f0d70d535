"""From a cart to an order."""

from dataclasses import dataclass

from shop.cart import Cart
from shop.prices import gross_price
from shop.stock import Stock


@dataclass
class Order:
    """What was bought."""

    number: int
    amount: int
    status: str = "open"


def place_order(number: int, cart: Cart, stock: Stock) -> Order:
    """Reserve every line and make the order."""
    for article, (_, count) in cart.lines.items():
        if not stock.reserve(article, count):
            return Order(number, 0, "rejected")
    return Order(number, gross_price(cart.total()))


def cancel_order(order: Order) -> bool:
    """Cancel an order that is still open."""
    if order.status != "open":
        return False
    order.status = "cancelled"
    return True
