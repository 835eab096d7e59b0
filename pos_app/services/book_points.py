"""What a sale moves besides money: points, stamps, coupons used and given, a tier reached. All in the sale's transaction."""

from typing import NamedTuple

from pos_app.domain import points, tiers
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import IssuedCoupon, PointsMove, PointsMoved, TierChanged
from pos_app.domain.lane.state import LaneState
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.model import Package, Priced, Stamps, TierRule
from pos_app.services.coupons import codes_used, is_public, issue_rewards
from pos_app.services.packages import package_at
from pos_app.services.shop import Shop
from pos_app.services.spend_points import spendable
from store_db import members
from store_db import points as ledger
from store_db.connection import Connection
from store_db.store import Store

Moves = tuple[PointsMove, ...]


class Booked(NamedTuple):
    """What goes into the sale's event; a field with nothing in it is None and takes no room."""

    points: Moves | None = None
    punches: Moves | None = None
    coupons: tuple[str, ...] | None = None
    issued: tuple[IssuedCoupon, ...] | None = None


NOTHING = Booked()


def book(shop: Shop, state: LaneState, number: tuple[int, int, str], uid: bytes) -> Booked:
    """The moves of a basket that becomes a sale. `offers.what_changed` was asked before, in the same transaction.

    Raises RuntimeError when there are fewer points than were priced: then nobody asked.
    """
    basket, priced, package = state.basket, state.priced, state.package
    if basket.member is None and not priced.applied:
        return NOTHING
    alias = basket.customer.alias
    moves = points_for_sale(shop.store, uid.hex(), priced, alias, package) if alias else ()
    punches = punches_for_sale(shop.store, uid.hex(), priced.stamps, alias, package) if alias else ()
    used = [added.code for added in codes_used(basket.codes, priced) if not is_public(package, added)]
    issued = issue_rewards(shop.store, package, priced, *number[:2])
    return Booked(moves or None, punches or None, tuple(used) or None, issued or None)


def points_for_sale(store: Store, uid: str, priced: Priced, alias: str, package: Package) -> Moves:
    """Points spent out of the lots that expire first, points earned as a lot of this sale, debts paid of it."""
    on = store.business_date()
    lots = ledger.lots(store.connection, alias)
    redeemed = _must(points.redeem(lots, priced.points_spent, on))
    earned = points.earn(uid, priced.points_earned, on, package.points.life_days)
    return (*redeemed, *earned, *points.settle(points.after(lots, (*redeemed, *earned)), on))


def punches_for_sale(store: Store, uid: str, stamps: tuple[Stamps, ...], alias: str, package: Package) -> Moves:
    """Stamps got, and those of full cards given in: three were there, three come, five are a card: one is left."""
    on = store.business_date()
    rules = {promotion.id: promotion.rule for promotion in package.promotions}
    moves: list[PointsMove] = []
    for one in stamps:
        rule: PunchCard = rules[one.promotion]
        got = points.earn(uid, one.stamps, on, rule.life_days, one.card)
        lots = points.after(ledger.lots(store.connection, alias, one.card), got)
        moves += (*got, *_must(points.redeem(lots, one.full * rule.stamps, on, one.card)))
    return tuple(moves)


def _must(moves: Moves | Refusal) -> Moves:
    if isinstance(moves, Refusal):
        raise RuntimeError(f"priced with points that are not there: {moves.args}")
    return moves


def rise(shop: Shop, alias: str, package: Package) -> TierRule | None:
    """The tier that a member has just reached: its event with the gift to collect, inside the open transaction."""
    if not alias or not package.tiers:
        return None
    connection, since = shop.store.connection, tiers.window_from(shop.store.business_date(), package.tier_window_days)
    before, figures = tier_now(connection, alias), members.figures(connection, alias, since)
    rule = tiers.upgrade(before, figures, package.tiers)
    if rule is not None:
        shop.store.append(TierChanged(alias, before, rule.tier, *figures, rule.gift_sku), lane=shop.lane)
    return rule


def tier_now(connection: Connection, alias: str) -> str:
    return members.tier_of(connection, alias) or tiers.LOWEST_TIER


class Giving(NamedTuple):
    """Points for something that is no sale: `reason` is points.DONATE or points.SIGN_UP, `about` the cause or the event."""

    alias: str
    points: int
    reason: str
    about: str
    staff: str = ""


def give_points(store: Store, giving: Giving, *, lane: str = "", uid: bytes | None = None) -> Refusal | None:
    """Points given to a good cause or for a place in an event; None when done. The same `uid` again moves nothing."""
    terms = package_at(store, store.clock.wall_ms()).points
    with store.transaction() as connection:
        lots = ledger.lots(connection, giving.alias)
        if uid is not None and ledger.moves_of(connection, uid):
            return None
        on = store.business_date()
        have = spendable(store, giving.alias, on, terms)
        if giving.points > have:
            return refuse("POS-4303", points=giving.points, have=have)
        moves = _must(points.redeem(lots, giving.points, on, giving.reason))
        store.append(PointsMoved(giving.alias, giving.reason, moves, giving.about, giving.staff), lane=lane, uid=uid)
    return None
