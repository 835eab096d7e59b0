"""What a figure is, and the few sums every measurement needs: turns, medians, percentiles."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Work = Callable[..., Any]
SMALL = 0.01  # a ratio below it is told as a fraction


@dataclass(frozen=True, slots=True)
class Options:
    """`is_quick`: smaller samples and stores, to see that everything runs. `folder`: where the stores are built and kept."""

    is_quick: bool
    folder: Path

    def pick(self, full: int, quick: int) -> int:
        """A size: the first in a whole run, the second in a quick one. `Options(True, folder).pick(300, 40) == 40`."""
        return quick if self.is_quick else full


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `ratio_max` is an aim for ours / baseline, `ours_max` one for ours alone; both have to hold.

    `ours` is None where the figure could not be measured; `note` says why, or what has to be known to read it.
    """

    name: str
    unit: str
    ours: float | None
    baseline: float | None = None
    ratio_max: float | None = None
    ours_max: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.baseline if self.ours is not None and self.baseline else None

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `not available`, or a dash where there is no aim."""
        if self.ours is None:
            return "not available"
        pairs = [(self.ratio, self.ratio_max), (self.ours, self.ours_max)]
        aimed = [(found, most) for found, most in pairs if most is not None]
        if not aimed:
            return "-"
        return "met" if all(found is not None and found <= most for found, most in aimed) else "missed"

    @property
    def aim(self) -> str:
        most = self.ratio_max
        parts = [] if most is None else [f"<= {ratio_text(most) if most < SMALL else f'{most:g}'} x"]
        parts += [] if self.ours_max is None else [f"<= {self.ours_max:g} {self.unit}"]
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


def ratio_text(ratio: float) -> str:
    """Two decimals, or how many times smaller: `ratio_text(1.104) == "1.10"`, `ratio_text(0.0005) == "1/2,000"`."""
    return f"{ratio:.2f}" if ratio == 0 or ratio >= SMALL else f"1/{1 / ratio:,.0f}"


def not_available(name: str, unit: str, why: str) -> Figure:
    return Figure(name, unit, None, note=why)


def in_turns(rounds: int, *works: Work) -> list[list[Any]]:
    """What each work returned, round by round: A B, B A, A B …, so that neither always goes first."""
    results: list[list[Any]] = [[] for _ in works]
    for turn in range(rounds):
        order = range(len(works)) if turn % 2 == 0 else reversed(range(len(works)))
        for n in order:
            results[n].append(works[n]())
    return results


def spent_ms(work: Work, *arguments: Any) -> float:
    """Milliseconds on the wall for one call."""
    start_ns = time.perf_counter_ns()
    work(*arguments)
    return (time.perf_counter_ns() - start_ns) / 1e6


def cpu_ms(work: Work, *arguments: Any) -> float:
    """Milliseconds of this process's CPU for one call."""
    start_ns = time.process_time_ns()
    work(*arguments)
    return (time.process_time_ns() - start_ns) / 1e6


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The smallest value with at least that share at or below it. `percentile([1, 2, 3, 4], 50) == 2`."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * per_cent / 100) - 1)]


def p99(values: Sequence[float]) -> float:
    return percentile(values, 99)
