"""The memory a lane holds after 2,000 scans and 100 sales, and the most it ever held, beside the smallest app's."""

from bench import lane_terminal, shops
from bench.figures import Figure, Options
from bench.lane_terminal import BASKET_LINES
from bench.terminal import Terminal

MIB = 1024 * 1024


def measure(options: Options) -> list[Figure]:
    count = options.pick(2_000, 200)
    with lane_terminal.lane(options.folder) as lane, lane_terminal.minimal(options.folder) as minimal:
        codes = shops.plain_codes()[:count]
        for n in range(0, count, BASKET_LINES):
            for code in codes[n : n + BASKET_LINES]:
                lane_terminal.scan_ms(lane, code)
            lane_terminal.pay(lane)
            press_keys(minimal)
        now = lane.resident_bytes(), minimal.resident_bytes()
        peak = lane.peak_bytes(), minimal.peak_bytes()
    return [
        Figure(f"memory after {count:,} scans", "MiB", now[0] / MIB, now[1] / MIB, ratio_max=1.4, ours_max=120),
        Figure("memory, peak", "MiB", peak[0] / MIB, peak[1] / MIB, ours_max=120),
    ]


def press_keys(minimal: Terminal) -> None:
    """A key for each scan of the lane's."""
    for _ in range(BASKET_LINES):
        minimal.send("5")
        minimal.drain(0.002)
