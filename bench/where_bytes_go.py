"""Which rows of the terminal a scan paints again, and with how many bytes: `python -m bench.where_bytes_go`."""

import re
from collections import Counter

from bench import lane_terminal, shops
from bench.run import default_folder

SCANS = 20
MOVE = re.compile(rb"\x1b\[(\d+);(\d+)H")


def main() -> None:
    written: Counter[tuple[int, int]] = Counter()
    with lane_terminal.lane(default_folder()) as lane:
        codes = shops.plain_codes()
        lane_terminal.scan_ms(lane, codes[0])
        lane.drain(0.2)
        since = len(lane.seen)
        for code in codes[1 : SCANS + 1]:
            lane_terminal.scan_ms(lane, code)
            lane.drain(0.04)
        places = [(int(move[1]), int(move[2]), move.start()) for move in MOVE.finditer(lane.seen, since)]
        ends = [*(start for _, _, start in places[1:]), len(lane.seen)]
        for (row, column, start), end in zip(places, ends, strict=True):
            written[row, column] += end - start
    average = sum(written.values()) / SCANS
    print(f"a scan writes {average:,.0f} bytes (baskets of 2 to {SCANS + 1} lines; ticks of the clock included)")
    for (row, column), count in sorted(written.items()):
        print(f"    row {row:2} from column {column:3}: {count / SCANS:6.0f}")


if __name__ == "__main__":
    main()
