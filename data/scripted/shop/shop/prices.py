"""Prices in cents."""

VAT_PERCENT = 19
FREE_SHIPPING_FROM = 5000


def gross_price(net: int) -> int:
    """Net price plus VAT."""
    return net + net * VAT_PERCENT // 100


def discounted(total: int, percent: int) -> int:
    """Total after a discount."""
    return total - total * percent // 100


def shipping_cost(total: int) -> int:
    """What the parcel costs the customer."""
    return 0 if total >= FREE_SHIPPING_FROM else 490
