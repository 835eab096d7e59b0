"""A world without disk for the pure machine: it answers every effect at once, from a small shop held in memory."""

import random
from collections.abc import Iterator

from pos_app.domain.basket import AddCode, AttachMember, Basket, DropCode
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import Refund, Sale, SaleLine
from pos_app.domain.lane import intents as i
from pos_app.domain.lane.machine import OFFERS, step
from pos_app.domain.lane.paying import ACTIONS as PAYING
from pos_app.domain.lane.returning import ACTIONS as RETURNING
from pos_app.domain.lane.self_checkout import ACTIONS as SCO
from pos_app.domain.lane.self_checkout import VISIT
from pos_app.domain.lane.selling import ACTIONS as SELLING
from pos_app.domain.lane.shifts import ACTIONS as SHIFTS
from pos_app.domain.lane.state import LaneState
from pos_app.domain.no_receipt import plan_no_receipt
from pos_app.domain.pricing.model import Customer, TaxShare
from pos_app.domain.return_values import Before, NoReceiptGood, ReceiptRow, Returnable
from pos_app.domain.returns import plan_return
from pos_app.domain.shift import Report
from pos_app.domain.tender import Tender
from tests.shop_kit import (
    APPLES,
    BEER,
    CASHIER_BADGE,
    CIGARETTES,
    FLOWERS,
    GOODS,
    ITEMS,
    MILK,
    PAYMENT_CODE,
    SUPERVISOR_BADGE,
    UNKNOWN,
    WATER,
    WRONG_DIGIT,
)

ACTIONS = sorted(
    {
        *SELLING,
        *PAYING,
        *SHIFTS,
        *RETURNING,
        *SCO,
        *VISIT,
        *OFFERS,
        "yes",
        "row_0",
        "row_1",
        "row_9",
        "language",
        "big_text",
        "touch",
        "nonsense",
        "",
    }
)
LIKELY = (
    "pay",
    "pay",
    "enter",
    "enter",
    "enter",
    "back",
    "yes",
    "hold",
    "card",
    "void",
    "undo",
    "multiply",
    "row_0",
    "take_card",
    "member",
)
MEMBER_CARD, COUPON = "M-anna", "C-TEN"
ANNA = Customer(alias="anna", tier="gold", points=1_250)
CODES = (
    WATER,
    WATER,
    MILK,
    MILK,
    BEER,
    CIGARETTES,
    FLOWERS,
    APPLES,
    UNKNOWN,
    WRONG_DIGIT,
    PAYMENT_CODE,
    CASHIER_BADGE,
    SUPERVISOR_BADGE,
    MEMBER_CARD,
    COUPON,
    "",
)
CHARS = "0123456789" * 2 + "yn.- ²a可:gwx"
KEYS = {"-": "void"}  # what a typed character means where no text is typed
BY_CODE = {code: ITEMS[row["sku"]] for row in GOODS for code in row["codes"]}
SOLD = Sale(
    1, 1, "S001-01-AAAA-000001", "01", 1, "1001",
    (
        SaleLine("WATER", WATER, "水", 2, 200, 400, 400, "S13", 1300),
        SaleLine("BEER", BEER, "啤酒", 1, 550, 550, 550, "S13", 1300),
    ),
    950, 0, 950, 0, 3, (TaxShare("S13", 1300, 950, 109),), (Tender("card_terminal", 300, 300, 0, "A1"), Tender("cash", 650, 650)),
    "",
)  # fmt: skip
TAKES_MONEY = (
    i.CommitReturn,
    i.CommitSale,
    i.PulseDrawer,
    i.CancelSale,
    i.HoldBasket,
    i.OpenShift,
    i.CloseShift,
    i.RecordNoSale,
    i.TakeReceiptNumber,
)


class World:
    """What a runner would do, in memory. `draw` decides what goes wrong."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.held: dict[int, Basket] = {}
        self.counter = 0
        self.effects: list[i.Effect] = []
        self.next_held = 1

    def run(self, state: LaneState, intent: i.Intent | i.Reply) -> LaneState:
        """The state after an intent and all that follows from it; `effects` holds what was asked for on the way."""
        self.effects = []
        return self._run(state, intent)

    def _run(self, state: LaneState, intent: i.Intent | i.Reply) -> LaneState:
        state, effects = step(state, intent)
        for effect in effects:
            self.effects.append(effect)
            for reply in self._answer(state, effect):
                state = self._run(state, reply)
        return state

    def _answer(self, state: LaneState, effect: i.Effect) -> Iterator[i.Reply]:
        match effect:
            case i.LookUp(code, purpose):
                yield self._look_up(code, purpose)
            case i.LookUpSku(sku, purpose):
                yield i.ItemFound(sku, purpose, ITEMS[sku])
            case i.TakeReceiptNumber():
                self.counter += 1
                yield i.NumberReady(1, self.counter)
            case i.CommitSale(tenders):
                yield self._sale(state, tenders)
            case i.CancelSale():
                yield i.CancelDone("n")
            case i.HoldBasket():
                self.held[self.next_held] = state.basket
                self.next_held += 1
                yield i.HoldDone("h")
            case i.ListHeld():
                rows = (i.HeldRow(n, bytes(16), "h", "01", 0, len(b.lines), 0) for n, b in self.held.items())
                yield i.HeldRows(tuple(rows))
            case i.RecallBasket(draft_id):
                yield self._recall(draft_id)
            case i.SearchGoods(text):
                found = [item for item in ITEMS.values() if text in item.name]
                yield i.Found(text, tuple(found))
            case i.FindMember():
                known = self.draw.random() < 0.7
                yield (
                    i.MemberFound(AttachMember(ANNA, "林* 8821"))
                    if known
                    else i.OfferRefused(refuse("POS-2101", code="x", updated="09:12"))
                )
            case i.CheckCoupon(code):
                known = self.draw.random() < 0.7
                yield (
                    i.CouponFound(AddCode(code, "TEN"))
                    if known
                    else i.OfferRefused(refuse("POS-2101", code="x", updated="09:12"))
                )
            case i.FindReceipt() | i.FindNoReceipt() | i.PlanReturn() | i.CommitReturn():
                yield self._return(effect)
            case _:
                yield from self._people_and_shifts(state, effect)

    def _people_and_shifts(self, state: LaneState, effect: i.Effect) -> Iterator[i.Reply]:
        match effect:
            case i.CheckPin(purpose, staff, _):
                role = self.draw.choice(("cashier", "supervisor", "manager", None))
                yield i.PinChecked(purpose, staff if role else None, "n", role or "")
            case i.OpenShift(float_fen):
                yield i.ShiftReady(1, float_fen) if self.draw.random() < 0.9 else i.Failed(refuse("POS-4007"))
            case i.MakeReport(purpose):
                yield i.ReportReady(purpose, Report())
            case i.CloseShift():
                yield i.ReportReady("closed", Report())
            case i.RecordNoSale():
                yield i.NoSaleDone()
            case i.PrintCopy():
                yield i.CopyQueued("n") if self.draw.random() < 0.5 else i.Failed(refuse("POS-3009"))

    def _return(self, effect: i.Effect) -> i.Reply:
        if self.draw.random() < 0.2:
            return i.ReturnRefused(refuse(self.draw.choice(("POS-3306", "POS-3305")), number="n"))
        match effect:
            case i.FindReceipt(text, newest):
                row = ReceiptRow(SOLD.number, 0, SOLD.total_fen, SOLD.item_count)
                return i.ReceiptFound(Returnable("aa", 0, SOLD, Before()), newest) if text or newest else i.ReceiptsFound((row,))
            case i.FindNoReceipt():
                return i.NoReceiptFound(NoReceiptGood("WATER", "水", "Water", 1, 200, "S13", 1300))
            case i.CommitReturn():
                return i.ReturnDone("n", (Refund("cash", 100),))
            case i.PlanReturn(request):
                plan = plan_return(SOLD, Before(), request.wanted) if request.number else plan_no_receipt(request, 10, 0, 10_000)
                return i.ReturnRefused(plan) if isinstance(plan, Refusal) else i.ReturnPlanned(request, plan)
        raise AssertionError(effect)

    def _look_up(self, code: str, purpose: str) -> i.Reply:
        if code.startswith("STAFF-"):
            return i.BadgeSeen(code[6:10])
        if code == MEMBER_CARD:
            return i.MemberFound(AttachMember(ANNA, "林* 8821", may_spend=True))
        if code == COUPON:
            return i.CouponFound(AddCode(code, "TEN"))
        if code in BY_CODE and purpose != "badge":
            return i.ItemFound(code, purpose, BY_CODE[code])
        return i.CodeRefused(code, purpose, refuse("POS-2101", code=code[:4], updated="09:12"))

    def _sale(self, state: LaneState, tenders: tuple[Tender, ...]) -> i.Reply:
        if self.draw.random() < 0.1:
            return i.Failed(refuse("POS-3006", cause="POS-1004"))
        if self.draw.random() < 0.1 and state.basket.codes:
            return i.OffersChanged(refuse("POS-3201", code="C"), (DropCode(state.basket.codes[0].code),))
        return i.SaleDone("n", state.priced.total_fen, tenders, state.priced.item_count)

    def _recall(self, draft_id: int) -> i.Reply:
        basket = self.held.pop(draft_id, None) if self.draw.random() < 0.9 else None
        return i.RecallDone(basket) if basket is not None else i.Failed(refuse("POS-3010"))


def random_intent(draw: random.Random, state: LaneState) -> i.Intent:
    """Anything a person, a scanner or the clock can do next; in half of the cases what this screen asks for."""
    if draw.random() < 0.5:
        likely = _likely(draw, state)
        if likely is not None:
            return likely
    kind = draw.random()
    if kind < 0.30:
        return i.Press(draw.choice(LIKELY))
    if kind < 0.45:
        return i.Press(draw.choice(ACTIONS))
    if kind < 0.62:
        return i.Scan(draw.choice(CODES))
    if kind < 0.93:
        char = draw.choice(CHARS)
        return i.Char(char, KEYS.get(char, ""))
    if kind < 0.95:
        return i.CutScan("69012")
    return i.Tick(state.now_ms + draw.choice((0, 700, 700, 61_000, 121_000)), at_rest=True)


def _likely(draw: random.Random, state: LaneState) -> i.Intent | None:
    """The next step of somebody who knows the lane, so that a walk reaches its far ends too."""
    dialog = state.dialog
    if dialog is None:
        return i.Scan(draw.choice((CASHIER_BADGE, SUPERVISOR_BADGE))) if state.needs_help else None
    if dialog.kind == "visit":
        return i.Press(draw.choice(("approve_age", "take_card", "take_card", "remove_line", "leave")))
    if dialog.kind == "return_plan":
        return i.Press(draw.choice(("yes", "exchange", "gifts")))
    if dialog.kind in ("help", "report_x", "report_z", "why"):
        return i.Press("back")
    if dialog.kind in ("member", "member_of", "offers", "find", "price_check"):
        return draw.choice((i.Press("back"), i.Press("back"), i.Press("enter"), i.Char("1")))
    if dialog.kind.endswith(("_number", "_pin")) or dialog.kind in ("card", "float", "count", "ask_price", "ask_weight"):
        return i.Press("enter") if dialog.text else i.Char(draw.choice("12345"))
    return i.Press(draw.choice(("enter", "yes")))
