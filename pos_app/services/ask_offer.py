"""A member by phone or card, a coupon by its code: what a lane is answered; and what a member often buys, priced for today."""

from collections.abc import Iterator

from pos_app.domain.basket import AddCode, AttachMember, Basket, Line
from pos_app.domain.coupons import looks_like_code
from pos_app.domain.errors import Refusal
from pos_app.domain.goods import Item
from pos_app.domain.lane.intents import CouponFound, MemberFound, OfferRefused, Usual
from pos_app.domain.lane.state import LaneState
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import SETS, Customer, Priced
from pos_app.services.coupons import check_coupon
from pos_app.services.members import find_by_card, find_by_phone, looks_like_card, usual_skus
from pos_app.services.shop import Shop
from store_db import catalogue, stock

Answer = MemberFound | CouponFound | OfferRefused


def by_phone(shop: Shop, state: LaneState, phone: str) -> Answer:
    """The member with this number: earns, does not spend."""
    return _member(shop, state, find_by_phone(shop.store, phone, shop.now_ms(), state.package.points))


def by_coupon(shop: Shop, state: LaneState, code: str, draft_id: int) -> Answer:
    """A coupon that was typed."""
    alias = state.basket.customer.alias
    return _coupon(check_coupon(shop.store, state.package, code, alias, draft_id, shop.hub))


def by_code(shop: Shop, state: LaneState, code: str, draft_id: int) -> Answer | None:
    """A scanned card or coupon; None for anything else. Goods have digits, and are let through without a look."""
    if code.isdigit():
        return None
    if looks_like_card(code):
        return _member(shop, state, find_by_card(shop.store, code, shop.now_ms(), state.package.points))
    return by_coupon(shop, state, code, draft_id) if looks_like_code(code) else None


def by_public_code(shop: Shop, state: LaneState, code: str, draft_id: int) -> CouponFound | None:
    """A code that names a coupon promotion itself (SAVE15), asked for when no good has it."""
    if code.isdigit() or not any(promotion.code for promotion in state.package.promotions):
        return None
    found = by_coupon(shop, state, code, draft_id)
    return found if isinstance(found, CouponFound) else None


def _coupon(checked: AddCode | Refusal) -> Answer:
    return OfferRefused(checked) if isinstance(checked, Refusal) else CouponFound(checked)


def _member(shop: Shop, state: LaneState, found: AttachMember | Refusal) -> Answer:
    if isinstance(found, Refusal):
        return OfferRefused(found)
    asks = state.is_self_checkout and not state.basket.lines
    return MemberFound(found, tuple(usual_goods(shop, state, found.customer)) if asks else ())


def usual_goods(shop: Shop, state: LaneState, customer: Customer) -> Iterator[Usual]:
    """Up to three goods that a member who agreed to it often buys: in stock, sold at one touch, at today's price."""
    connection, now_ms = shop.store.connection, shop.now_ms()
    for sku in usual_skus(shop.store, customer.alias):
        item = catalogue.find_by_sku(connection, sku, now_ms)
        on_hand = stock.on_hand(connection, sku)
        if item is not None and on_hand > 0 and _is_simple(item):
            priced = price(Basket(lines=(Line(1, item, sku),)), customer, state.package, now_ms)
            yield Usual(item, on_hand, priced.after_coupons_fen, _offer_of(priced))


def _is_simple(item: Item) -> bool:
    return not (item.weighed or item.ask_price or item.stop_sale or item.restricted)


def _offer_of(priced: Priced) -> str:
    """The offer to tell of: one that lowers the price of one piece, else one that asks for more pieces."""
    lowers = [one.promotion for one in priced.applied if one.stage <= SETS and one.saving_fen]
    near = [one.promotion for one in priced.refused if one.reason == "units"]
    return (*lowers, *near, "")[0]
