"""Full disks, damaged pages, torn WALs, files that cannot be written: a clear code, and nothing committed is lost."""

import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import StoreError
from pos_app.domain.lane.intents import Press, Scan
from store_db.connection import sqlite
from store_db.store import Store
from store_db.verify import verify_file
from tests.shop_kit import CASHIER_PIN, COLA, MILK, ROOT, WATER, Till, make_shop, make_store


def full(till: Till) -> None:
    """No page more: SQLite says SQLITE_FULL, as on a full disk."""
    connection = till.shop.store.connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")


def room(till: Till) -> None:
    till.shop.store.connection.execute("PRAGMA max_page_count=1000000")


def sell_until_refused(till: Till) -> list[str]:
    sold: list[str] = []
    for _ in range(500):
        before = till.state.sales_today
        till.scan(WATER, MILK, COLA).press("pay", "pay")
        if till.state.last_sale is None or till.state.sales_today == before:
            return sold
        sold.append(till.state.last_sale.number)
    raise AssertionError("the disk never got full")


def paid_numbers(path: Path) -> list[str]:
    with Store.open(path, clock=DayClock(), ids=SeededIds(77)) as store:
        rows = store.connection.execute("SELECT series_no, counter FROM receipts WHERE state = 'paid' ORDER BY 1, 2").fetchall()
        return [store.number(*row) for row in rows]


def test_a_full_disk_is_said_nothing_is_paid_and_what_was_sold_stays(till: Till) -> None:
    full(till)
    sold = sell_until_refused(till)
    assert till.says in ("POS-1004", "POS-3006")
    assert till.drawer.pulses == ["sale"] * len(sold)
    path = till.shop.store.path
    till.shop.store.close()
    assert paid_numbers(path) == sold
    assert verify_file(path).is_ok


def test_when_there_is_room_again_the_same_basket_is_paid_once(till: Till) -> None:
    full(till)
    sold = sell_until_refused(till)
    room(till)
    lines = till.sold
    for _ in range(3):
        till.press("back")
    if not till.state.basket.lines:
        till.scan(WATER)
    assert not lines or till.sold == lines
    till.press("pay", "pay")
    assert till.state.last_sale is not None
    assert till.state.last_sale.number not in sold
    till.prove()


def test_a_line_that_could_not_be_kept_is_not_painted(till: Till) -> None:
    full(till)
    for _ in range(2_000):
        before = till.sold
        till.scan(WATER, MILK)
        if till.says == "POS-1004":
            break
    assert till.says == "POS-1004"
    assert till.beeps[-1] == "refused"
    assert till.sold[: len(before)] == before
    room(till)
    assert till.reopened().sold == till.sold


def test_a_card_amount_that_could_not_be_saved_is_asked_again_and_never_counted_twice(till: Till) -> None:
    till.scan(MILK).press("pay", "card")
    connection = till.shop.store.connection
    connection.execute("PRAGMA query_only=1")  # every write is refused, as on a disk that went read-only
    till.type("4711\n")
    assert till.state.last_sale is None
    assert till.says.startswith("POS-")
    connection.execute("PRAGMA query_only=0")
    for _ in range(3):
        if till.kind == "card":
            till.type("4711\n" if not till.state.dialog.text else "\n")  # type: ignore[union-attr]
        elif till.state.basket.lines:
            till.press("pay")
    assert till.state.last_sale is not None
    tenders = connection.execute("SELECT kind, amount_fen FROM tenders").fetchall()
    assert [tuple(row) for row in tenders] == [("card_terminal", 350)]
    assert till.drawer.pulses == []
    till.prove()


def test_a_file_size_limit_of_the_system_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A real write that fails half way, in a process of its own: RLIMIT_FSIZE."""
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    script = (
        "import resource, sys; from pathlib import Path; from tests.shop_kit import *\n"
        "store = Store.open(Path(sys.argv[1]), clock=DayClock(), ids=SeededIds(2))\n"
        "till = Till(make_shop(store)).open()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        "said = []\n"
        "for n in range(1, 501):\n"
        "    for key in (Scan(WATER), Scan(MILK), Press('pay'), Press('pay')):\n"
        "        said.append(till.do(key).says)\n"
        "    if till.state.sales_today < n: break\n"
        "    print(till.state.last_sale.number, flush=True)\n"
        "print(*{code for code in said if code.startswith('POS-') and code != 'POS-3001'}, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *sold, said = done.stdout.splitlines()
    assert said
    assert set(said.split()) <= {"POS-1004", "POS-1007", "POS-3006", "POS-6001"}
    assert sold
    assert paid_numbers(path) == sold
    assert verify_file(path).is_ok
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400_000


def test_a_file_that_may_only_be_read_is_refused_with_a_code_and_stays(tmp_path: Path) -> None:
    """In a process that has given up root's rights, where it had them."""
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    folder = Path("/tmp") / f"lanewise-read-only-{os.getpid()}"
    folder.mkdir(mode=0o755)
    copy = folder / "shop.sqlite"
    shutil.copyfile(path, copy)
    copy.chmod(0o444)
    before = copy.read_bytes()
    script = (
        "import os, sys; from pathlib import Path; from pos_app.domain.errors import StoreError; from tests.shop_kit import *\n"
        "quick_hash('imports argon2 while it still may be read')\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    till = Till(make_shop(Store.open(Path(sys.argv[1])))).type(CASHIER_PIN)\n"
        "    print(till.says)\n"
        "except StoreError as error:\n"
        "    print(error.refusal.code)\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", script, str(copy)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.stdout.strip() == "POS-1003", done.stderr
        assert copy.read_bytes() == before
    finally:
        shutil.rmtree(folder)


def root_page(path: Path, table: str) -> tuple[int, int]:
    connection = sqlite.connect(str(path))
    page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    return (page - 1) * size, size


def spoil(path: Path, table: str) -> None:
    at, size = root_page(path, table)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * size)


@pytest.mark.parametrize("table", ["journal", "receipts", "device", "sqlite_master", "shifts"])
def test_a_damaged_page_is_a_code_or_a_named_problem_and_no_traceback(till: Till, table: str) -> None:
    till.sell(WATER)
    path = till.shop.store.path
    till.shop.store.close()
    if table == "sqlite_master":
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 900)
    else:
        spoil(path, table)
    try:
        assert not verify_file(path).is_ok
    except StoreError as error:
        assert error.refusal.code == "POS-1002"


@pytest.mark.parametrize(
    "table", ["barcodes", "items", "names_data", "drafts", "print_jobs", "receipts", "staff", "stock_base", "series", "tenders"]
)
def test_a_lane_on_a_damaged_page_says_so_and_keeps_what_is_safe(till: Till, table: str) -> None:
    """Whatever part is hit, each key ends in a refusal with a code, not in a closed screen."""
    number = till.sell(WATER)
    path = till.shop.store.path
    till.scan(MILK).press("hold")
    till.shop.store.close()
    spoil(path, table)
    try:
        lane = Till(make_shop(Store.open(path, clock=DayClock(), ids=SeededIds(5))))
        lane.type(CASHIER_PIN).scan(COLA).press("find").type("kele\n").press("back", "price_check").scan(WATER).press(
            "back", "hold"
        )
        lane.press("enter", "reprint", "x_report", "back", "pay", "pay", "back", "back")
    except StoreError as error:
        assert error.refusal.code == "POS-1002"
    rows = sqlite.connect(str(path)).execute("SELECT payload FROM journal WHERE kind = 'sale'").fetchall()
    assert any(number.encode() in row[0] for row in rows)


def spoil_page_of(path: Path, number: str) -> None:
    """Overwrite the leaf of the journal's tree that holds this sale."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    spoiled = 0
    for at in range(size, len(data), size):
        page = bytes(data[at : at + size])
        if page[0] == 0x0D and f'"number":"{number}"'.encode() in page and b'"tenders"' in page:
            data[at : at + size] = b"\xff" * size
            spoiled += 1
    assert spoiled
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["page", "payload", "printer"])
def test_a_sale_that_is_saved_is_shown_as_paid_whatever_the_spool_meets_afterwards(till: Till, what: str) -> None:
    """An old job waits for paper; its event is damaged, or the printer's driver fails in a way of its own. The sale that has
    just been committed must not come back to the screen as an unpaid basket: it would be charged again."""
    till.paper.is_broken = True
    old = till.sell(WATER)
    for _ in range(40):
        till.sell(WATER, MILK, COLA)
    path = till.shop.store.path
    if what == "payload":
        till.shop.store.connection.execute("UPDATE journal SET payload = x'00' WHERE kind = 'sale' AND seq < 8")
    lane = till.reopened().open()
    if what == "page":  # under the open lane, which has not kept that page in memory
        for pragma in ("wal_checkpoint(TRUNCATE)", "cache_size=1", "shrink_memory"):
            lane.shop.store.connection.execute(f"PRAGMA {pragma}")
        spoil_page_of(path, old)
    if what == "printer":
        lane.paper.print_text = lambda job, text: text.encode("ascii")  # type: ignore[method-assign, assignment]
    paid = "SELECT count(*) FROM receipts WHERE state = 'paid'"
    for count, code in ((42, MILK), (43, COLA)):
        lane.scan(code).press("pay", "pay")
        assert lane.shop.store.connection.execute(paid).fetchone()[0] == count
        assert lane.state.last_sale is not None
        assert lane.sold == []
    assert lane.state.paper_waiting > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_flipped_bit_in_the_wal_leaves_a_whole_store_up_to_some_sale(tmp_path: Path, seed: int) -> None:
    """SQLite drops the frames from the bad one on; what is left is every sale up to a point, and it verifies."""
    path, torn = tmp_path / "shop.sqlite", tmp_path / "torn.sqlite"
    till = Till(make_shop(make_store(path, DayClock(), SeededIds(1)))).open()
    till.shop.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    till.shop.store.connection.execute("PRAGMA wal_autocheckpoint=0")
    sold = [till.sell(WATER, MILK) for _ in range(20)]
    shutil.copyfile(path, torn)
    wal = bytearray(path.with_name("shop.sqlite-wal").read_bytes())
    draw = random.Random(seed)
    at = draw.randrange(len(wal))
    wal[at] ^= 1 << draw.randrange(8)
    torn.with_name("torn.sqlite-wal").write_bytes(wal)
    proof = verify_file(torn)
    assert proof.is_ok, proof.problems
    assert paid_numbers(torn) == sold[: proof.sales]


def test_a_wal_cut_anywhere_leaves_a_whole_store(tmp_path: Path) -> None:
    path, torn = tmp_path / "shop.sqlite", tmp_path / "torn.sqlite"
    till = Till(make_shop(make_store(path, DayClock(), SeededIds(1)))).open()
    till.shop.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sold = [till.sell(WATER) for _ in range(6)]
    wal = path.with_name("shop.sqlite-wal").read_bytes()
    found = set()
    for cut in random.Random(9).sample(range(len(wal)), 20):
        shutil.copyfile(path, torn)
        torn.with_name("torn.sqlite-wal").write_bytes(wal[:cut])
        torn.with_name("torn.sqlite-shm").unlink(missing_ok=True)
        proof = verify_file(torn)
        assert proof.is_ok, proof.problems
        found.add(proof.sales)
    assert max(found) <= len(sold)
    assert len(found) > 3


def test_a_commit_that_fails_leaves_the_lane_where_it_was(till: Till) -> None:
    connection = till.shop.store.connection
    till.scan(WATER).press("pay")
    before = till.state
    connection.execute("PRAGMA query_only=1")
    till.do(Press("pay"))
    assert till.says == "POS-3006"
    assert (till.state.basket, till.state.phase, till.state.last_sale) == (before.basket, before.phase, None)
    till.press("back").do(Scan(MILK), Scan(MILK))
    assert till.sold == [("WATER", 1)]
    connection.execute("PRAGMA query_only=0")
    till.scan(MILK).press("pay", "pay")
    assert till.state.last_sale is not None
    till.prove()
