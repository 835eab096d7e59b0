"""Run a lane: feed intents to the pure machine, carry out its effects in order, feed the replies back.

Scans that wait share one commit: operations are gathered while a batch of intents runs and are durable when `handle`
returns. When a commit fails the lane goes back to its last durable state and says so; nothing is painted that is not kept.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pos_app.domain.basket import AddTender, TakeNumber
from pos_app.domain.errors import Refusal, StoreError, refuse
from pos_app.domain.events import CopyPrinted
from pos_app.domain.lane import LaneState, start, step
from pos_app.domain.lane.intents import (
    Beep,
    CancelSale,
    CheckCoupon,
    CheckPin,
    CloseShift,
    CodeRefused,
    CommitSale,
    CopyQueued,
    Effect,
    Failed,
    FindMember,
    Found,
    HeldRows,
    HoldBasket,
    HoldDone,
    Intent,
    ListHeld,
    LookUp,
    LookUpSku,
    MakeReport,
    OffersChanged,
    OpenShift,
    PrintCopy,
    PrintReport,
    PrintWaiting,
    PulseDrawer,
    RecallBasket,
    RecallDone,
    RecordNoSale,
    Reply,
    ReportReady,
    SaveOp,
    SearchGoods,
    TakeReceiptNumber,
    Tick,
)
from pos_app.domain.lane.return_intents import CommitReturn, FindNoReceipt, FindReceipt, PlanReturn, SettleRefund
from pos_app.domain.lane.state import Banner, reprice
from pos_app.services import answer_return, ask_offer, check_pin, print_paper, work_shift
from pos_app.services.cancel_sale import cancel_sale, take_number
from pos_app.services.follow_package import PackageWatch
from pos_app.services.hold_offers import CHANGES_MAX, OfferHolds
from pos_app.services.open_basket import OpenBasket
from pos_app.services.resolve_code import resolve_code, resolve_sku
from pos_app.services.sell import sell
from pos_app.services.shop import Shop
from store_db import catalogue, print_jobs, sales, shifts
from store_db.connection import translated
from store_db.drafts import Draft

log = logging.getLogger(__name__)
NOT_SAVED = (CommitSale, CancelSale, CommitReturn)
TAKES_OFFERS = ("sell", "offer")


class LaneRunner:
    """One lane on one store. `beep` sounds; `later` takes a slow PIN check off the caller's hands, or is None."""

    def __init__(
        self,
        shop: Shop,
        *,
        lang: str = "zh",
        beep: Callable[[str], None] = lambda kind: None,
        later: Callable[[Callable[[], Reply]], None] | None = None,
    ) -> None:
        self.shop = shop
        self._beep = beep
        self._later = later
        self._packages = PackageWatch(shop)
        self._offers = OfferHolds(shop)
        with translated(shop.store.path):
            self._basket = OpenBasket(shop)
            self._spool = print_paper.Spool(shop)
            self.state = self._opened(lang)
        self._durable: tuple[LaneState, Draft | None] = (self.state, self._basket.draft)
        if self.state.basket.lines:  # prices may have changed while the lane was closed
            self.handle(self._packages.changed(self.state.package, self.state.basket, self.state.bags))

    def handle(self, *intents: Intent | Reply) -> LaneState:
        """Run a batch; when this returns, what the state shows is on disk."""
        try:
            with translated(self.shop.store.path):
                for left, intent in zip(range(len(intents) - 1, -1, -1), intents, strict=True):
                    self.state = replace(self.state, more_comes=left > 0)
                    self._run(intent)
                    self._mark_durable()
                self._settle()
                self._basket.save(self.state)
                self._hold_offers()
                self._let_go()
        except StoreError as error:
            self._go_back(error)
            self._settle()
        self._mark_durable()
        return self.state

    def _settle(self) -> None:
        """Price what a burst of codes left unpriced."""
        self.state = replace(self.state, more_comes=False)
        if self.state.is_stale:
            self.state = reprice(self.state)

    def _mark_durable(self) -> None:
        """Where to go back to: nothing that the state shows is still waiting to be saved."""
        if not self._basket.ops:
            self._durable = (self.state, self._basket.draft)

    # -------------------------------------------------------------- the loop

    def _run(self, intent: Intent | Reply) -> None:
        self.state, effects = step(self._offers.refreshed(self.state, self._basket.draft), intent)
        for effect in effects:
            for reply in self._carry_out(effect):
                self._run(reply)
        if isinstance(intent, Tick) and (news := self._packages.told(self.state)) is not None:
            self._run(news)

    def _carry_out(self, effect: Effect) -> Iterable[Reply]:
        try:
            return EFFECTS[type(effect)](self, effect)
        except StoreError as error:
            if isinstance(effect, NOT_SAVED):
                return (Failed(refuse("POS-3006", cause=error.refusal.code)),)
            raise

    def _go_back(self, error: StoreError) -> None:
        """The batch could not be kept: show the last durable state with the reason, and sound it."""
        self._basket.ops.clear()
        self._packages.look_again()
        self._beep("refused")
        state, self._basket.draft = self._durable
        self.state = replace(state, banner=Banner("error", error.refusal.code, error.refusal.args))

    def _opened(self, lang: str) -> LaneState:
        connection = self.shop.store.connection
        self._offers.begin(self._basket.draft)
        basket = self._basket.stored()
        shift = shifts.open_shift(connection, self.shop.lane)
        package = self._packages.at_start(basket)
        state = start(self.shop.config, now_ms=self.shop.now_ms(), basket=basket, shift=shift, lang=lang, package=package)
        if work_shift.clock_stands_back(self.shop):
            state = replace(state, banner=Banner("error", "POS-4007"))
        now_ms = self.shop.now_ms()
        bags = (catalogue.find_by_sku(connection, sku, now_ms) for sku in self.shop.config.bag_skus)
        return replace(
            state,
            catalogue_ms=catalogue.updated_ms(connection),
            paper_waiting=len(self._spool),
            bags=tuple(bag for bag in bags if bag is not None),
            sales_today=sales.sales_on(connection, self.shop.lane, self.shop.store.business_date()),
        )

    # -------------------------------------------------------------- effects

    def _save_op(self, effect: SaveOp) -> Iterable[Reply]:
        self._basket.ops.append(effect.op)
        return ()

    def _look_up(self, effect: LookUp) -> Iterable[Reply]:
        """A good, a badge; where baskets take them, a member's card or a coupon."""
        asks, offer = effect.purpose in TAKES_OFFERS, None
        if asks and (offer := ask_offer.by_code(self.shop, self.state, effect.code, self._basket.id)):
            return (offer,)
        found = resolve_code(self.shop, effect.code, effect.purpose)
        if asks and isinstance(found, CodeRefused):
            offer = ask_offer.by_public_code(self.shop, self.state, effect.code, self._basket.id)
        return (offer or found,)

    def _find_member(self, effect: FindMember) -> Iterable[Reply]:
        return (ask_offer.by_phone(self.shop, self.state, effect.phone),)

    def _check_coupon(self, effect: CheckCoupon) -> Iterable[Reply]:
        return (ask_offer.by_coupon(self.shop, self.state, effect.code, self._basket.id),)

    def _look_up_sku(self, effect: LookUpSku) -> Iterable[Reply]:
        return (resolve_sku(self.shop, effect.sku, effect.purpose),)

    def _search(self, effect: SearchGoods) -> Iterable[Reply]:
        items = catalogue.search(self.shop.store.connection, effect.text, self.shop.now_ms())
        return (Found(effect.text, tuple(items)),)

    def _take_number(self, effect: TakeReceiptNumber) -> Iterable[Reply]:
        """The number, its event and the basket that keeps it: one transaction."""
        with self.shop.store.transaction():
            ready = take_number(self.shop)
            self._basket.ops.append(TakeNumber(ready.series_no, ready.counter))
            self._basket.write(self.state)
        return (ready,)

    def _commit_sale(self, effect: CommitSale) -> Iterable[Reply]:
        if any(isinstance(op, AddTender) for op in self._basket.ops):  # money taken outside counts whatever happens next
            self._basket.save(self.state)
        done = sell(self.shop, self.state, effect.tenders, self._basket.draft)
        if isinstance(done, OffersChanged):
            self.state = self._offers.read(self.state, self._basket.draft)
            return (done,)
        self._forget_basket()
        gift = catalogue.find_by_sku(self.shop.store.connection, done.gift_sku, self.shop.now_ms()) if done.gift_sku else None
        return (done._replace(gift=gift),)

    def _cancel(self, effect: CancelSale) -> Iterable[Reply]:
        done = cancel_sale(self.shop, self.state, effect.reason, effect.approver, self._basket.draft)
        self._forget_basket()
        return (done,)

    def _hold_offers(self) -> None:
        """At the payment screen a basket holds its coupons and limited offers; what is gone by now is taken out of it."""
        self.state = self._offers.refreshed(self.state, self._basket.draft)
        for _ in range(CHANGES_MAX):
            changed = self._offers.hold(self.state, self._basket.draft)
            if changed is None:
                return
            self.state = self._offers.read(self.state, self._basket.draft)
            self._run(changed)
            self._basket.save(self.state)

    def _let_go(self) -> None:
        """What was claimed at the hub and is not going to be used."""
        if self.shop.hub is not None:
            now = self.state.returning
            self.shop.hub.tidy(now.found.sale.number.upper() if now and now.found else "")

    def _forget_basket(self) -> None:
        self._basket.forget()
        self._offers.forget()

    def _hold(self, effect: HoldBasket) -> Iterable[Reply]:
        label = self._basket.hold(self.state)
        if isinstance(label, Refusal):
            return (Failed(label),)
        self._forget_basket()
        return (HoldDone(label),)

    def _list_held(self, effect: ListHeld) -> Iterable[Reply]:
        return (HeldRows(self._basket.held(self.state)),)

    def _recall(self, effect: RecallBasket) -> Iterable[Reply]:
        basket = self._basket.recall(self.state, effect)
        if isinstance(basket, Refusal):
            return (Failed(basket),)
        self._offers.forget()
        return RecallDone(basket), self._packages.changed(self.state.package, basket, self.state.bags)

    def _check_pin(self, effect: CheckPin) -> Iterable[Reply]:
        row = check_pin.find_staff(self.shop.store.connection, effect)
        if self._later is None:
            return (check_pin.check_pin(row, effect),)
        self._later(lambda: check_pin.check_pin_outside(row, effect))
        return ()

    def _open_shift(self, effect: OpenShift) -> Iterable[Reply]:
        return (work_shift.open_shift(self.shop, self.state, effect.float_fen),)

    def _make_report(self, effect: MakeReport) -> Iterable[Reply]:
        return (ReportReady(effect.purpose, work_shift.make_report(self.shop, self.state)),)

    def _close_shift(self, effect: CloseShift) -> Iterable[Reply]:
        return (work_shift.close_shift(self.shop, self.state, effect.counts, effect.reason),)

    def _no_sale(self, effect: RecordNoSale) -> Iterable[Reply]:
        return (work_shift.record_no_sale(self.shop, self.state, effect),)

    def _returns(self, effect: answer_return.ReturnEffect) -> Iterable[Reply]:
        return (answer_return.answer(self.shop, self.state, effect),)

    # -------------------------------------------------------------- devices

    def _copy(self, effect: PrintCopy) -> Iterable[Reply]:
        connection = self.shop.store.connection
        sale_id = sales.last_sale_id(connection, self.shop.lane)
        if sale_id is None:
            return (Failed(refuse("POS-3009")),)
        number = print_paper.sale_by_id(self.shop, sale_id).number
        with self.shop.store.transaction():
            print_jobs.add_job(connection, self.shop.lane, sale_id, print_jobs.COPY)
            self.shop.store.append(CopyPrinted(self.shop.lane, self.state.staff_number, number), lane=self.shop.lane)
        self._print()
        return (CopyQueued(number),)

    def _print_report(self, effect: PrintReport) -> Iterable[Reply]:
        dialog = self.state.dialog
        if effect.purpose == "x" and dialog and not print_paper.print_x(self.shop, self.state, dialog.data):
            return (Failed(refuse("POS-6003")),)
        self._print()
        return ()

    def _print_waiting(self, effect: PrintWaiting) -> Iterable[Reply]:
        self._print()
        return ()

    def _print(self) -> None:
        """The sale is safe whatever happens here: paper, spool and driver may fail, in any way, and then the lane says so."""
        banner = self.state.banner
        try:
            with translated(self.shop.store.path):
                left = self._spool.print_waiting()
        except Exception:
            log.exception("the print spool failed")
            left = self.state.paper_waiting + 1
        if left and left > self.state.paper_waiting:
            banner = Banner("warn", "POS-6001")
        self.state = replace(self.state, paper_waiting=left, banner=banner)

    def _pulse(self, effect: PulseDrawer) -> Iterable[Reply]:
        try:
            self.shop.drawer.pulse(effect.why)
        except OSError:
            return (Failed(refuse("POS-6002")),)
        return ()

    def _sound(self, effect: Beep) -> Iterable[Reply]:
        self._beep(effect.kind)
        return ()


EFFECTS: dict[type, Callable[[LaneRunner, Any], Iterable[Reply]]] = {
    SaveOp: LaneRunner._save_op,
    LookUp: LaneRunner._look_up,
    LookUpSku: LaneRunner._look_up_sku,
    SearchGoods: LaneRunner._search,
    TakeReceiptNumber: LaneRunner._take_number,
    CommitSale: LaneRunner._commit_sale,
    CancelSale: LaneRunner._cancel,
    HoldBasket: LaneRunner._hold,
    ListHeld: LaneRunner._list_held,
    RecallBasket: LaneRunner._recall,
    CheckPin: LaneRunner._check_pin,
    FindMember: LaneRunner._find_member,
    CheckCoupon: LaneRunner._check_coupon,
    **dict.fromkeys((FindReceipt, FindNoReceipt, PlanReturn, CommitReturn, SettleRefund), LaneRunner._returns),
    OpenShift: LaneRunner._open_shift,
    MakeReport: LaneRunner._make_report,
    CloseShift: LaneRunner._close_shift,
    RecordNoSale: LaneRunner._no_sale,
    PrintCopy: LaneRunner._copy,
    PrintReport: LaneRunner._print_report,
    PrintWaiting: LaneRunner._print_waiting,
    PulseDrawer: LaneRunner._pulse,
    Beep: LaneRunner._sound,
}
