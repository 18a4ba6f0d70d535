"""What lies in the warehouse."""


class Stock:
    """Articles and how many are left."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = dict(counts)

    def reserve(self, article: str, count: int) -> bool:
        """Take some out, if there are enough."""
        if self.counts.get(article, 0) < count:
            return False
        self.counts[article] -= count
        return True

    def release(self, article: str, count: int) -> None:
        """Put some back."""
        self.counts[article] = self.counts.get(article, 0) + count

    def running_low(self, limit: int = 3) -> list[str]:
        """Articles to be ordered again, by name."""
        return sorted(article for article, count in self.counts.items() if count <= limit)
