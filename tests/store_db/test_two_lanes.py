"""Two lanes in two processes on one file: no number twice, none missing, all of it proved."""

import subprocess
import sys
from pathlib import Path

from pos_app.demo.day import DayClock, SeededIds
from store_db.connection import connect
from store_db.verify import verify_file
from tests.shop_kit import ROOT, Till, make_shop, make_store

SALES = 50


def test_two_processes_sell_50_sales_each_and_every_number_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    command = [sys.executable, "-m", "tests.store_db.sell_many", str(path)]
    lanes = [
        subprocess.Popen([*command, lane, str(SALES), seed], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for lane, seed in (("01", "11"), ("02", "12"))
    ]
    told = [lane.communicate(timeout=120) for lane in lanes]
    assert [lane.returncode for lane in lanes] == [0, 0], told
    numbers = [out.split() for out, _ in told]
    assert [len(found) for found in numbers] == [SALES, SALES]
    assert len({*numbers[0], *numbers[1]}) == 2 * SALES
    proof = verify_file(path)
    assert proof.is_ok, proof.problems
    assert proof.sales == 2 * SALES
    sql = "SELECT lane, count(*) FROM journal WHERE kind = 'sale' GROUP BY lane"
    rows = connect(path, read_only=True).execute(sql).fetchall()
    assert [tuple(row) for row in rows] == [("01", SALES), ("02", SALES)]


def test_each_lanes_receipts_come_out_of_its_own_printer_and_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    store = make_store(path, DayClock(), SeededIds(1))
    one, two = (Till(make_shop(store, lane=lane)).open() for lane in ("01", "02"))
    one.paper.is_broken = True
    one.sell("6990000010106")
    two.sell("6990000010106")
    one.paper.is_broken = False
    one.sell("6990000010106")
    assert [job[:7] for job in two.paper.names("receipt")] == ["S001-02"]
    assert [job[:7] for job in one.paper.names("receipt")] == ["S001-01"] * 2
    assert two.state.paper_waiting == 0


def test_a_lane_is_open_in_one_process_only(tmp_path: Path) -> None:
    from pos_app.domain.errors import StoreError
    from pos_app.services.shop import lane_lock

    path = tmp_path / "shop.sqlite"
    with lane_lock(path, "01"), lane_lock(path, "02"):
        try:
            with lane_lock(path, "01"):
                raise AssertionError("two processes at one lane")
        except StoreError as error:
            assert error.refusal.code == "POS-1009"
    with lane_lock(path, "01"):
        pass
