"""Effort of a search: counted steps of about five microseconds each, never time, so that the same input gives the same answer."""


class Effort:
    """How many steps may be taken and how many were. `used` never exceeds the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = max(0, limit)
        self.used = 0

    def spend(self, steps: int) -> bool:
        """Take so many steps; False when there are not so many left, and then none are left."""
        self.used += steps
        if self.used <= self.limit:
            return True
        self.used = self.limit
        return False

    @property
    def left(self) -> int:
        return self.limit - self.used
