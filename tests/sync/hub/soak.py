"""Many walks of a shop with a hub: `python -m tests.sync.hub.soak --seeds n --first m [--jobs j]`.

Failures as they come, each with its seed, and one line at the end. One alone: `--seeds 1 --first SEED`.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.sim.run import folder
from tests.sync.hub.test_walks import Walk

SHOWN_MAX = 20
WALKS_OF_A_PROCESS = 20


@dataclass
class Outcome:
    """What one walk came to; `text` is empty when nothing was lost or doubled."""

    seed: int
    done: Counter[str] = field(default_factory=Counter)
    text: str = ""


def walk(seed: int) -> Outcome:
    """One walk from beginning to end. Any exception is an outcome."""
    logging.disable(logging.CRITICAL)  # what the hub warns of is meant to happen here
    where, outcome = folder(), Outcome(seed)
    try:
        one = Walk(where, seed)
        outcome.done = one.done
        one.play()
    except Exception as error:
        outcome.text = f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-8)}"
    finally:
        shutil.rmtree(where, ignore_errors=True)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    done: Counter[str] = Counter()
    failed = 0
    with multiprocessing.get_context("spawn").Pool(given.jobs, maxtasksperchild=WALKS_OF_A_PROCESS) as pool:
        for outcome in pool.imap_unordered(walk, range(given.first, given.first + given.seeds)):
            done += outcome.done
            failed += bool(outcome.text)
            if outcome.text and failed <= SHOWN_MAX:
                print(f"seed {outcome.seed}: {outcome.text}", flush=True)
    print(
        f"hub: {given.seeds} walks from {given.first}, {done['ReturnDone']} returns, {done['banner.recalled']} baskets fetched, "
        f"{done['kill_hub']} kills and {done['put_hub_back']} old copies of the hub: {failed} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
