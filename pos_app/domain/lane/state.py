"""Everything a lane's screen shows, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pos_app.domain.basket import LABEL, Basket, Line, Op, apply
from pos_app.domain.errors import Refusal
from pos_app.domain.goods import ADULT_ONLY, Item
from pos_app.domain.lane.intents import Beep, Effect, SaveOp
from pos_app.domain.pricing.engine import EFFORT, NOTHING_USED, price_again
from pos_app.domain.pricing.hints import NO_SEARCH, Search
from pos_app.domain.pricing.model import Hint, Package, Priced, Used
from pos_app.domain.pricing.remembered import NOTHING_REMEMBERED, Remembered
from pos_app.domain.pricing.rows import book_of
from pos_app.domain.return_values import NoReceiptGood, Returnable, ReturnPlan
from pos_app.domain.tender import cash_due_fen, left_to_pay_fen

CASHIER, SELF_CHECKOUT = "cashier", "self_checkout"
SELLING, PAYMENT = "selling", "payment"
WAITING_MAX = 500
ENTRY_MAX = 512
SCAN_EFFORT = 600  # steps: a few milliseconds; what they do not prove is looked for at rest, and when payment begins
NO_CODES: frozenset[str] = frozenset()
OK, INFO, WARN, ERROR = "ok", "info", "warn", "error"


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """What stays the same while a lane runs."""

    store: str = "S001"
    lane: str = "01"
    skin: str = CASHIER
    package: Package = field(default_factory=Package)  # while the store has none
    idle_warn_ms: int = 60_000
    idle_hold_ms: int = 120_000
    cancel_reasons: tuple[str, ...] = ("changed_mind", "no_money", "wrong_goods", "training")
    no_sale_reasons: tuple[str, ...] = ("change_notes", "check_drawer", "mistake")
    difference_reasons: tuple[str, ...] = ("miscount", "wrong_change", "unknown")
    return_reasons: tuple[str, ...] = ("not_wanted", "wrong_goods", "damaged", "expired")
    waste_reasons: tuple[str, ...] = ("damaged", "expired")  # of these: goods that do not go back on the shelf
    void_reasons: tuple[str, ...] = ("mistake", "wrong_goods", "payment_failed")
    no_receipt_day_max_fen: int = 50_000
    bag_skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Banner:
    """The one-line message: a tone (word, mark and colour), a text key, its values."""

    tone: str
    key: str
    args: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    staff: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class LastSale:
    number: str
    total_fen: int
    paid_fen: int
    tendered_fen: int
    change_fen: int
    item_count: int
    tier: str = ""  # reached with this sale
    gift: Item | None = None  # to collect for it


@dataclass(frozen=True, slots=True)
class Dialog:
    """What lies over the basket: a kind, the text typed so far, a list with a cursor, and what the kind needs."""

    kind: str
    text: str = ""
    rows: tuple[Any, ...] = ()
    cursor: int = 0
    data: Any = None
    refusal: Refusal | None = None


class Returning(NamedTuple):
    """A return as it is put together: of a receipt that was found, or (None) of goods without one."""

    found: Returnable | None
    chosen: tuple[int, ...] = ()  # units of each line of the sale
    goods: tuple[NoReceiptGood, ...] = ()
    reason: str = ""
    to_waste: bool = False
    gifts_here: bool = False
    plan: ReturnPlan | None = None
    approver: str = ""
    slip: str = ""
    cut_off: tuple[str, ...] = ()
    is_void: bool = False
    is_exchange: bool = False


@dataclass(frozen=True, slots=True)
class LaneState:
    config: LaneConfig
    now_ms: int = 0
    phase: str = SELLING
    paying_since_ms: int = 0  # counts while the phase is PAYMENT
    person: Person | None = None
    shift_no: int | None = None
    float_fen: int = 0
    basket: Basket = field(default_factory=Basket)
    priced: Priced = field(default_factory=Priced)
    remembered: Remembered = field(default=NOTHING_REMEMBERED, compare=False, repr=False)  # of the last price, for the next one
    package: Package = field(default_factory=Package)  # that the basket is priced under
    cursor: int = 0  # line_id of the highlighted line, 0 for none
    entry: str = ""
    quantity: int | None = None
    dialog: Dialog | None = None
    banner: Banner | None = None
    last_sale: LastSale | None = None
    last_item: tuple[str, str] | None = None  # (sku, code) for "repeat"
    waiting: tuple[str, ...] = ()  # codes that came under a dialog
    lang: str = "zh"
    big: bool = False
    needs_help: bool = False
    bags_asked: bool = False
    touched_ms: int = 0
    wrong_pins: int = 0
    approver: str = ""  # set while an approved action runs
    catalogue_ms: int = 0
    bags: tuple[Item, ...] = ()
    sales_today: int = 0
    paper_waiting: int = 0
    restored: bool = False
    more_comes: bool = False  # the runner has more for this lane to do before anything is shown
    is_stale: bool = False  # `priced` is of an earlier basket
    used: Mapping[str, Used] = field(default_factory=lambda: NOTHING_USED)  # by limited promotions, as last read from the store
    returning: Returning | None = None
    hints: tuple[Hint, ...] = ()
    hints_for: Basket | None = None  # the basket that the hints are about; they show for no other
    near: Search = NO_SEARCH  # what is still to be tried for them

    @property
    def is_self_checkout(self) -> bool:
        return self.config.skin == SELF_CHECKOUT

    @property
    def is_looking(self) -> bool:
        """Whether trial prices for hints about this basket are still to be made."""
        return bool(self.near.trials) and self.hints_for is self.basket

    @property
    def is_idle(self) -> bool:
        return not self.basket.lines and self.phase == SELLING

    @property
    def price_ms(self) -> int:
        """The moment whose prices count: when money was first taken outside for them, else when payment began, else now."""
        under = self.basket.priced_under if self.basket.tenders else None
        if under:
            return under.at_ms
        return self.paying_since_ms if self.phase == PAYMENT else self.now_ms

    @property
    def exchange_fen(self) -> int:
        """What goods that come back pay of this basket."""
        left_fen = left_to_pay_fen(self.priced.total_fen, self.basket.tenders)
        return min(self.basket.exchange.refund_fen, left_fen) if self.basket.exchange else 0

    @property
    def left_fen(self) -> int:
        """Due before cash rounding."""
        return left_to_pay_fen(self.priced.total_fen, self.basket.tenders) - self.exchange_fen

    @property
    def cash_due_fen(self) -> int:
        return cash_due_fen(self.left_fen, self.package.cash_step_fen)

    @property
    def staff_number(self) -> str:
        return self.person.staff if self.person else "SCO"

    def highlighted(self) -> Line | None:
        return self.basket.line(self.cursor) if self.cursor else None

    def unapproved(self) -> tuple[Line, ...]:
        """Lines that need proof of age and have none yet; where nobody stands by, labels that nobody has looked at, too."""
        classes = {*ADULT_ONLY, LABEL} if self.is_self_checkout else ADULT_ONLY
        return tuple(line for line in self.basket.lines if line.approval_class in classes and not self.basket.is_approved(line))


Step = tuple[LaneState, tuple[Effect, ...]]


def start(
    config: LaneConfig,
    *,
    now_ms: int,
    basket: Basket | None = None,
    shift: tuple[int, int] | None = None,
    lang: str = "zh",
    package: Package | None = None,
) -> LaneState:
    """The state a lane opens with: locked, with the basket that its last run left."""
    state = LaneState(config=config, package=package or config.package, now_ms=now_ms, touched_ms=now_ms, lang=lang)
    if shift is not None:
        state = replace(state, shift_no=shift[0], float_fen=shift[1])
    if basket is not None:
        cursor = basket.lines[-1].line_id if basket.lines else 0
        banner = Banner(INFO, "banner.restored", (("lines", str(len(basket.lines))),)) if basket.lines else None
        state = opened(state, basket)
        state = replace(state, cursor=cursor, banner=banner, restored=bool(basket.lines))
    if config.skin == CASHIER:
        state = replace(state, dialog=Dialog("login_number"))
    return state


def reprice(state: LaneState, effort: int | None = None) -> LaneState:
    """The state with its basket priced anew: quickly while goods are scanned, with all the effort from payment on.

    While more codes of the same burst wait there is no need of a price yet: they share one.
    """
    if state.more_comes and state.phase != PAYMENT:
        return replace(state, is_stale=True)
    basket = state.basket
    if effort is None:
        effort = EFFORT if state.phase == PAYMENT else SCAN_EFFORT
    priced, remembered = price_again(
        basket, basket.customer, state.package, state.price_ms, codes_of(state), effort, state.used, state.remembered,
        state.phase == PAYMENT,
    )  # fmt: skip
    return replace(state, priced=priced, remembered=remembered, is_stale=False)


def opened(state: LaneState, basket: Basket) -> LaneState:
    """The state with a stored basket, priced: at its payment if money was taken outside, as it cannot shrink under that."""
    state = replace(state, basket=basket, phase=SELLING)
    return paying_from_now(state) if basket.tenders else reprice(state)


def paying_from_now(state: LaneState) -> LaneState:
    """The state at its payment screen. What is asked for there stays asked, whichever offer ends or begins meanwhile."""
    if state.phase == PAYMENT:
        return state
    return reprice(replace(state, phase=PAYMENT, paying_since_ms=state.now_ms))


def codes_of(state: LaneState) -> frozenset[str]:
    """The codes that the basket's coupons open promotions with."""
    codes = state.basket.codes
    return book_of(state.package).codes(added.promotion for added in codes) if codes else NO_CODES


def change(state: LaneState, *ops: Op) -> Step:
    """Apply basket operations, price, and ask for them to be saved."""
    basket = state.basket
    for op in ops:
        basket = apply(basket, op)
    return reprice(replace(state, basket=basket)), tuple(SaveOp(op) for op in ops)


def say(state: LaneState, tone: str, key: str, **args: object) -> LaneState:
    """The state with a new banner."""
    return replace(state, banner=Banner(tone, key, tuple((k, str(v)) for k, v in args.items())))


def refused(state: LaneState, refusal: Refusal) -> Step:
    """Show a refusal, three quick beeps; nothing else changes but a quantity that was waiting for its good."""
    return replace(state, banner=Banner(ERROR, refusal.code, refusal.args), quantity=None), (Beep("refused"),)


def cleared(state: LaneState) -> LaneState:
    """Banner, typed text and waiting quantity gone."""
    return replace(state, banner=None, entry="", quantity=None)
