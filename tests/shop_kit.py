"""A shop small enough to know by heart, and a hand at its till. Real store, real machine; only time and luck are given."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.codes import check_digit
from pos_app.domain.goods import Item
from pos_app.domain.lane.intents import Char, Intent, Press, Reply, Scan, Tick
from pos_app.domain.lane.state import CASHIER, LaneConfig, LaneState
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db import catalogue
from store_db.staff import StaffRow, put_staff
from store_db.store import Store
from store_db.verify import verify

ROOT = Path(__file__).resolve().parent.parent
STORE = "S001"
CASHIER_PIN, SUPERVISOR_PIN, MANAGER_PIN = "1001\n1111\n", "1002\n2222\n", "9001\n9999\n"
CASHIER_BADGE, SUPERVISOR_BADGE = "STAFF-1001TEST", "STAFF-1002TEST"
STAFF = (
    ("1001", "王芳", "cashier", "1111", CASHIER_BADGE),
    ("1002", "陈敏", "supervisor", "2222", SUPERVISOR_BADGE),
    ("9001", "林店长", "manager", "9999", "STAFF-9001TEST"),
)
WATER, WATER_2, MILK, COLA = "6990000010106", "6990000900377", "6990000010243", "6990000010175"
BEER, WINE, CIGARETTES = "6990000130071", "6990000130149", "6990000140094"
BAG, FLOWERS, OLD, ODD = "6990000170091", "6990000180076", "6990000152479", "6990000010109"
TINY, PLU_ITEM = "6990000020009", "00777"
APPLES, CHEESE = "00501", "00502"
UNKNOWN, WRONG_DIGIT, PAYMENT_CODE, ALIPAY_CODE = "4006381333931", "4006381333930", "134567890123456789", "281234567890123456"
RULES = (("21IIIIIAAAAAC", "amount"), ("22IIIIIWWWWWC", "weight"), ("23IIIIIAAAAAWWWWWC", "both"))
BAGS = ("BAG",)


def good(sku: str, codes: Iterable[str], price_fen: int, **changes: Any) -> dict[str, Any]:
    """A catalogue row; what is not said is plain."""
    row: dict[str, Any] = {
        "sku": sku, "codes": list(codes), "name": sku, "name_en": sku.title(), "pinyin": sku, "unit": "", "category": "",
        "price_fen": price_fen, "member_price_fen": None, "promo_price_fen": None, "cost_fen": None, "tax_code": "S13",
        "restricted": "", "weighed": 0, "ask_price": 0, "earns_points": 1, "discount_allowed": 1, "price_override_allowed": 1,
        "stop_sale": 0,
    }  # fmt: skip
    return row | changes


GOODS = (
    good("WATER", [WATER, WATER_2], 200, name="矿泉水550ml", name_en="Spring Water", pinyin="KQS550ML"),
    good("MILK", [MILK], 350, name="鲜牛奶", member_price_fen=320, tax_code="R9"),
    good("COLA", [COLA], 300, name="可乐", promo_price_fen=250),
    good("BEER", [BEER], 550, name="啤酒", restricted="alcohol"),
    good("WINE", [WINE], 8_900, name="红酒", restricted="alcohol"),
    good("CIGARETTES", [CIGARETTES], 2_000, name="香烟", restricted="tobacco", discount_allowed=0, promo_price_fen=1_500),
    good("BAG", [BAG], 20, name="购物袋", restricted="bag", discount_allowed=0),
    good("FLOWERS", [FLOWERS], 0, name="鲜花", ask_price=1),
    good("OLD", [OLD], 5_900, name="旧款烤盘", stop_sale=1),
    good("ODD", [ODD], 199, name="错码饼干"),
    good("TINY", [TINY], 3, name="小铃铛", tax_code="E0"),
    good("BREAD", [], 650, name="现烤面包", pinyin="XKMB"),
    good("PACK", [PLU_ITEM], 800, name="熟食盒"),
    good("APPLES", [APPLES], 990, name="苹果", weighed=1, tax_code="E0"),
    good("CHEESE", [CHEESE], 10_000, name="奶酪", weighed=1, promo_price_fen=8_000),
)
ITEMS = {
    row["sku"]: Item(
        **{name: row[name] for name in Item._fields if name in row and name not in ("weighed", "ask_price", "stop_sale")},
        weighed=bool(row["weighed"]), ask_price=bool(row["ask_price"]), stop_sale=bool(row["stop_sale"]),
    )
    for row in GOODS
}  # fmt: skip
SELLABLE = (WATER, WATER_2, MILK, COLA, BAG, ODD, TINY)


@cache
def quick_hash(pin: str) -> str:
    """A PIN hashed with the smallest costs argon2 has; the check takes its costs from the hash."""
    from argon2 import PasswordHasher

    return str(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(pin))


def make_store(path: Path, clock: DayClock, ids: SeededIds, goods: Iterable[dict[str, Any]] = GOODS) -> Store:
    """A new store file with the small shop in it."""
    store = Store.create(path, STORE, clock=clock, ids=ids)
    with store.transaction() as connection:
        connection.executemany("INSERT INTO tax_rates VALUES (?,0,?)", (("S13", 1300), ("R9", 900), ("E0", 0)))
        connection.executemany("INSERT INTO in_store_rules VALUES (?,?)", RULES)
        for staff, name, role, pin, badge in STAFF:
            put_staff(connection, StaffRow(staff, name, role, quick_hash(pin), badge))
        catalogue.put_items(connection, goods, clock.wall_ms())
    return store


class PaperTray:
    """A printer that keeps what came out, and fails when told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str]] = []
        self.is_broken = False

    def print_text(self, job: str, text: str) -> None:
        if self.is_broken:
            raise OSError("no paper")
        self.jobs.append((job, text))

    def names(self, kind: str) -> list[str]:
        return [job for job, _ in self.jobs if f"-{kind}-" in job]


class DrawerLog:
    """A drawer that counts its pulses."""

    def __init__(self) -> None:
        self.pulses: list[str] = []
        self.is_broken = False

    def pulse(self, why: str) -> None:
        if self.is_broken:
            raise OSError("no cable")
        self.pulses.append(why)


def make_shop(store: Store, skin: str = CASHIER, lane: str = "01", **config: Any) -> Shop:
    """One lane on a store, with paper and drawer that can be looked at."""
    bags = {} if skin == CASHIER else {"bag_skus": BAGS}
    lane_config = LaneConfig(store=STORE, lane=lane, skin=skin, **(bags | config))
    return Shop(store, lane_config, PaperTray(), DrawerLog(), LANGUAGES["zh"])


class Till:
    """Hands and scanner at one lane. Time goes on by 700 ms an intent, unless it is told otherwise."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.beeps: list[str] = []
        self.lane = LaneRunner(shop, beep=self.beeps.append)

    @property
    def state(self) -> LaneState:
        return self.lane.state

    @property
    def clock(self) -> DayClock:
        clock = self.shop.store.clock
        assert isinstance(clock, DayClock)
        return clock

    @property
    def paper(self) -> PaperTray:
        assert isinstance(self.shop.printer, PaperTray)
        return self.shop.printer

    @property
    def drawer(self) -> DrawerLog:
        assert isinstance(self.shop.drawer, DrawerLog)
        return self.shop.drawer

    def do(self, *intents: Intent | Reply) -> "Till":
        self.clock.now_ms += 700
        self.lane.handle(Tick(self.clock.now_ms), *intents)
        return self

    def scan(self, *codes: str) -> "Till":
        for code in codes:
            self.do(Scan(code))
        return self

    def press(self, *actions: str) -> "Till":
        for action in actions:
            self.do(Press(action))
        return self

    def type(self, text: str) -> "Till":
        for char in text:
            self.do(Press("enter") if char == "\n" else Char(char))
        return self

    def wait(self, ms: int) -> "Till":
        self.clock.now_ms += ms
        self.lane.handle(Tick(self.clock.now_ms))
        return self

    def open(self, float_yuan: str = "500") -> "Till":
        """Log in as the cashier and open the shift where that is still to be done."""
        self.type(CASHIER_PIN)
        if self.kind == "float":
            self.type(f"{float_yuan}\n")
        return self

    def sell(self, *codes: str) -> str:
        """A cash sale; its number."""
        before = self.state.sales_today
        self.scan(*codes).press("pay", "pay")
        assert self.state.last_sale is not None, (self.state.banner, self.kind)
        assert self.state.sales_today == before + 1, (self.state.banner, self.kind)
        return self.state.last_sale.number

    def close(self, counts: Iterable[str] = ("0",) * 8) -> "Till":
        """Count the drawer and close the shift, with the first reason where one is asked for."""
        self.press("close_shift")
        for pieces in counts:
            self.type(f"{pieces}\n")
        self.type("y")
        if self.kind == "reason_difference":
            self.press("enter")
        return self

    @property
    def kind(self) -> str:
        """The dialog that is open, or an empty text."""
        return self.state.dialog.kind if self.state.dialog else ""

    @property
    def says(self) -> str:
        """Everything a person is told now: the banner's key or the dialog's refusal."""
        if self.state.dialog is not None and self.state.dialog.refusal is not None:
            return self.state.dialog.refusal.code
        return self.state.banner.key if self.state.banner else ""

    @property
    def sold(self) -> list[tuple[str, int]]:
        """(sku, quantity) of the basket, in order."""
        return [(line.item.sku, line.quantity) for line in self.state.basket.lines]

    def reopened(self) -> "Till":
        """The same lane after a restart of its process, on the same store file."""
        return Till(reopened(self.shop))

    def prove(self) -> None:
        """The store verifies, now."""
        proof = verify(self.shop.store.connection)
        assert proof.is_ok, proof.problems


def reopened(shop: Shop) -> Shop:
    store = shop.store
    store.close()
    again = Store.open(store.path, clock=store.clock, ids=store.ids)
    return make_shop(again, shop.config.skin, shop.lane, bag_skus=shop.config.bag_skus, package=shop.config.package)


def label(rule: str, plu: str, *, amount_fen: int = 0, weight_g: int = 0) -> str:
    """An in-store label: rule 21 by amount, 22 by weight, 23 both."""
    body = {"21": f"21{plu}{amount_fen:05d}", "22": f"22{plu}{weight_g:05d}", "23": f"23{plu}{amount_fen:05d}{weight_g:05d}"}
    return body[rule] + str(check_digit(body[rule]))
