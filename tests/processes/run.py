"""`python -m tests.processes.run --seconds 1800 --seed 1`: real processes killed and cut off at random; one line at the end."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.processes import namespaces, trouble, world
from tests.processes.verdict import Verdict
from tests.sync import postgres

SETTLE_S = 120
NO_CABLE = "no network namespaces (root, ip and tc are needed): no link goes down and none is slow"


class Outcome(NamedTuple):
    """The verdict, what happened how often, and what should have happened and did not."""

    verdict: Verdict
    befell: Counter[str]
    missing: list[str]

    def __str__(self) -> str:
        return f"{self.verdict.line()}; {dict(self.befell)}" + (f"; did not happen: {self.missing}" if self.missing else "")


def run(folder: Path, seed: int, seconds: float) -> Outcome:
    """Everything from its beginning to the verdict, in `folder`."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(postgres.running())
        cable = stack.enter_context(namespaces.cable(f"lw{os.getpid()}")) if namespaces.is_possible() else None
        shop = stack.enter_context(world.opened(folder, cluster, cable, seed))
        trouble.trouble(shop, seed, seconds)
        befell = shop.befell + Counter(shop.told("wan", "fate"))
        return Outcome(trouble.settle(shop, SETTLE_S), befell, trouble.missing(shop))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.processes.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if not namespaces.is_possible():
        print(NO_CABLE, flush=True)
    with tempfile.TemporaryDirectory(prefix="lanewise-processes-") as folder:
        outcome = run(Path(folder), args.seed, args.seconds)
    verdict = outcome.verdict
    print(outcome, *verdict.lost[:5], *verdict.doubled[:5], *verdict.unequal[:5], sep="\n")
    return 0 if verdict.is_whole and not outcome.missing else 1


if __name__ == "__main__":
    sys.exit(main())
