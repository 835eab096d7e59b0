"""`python -m tests.processes.run --seconds 1800 --seed 1`: real processes killed and cut off at random; one line at the end."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from sync.hq_server.database import Database
from tests.processes import namespaces, world
from tests.sync import postgres

SETTLE_S = 120


def run(folder: Path, url: str, seed: int, seconds: float) -> tuple[world.Verdict, dict[str, int], set[str]]:
    """The verdict, how often each program was killed, and the numbers that the tills called paid."""
    if namespaces.is_possible():
        with namespaces.cable(f"lw{os.getpid()}") as cable:
            return _run(folder, url, cable, seed, seconds)
    return _run(folder, url, None, seed, seconds)


def _run(
    folder: Path, url: str, cable: namespaces.Cable | None, seed: int, seconds: float
) -> tuple[world.Verdict, dict[str, int], set[str]]:
    with world.opened(folder, url, cable, seed) as shop:
        world.trouble(shop, seed, seconds)
        database = Database.open(url)
        verdict = world.settle(shop, database, SETTLE_S)
        database.close()
        kills = {name: process.kills for name, process in shop.processes.items() if process.kills}
        return verdict, kills, world.acknowledged(shop)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.processes.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lanewise-processes-") as folder, postgres.running() as cluster:
        verdict, kills, paid = run(Path(folder), cluster.new_database(), args.seed, args.seconds)
    print(f"{verdict.line()}; {len(paid)} called paid; killed: {kills}", *verdict.lost[:5], *verdict.unequal[:5], sep="\n")
    return 0 if verdict.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
