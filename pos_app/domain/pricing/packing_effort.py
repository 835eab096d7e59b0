"""Effort of a search: counted steps of about seven microseconds each, never time: the same input gives the same answer."""


class Effort:
    """How many steps may be taken and how many were. `used` never exceeds the limit; a part also spends what it is part of."""

    def __init__(self, limit: int, whole: "Effort | None" = None) -> None:
        self.limit = max(0, limit)
        self.used = 0
        self.whole = whole

    def spend(self, steps: int) -> bool:
        """Take so many steps; False when there are not so many left, and then none are left."""
        self.used += steps
        is_left = self.whole is None or self.whole.spend(steps)
        if self.used <= self.limit and is_left:
            return True
        self.used = self.limit
        return False

    def part(self) -> "Effort":
        """Half of what is left."""
        return Effort(self.left // 2, self)

    @property
    def left(self) -> int:
        return self.limit - self.used
