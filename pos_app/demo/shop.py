"""Build the demo shop's store: goods, people, codes, stock."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pos_app.domain.calendar import business_date
from pos_app.domain.errors import Refusal
from pos_app.domain.events import StockMove, StockMoved
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT, LaneConfig
from pos_app.domain.money import parse_yuan
from pos_app.domain.ports import Clock, Ids
from pos_app.services.check_pin import hash_pin
from pos_app.services.members import Joining, join
from pos_app.services.packages import NO_KEYS, Rejected, install_package
from store_db import catalogue
from store_db.staff import StaffRow, put_staff
from store_db.store import Store

STORE = "S001"
CASHIER_LANE, SELF_CHECKOUT_LANE = "01", "S1"
STAFF = (("1001", "王芳", "cashier", "1111"), ("1002", "陈敏", "supervisor", "2222"), ("9001", "林店长", "manager", "9999"))
IN_STORE_RULES = (
    ("21IIIIIAAAAAC", "amount, 13 digits"),
    ("22IIIIIWWWWWC", "weight, 13 digits"),
    ("23IIIIIAAAAAWWWWWC", "amount and weight, 18 digits"),
)
MEMBERS = (
    Joining("张伟", "13800000001", groups=("workshop",), tier="gold"),
    Joining("李娜", "13800000002", tier="platinum", shows_usual=True),
    Joining("王强", "13800000003"),  # whose birthday is the day the shop was built
    Joining("刘洋", "13800000004"),
)
BIRTHDAY_PHONE = "13800000003"
TAX_RATES = (("S13", 0, 1300), ("R9", 0, 900), ("E0", 0, 0))
BAGS = ("D0412", "D0413", "D0414")
BATCH = 500
CHINA_OFFSET_MIN = 480


def badge_of(staff: str) -> str:
    return f"STAFF-{staff}DEMO"


def lane_config(skin: str) -> LaneConfig:
    """The settings of one of the two demo lanes."""
    lane = CASHIER_LANE if skin == CASHIER else SELF_CHECKOUT_LANE
    bags = BAGS if skin == SELF_CHECKOUT else ()
    return LaneConfig(store=STORE, lane=lane, skin=skin, bag_skus=bags)


def build(
    path: Path, *, clock: Clock | None = None, ids: Ids | None = None, progress: Callable[[int, int], None] | None = None
) -> Store:
    """A new store file with everything the demo needs; about 20,400 goods."""
    store = Store.create(path, STORE, clock=clock, ids=ids, utc_offset_min=CHINA_OFFSET_MIN)
    with store.transaction() as connection:
        connection.executemany("INSERT INTO tax_rates VALUES (?,?,?)", TAX_RATES)
        connection.executemany("INSERT INTO in_store_rules VALUES (?,?)", IN_STORE_RULES)
        for staff, name, role, pin in STAFF:
            put_staff(connection, StaffRow(staff, name, role, hash_pin(pin), badge_of(staff)))
    goods = list(own_goods())
    rows = [*goods, *open_food_facts()]
    for done in range(0, len(rows), BATCH):
        with store.transaction() as connection:
            catalogue.put_items(connection, rows[done : done + BATCH], store.clock.wall_ms())
        if progress:
            progress(min(done + BATCH, len(rows)), len(rows))
    store.record(StockMoved("opening", tuple(StockMove(row["sku"], row["stock"]) for row in goods if row["stock"])))
    install_calendar(store)
    add_members(store)
    return store


def install_calendar(store: Store) -> None:
    """The demo's promotions, as a single shop without an HQ installs its own file."""
    installed = install_package(store, (files("pos_app.demo") / "package.json").read_bytes(), NO_KEYS, unsigned=True)
    if isinstance(installed, Rejected):
        raise RuntimeError(f"the demo's package is refused: {installed}")


def add_members(store: Store) -> None:
    """Made-up people with made-up numbers."""
    _, month, day = business_date(store.clock.wall_ms(), CHINA_OFFSET_MIN, 0).split("-")
    for member in MEMBERS:
        if member.phone == BIRTHDAY_PHONE:
            member = member._replace(birthday=(int(month), int(day)))
        alias = join(store, member)
        if isinstance(alias, Refusal):
            raise RuntimeError(f"a demo member is refused: {alias}")


def own_goods() -> Iterator[dict[str, Any]]:
    """The shop's own goods, made up by this project."""
    text = (files("pos_app.demo") / "goods.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        yield {
            "sku": row["sku"],
            "codes": row["codes"].split(),
            "name": row["name_zh"],
            "name_en": row["name_en"],
            "pinyin": row["pinyin"],
            "unit": row["unit"],
            "category": row["category"],
            "price_fen": parse_yuan(row["price_yuan"]),
            "member_price_fen": _optional_fen(row["member_price_yuan"]),
            "promo_price_fen": _optional_fen(row["promo_price_yuan"]),
            "cost_fen": _optional_fen(row["cost_yuan"]),
            "tax_code": row["tax_code"],
            "restricted": row["restricted"],
            "stock": int(row["stock"] or 0),
            **{name: int(row[name]) for name in FLAGS},
        }


FLAGS = ("weighed", "ask_price", "earns_points", "discount_allowed", "price_override_allowed", "stop_sale")


def open_food_facts() -> Iterator[dict[str, Any]]:
    """Twenty thousand real names and codes (Open Food Facts, ODbL: see NOTICE.md) with invented prices."""
    data = gzip.decompress((files("pos_app.demo") / "off_goods.csv.gz").read_bytes()).decode("utf-8")
    for row in csv.DictReader(io.StringIO(data)):
        yield {
            "sku": "F" + row["code"],
            "codes": [row["code"]],
            "name": row["name"],
            "name_en": "",
            "pinyin": "",
            "unit": "",
            "category": "food",
            "price_fen": parse_yuan(row["price_yuan"]),
            "member_price_fen": None,
            "promo_price_fen": None,
            "cost_fen": None,
            "tax_code": "S13",
            "restricted": "",
            "weighed": 0,
            "ask_price": 0,
            "earns_points": 1,
            "discount_allowed": 1,
            "price_override_allowed": 1,
            "stop_sale": 0,
        }


def _optional_fen(text: str) -> int | None:
    return parse_yuan(text) if text else None


def codes_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["codes"][0] for row in rows]
