"""Long runs of the harnesses: `python -m tests.kill.soak --kills 1000 --cuts 2000 --sync-cuts 2000 --first 0` (`make soak`).

One line a phase: seeds, runs, lost, doubled, half, gaps, astray; of a till that syncs also ahead, cursors, unequal. Ends with 1
when anything is not zero, and says which seed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tests.kill import power, power_sync, traced
from tests.kill.harness import KINDS, Tally, build_store, fresh_copy, kill_often

STORES = 4
KILLS_A_STORE = 25
CUTS_A_RECORDING = 250


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill.soak", description="kill tills and cut their power")
    parser.add_argument("--kills", type=int, default=1000, help="SIGKILLs at seeded moments")
    parser.add_argument("--cuts", type=int, default=2000, help="power cuts at seeded operations of recorded runs")
    parser.add_argument("--sync-cuts", type=int, default=2000, help="the same of runs that sync with an HQ")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lanewise-soak-") as name:
        folder = Path(name)
        built = build_store(folder)
        tallies = [said("kills", asked.first, asked.kills, kill_phase(built, folder, asked.first, asked.kills))]
        if reason := traced.why_not():
            print(f"cuts: skipped: {reason}", flush=True)
        else:
            tallies.append(said("cuts", asked.first, asked.cuts, cut_phase(built, folder / "alone", asked.first, asked.cuts)))
            synced = cut_phase(built, folder / "synced", asked.first, asked.sync_cuts, power_sync)
            tallies.append(said("sync cuts", asked.first, asked.sync_cuts, synced))
    return 1 if any(tally.notes for tally in tallies) else 0


def said(phase: str, first: int, count: int, tally: Tally) -> Tally:
    print(f"{phase}: seeds {first}..{first + count - 1}, {tally.line()} ({tally.blows()})", flush=True)
    for note in tally.notes:
        print(f"  {note}", flush=True)
    return tally


def batches(first: int, count: int, size: int) -> Iterator[range]:
    for start in range(first, first + count, size):
        yield range(start, min(start + size, first + count))


def kill_phase(built: Path, folder: Path, first: int, count: int) -> Tally:
    """Fresh stores every hundred kills, so that judging a store stays quick."""
    tally = Tally()
    for seeds in batches(first, count, STORES * KILLS_A_STORE):
        tally.add(kill_often([fresh_copy(built, folder / f"store-{n}.db") for n in range(STORES)], seeds))
    if count and not tally.in_tender:
        tally.fault("missed", 1, "no kill fell inside a tender's commit")
    return tally


def cut_phase(built: Path, folder: Path, first: int, count: int, way: ModuleType = power) -> Tally:
    """A recording of its own day for every 250 cuts; `way`: with an agent or without."""
    tally = Tally(kinds=power_sync.KINDS if way is power_sync else KINDS)
    folder.mkdir()
    with power.quick_folder() as memory:
        for seeds in batches(first, count, CUTS_A_RECORDING):
            recording = way.record(built, folder / f"day-{seeds[0]}", seed=seeds[0] + 1)
            tally.add(way.cut_often(recording, Path(memory), seeds))
    return tally


if __name__ == "__main__":
    sys.exit(main())
