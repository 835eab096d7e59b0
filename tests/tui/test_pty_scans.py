"""A scanner at a real lane in a real terminal, with the database in it: every code is a line, in order, and nothing else."""

import random
import shutil
import time
from pathlib import Path

import pytest

from pos_app.demo import shop as demo_shop
from store_db import drafts
from store_db.connection import connect
from tests.tui.pty_lane import ESC, F1, F2, F9, F10, PtyLane, pty_lane

pytestmark = pytest.mark.pty
ENDS = (b"\r", b"\n", b"\r\n")


@pytest.fixture
def store_file(demo_store_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(demo_store_file, tmp_path / "shop.sqlite"))


def plain_codes(count: int, seed: int) -> list[str]:
    rows = [g for g in demo_shop.own_goods() if not (g["weighed"] or g["ask_price"] or g["restricted"] or g["stop_sale"])]
    rng = random.Random(seed)
    return [rng.choice(rows)["codes"][0] for _ in range(count)]


def scan_all(lane: PtyLane, codes: list[str], per_s: int, seed: int, keys: tuple[bytes, ...] = ()) -> None:
    """Send codes at a rate, their ends mixed; every 50th code is followed by a key, which may open or close a dialog."""
    rng = random.Random(seed)
    began_s = time.monotonic()
    for n, code in enumerate(codes, 1):
        lane.send(code.encode() + rng.choice(ENDS))
        if keys and n % 50 == 0:
            lane.send(keys[n // 50 % len(keys)])
        lane.read(max(0.0, began_s + n / per_s - time.monotonic()))


def sold(store: Path, expected: int) -> list[str]:
    """The codes in the open basket, in order, once per unit; waits until the lane has worked off what it was sent."""
    connection = connect(store, read_only=True)
    codes: list[str] = []
    for _ in range(300):
        draft = drafts.open_draft(connection, demo_shop.CASHIER_LANE)
        lines = drafts.basket_of(connection, draft.id).lines if draft else ()
        codes = [code for line in lines for code in [line.code] * line.quantity]
        if len(codes) >= expected:
            break
        time.sleep(0.1)
    connection.close()
    return codes


@pytest.mark.parametrize(("per_s", "count"), [(50, 1_000), (100, 2_000)])
def test_every_scan_is_sold_once_and_in_order_while_dialogs_open_and_close(store_file: Path, per_s: int, count: int):
    codes = plain_codes(count, seed=per_s)
    with pty_lane(store_file) as lane:
        lane.log_in()
        scan_all(lane, codes, per_s, seed=1, keys=(F1, ESC, F2, ESC, F10, ESC))
        lane.send(ESC)
        lane.read(0.5)
        lane.send(ESC)
        assert sold(store_file, count) == codes


def test_no_scan_presses_a_button_opens_payment_or_takes_cash(store_file: Path):
    with pty_lane(store_file) as lane:
        lane.log_in()
        scan_all(lane, plain_codes(3, seed=5), 20, seed=2)
        assert len(sold(store_file, 3)) == 3
        lane.send(F9)
        lane.wait_for("现金应付")
        scan_all(lane, ["6901234567892", "0000", "99999", "100.00"] * 50, 60, seed=3)
        lane.wait_for("POS-2115")
        assert receipts(store_file) == 0
        lane.send(F9)
        lane.wait_for("已付款")
        assert receipts(store_file) == 1


def receipts(store: Path) -> int:
    connection = connect(store, read_only=True)
    count: int = connection.execute("SELECT count(*) FROM receipts").fetchone()[0]
    connection.close()
    return count
