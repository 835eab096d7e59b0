"""A goods file comes in whole or not at all, in short steps that lanes can sell between, and only once."""

import codecs
import csv
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pos_app.domain.errors import BadInput, StoreError
from pos_app.import_command import bar, json_text, parse_map, summary
from pos_app.services.goods_files import open_goods
from pos_app.services.import_goods import BATCH_ROWS_MAX, BATCH_ROWS_MIN, ImportReport, batch_rows, import_goods
from store_db import catalogue, journal, stock
from store_db.connection import connect
from store_db.staging import Stage
from store_db.store import Store
from store_db.verify import verify

SHOP_A_ROWS, PART_ROWS = 6404, 2000
HEADER = ("code", "name", "retail_price_cny")
COLA, WATER, PLU = "6901234567892", "6954767423579", "00242"
SMALL = ((COLA, "可乐", "3.5"), (WATER, "矿泉水", "2"), (PLU, "哈密瓜礼品箱", "25"))


class Cut(Exception):
    """The process ends here."""


class Tables:
    """What a test looks at: the catalogue and what was recorded about it."""

    def __init__(self, store: Store) -> None:
        self.connection = store.connection

    def goods(self) -> list[tuple[Any, ...]]:
        columns = ", ".join(f"i.{name}" for name in catalogue.STORED_COLUMNS)
        query = f"SELECT {columns}, b.code FROM items i LEFT JOIN barcodes b ON b.item_id = i.id ORDER BY i.sku, b.code"
        return [tuple(row) for row in self.connection.execute(query)]

    def events(self, kind: str) -> list[Any]:
        return [entry.event() for entry in journal.entries(self.connection) if entry.header.kind == kind]

    def count(self, table: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def one(self, column: str, sku: str) -> Any:
        return self.connection.execute(f"SELECT {column} FROM items WHERE sku = ?", (sku,)).fetchone()[0]


@pytest.fixture
def store(tmp_path: Path) -> Iterable[Store]:
    with Store.create(tmp_path / "shop.sqlite", "S001") as store:
        yield store


@pytest.fixture
def shop_a(data_dir: Path) -> Path:
    return data_dir / "products-cn" / "goods_supermarket_a.csv"


@pytest.fixture
def part(shop_a: Path, tmp_path: Path) -> Path:
    """A third of the real shop: enough for several batches."""
    header, *rows = shop_a_rows(shop_a, PART_ROWS - 100)
    return write_csv(tmp_path / "part.csv", rows, header)


def bring_in(store: Store, file: Path, column_map: dict[str, str] | None = None, **options: Any) -> ImportReport:
    options = {"dry_run": False, "progress": lambda done, total: None, "pause": lambda seconds: None} | options
    return import_goods(store, file, column_map or {}, **options)


def write_csv(file: Path, rows: Iterable[Iterable[str]], header: Iterable[str] = HEADER, encoding: str = "utf-8") -> Path:
    with file.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return file


def cut_at(batch: int) -> Callable[[float], None]:
    """A pause that ends the process after so many batches."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == batch:
            raise Cut

    return pause


def leftovers(store: Store) -> list[str]:
    return [path.name for path in store.path.parent.iterdir() if ".import-" in path.name]


# ------------------------------------------------------------------ a real shop


def test_all_goods_of_a_real_shop_come_in_and_its_dirt_is_counted(store: Store, shop_a: Path, tmp_path: Path) -> None:
    report = bring_in(store, shop_a, report_file=tmp_path / "doubts.csv")
    assert (report.rows, report.added, report.changed, report.unchanged, report.refused) == (SHOP_A_ROWS, 6404, 0, 0, 0)
    assert report.doubtful == {
        "wrong_check_digit": 66,
        "no_price": 17,
        "price_under_cost": 37,
        "member_price_above_shelf": 23,
        "too_many_decimals": 61,  # averaged costs; every price asked of a shopper has two decimals at most
    }
    tables = Tables(store)
    assert tables.count("items WHERE ask_price AND price_fen = 0") == 17
    assert tables.count("items WHERE weighed") == 216
    assert tables.count("items WHERE NOT earns_points") == 91
    assert tables.count("items WHERE NOT discount_allowed") == 175
    assert tables.count("items WHERE member_price_fen > price_fen") == 0
    assert tables.count("items") == tables.count("barcodes") == SHOP_A_ROWS
    assert leftovers(store) == []
    with (tmp_path / "doubts.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == sum(report.doubtful.values())
    assert {row["reason"] for row in rows} == set(report.doubtful)


def test_goods_that_came_in_are_found_by_code_name_and_initials(store: Store, part: Path) -> None:
    bring_in(store, part)
    melon = catalogue.find_by_code(store.connection, "00243", 0)
    assert melon is not None and (melon.name, melon.price_fen) == ("哈密瓜礼品箱", 2500)
    for text in ("哈密瓜", "HMGLPX", "00243"):
        assert "00243" in [item.sku for item in catalogue.search(store.connection, text, 0)]


def test_the_import_is_one_fact_and_the_same_file_again_is_none(store: Store, shop_a: Path) -> None:
    bring_in(store, shop_a)
    (event,) = Tables(store).events("goods_imported")
    assert (event.file, event.rows, event.added, event.changed, event.unchanged) == (shop_a.name, 6404, 6404, 0, 0)
    goods, changes = Tables(store).goods(), store.connection.total_changes
    again = bring_in(store, shop_a)
    assert (again.added, again.changed, again.unchanged) == (0, 0, SHOP_A_ROWS)
    assert len(Tables(store).events("goods_imported")) == 1
    assert Tables(store).goods() == goods
    assert store.connection.total_changes == changes
    assert verify(store.connection).is_ok


def test_a_dry_run_counts_the_same_and_writes_nothing(store: Store, part: Path) -> None:
    changes = store.connection.total_changes
    dry = bring_in(store, part, dry_run=True)
    assert store.connection.total_changes == changes
    assert Tables(store).count("items") == 0 and leftovers(store) == []
    wet = bring_in(store, part)
    assert (dry.added, dry.doubtful, dry.samples) == (wet.added, wet.doubtful, wet.samples)


def test_samples_show_every_reason_and_are_two_hundred_at_most(store: Store, part: Path) -> None:
    report = bring_in(store, part, dry_run=True)
    assert len(report.samples) <= 200
    assert {sample.reason for sample in report.samples} == set(report.doubtful)
    first = report.samples[0]
    assert (first.row_no, first.code, first.reason, first.text) == (2, "00242", "price_under_cost", "15.00 < 24.00")


# ------------------------------------------------------------------ the same goods in other clothes


def shop_a_rows(shop_a: Path, most: int = 400) -> list[list[str]]:
    with shop_a.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    return [rows[0], *rows[1 : most + 1], *rows[-100:]]


@pytest.fixture
def goods_of_csv(store: Store, shop_a: Path, tmp_path: Path) -> list[tuple[Any, ...]]:
    header, *rows = shop_a_rows(shop_a)
    bring_in(store, write_csv(tmp_path / "goods.csv", rows, header))
    return Tables(store).goods()


def goods_of(file: Path, store_file: Path) -> list[tuple[Any, ...]]:
    with Store.create(store_file, "S002") as store:
        bring_in(store, file)
        return Tables(store).goods()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_in_another_encoding_is_the_same(goods_of_csv: list[Any], shop_a: Path, tmp_path: Path, encoding: str) -> None:
    header, *rows = shop_a_rows(shop_a)
    file = write_csv(tmp_path / "other.csv", rows, header, encoding)
    assert goods_of(file, tmp_path / "other.sqlite") == goods_of_csv


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_with_another_delimiter_is_the_same(goods_of_csv: list[Any], shop_a: Path, tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "other.txt"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(shop_a_rows(shop_a))
    assert goods_of(file, tmp_path / "other.sqlite") == goods_of_csv


def test_a_workbook_with_numbers_and_a_title_is_the_same(goods_of_csv: list[Any], shop_a: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    header, *rows = shop_a_rows(shop_a)
    book.active.append(["商品档案", "2017-01-28"])
    book.active.append(header)
    for row in rows:
        book.active.append([as_number(name, text) for name, text in zip(header, row, strict=True)])
    book.save(tmp_path / "goods.xlsx")
    assert goods_of(tmp_path / "goods.xlsx", tmp_path / "other.sqlite") == goods_of_csv


def test_a_parquet_file_with_numbers_is_the_same(goods_of_csv: list[Any], shop_a: Path, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    header, *rows = shop_a_rows(shop_a)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    columns |= {name: [float(text) for text in columns[name]] for name in header if name.endswith("_price_cny")}
    parquet.write_table(pyarrow.table(columns), tmp_path / "goods.parquet")
    assert goods_of(tmp_path / "goods.parquet", tmp_path / "other.sqlite") == goods_of_csv


def as_number(name: str, text: str) -> float | str:
    """A cell as a till's export types it: prices and flags as numbers, barcodes too where no leading zero is lost."""
    is_number = name.endswith("_cny") or name == "weighed" or (name == "code" and len(text) == 13 and text[0] != "0")
    return float(text) if is_number else text


def test_a_weak_header_is_mended_by_a_map(store: Store, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "goods.csv", [(COLA, "可乐", "Cola", "3.5")], ("EAN", "Bezeichnung", "EN", "Preis"))
    with pytest.raises(BadInput) as caught:
        bring_in(store, file)
    assert caught.value.refusal.code == "POS-5003"
    assert dict(caught.value.refusal.args) == {"missing": "name_zh", "found": "EAN, Bezeichnung, EN, Preis"}
    bring_in(store, file, {"name_zh": "bezeichnung", "price_yuan": "Preis"})
    assert Tables(store).one("name || price_fen", COLA) == "可乐350"


def test_chinese_headers_are_known(store: Store, tmp_path: Path) -> None:
    header = ("货号", "条码", "品名", "零售价（元）", "会员价", "进货价", "单位", "类别", "计价方式", "库存")
    file = write_csv(tmp_path / "goods.csv", [("A1", COLA, "苹果", "9.9", "8.8", "5", "kg", "水果", "计重", "1.5")], header)
    bring_in(store, file)
    good = catalogue.find_by_code(store.connection, COLA, 0)
    assert good is not None
    assert (good.sku, good.price_fen, good.member_price_fen, good.unit, good.category) == ("A1", 990, 880, "kg", "水果")
    assert good.weighed and stock.on_hand(store.connection, "A1") == 1500
    assert Tables(store).one("pinyin", "A1") == "PG"


# ------------------------------------------------------------------ what changes, what stays


def test_only_what_differs_is_written(store: Store, tmp_path: Path) -> None:
    bring_in(store, write_csv(tmp_path / "1.csv", SMALL))
    cheaper = (*SMALL[:1], (WATER, "矿泉水", "1.8"), *SMALL[2:], ("7", "新品", "1"))
    report = bring_in(store, write_csv(tmp_path / "2.csv", cheaper))
    assert (report.added, report.changed, report.unchanged) == (1, 1, 2)
    assert Tables(store).one("price_fen", WATER) == 180
    assert [(event.added, event.changed) for event in Tables(store).events("goods_imported")] == [(3, 0), (1, 1)]


def test_a_good_is_found_by_its_new_name_and_no_more_by_its_old_one(store: Store, tmp_path: Path) -> None:
    bring_in(store, write_csv(tmp_path / "1.csv", SMALL))
    bring_in(store, write_csv(tmp_path / "2.csv", [(COLA, "雪碧", "3.5")]))
    assert [item.sku for item in catalogue.search(store.connection, "雪碧", 0)] == [COLA]
    assert catalogue.search(store.connection, "可乐", 0) == []


def test_a_price_list_leaves_alone_what_it_does_not_name(store: Store, tmp_path: Path) -> None:
    header = ("code", "name", "pinyin", "price_yuan", "cost_yuan", "unit", "restricted", "stop_sale", "tax_code")
    bring_in(store, write_csv(tmp_path / "1.csv", [(COLA, "二锅头", "BJ2", "30", "20", "瓶", "alcohol", "1", "R9")], header))
    report = bring_in(store, write_csv(tmp_path / "2.csv", [(COLA, "二锅头", "28")]))
    assert (report.added, report.changed) == (0, 1)
    (row,) = Tables(store).goods()
    good = dict(zip(catalogue.STORED_COLUMNS, row, strict=False))
    assert good["price_fen"] == 2800
    kept = ("pinyin", "cost_fen", "unit", "restricted", "stop_sale", "tax_code")
    assert tuple(good[name] for name in kept) == ("BJ2", 2000, "瓶", "alcohol", 1, "R9")


def test_a_list_of_names_does_not_take_the_prices_away(store: Store, tmp_path: Path) -> None:
    bring_in(store, write_csv(tmp_path / "1.csv", SMALL))
    bring_in(store, write_csv(tmp_path / "2.csv", [(COLA, "可口可乐")], HEADER[:2]))
    good = catalogue.find_by_code(store.connection, COLA, 0)
    assert good is not None and (good.name, good.price_fen, good.ask_price) == ("可口可乐", 350, False)


def test_a_code_moves_to_the_good_that_names_it_and_that_is_said_once(store: Store, tmp_path: Path) -> None:
    header = ("sku", "codes", "name", "price_yuan")
    bring_in(store, write_csv(tmp_path / "1.csv", [("A", f"{COLA} {PLU}", "甲", "1"), ("B", WATER, "乙", "2")], header))
    swap = write_csv(tmp_path / "2.csv", [("A", PLU, "甲", "1"), ("B", f"{WATER} {COLA}", "乙", "2")], header)
    report = bring_in(store, swap)
    assert (report.changed, report.unchanged, report.doubtful) == (1, 1, {"code_moved": 1})
    assert [(sample.code, sample.text) for sample in report.samples] == [(COLA, "A > B")]
    moved = catalogue.find_by_code(store.connection, COLA, 0)
    assert moved is not None and moved.sku == "B"
    assert bring_in(store, swap).doubtful == {}


def test_of_two_rows_with_one_code_the_first_is_taken(store: Store, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "1.csv", [*SMALL, (COLA, "冒名", "9"), ("6901234567892 77", "冒名", "9")])
    report = bring_in(store, file)
    assert (report.rows, report.added, report.refused, report.doubtful) == (5, 3, 2, {"duplicate_code": 2})
    assert Tables(store).one("name", COLA) == "可乐"


def test_a_row_with_shifted_cells_is_refused(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text(f"code,name,price\n{COLA},可乐,3.5\n{WATER},水,大瓶,2\n{PLU},瓜\n77,豆,1,,\n", encoding="utf-8")
    report = bring_in(store, file)
    assert (report.rows, report.added, report.refused, report.doubtful) == (4, 2, 2, {"wrong_columns": 2})


def test_opening_stock_is_recorded_for_new_goods_in_chunks(store: Store, tmp_path: Path) -> None:
    header = (*HEADER, "stock")
    bring_in(store, write_csv(tmp_path / "1.csv", [(COLA, "可乐", "3.5", "4")], header))
    rows = [(str(n), f"货{n}", "1", str(n % 3)) for n in range(1000, 1450)]
    bring_in(store, write_csv(tmp_path / "2.csv", [(COLA, "可乐", "3.6", "9"), *rows], header))
    assert stock.on_hand(store.connection, COLA) == 4
    assert stock.on_hand(store.connection, "1001") == 1001 % 3
    moves = [len(event.moves) for event in Tables(store).events("stock_moved")]
    assert moves == [1, 200, 100]
    assert verify(store.connection).is_ok


# ------------------------------------------------------------------ bad files


def bad_files(folder: Path) -> dict[str, bytes]:
    openpyxl = pytest.importorskip("openpyxl")
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    book = openpyxl.Workbook()
    for row in (HEADER, *SMALL * 50):
        book.active.append(row)
    book.save(folder / "whole.xlsx")
    parquet.write_table(pyarrow.table({"code": [COLA], "name": ["可乐"]}), folder / "whole.parquet")
    sheet, table = (folder / "whole.xlsx").read_bytes(), (folder / "whole.parquet").read_bytes()
    return {
        "random.csv": random.Random(1).randbytes(20_000),
        "empty.csv": b"",
        "blank.csv": b"\n\n",
        "header.csv": b"code,name,price\n",
        "columns.csv": b"what,ever\n1,2\n",
        "quote.csv": f'code,name\n{COLA},"cola\n'.encode(),
        "broken-gb.csv": "code,name\n1,可乐\n".encode("gb18030") + b"\xff\xff\n",
        "nul.csv": b"code,name\n1,\0\n",
        "utf-16.csv": codecs.BOM_UTF16_LE + b"c\0o\0d",
        "cut.xlsx": sheet[: len(sheet) // 2],
        "cut-early.xlsx": sheet[:40],
        "cut.parquet": table[: len(table) // 2],
        "magic.parquet": b"PAR1",
    }


def test_a_bad_file_changes_nothing(store: Store, tmp_path: Path) -> None:
    bring_in(store, write_csv(tmp_path / "good.csv", SMALL))
    goods, events, changes = Tables(store).goods(), Tables(store).count("journal"), store.connection.total_changes
    for name, data in bad_files(tmp_path).items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput) as caught:
            bring_in(store, tmp_path / name)
        expected = "POS-5003" if name == "columns.csv" else "POS-5002"
        assert caught.value.refusal.code == expected, name
        assert leftovers(store) == [], name
    assert (Tables(store).goods(), Tables(store).count("journal")) == (goods, events)
    assert store.connection.total_changes == changes


def test_a_fault_on_the_last_line_changes_nothing(store: Store, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "goods.csv", [(str(n), f"货{n}", "1") for n in range(3_000)])
    with file.open("a", encoding="utf-8") as stream:
        stream.write('9999,"豆"腐,1\n')
    with pytest.raises(BadInput):
        bring_in(store, file)
    assert Tables(store).count("items") == 0


def test_a_file_that_is_not_there_and_a_map_of_unknown_columns_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        bring_in(store, tmp_path / "none.csv")
    assert caught.value.refusal.code == "POS-5002"
    file = write_csv(tmp_path / "goods.csv", SMALL)
    for column_map, code in (({"prize": "code"}, "POS-5005"), ({"codes": "barcodes"}, "POS-5003")):
        with pytest.raises(BadInput) as caught:
            bring_in(store, file, column_map)
        assert caught.value.refusal.code == code


def test_a_missing_library_is_named(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"python_calamine": b"PK\x03\x04", "pyarrow.parquet": b"PAR1", "pypinyin": "code,name\n1,可乐\n".encode()}
    for module, data in files.items():
        monkeypatch.setitem(__import__("sys").modules, module, None)
        (tmp_path / "goods").write_bytes(data)
        with pytest.raises(BadInput) as caught:
            bring_in(store, tmp_path / "goods")
        assert caught.value.refusal.code == "POS-5004"
        assert dict(caught.value.refusal.args)["package"] == module.split(".")[0].replace("_", "-")


def test_no_cut_of_a_workbook_breaks_anything_but_the_import(store: Store, tmp_path: Path) -> None:
    bad_files(tmp_path)
    whole = (tmp_path / "whole.xlsx").read_bytes()
    for length in range(4, len(whole), len(whole) // 40):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(BadInput):
            list(open_goods(tmp_path / "cut", {}).rows)


# ------------------------------------------------------------------ cuts, lanes


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_an_import_that_was_cut_goes_on_to_the_same_end(store: Store, part: Path, tmp_path: Path, batch: int) -> None:
    with pytest.raises(Cut):
        bring_in(store, part, pause=cut_at(batch))
    done = Tables(store).count("items")
    assert 0 < done < PART_ROWS and len(leftovers(store)) == 1
    assert Tables(store).events("goods_imported") == []
    store.close()
    with Store.open(tmp_path / "shop.sqlite") as again, Store.create(tmp_path / "whole.sqlite", "S001") as whole:
        totals: list[int] = []
        report = bring_in(again, part, progress=lambda done, total: totals.append(total))
        assert report == bring_in(whole, part)
        assert totals[0] == PART_ROWS - done
        assert Tables(again).goods() == Tables(whole).goods()
        assert Tables(again).events("goods_imported") == Tables(whole).events("goods_imported")
        assert len(Tables(again).events("goods_imported")) == 1
        assert leftovers(again) == []


def test_a_cut_while_the_file_is_read_leaves_nothing(store: Store, part: Path) -> None:
    def cut(done: int, total: int) -> None:
        if done >= 1_000:
            raise Cut

    with pytest.raises(Cut):
        bring_in(store, part, progress=cut)
    assert leftovers(store) == [] and Tables(store).count("items") == 0
    assert bring_in(store, part).added == PART_ROWS


def test_a_kill_while_the_file_is_read_leaves_an_empty_stage(store: Store, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(done: int, total: int) -> None:
        raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(Stage, "remove", Stage.close)
        bring_in(store, part, progress=kill)
    assert len(leftovers(store)) == 1
    assert bring_in(store, part).added == PART_ROWS
    assert leftovers(store) == []


def test_a_cut_between_the_events_records_each_of_them_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(str(n), f"货{n}", "1", "2") for n in range(1000, 1450)]
    file = write_csv(tmp_path / "1.csv", rows, (*HEADER, "stock"))
    append, appended = store.append, 0

    def failing_append(*args: Any, **options: Any) -> Any:
        nonlocal appended
        appended += 1
        if appended == 3:
            raise StoreError("POS-1004", path=store.path)
        return append(*args, **options)

    monkeypatch.setattr(store, "append", failing_append)
    with pytest.raises(StoreError):
        bring_in(store, file)
    report = bring_in(store, file)
    assert report.added == 450
    assert [len(event.moves) for event in Tables(store).events("stock_moved")] == [200, 200, 50]
    assert len(Tables(store).events("goods_imported")) == 1
    assert stock.on_hand(store.connection, "1449") == 2


def test_a_stage_that_waits_does_not_undo_a_later_import(store: Store, tmp_path: Path) -> None:
    rows = [(str(n), f"货{n}", "1") for n in range(1000, 1400)]
    first = write_csv(tmp_path / "1.csv", rows)
    with pytest.raises(Cut):
        bring_in(store, first, pause=cut_at(1))
    bring_in(store, write_csv(tmp_path / "2.csv", [("1000", "货1000", "5")]))
    bring_in(store, first)
    assert Tables(store).one("price_fen", "1000") == 100


def test_a_lane_can_commit_between_any_two_batches(store: Store, part: Path) -> None:
    lane = connect(store.path)
    lane.execute("PRAGMA busy_timeout=0")
    sales: list[int] = []

    def sell(_seconds: float) -> None:
        lane.execute("BEGIN IMMEDIATE")
        lane.execute("INSERT INTO print_jobs (lane, journal_id, kind, state, tries) VALUES ('01', 0, 'receipt', 'new', 0)")
        lane.execute("COMMIT")
        sales.append(lane.execute("SELECT count(*) FROM items").fetchone()[0])

    bring_in(store, part, pause=sell)
    lane.close()
    assert len(sales) > 3 and sales[-1] == PART_ROWS
    assert sales == sorted(set(sales))


def test_a_lane_can_commit_while_the_file_is_read_and_judged(store: Store, part: Path) -> None:
    lane = connect(store.path)
    lane.execute("PRAGMA busy_timeout=0")

    def sell(done: int, total: int) -> None:
        if not total:
            lane.execute("BEGIN IMMEDIATE")
            lane.execute("INSERT INTO print_jobs (lane, journal_id, kind, state, tries) VALUES ('01', 0, 'receipt', 'new', 0)")
            lane.execute("COMMIT")

    bring_in(store, part, progress=sell)
    assert lane.execute("SELECT count(*) FROM print_jobs").fetchone()[0] == 2
    lane.close()


def test_the_same_file_cannot_be_imported_twice_at_once(store: Store, part: Path) -> None:
    codes: list[str] = []

    def meanwhile(_seconds: float) -> None:
        if not codes:
            with pytest.raises(StoreError) as caught:
                bring_in(store, part)
            codes.append(caught.value.refusal.code)

    assert bring_in(store, part, pause=meanwhile).added == PART_ROWS
    assert codes == ["POS-1005"]


def test_a_damaged_stage_is_an_error_of_the_store_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite.import-x"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError) as caught:
        Stage.open(path)
    assert caught.value.refusal.code == "POS-1002"


def test_batches_shrink_when_they_are_slow_and_grow_when_they_are_quick() -> None:
    assert (batch_rows(100, 5), batch_rows(100, 40), batch_rows(100, 10)) == (200, 50, 100)
    assert batch_rows(BATCH_ROWS_MAX, 0) == BATCH_ROWS_MAX
    rows = 100
    for _ in range(10):
        rows = batch_rows(rows, 1_000)
    assert rows == BATCH_ROWS_MIN


def test_a_pause_is_as_long_as_its_batch_and_five_ms_at_least(store: Store, tmp_path: Path) -> None:
    class SlowClock:
        now_ms = 0

        def wall_ms(self) -> int:
            return 0

        def mono_ms(self) -> int:
            self.now_ms += 30
            return self.now_ms

        def boot_id(self) -> bytes:
            return bytes(16)

    pauses: list[float] = []
    file = write_csv(tmp_path / "1.csv", SMALL)
    bring_in(store, file, pause=pauses.append)
    assert pauses[0] >= 0.005
    store.clock = SlowClock()
    bring_in(store, write_csv(tmp_path / "2.csv", [(COLA, "可乐", "9")]), pause=pauses.append)
    assert pauses[1] == 0.03


# ------------------------------------------------------------------ the index of names


def test_a_transaction_of_goods_that_is_undone_leaves_the_index_whole(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Cut), store.transaction() as connection:
        catalogue.put_items(connection, [stored_row("1", "豆腐")], 1)
        raise Cut
    bring_in(store, write_csv(tmp_path / "1.csv", SMALL))
    assert [item.sku for item in catalogue.search(store.connection, "可乐", 0)] == [COLA]
    assert catalogue.search(store.connection, "豆腐", 0) == []


def stored_row(sku: str, name: str) -> dict[str, Any]:
    plain = dict.fromkeys(catalogue.STORED_COLUMNS, 0)
    texts = {"name_en": "", "pinyin": "", "unit": "", "category": "", "tax_code": "S13", "restricted": ""}
    return {**plain, **texts, "sku": sku, "name": name, "codes": (sku,)}


# ------------------------------------------------------------------ the command


def test_the_command_prints_counts_for_programs_and_for_people(store: Store, tmp_path: Path) -> None:
    report = bring_in(store, write_csv(tmp_path / "1.csv", [*SMALL, ("77", "豆", "")]))
    assert json_text(report) == (
        '{"rows": 4, "added": 4, "changed": 0, "unchanged": 0, "refused": 0, "doubtful": {"no_price": 1}, "dry_run": false}\n'
    )
    assert summary(report).splitlines()[0].startswith("行 rows 4  新增 added 4")


def test_a_map_argument_has_two_sides_and_names_a_column_once() -> None:
    assert parse_map(["codes=商品条码", "price_yuan = 价=元"]) == {"codes": "商品条码", "price_yuan": "价=元"}
    for texts in (["codes"], ["=x"], ["codes="], ["codes=a", "codes=b"]):
        with pytest.raises(BadInput):
            parse_map(texts)


def test_the_bar_is_full_at_the_end() -> None:
    assert "░" not in bar(10, 10) and bar(10, 10).endswith("100%  10/10")
    assert "█" not in bar(0, 10)
    assert bar(6404, 0) == "读取 read 6,404"
