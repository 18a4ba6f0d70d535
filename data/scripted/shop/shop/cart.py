"""The cart."""

from shop.prices import discounted, shipping_cost


class Cart:
    """Articles and how many of each."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[int, int]] = {}

    def add(self, article: str, price: int, count: int = 1) -> None:
        """Put some of an article in."""
        had = self.lines.get(article, (price, 0))[1]
        self.lines[article] = (price, had + count)

    def remove(self, article: str) -> None:
        """Take an article out."""
        self.lines.pop(article, None)

    def subtotal(self) -> int:
        """Sum of all lines."""
        return sum(price * count for price, count in self.lines.values())

    def total(self, percent: int = 0) -> int:
        """Discounted sum plus shipping."""
        due = discounted(self.subtotal(), percent)
        return due + shipping_cost(due)
