"""Figures for the owner."""

from collections import Counter

from shop.orders import Order


def turnover(orders: list[Order]) -> int:
    """Sum of all orders that count."""
    return sum(order.amount for order in orders if order.status != "cancelled")


def best_sellers(articles: list[str], most: int = 3) -> list[str]:
    """The articles sold most often, best first."""
    return [article for article, _ in Counter(articles).most_common(most)]


def mean_order(orders: list[Order]) -> int:
    """Mean amount of an order."""
    return turnover(orders) // len(orders) if orders else 0
