"""Offers that there is only so much of: what was used, what a basket holds while it is paid, what changed before the commit."""

from collections.abc import Mapping

from pos_app.domain.basket import AttachMember, DropCode, Op
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.first_n import given_by, why_not_give, with_allowance
from pos_app.domain.lane.intents import OffersChanged
from pos_app.domain.lane.state import LaneState
from pos_app.domain.pricing.model import Customer, Limits, Package, Used
from pos_app.services.coupons import codes_used, is_public, why_not_now
from pos_app.services.members import customer_for
from pos_app.services.shop import Shop
from store_db import promotions
from store_db.reservations import COUPON, OFFER, Reservation

Limited = dict[str, Limits]
_limited: tuple[Package | None, Limited] = (None, {})


def limited(package: Package) -> Limited:
    """The promotions whose limits reach beyond one basket; found once a package."""
    global _limited
    if _limited[0] is not package:
        alone = Limits()
        found = {p.id: p.limits for p in package.promotions if p.limits._replace(max_applications=None) != alone}
        _limited = package, found
    return _limited[1]


def used_for(shop: Shop, package: Package, alias: str, draft_id: int = 0) -> Mapping[str, Used]:
    """What the limited promotions of a package gave so far, in all and to this member, baskets being paid included.

    With an allowance split over lanes, a lane counts so much as used that no more is left than it may give.
    """
    limits = limited(package)
    if not limits:
        return {}
    connection, lane = shop.store.connection, shop.lane
    in_all = [name for name, one in limits.items() if (one.total, one.budget_fen) != (None, None)]
    given = shop.totals.given(connection, in_all, draft_id)
    to_member = promotions.given_to(connection, limits, alias, shop.store.business_date(), draft_id)
    parts = promotions.allowances(connection, lane)
    used = {}
    for name in given.keys() | to_member.keys() | (parts.keys() & limits.keys()):
        one = Used(*given.get(name, (0, 0)), *to_member.get(name, (0, 0)))
        here = promotions.given_at(connection, name, lane) if name in parts else 0
        used[name] = with_allowance(one, limits[name], parts.get(name), here)
    return used


def wanted(state: LaneState) -> tuple[Reservation, ...]:
    """What a basket must hold while it is paid: each single coupon that its price uses, each limited offer."""
    alias, package = state.basket.customer.alias, state.package
    limits, given = limited(package), given_by(state.priced.applied)
    codes = codes_used(state.basket.codes, state.priced)
    single = [Reservation(COUPON, added.code, alias) for added in codes if not is_public(package, added)]
    offers = [Reservation(OFFER, name, alias, *given[name]) for name in given if name in limits]
    return tuple(sorted((*single, *offers)))


def what_changed(shop: Shop, state: LaneState, draft_id: int) -> OffersChanged | None:
    """What no longer holds of the price, read inside the open transaction, and the operations that take it out.

    None: every coupon, offer, point and stamp is there as it was priced. The basket stays in any case.
    """
    basket, priced = state.basket, state.priced
    if basket.member is None and not priced.applied:
        return None
    alias = basket.customer.alias
    for added in codes_used(basket.codes, priced):
        if is_public(state.package, added):
            continue
        refusal = why_not_now(shop.store, added, alias, draft_id, has_hub=shop.hub is not None)
        if refusal is not None:
            return OffersChanged(refusal, (DropCode(added.code),))
    return _limits_changed(shop, state, draft_id) or _member_changed(shop, state)


def _limits_changed(shop: Shop, state: LaneState, draft_id: int) -> OffersChanged | None:
    limits, given = limited(state.package), given_by(state.priced.applied)
    if not limits.keys() & given.keys():
        return None
    alias = state.basket.customer.alias
    used = used_for(shop, state.package, alias, draft_id)
    for name, (times, fen) in given.items():
        if name in limits and why_not_give(limits[name], used.get(name, Used()), times, fen):
            return OffersChanged(refuse("POS-2307", promotion=_name_of(state.package, name)), ())
    return None


def _member_changed(shop: Shop, state: LaneState) -> OffersChanged | None:
    """Points, stamps or the number of orders that the price stands on; the member is attached anew, with no points chosen.

    Who is attached by phone alone has no points to spend, whatever the basket says.
    """
    member = state.basket.member
    if member is None:
        return None
    now = customer_for(shop.store, member.customer.alias, shop.now_ms(), state.package.points)
    refusal = _why_not_same(state, member.customer, now if member.may_spend else now._replace(points=0))
    if refusal is None:
        return None
    fresh: tuple[Op, ...] = (AttachMember(now, member.label, member.may_spend),)
    return OffersChanged(refusal, fresh)


def _why_not_same(state: LaneState, before: Customer, now: Customer) -> Refusal | None:
    priced = state.priced
    if priced.points_spent > now.points:
        return refuse("POS-4303", points=priced.points_spent, have=now.points)
    if any(one.full for one in priced.stamps) and before.stamps != now.stamps:
        return refuse("POS-4305")
    if before.orders_completed == now.orders_completed:
        return None
    applied = {one.promotion for one in priced.applied}
    stands_on = next((p for p in state.package.promotions if p.id in applied and p.who.nth_order is not None), None)
    return refuse("POS-2307", promotion=stands_on.name) if stands_on else None


def _name_of(package: Package, promotion: str) -> str:
    return next((one.name for one in package.promotions if one.id == promotion), promotion)
