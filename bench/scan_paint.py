"""From the scanner's bytes to the painted line, in a pseudo-terminal with the store on disk: the lane against an echo app.

Under the demo's calendar; and the last scans of baskets of fifty lines under a hundred promotions that overlap on these goods.
"""

import json
from random import Random

from bench import calendars, lane_terminal, shops
from bench.figures import Figure, Options, median, p99
from bench.lane_terminal import BASKET_LINES, Scans
from bench.terminal import Terminal
from pos_app.demo import shop as demo_shop
from pos_app.domain.pricing.package_form import write_package
from pos_app.services.packages import NO_KEYS, CheckedPackage, install_package
from store_db.store import Store

SCAN_BYTES_MAX = 3_000
PROMOTED_LINES, COUNTED, PROMOTIONS = 50, 10, 100


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
    return [*figures(ours, baseline), *promoted_figures(promoted(options, codes))]


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


# ---------------------------------------------------------------- fifty lines, a hundred promotions


def promoted(options: Options, codes: list[str]) -> Scans:
    """The last ten scans of each basket."""
    random, found = Random(11), Scans()
    chosen = codes[: PROMOTED_LINES * 3]
    with lane_terminal.lane(options.folder, lambda store: put_promotions(store, chosen)) as lane:
        for _ in range(options.pick(12, 2)):
            some = random.sample(chosen, PROMOTED_LINES)
            lane_terminal.scan_all(lane, some[:-COUNTED], random)
            found.add(lane_terminal.scan_all(lane, some[-COUNTED:], random))
            lane_terminal.pay(lane)
    return found


def put_promotions(store: Store, codes: list[str]) -> None:
    """A package of dense, overlapping offers on the goods of these codes; its version comes after the demo's."""
    rows = {row["codes"][0]: row for row in (*demo_shop.own_goods(), *demo_shop.open_food_facts())}
    prices = {rows[code]["sku"]: rows[code]["price_fen"] for code in codes}
    random = Random(11)
    world = calendars.World(prices, tuple(calendars.offer(random, n, prices) for n in range(PROMOTIONS)))
    package = world.package._replace(version="promotions-100", shop=store.device.store, valid_from_ms=1)
    data = json.dumps(write_package(package)).encode()
    if not isinstance(install_package(store, data, NO_KEYS, unsigned=True), CheckedPackage):
        raise RuntimeError("the promotions of the measurement are refused")


def promoted_figures(found: Scans) -> list[Figure]:
    name = f"{PROMOTED_LINES} lines, {PROMOTIONS} promotions"
    return [
        Figure(f"scan to paint, {name}, median", "ms", median(found.paint_ms), ours_max=16),
        Figure(f"scan to paint, {name}, p99", "ms", p99(found.paint_ms)),
        Figure(f"scan, {name}, CPU", "ms", found.cpu_ms / len(found.paint_ms)),
        Figure(f"scans not shown, {name}", "scans", len(found.lost), ours_max=0, note="; ".join(found.lost)),
    ]
