"""Many seeds: `python -m tests.sim.soak --seeds n --first m [--jobs j]`. Failures as they come, and one line at the end."""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator

from tests.sim.run import Outcome, folder, play

CHUNK = 50
SHOWN_MAX, TOLD_EVERY = 20, 1_000


def chunk(seeds: range) -> list[Outcome]:
    """Some seeds in one process, on one folder and one template."""
    logging.disable(logging.CRITICAL)  # what HQ and hub refuse here is what the faults are for
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()  # the modules never go: a fifth of the time went into looking at them again
    where = folder()
    try:
        return [play(seed, where) for seed in seeds]
    finally:
        shutil.rmtree(where, ignore_errors=True)


def outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=20) as pool:
        for found in pool.imap_unordered(chunk, chunks):
            yield from found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    sorts: Counter[str] = Counter()
    events = faults = shown = 0
    for outcome in outcomes(range(given.first, given.first + given.seeds), given.jobs):
        events += outcome.events
        faults += outcome.faults.total()
        sorts[outcome.sort] += 1
        if sorts.total() % TOLD_EVERY == 0:
            print(f"{sorts.total()} seeds, {sorts.total() - sorts['']} failed", file=sys.stderr, flush=True)
        if outcome.sort and shown < SHOWN_MAX:
            shown += 1
            print(f"seed {outcome.seed}: {outcome.text}", flush=True)
    print(
        f"sim: {given.seeds} seeds from {given.first}, {events} events, {faults} faults: {sorts['lost']} lost, "
        f"{sorts['doubled']} doubled, {sorts['unequal']} unequal, {sorts['other']} other, {sorts['thrown']} thrown"
    )
    return 0 if sorts[""] == given.seeds else 1


if __name__ == "__main__":
    raise SystemExit(main())
