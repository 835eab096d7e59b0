"""Which functions a commit and a scan spend their time in: `python -m bench.where_time_goes commit|scan [LINES]`.

cProfile makes every call dearer, small ones most: read the order, not the sums.
"""

import cProfile
import pstats
import sys
from collections.abc import Callable
from typing import Any

from bench import shops
from bench.basket_size import scan_and_draw
from bench.run import default_folder
from bench.till import Till, around_commit
from pos_app.services.run_lane import LaneRunner
from store_db.store import Store

SALES, SCANS = 300, 60
TOP = 28


def main(what: str, lines: str = "10") -> None:
    with shops.demo_store(default_folder()) as store:
        profile, times = commits(store) if what == "commit" else scans(store, int(lines))
    print(f"{what}: milliseconds each, of {times}")
    print_top(profile, times)


def commits(store: Store) -> tuple[cProfile.Profile, int]:
    """From tender to committed, nothing else."""
    profile = cProfile.Profile()
    till = Till(store, shops.plain_codes())

    def profiled(commit: Callable[[], Any]) -> Any:
        return profile.runcall(commit)

    for _ in range(SALES):
        till.fill()
        with around_commit(profiled):
            shops.pay_exact(till.lane)
    return profile, SALES


def scans(store: Store, lines: int) -> tuple[cProfile.Profile, int]:
    """A scan in a basket of so many lines, with its picture."""
    profile = cProfile.Profile()
    lane: LaneRunner = shops.lane_on(store)
    codes = shops.plain_codes()
    for code in codes[:lines]:
        shops.scan(lane, code)
    for code in codes[lines : lines + SCANS]:
        profile.runcall(scan_and_draw, lane, code)
    return profile, SCANS


def print_top(profile: cProfile.Profile, times: int) -> None:
    """The dearest functions by their own time: own and whole milliseconds, and calls, for each time."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    print(f"{'own ms':>8} {'whole ms':>9} {'calls':>8}")
    for (file, line, name), (_, calls, own_s, whole_s, _) in sorted(stats.items(), key=lambda one: -one[1][2])[:TOP]:
        place = f"{file.split('/main/')[-1].split('site-packages/')[-1]}:{line}" if line else ""
        print(f"{own_s / times * 1000:8.4f} {whole_s / times * 1000:9.4f} {calls / times:8.1f}  {name}  {place}")


if __name__ == "__main__":
    main(*sys.argv[1:])
