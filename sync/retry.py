"""How long to wait after a failure: full jitter, so that a thousand tills do not come back in one moment."""

import random
from dataclasses import dataclass

FIRST_MS, MAX_MS = 1_000, 300_000
LINE_DOWN_MAX_MS = 10_000  # nobody is burdened by a connection that cannot be made


def wait_ms(failures: int, luck: float, retry_after_s: int = 0, max_ms: int = MAX_MS) -> int:
    """The wait after so many failures in a row; `luck` is drawn evenly from [0, 1).

    Anything up to 1 s after the first, 2 s after the second, 4 s after the third, `max_ms` at most. What HQ asks for is waited
    in full, the jitter after it: wait_ms(3, 0.5) == 2000; wait_ms(1, 0.5, retry_after_s=7) == 7500.
    """
    ceiling = min(max_ms, FIRST_MS << min(max(0, failures - 1), 20))
    return retry_after_s * 1000 + int(ceiling * luck)


@dataclass(slots=True)
class Budget:
    """The failures in a row of one direction; push and pull each have their own."""

    random: random.Random
    failures: int = 0

    def failed(self, retry_after_s: int = 0, max_ms: int = MAX_MS) -> int:
        """How long to wait now (ms)."""
        self.failures += 1
        return wait_ms(self.failures, self.random.random(), retry_after_s, max_ms)

    def succeeded(self) -> None:
        self.failures = 0
