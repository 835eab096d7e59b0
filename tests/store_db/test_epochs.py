"""Epochs and series: a copied file goes its own way, and nothing printed is ever issued twice."""

import re
import shutil
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import StoreError
from store_db.backup import backup, restore
from store_db.connection import connect
from store_db.store import Store
from store_db.verify import verify_file
from tests.shop_kit import COLA, MILK, WATER, Till, make_shop, make_store


def new_till(path: Path, seed: int = 1) -> Till:
    clock, ids = DayClock(), SeededIds(seed)
    store = Store.open(path, clock=clock, ids=ids) if path.exists() else make_store(path, clock, ids)
    return Till(make_shop(store)).open()


def numbers(path: Path) -> list[str]:
    """Every number that a store file ever printed."""
    with Store.open(path, clock=DayClock(), ids=SeededIds(99)) as store:
        rows = store.connection.execute("SELECT series_no, counter FROM receipts WHERE state = 'paid'").fetchall()
        return [store.number(*row) for row in rows]


def test_the_first_epoch_begins_with_the_file(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.sqlite", DayClock(), SeededIds(1)) as store:
        rows = store.connection.execute("SELECT epoch_no, epoch, reason FROM epochs").fetchall()
    assert [(row[0], len(row[1]), row[2]) for row in rows] == [(1, 8, "init")]


def test_a_file_that_is_opened_again_goes_on_in_its_epoch(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    first = new_till(path)
    one = first.sell(WATER)
    first.shop.store.close()
    second = new_till(path)
    two = second.sell(WATER)
    assert one[:-6] == two[:-6]
    assert (one[-6:], two[-6:]) == ("000001", "000002")
    second.prove()


def test_a_copied_file_opens_an_epoch_and_a_series_of_its_own(tmp_path: Path) -> None:
    original, copy = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    till = new_till(original)
    till.sell(WATER)
    till.shop.store.close()
    shutil.copyfile(original, copy)
    ours, theirs = new_till(original, 2), new_till(copy, 3)
    sold = [lane.sell(MILK) for lane in (ours, theirs) for _ in range(3)]
    assert len(set(sold)) == 6
    for lane in (ours, theirs):
        lane.prove()
        lane.shop.store.close()
    assert len(set(numbers(original)) | set(numbers(copy))) == 7
    assert connect(copy, read_only=True).execute("SELECT reason FROM epochs ORDER BY epoch_no").fetchall()[-1][0] == "copy"


def test_a_new_epoch_names_the_head_it_leaves(tmp_path: Path) -> None:
    original, copy = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    till = new_till(original)
    till.sell(WATER)
    head = till.shop.store.connection.execute("SELECT hash FROM journal ORDER BY id DESC LIMIT 1").fetchone()[0]
    till.shop.store.close()
    shutil.copyfile(original, copy)
    with Store.open(copy, clock=DayClock(), ids=SeededIds(3)) as store:
        row = store.connection.execute("SELECT payload, seq FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    assert head.hex().encode() in row[0]
    assert row[1] == 1


def test_a_basket_with_a_number_that_was_copied_does_not_print_that_number_twice(tmp_path: Path) -> None:
    """The card failed, the number is in the open basket; the file is copied; both files sell their basket."""
    original, copy = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    till = new_till(original)
    till.scan(MILK).press("pay", "card", "back")
    till.shop.store.close()
    shutil.copyfile(original, copy)
    sold, uids = [], []
    for n, path in enumerate((original, copy)):
        lane = new_till(path, 5 + n)
        lane.press("pay", "pay")
        assert lane.state.last_sale is not None
        sold.append(lane.state.last_sale.number)
        uids.append(lane.shop.store.connection.execute("SELECT uid FROM journal ORDER BY id DESC LIMIT 1").fetchone()[0])
        lane.prove()
    assert sold[0] != sold[1], "one number on two receipts"
    assert uids[0] != uids[1], "two sales under one uid: HQ would keep one of them"


def test_a_backup_that_is_copied_back_over_its_file_repeats_no_number(tmp_path: Path) -> None:
    """`cp backup store` keeps the inode of the target: nothing but a mark outside the file can tell."""
    path, saved = tmp_path / "a.sqlite", tmp_path / "saved.sqlite"
    till = new_till(path)
    till.sell(WATER)
    till.shop.store.close()
    shutil.copyfile(path, saved)
    till = new_till(path)
    printed = [till.sell(MILK) for _ in range(3)]
    till.shop.store.close()
    with saved.open("rb") as source, path.open("r+b") as target:  # in place, as cp does
        target.truncate()
        shutil.copyfileobj(source, target)
    again = new_till(path, 4)
    assert not set(printed) & {again.sell(COLA) for _ in range(3)}


def test_two_lanes_that_find_a_copied_file_at_once_do_not_write_into_a_left_epoch(tmp_path: Path) -> None:
    """Both start, both see the foreign inode, both open an epoch; the one that was first must notice the other."""
    original, copy = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    make_store(original, DayClock(), SeededIds(1)).close()
    shutil.copyfile(original, copy)
    one, two = (Store(copy, connect(copy), DayClock(), SeededIds(seed)) for seed in (5, 6))
    with one, two:
        one.open_epoch("copy")
        two.open_epoch("copy")
        tills = [Till(make_shop(store, lane=lane)).open() for store, lane in ((one, "01"), (two, "02"))]
        for till in (*tills, *tills):
            till.sell(WATER)
        rows = one.connection.execute("SELECT device, epoch, seq FROM journal").fetchall()
        assert len({tuple(row) for row in rows}) == len(rows), "two events with one identity"
        tills[0].prove()


def test_a_restored_copy_opens_an_epoch_and_goes_on_selling(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    till = new_till(path)
    first = till.sell(WATER)
    saved = backup(path, tmp_path / "backup")
    lost = till.sell(MILK)
    till.shop.store.close()
    path.unlink()
    restore(saved, path).close()
    again = new_till(path, 4)
    number = again.sell(COLA)
    assert number not in (first, lost)
    again.prove()


def test_a_restore_over_a_file_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    new_till(path).shop.store.close()
    saved = backup(path, tmp_path / "backup")
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        restore(saved, path)
    assert refused.value.refusal.code == "POS-1010"
    assert path.read_bytes() == before


def test_a_restore_beside_a_left_over_wal_is_the_copy_and_not_a_mixture(tmp_path: Path) -> None:
    """Somebody deletes the broken file and forgets its -wal: its frames must not be replayed into the restored one."""
    path = tmp_path / "a.sqlite"
    till = new_till(path)
    till.sell(WATER)
    saved = backup(path, tmp_path / "backup")
    for _ in range(5):
        till.sell(MILK)
    left_over = path.with_name("a.sqlite-wal").read_bytes()
    till.shop.store.close()
    path.unlink()
    path.with_name("a.sqlite-wal").write_bytes(left_over)
    restore(saved, path).close()
    proof = verify_file(path)
    assert (proof.is_ok, proof.sales) == (True, 1)


def test_a_backup_is_taken_while_lanes_sell_and_verifies(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    till = new_till(path)
    till.sell(WATER)
    till.scan(MILK)
    saved = backup(path, tmp_path / "backup")
    till.press("pay", "pay")
    assert (verify_file(saved).is_ok, verify_file(saved).sales) == (True, 1)
    assert verify_file(path).sales == 2


def test_a_damaged_copy_is_not_restored(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    new_till(path).shop.store.close()
    saved = backup(path, tmp_path / "backup")
    data = bytearray(saved.read_bytes())
    at = data.find(b"epoch_opened")
    data[at : at + 5] = b"XXXXX"
    saved.write_bytes(data)
    with pytest.raises(StoreError) as refused:
        restore(saved, tmp_path / "new.sqlite")
    assert refused.value.refusal.code == "POS-1002"
    assert not (tmp_path / "new.sqlite").exists()


def test_a_number_names_store_lane_series_and_counter(tmp_path: Path) -> None:
    number = new_till(tmp_path / "a.sqlite").sell(WATER)
    assert re.fullmatch(r"S001-01-[A-Z2-7]{4}-000001", number)


def test_numbers_have_no_gap_and_every_lane_counts_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = make_store(path, DayClock(), SeededIds(1))
    tills = [Till(make_shop(store, lane=lane)).open() for lane in ("01", "02")]
    sold = [till.sell(WATER) for _ in range(4) for till in tills]
    assert [int(number[-6:]) for number in sold] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [number[:7] for number in sold[:2]] == ["S001-01", "S001-02"]
