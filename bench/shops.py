"""Stores to measure on: the demo shop with its shift open, copied for each use, and lanes on them without a terminal."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.domain.lane.intents import Char, Press, Scan, Tick
from pos_app.domain.lane.state import CASHIER, PAYMENT
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db.store import Store

ROOT = Path(__file__).resolve().parent.parent
MAKERS = (
    "store_db/*.py", "pos_app/demo/*", "pos_app/domain/*.py", "pos_app/services/pinyin.py", "pos_app/services/sell.py",
    "pos_app/services/check_pin.py", "pos_app/services/members.py", "pos_app/services/packages.py", "bench/shops.py",
    "bench/goods.py", "bench/big_store.py", "bench/backlog.py",
)  # fmt: skip


def kept(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """A file that is made once and kept until the code that makes it changes."""
    path = folder / f"{name}-{_code_digest()}.sqlite"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-*"):
            old.unlink()
        part = path.with_suffix(".part")
        make(part)
        part.rename(path)
    return path


def _code_digest() -> str:
    digest = hashlib.blake2b(digest_size=6)
    for pattern in MAKERS:
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


def demo_file(folder: Path) -> Path:
    """The demo shop, its cashier lane with an open shift, checkpointed into one file."""
    return kept(folder, "demo", _make_demo)


def _make_demo(path: Path) -> None:
    with demo_shop.build(path) as store:
        open_shift(lane_on(store))


@contextlib.contextmanager
def copied(file: Path) -> Iterator[Path]:
    """A copy in a folder of its own, opened once, so that its own epoch has begun."""
    with tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=file.parent) as folder:
        path = Path(folder) / "shop.sqlite"
        shutil.copyfile(file, path)
        Store.open(path).close()
        yield path


@contextlib.contextmanager
def demo_store(folder: Path) -> Iterator[Store]:
    """The demo shop, opened, in a copy of its own."""
    with copied(demo_file(folder)) as path, Store.open(path) as store:
        yield store


def lane_on(store: Store, lane: str | None = None) -> LaneRunner:
    """A cashier lane without terminal and paper, somebody logged in."""
    config = demo_shop.lane_config(CASHIER)
    if lane is not None:
        config = type(config)(store=config.store, lane=lane, skin=CASHIER)
    runner = LaneRunner(Shop(store, config, NoPrinter(), NoDrawer(), LANGUAGES["zh"]))
    type_keys(runner, "1001\n1111\n")
    return runner


def open_shift(runner: LaneRunner) -> None:
    if runner.state.shift_no is None:
        type_keys(runner, "500\n")


def type_keys(runner: LaneRunner, text: str) -> None:
    for char in text:
        runner.handle(Press("enter") if char == "\n" else Char(char))


def scan(runner: LaneRunner, code: str) -> None:
    """As the screen does it: the time, then the scan."""
    runner.handle(Tick(runner.shop.now_ms()), Scan(code))


def to_payment(runner: LaneRunner) -> None:
    runner.handle(Press("pay"))
    if runner.state.phase != PAYMENT:
        raise RuntimeError(f"not on the payment screen: {runner.state.banner} {runner.state.dialog}")


def pay_exact(runner: LaneRunner) -> None:
    """Exact cash on the payment screen."""
    runner.handle(Press("pay"))
    if runner.state.last_sale is None:
        raise RuntimeError(f"a sale did not end: {runner.state.banner}")


def plain_codes() -> list[str]:
    """13-digit codes of the demo's goods that raise no question, in a fixed order, no neighbour the same good."""
    own = [code for row in demo_shop.own_goods() if _is_plain(row) for code in row["codes"][:1]]
    others = demo_shop.codes_of(demo_shop.open_food_facts())
    codes = [code for code in (*own, *others) if len(code) == 13 and code[0] != "2"]
    step = 7919  # a prime: walks through the whole list in a scattered order
    return [codes[n * step % len(codes)] for n in range(len(codes))]


def _is_plain(row: dict[str, object]) -> bool:
    return not (row["weighed"] or row["ask_price"] or row["stop_sale"] or row["restricted"])
