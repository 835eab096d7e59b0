"""A seeded day without a terminal: two lanes, driven by key and scan intents through the same machine as the screens.

The same seed gives the same intents, clock, ids and so the same chain head, byte for byte.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.domain.codes import check_digit
from pos_app.domain.lane.intents import Char, Press, Scan, Tick
from pos_app.domain.lane.offers import PointsChoice
from pos_app.domain.lane.state import CASHIER, PAYMENT, SELF_CHECKOUT, LaneState
from pos_app.domain.money import format_yuan
from pos_app.domain.pricing.model import Package, Scope
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db import journal, stock
from store_db.store import Store
from store_db.verify import verify

TRIES_MAX = 50
DAY_START_MS = 1_790_000_000_000
COUPONS = ("WELCOME20", "SAVE15", "FRESH12")


class DayClock:
    """Time that moves only when told to."""

    def __init__(self, wall_ms: int = DAY_START_MS) -> None:
        self.now_ms = wall_ms

    def wall_ms(self) -> int:
        return self.now_ms

    def mono_ms(self) -> int:
        return self.now_ms - DAY_START_MS

    def boot_id(self) -> bytes:
        return bytes(16)


class SeededIds:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids:{seed}")

    def random(self, size: int) -> bytes:
        return self._random.randbytes(size)


@dataclass(frozen=True, slots=True)
class DayResult:
    orders: int
    lines: int
    tenders: dict[str, int]
    journal_events: int
    chain_head: str
    seconds: float
    verify: str
    saved_fen: int  # by promotions
    promotions: dict[str, dict[str, int]]  # by id: how often it applied, and what it saved

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> Iterator[str]:
        """A row a figure, and a row for each promotion that applied."""
        for key, value in self.as_json().items():
            if key != "promotions":
                yield f"{key:>15}  {value}"
        for name, one in self.promotions.items():
            yield f"{'':>15}  {one['times']:>4} x {name:<20} {format_yuan(one['saved_fen']):>9}"


class Day:
    """Drives two lanes. `acknowledge` hears of every number right after its commit (the kill tests listen)."""

    def __init__(self, store: Store, clock: DayClock, seed: int, acknowledge: Callable[[str], None] = lambda n: None) -> None:
        self.clock = clock
        self.random = random.Random(f"day:{seed}")
        self.acknowledge = acknowledge
        self.goods = list(demo_shop.own_goods())
        self.packed = [g for g in self.goods if not g["weighed"] and not g["ask_price"] and not g["stop_sale"]]
        self.weighed = [g for g in self.goods if g["weighed"]]
        self.codes = {g["sku"]: g["codes"][0] for g in self.packed}
        self.others = demo_shop.codes_of(demo_shop.open_food_facts())
        self.cashier = LaneRunner(_shop(store, CASHIER))
        self.self_checkout = LaneRunner(_shop(store, SELF_CHECKOUT))
        self.sets = self._sets(self.cashier.state.package)
        self.cards = [row[0] for row in store.connection.execute("SELECT card FROM members ORDER BY phone_masked")]
        self.tenders: Counter[str] = Counter()
        self.lines = 0

    def open(self) -> None:
        """Log in and open the shift where that is still to be done (a day may go on after a crash)."""
        self.type(self.cashier, "1001\n1111\n")
        if self.cashier.state.dialog is not None and self.cashier.state.dialog.kind == "float":
            self.type(self.cashier, "500\n")
        self._finish_paid()

    def _finish_paid(self) -> None:
        """Baskets whose money was taken on the terminal before the power went: only their commit is left to do."""
        if self.cashier.state.basket.tenders:
            self.press(self.cashier, "pay")
            self._heard(self.cashier)
        if self.self_checkout.state.basket.tenders:
            self._staff_confirms(self.self_checkout)
            self._heard(self.self_checkout)

    def _staff_confirms(self, lane: LaneRunner) -> None:
        self.scan(lane, demo_shop.badge_of("1002"))
        self.type(lane, "2222\n3")

    def sell(self) -> None:
        """One order, at one of the two lanes."""
        if self.random.random() < 0.7:
            self._cashier_order()
        else:
            self._self_checkout_order()

    def close(self) -> None:
        """Count the drawer by the book and close with Z."""
        expected_fen = self._expected_cash_fen()
        self.press(self.cashier, "close_shift")
        for note_fen, _ in self.cashier.state.dialog.rows if self.cashier.state.dialog else ():
            self.type(self.cashier, f"{expected_fen // note_fen}\n")
            expected_fen %= note_fen
        self.type(self.cashier, "y")
        self.press(self.cashier, "back")

    # -------------------------------------------------------------- lanes

    def _cashier_order(self) -> None:
        lane = self.cashier
        self._member(lane)
        for _ in range(self._line_count()):
            self._one_line(lane)
        self._oddities(lane)
        self._make_sure_of_goods(lane)
        self._offers(lane)
        self.lines += len(lane.state.basket.lines)
        self.press(lane, "pay")
        if lane.state.phase != PAYMENT:
            self.type(lane, "y")  # proof of age
        self._pay(lane)

    def _self_checkout_order(self) -> None:
        lane = self.self_checkout
        for _ in range(self._line_count()):
            self.scan(lane, self._packed_code(sober=True))
        self._make_sure_of_goods(lane)
        self.press(lane, "pay")  # bags are asked first
        if self.random.random() < 0.3:
            self.type(lane, "2")
        self.press(lane, "back")
        self.press(lane, "pay")
        self.lines += len(lane.state.basket.lines)
        self.type(lane, "1")  # card, confirmed by a member of staff
        self._staff_confirms(lane)
        self.type(lane, f"{self.random.randrange(10**6):06d}\n")
        self._heard(lane)

    def _one_line(self, lane: LaneRunner) -> None:
        draw = self.random.random()
        if draw < 0.12:
            self.scan(lane, self._label())
        elif draw < 0.2:
            self.type(lane, f"{self.random.randint(2, 6)}")
            self.press(lane, "multiply")
            self.scan(lane, self._packed_code())
        elif draw < 0.3:
            self.scan(lane, self.random.choice(self.others))
        elif draw < 0.45 and self.sets:
            for choices in self.random.choice(self.sets):
                self.scan(lane, self.random.choice(choices))
        else:
            self.scan(lane, self._packed_code())

    def _member(self, lane: LaneRunner) -> None:
        """Every third shopper is a member: by card, or by phone; a basket that outlived a power cut may have its member."""
        draw = self.random.random() if lane.state.basket.member is None else 1.0
        if draw < 0.2:
            self.scan(lane, self.random.choice(self.cards))
        elif draw < 0.33:
            self.press(lane, "member")
            self.type(lane, f"{self.random.choice(demo_shop.MEMBERS).phone}\n")

    def _offers(self, lane: LaneRunner) -> None:
        """A coupon now and then, and points where there are enough."""
        coupon = self.random.choice(COUPONS) if self.random.random() < 0.12 else ""
        points = lane.state.basket.member is not None and self.random.random() < 0.5
        if not (coupon or points):
            return
        self.press(lane, "offers")
        if coupon:
            self.type(lane, f"{coupon}\n")
        rows = lane.state.dialog.rows if lane.state.dialog else ()
        if points and len(rows) > 1 and isinstance(rows[1], PointsChoice):
            self.press(lane, "down", "enter")
        self.press(lane, "back")

    def _oddities(self, lane: LaneRunner) -> None:
        """What happens at real lanes: unknown codes, voids, undo, hold and recall, a cancel now and then."""
        draw = self.random.random()
        if draw < 0.06:
            self.scan(lane, "4006381333931")
        elif draw < 0.12:
            self.press(lane, "void")
        elif draw < 0.16:
            self.press(lane, "void", "undo")
        elif draw < 0.20:
            self.press(lane, "hold", "hold", "enter")
        elif draw < 0.22:
            self._cancel(lane)
        elif draw < 0.25:
            self.press(lane, "repeat")
        elif draw < 0.28:
            self.press(lane, "price_check")
            self.scan(lane, self._packed_code())
            self.press(lane, "back")

    def _cancel(self, lane: LaneRunner) -> None:
        self.press(lane, "cancel_sale")  # the cashier may not: a supervisor lends the permission
        self.type(lane, "1002\n2222\n1")

    def _make_sure_of_goods(self, lane: LaneRunner) -> None:
        for _ in range(TRIES_MAX):
            if lane.state.basket.lines:
                return
            self.scan(lane, self._packed_code(sober=True))
        raise RuntimeError(f"nothing can be sold: {lane.state.phase} {lane.state.dialog} {lane.state.banner}")

    def _pay(self, lane: LaneRunner) -> None:
        draw = self.random.random()
        if lane.state.cash_due_fen == 0:  # a voucher paid for all of it: no terminal is asked
            self.press(lane, "pay")
        elif draw < 0.25:
            self.press(lane, "card")
            self.type(lane, f"{self.random.randrange(10**6):06d}\n")
        elif draw < 0.6:
            self.press(lane, "pay")
        else:
            due_fen = lane.state.cash_due_fen
            self.type(lane, f"{-(-due_fen // 5000) * 50}\n")
        self._heard(lane)

    def _heard(self, lane: LaneRunner) -> None:
        last = lane.state.last_sale
        if last is None:
            raise RuntimeError(f"a sale did not end: {lane.state.banner} {lane.state.dialog}")
        self.acknowledge(last.number)

    # -------------------------------------------------------------- intents

    def scan(self, lane: LaneRunner, code: str) -> LaneState:
        return self._handle(lane, Scan(code))

    def press(self, lane: LaneRunner, *actions: str) -> None:
        for action in actions:
            self._handle(lane, Press(action))

    def type(self, lane: LaneRunner, text: str) -> None:
        for char in text:
            self._handle(lane, Press("enter") if char == "\n" else Char(char))

    def _handle(self, lane: LaneRunner, intent: Any) -> LaneState:
        self.clock.now_ms += 700
        return lane.handle(Tick(self.clock.now_ms), intent)

    # -------------------------------------------------------------- goods

    def _sets(self, package: Package) -> list[list[list[str]]]:
        """For each set promotion the codes to choose from, one list a unit: what a shopper puts together who saw the poster."""
        shaped = [p.rule.shape(p.scope) for p in package.promotions if hasattr(p.rule, "shape")]
        return [[self._codes(slot.scope) for slot in shape.slots for _ in range(slot.units)] for shape in shaped]

    def _codes(self, scope: Scope) -> list[str]:
        return [self.codes[sku] for sku in scope.skus]

    def _line_count(self) -> int:
        return min(40, 1 + int(self.random.expovariate(1 / 5)))

    def _packed_code(self, sober: bool = False) -> str:
        while True:
            row = self.random.choice(self.packed)
            if not (sober and row["restricted"]):
                return str(row["codes"][0])

    def _label(self) -> str:
        """A label as the scale in the vegetable department prints it: by weight, by amount, or both."""
        row = self.random.choice(self.weighed)
        weight_g = self.random.randint(80, 2_500)
        amount_fen = (row["price_fen"] * weight_g + 500) // 1000
        plu = row["codes"][0]
        bodies = [f"22{plu}{weight_g:05d}"]
        if amount_fen <= 99_999:
            bodies += [f"21{plu}{amount_fen:05d}", f"23{plu}{amount_fen:05d}{weight_g:05d}"]
        body = self.random.choice(bodies)
        return f"{body}{check_digit(body)}"

    def _expected_cash_fen(self) -> int:
        sql = "SELECT ifnull(sum(t.amount_fen), 0) FROM tenders t WHERE t.kind = 'cash'"
        cash_fen: int = self.cashier.shop.store.connection.execute(sql).fetchone()[0]
        return self.cashier.state.float_fen + cash_fen


def run_day(path: Path, orders: int, seed: int, progress: Callable[[str, int, int], None] | None = None) -> DayResult:
    """Build a store, sell, close, fold, verify."""
    clock = DayClock()
    store = demo_shop.build(path, clock=clock, ids=SeededIds(seed), progress=_named(progress, "goods"))
    with store:
        started = time.perf_counter()
        day = Day(store, clock, seed)
        day.open()
        for n in range(orders):
            day.sell()
            if progress:
                progress("orders", n + 1, orders)
        day.close()
        seconds = time.perf_counter() - started
        while _fold(store):
            pass
        proof, promotions = verify(store.connection), _promotions(store)
        return DayResult(
            orders=proof.sales,
            lines=day.lines,
            tenders=_tenders(store),
            journal_events=proof.events,
            chain_head=journal.head(store.connection)[3].hex(),
            seconds=round(seconds, 3),
            verify="ok" if proof.is_ok else "; ".join(proof.problems),
            saved_fen=sum(one["saved_fen"] for one in promotions.values()),
            promotions=promotions,
        )


def _fold(store: Store) -> int:
    with store.transaction() as connection:
        return stock.fold(connection)


def _tenders(store: Store) -> dict[str, int]:
    rows = store.connection.execute("SELECT kind, sum(amount_fen) FROM tenders GROUP BY kind ORDER BY kind")
    return dict(rows.fetchall())


def _promotions(store: Store) -> dict[str, dict[str, int]]:
    sql = "SELECT promotion, sum(times), sum(fen) FROM promotion_uses GROUP BY promotion ORDER BY promotion"
    return {name: {"times": times, "saved_fen": fen} for name, times, fen in store.connection.execute(sql)}


def _named(progress: Callable[[str, int, int], None] | None, what: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(what, done, total)) if progress else None


def _shop(store: Store, skin: str) -> Shop:
    return Shop(store, demo_shop.lane_config(skin), NoPrinter(), NoDrawer(), LANGUAGES["zh"])


def numbers(store: Store) -> Iterator[str]:
    """Every paid number of a store, for whoever compares with what was acknowledged."""
    rows = store.connection.execute("SELECT series_no, counter FROM receipts WHERE state = 'paid' ORDER BY 1, 2").fetchall()
    return (store.number(series_no, counter) for series_no, counter in rows)
