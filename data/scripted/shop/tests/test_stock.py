"""The warehouse."""

from shop.stock import Stock


def test_reserve() -> None:
    stock = Stock({"tea": 2})
    assert stock.reserve("tea", 2)
    assert not stock.reserve("tea", 1)


def test_release() -> None:
    stock = Stock({})
    stock.release("pot", 2)
    assert stock.counts == {"pot": 2}


def test_running_low() -> None:
    assert Stock({"tea": 3, "pot": 4, "cup": 0}).running_low() == ["cup", "tea"]
