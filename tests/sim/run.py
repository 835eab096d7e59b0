"""One seed from beginning to end: `python -m tests.sim.run --seed N [--trace] [--fault name=probability …] [--steps n]`."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.check import THROWN, Violation
from tests.sim.world import STEPS, World


@dataclass
class Outcome:
    """What one seed came to; `sort` is empty when every invariant held."""

    seed: int
    events: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    sort: str = ""
    text: str = ""


def folder() -> Path:
    """A folder in memory for one process: SQLite stays at FULL, and no disk is waited for."""
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="lanewise-sim-", dir=base))


def play(
    seed: int, where: Path, *, options: dict[str, float] | None = None, steps_max: int = STEPS, is_told: bool = False
) -> Outcome:
    """Run one seed. A violation, or any exception of the code under test, is an outcome."""
    world = World(seed, where, options=options, is_told=is_told)
    outcome = Outcome(seed)
    try:
        world.run(steps_max)
    except Violation as error:
        outcome.sort, outcome.text = error.sort, str(error)
    except Exception as error:
        outcome.sort, outcome.text = THROWN, f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-8)}"
    finally:
        outcome.events, outcome.requests, outcome.faults = world.events(), world.requests, world.faults.counts
        outcome.trace = world.trace
        world.close()
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--trace", action="store_true", help="tell every step")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--fault", action="append", help="name=probability: these faults and no others")
    given = parser.parse_args()
    options = {name: float(p) for name, _, p in (fault.partition("=") for fault in given.fault)} if given.fault else None
    where = folder()
    try:
        outcome = play(given.seed, where, options=options, steps_max=given.steps, is_told=given.trace)
    finally:
        shutil.rmtree(where, ignore_errors=True)
    print(f"seed {outcome.seed}: {outcome.events} events, {outcome.requests} requests, {outcome.faults.total()} faults")
    print(outcome.text or "every invariant held")
    return 1 if outcome.sort else 0


if __name__ == "__main__":
    raise SystemExit(main())
