"""Figures."""

from shop.orders import Order
from shop.report import best_sellers, mean_order, turnover

ORDERS = [Order(1, 100), Order(2, 300), Order(3, 500, "cancelled")]


def test_turnover() -> None:
    assert turnover(ORDERS) == 400


def test_best_sellers() -> None:
    assert best_sellers(["tea", "pot", "tea"], 1) == ["tea"]


def test_mean_order() -> None:
    assert mean_order([]) == 0
    assert mean_order(ORDERS[:2]) == 200
