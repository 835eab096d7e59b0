"""From the scanner's bytes to the painted line, in a pseudo-terminal with the store on disk: the lane against an echo app."""

from random import Random

from bench import lane_terminal, shops
from bench.figures import Figure, Options, median, p99
from bench.lane_terminal import BASKET_LINES, Scans
from bench.terminal import Terminal

SCAN_BYTES_MAX = 3_000


def measure(options: Options) -> list[Figure]:
    """Baskets of twenty scans in turns: one at the lane (then paid, which is not counted), one at the echo app."""
    count = options.pick(300, 60)
    codes = shops.plain_codes()[: count + BASKET_LINES]
    with lane_terminal.lane(options.folder) as lane, lane_terminal.echo(options.folder) as echo:
        warm, *baskets = [codes[n : n + BASKET_LINES] for n in range(0, len(codes), BASKET_LINES)]
        random = Random(7)
        basket(lane, warm, random)
        lane_terminal.scan_all(echo, warm, random)
        ours, baseline = Scans(), Scans()
        for n, some in enumerate(baskets):
            if n % 2:
                baseline.add(lane_terminal.scan_all(echo, some, random))
            ours.add(basket(lane, some, random))
            if n % 2 == 0:
                baseline.add(lane_terminal.scan_all(echo, some, random))
    return figures(ours, baseline)


def basket(lane: Terminal, codes: list[str], random: Random) -> Scans:
    found = lane_terminal.scan_all(lane, codes, random)
    lane_terminal.pay(lane)
    return found


def figures(ours: Scans, baseline: Scans) -> list[Figure]:
    n = len(ours.paint_ms)
    written = ours.written_bytes / n, baseline.written_bytes / n
    return [
        Figure("scan to paint, median", "ms", median(ours.paint_ms), median(baseline.paint_ms), ours_max=16),
        Figure("scan to paint, p99", "ms", p99(ours.paint_ms), p99(baseline.paint_ms)),
        Figure("scan, CPU", "ms", ours.cpu_ms / n, baseline.cpu_ms / n, ratio_max=3),
        Figure("scans that were not shown", "scans", len(ours.lost), ours_max=0, note="; ".join(ours.lost)),
        Figure("scan, bytes to the terminal", "bytes", *written, ours_max=SCAN_BYTES_MAX),
    ]
