"""A real shop's whole goods master: what its import reports as doubtful sells at the lane all the same."""

import csv
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.money import parse_yuan
from pos_app.services.import_goods import import_goods
from store_db.verify import verify
from tests.shop_kit import Till, make_shop, make_store

WEIGHT_G = 846


@pytest.fixture(scope="module")
def rows(data_dir: Path) -> list[dict[str, str]]:
    with (data_dir / "products-cn" / "goods_supermarket_a.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def till(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Till:
    """A lane on a store that has the whole file."""
    store = make_store(tmp_path_factory.mktemp("real") / "shop.sqlite", DayClock(), SeededIds(1))
    file = data_dir / "products-cn" / "goods_supermarket_a.csv"
    report = import_goods(store, file, {}, dry_run=False, progress=lambda done, total: None, pause=lambda seconds: None)
    assert report.rows == 6_404
    return Till(make_shop(store)).open()


def sell(till: Till) -> int:
    """Exact cash for the basket; the sale's total."""
    till.press("pay")
    if till.kind == "age":
        till.type("y")
    till.press("pay")
    assert till.state.last_sale is not None, till.says
    return till.state.last_sale.total_fen


def shelf_fen(row: dict[str, str]) -> int:
    return parse_yuan(row["retail_price_cny"])


def test_all_66_goods_with_a_wrong_check_digit_sell_by_the_code_that_is_printed_on_them(till: Till, rows: list[dict[str, str]]):
    wrong = [row for row in rows if row["code_kind"] == "bad-check-digit"]
    assert len(wrong) == 66
    for row in wrong:
        till.scan(row["code"].strip())
        if till.kind == "ask_weight":
            till.type("1000\n")
        if till.kind == "ask_price":
            till.type("1\n")
        assert till.sold, (row["code"], till.says)
        assert sell(till) == (shelf_fen(row) or 100)


def test_all_216_weighed_goods_sell_by_weight(till: Till, rows: list[dict[str, str]]):
    weighed = [row for row in rows if row["weighed"] == "1"]
    assert len(weighed) == 216
    for row in weighed:
        till.scan(row["code"].strip())
        assert till.kind == "ask_weight", row["code"]
        till.type(f"{WEIGHT_G}\n")
        if till.kind == "ask_price":
            till.type("10\n")
        expected_fen = (shelf_fen(row) * WEIGHT_G + 500) // 1000
        total_fen = sell(till)
        assert total_fen == expected_fen or shelf_fen(row) == 0


def test_the_17_goods_without_a_price_ask_for_one(till: Till, rows: list[dict[str, str]]):
    free = [row for row in rows if shelf_fen(row) == 0]
    assert len(free) == 17
    for row in free:
        till.scan(row["code"].strip())
        if till.kind == "ask_weight":
            till.type("1000\n")
        assert till.kind == "ask_price", row["code"]
        till.type("7.50\n")
        assert sell(till) == 750


def test_the_day_of_a_real_catalogue_verifies(till: Till):
    proof = verify(till.shop.store.connection)
    assert proof.is_ok and proof.sales >= 290, proof.problems
