"""What a scan costs in a basket of 10, 50, 200 and 500 lines: the lane's state, its commit and its picture, no terminal."""

from bench import shops
from bench.figures import Figure, Options, cpu_ms, median
from pos_app.services.run_lane import LaneRunner
from pos_app.tui.cashier_view import cashier_frame
from pos_app.tui.keys import key_map
from pos_app.tui.view import View

SIZES = (10, 50, 200, 500)
SCANS = 20
FLAT_RATIO_MAX = 1.25
VIEW = View(100, 30, key_map("chinese-till", {}), "18:42:07")


def measure(options: Options) -> list[Figure]:
    """Round by round a basket of each size is filled, scanned twenty times more under the clock, and paid."""
    spent: dict[int, list[float]] = {size: [] for size in SIZES}
    codes = shops.plain_codes()
    with shops.demo_store(options.folder) as store:
        lane = shops.lane_on(store)
        for turn in range(options.pick(10, 2)):
            for size in SIZES if turn % 2 == 0 else reversed(SIZES):
                spent[size] += basket(lane, codes, size)
    return [
        Figure(f"scan with {size} lines / 10, CPU", "ms", median(spent[size]), median(spent[10]), ratio_max=FLAT_RATIO_MAX)
        for size in SIZES[1:]
    ]


def basket(lane: LaneRunner, codes: list[str], size: int) -> list[float]:
    """CPU of the scans after the first `size`."""
    for code in codes[:size]:
        shops.scan(lane, code)
    spent = [cpu_ms(lambda code=code: scan_and_draw(lane, code)) for code in codes[size : size + SCANS]]
    shops.to_payment(lane)
    shops.pay_exact(lane)
    return spent


def scan_and_draw(lane: LaneRunner, code: str) -> None:
    shops.scan(lane, code)
    cashier_frame(lane.state, VIEW)
