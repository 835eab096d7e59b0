"""A long run of random sales and returns: `python -m tests.domain.returns_soak --n 1000000 --workers 2 --first 0`.

Every return is judged by `returns_judge`; one sale of ten is under a package that prices again. One line every 100,000 sales;
ends with 1 when anything does not hold, and says which seed.
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.domain.returns_kit import run_once

BATCH = 10_000


def batch(first: int, count: int) -> tuple[Counter[str], list[str]]:
    """Counts of what happened, and the seeds at which something did not hold."""
    seen: Counter[str] = Counter()
    faults = []
    for seed in range(first, first + count):
        try:
            run = run_once(seed, reprices=seed % 10 == 9)
        except AssertionError as error:
            faults.append(f"seed {seed}: {error}")
            continue
        units = sum(one.units for back in run.returns for one in back.lines)
        seen.update({
            "sales": 1, "returns": len(run.returns), "whole": units == run.sale.item_count,
            "queued": sum(refund.state == "queued" for back in run.returns for refund in back.refunds),
            "gifts": sum(bool(back.gifts) for back in run.returns),
            "coupons": sum(len(back.coupons or ()) for back in run.returns),
            "points": sum(bool(back.points) for back in run.returns), "stamps": sum(bool(back.punches) for back in run.returns),
            "repriced": sum(bool(back.repriced_fen) for back in run.returns),
        })  # fmt: skip
    return seen, faults


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.domain.returns_soak", description="random sales and returns, judged")
    parser.add_argument("--n", type=int, default=1_000_000, help="sales")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args(arguments)
    starts = range(asked.first, asked.first + asked.n, BATCH)
    counts = [min(BATCH, asked.first + asked.n - start) for start in starts]
    total: Counter[str] = Counter()
    faults: list[str] = []
    with ProcessPoolExecutor(asked.workers) as workers:
        for n, (seen, found) in enumerate(workers.map(batch, starts, counts), 1):
            total += seen
            faults += found
            for fault in found:
                print(fault, flush=True)
            if n % 10 == 0 or n == len(counts):
                print(", ".join(f"{name} {count}" for name, count in total.items()), f"faults {len(faults)}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
