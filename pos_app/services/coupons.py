"""Coupons at a shop: checked when they are scanned, claimed from posters, issued with a sale under its receipt number."""

import datetime

from pos_app.domain import coupons as rules
from pos_app.domain.basket import AddCode
from pos_app.domain.coupons import HQ_LANE, SINGLE, USES, Coupon, CouponCode, Issue
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import CouponClaimed, CouponVoided, IssuedCoupon
from pos_app.domain.pricing.model import COUPON, Package, Priced, Promotion
from pos_app.domain.pricing.rows import book_of
from pos_app.services.hub import Hub
from store_db import coupons, hand_over, members, series
from store_db.connection import Connection
from store_db.store import Store

COUPON_KEY, KEY_BYTES = "coupon", 32


def check_coupon(
    store: Store, package: Package, code: str, alias: str = "", draft_id: int = 0, hub: Hub | None = None
) -> AddCode | Refusal:
    """What a typed or scanned code does for this shopper today, or why it does nothing.

    A promotion's own code is public; a single code is looked up and its signature checked; a member who scans a poster's
    code claims it. Another basket that holds a coupon at its payment screen comes first. A coupon that another till gave is
    the hub's to let this one have.
    """
    public = _public(package, code)
    if public is not None:
        return AddCode(public.code, public.id)
    read = rules.read_code(code)
    if isinstance(read, Refusal):
        return read
    coupon = _coupon(store, package, code.strip().upper(), read, alias, draft_id, hub)
    if isinstance(coupon, Refusal):
        return coupon
    if coupon.promotion not in _openable(package):
        return refuse("POS-2302", code=coupon.code)
    refusal = rules.why_not_use(coupon, alias, store.business_date())
    return refusal or AddCode(coupon.code, coupon.promotion)


def why_not_now(store: Store, added: AddCode, alias: str, draft_id: int, *, has_hub: bool = False) -> Refusal | None:
    """Why a single coupon of a basket does not count any more; None while it does. A hub has to have let this file have it."""
    connection, date = store.connection, store.business_date()
    coupon = _own(connection, added.code, draft_id) or _let_by_hub(store, added, draft_id)
    if coupon is None and (not has_hub or rules.uses_of(added.code) != USES[SINGLE]):
        coupon = _sent_by_hq(connection, added, draft_id)
    return rules.why_not_use(coupon, alias, date) if coupon else refuse("POS-2308", code=added.code)


def is_public(package: Package, added: AddCode) -> bool:
    """Whether a code is a promotion's own, which anybody may use, and not a single one."""
    return added.code in book_of(package).codes((added.promotion,))


def _public(package: Package, code: str) -> Promotion | None:
    """The promotion that this text opens by itself; those that rewards name are opened by issued codes alone."""
    code = code.strip()
    found = next((p for p in package.promotions if p.code and p.code.upper() == code.upper()), None)
    return None if found is None or is_issued_only(package, found) else found


def is_issued_only(package: Package, promotion: Promotion) -> bool:
    """Whether a coupon promotion is opened by issued codes alone: a reward names it, or its code begins with #."""
    rewarded = any(getattr(other.rule, "coupon", None) == promotion.id for other in package.promotions)
    return rewarded or promotion.code.startswith(rules.ISSUED_ONLY)


def _openable(package: Package) -> list[str]:
    return [promotion.id for promotion in package.promotions if promotion.code]


def _coupon(
    store: Store, package: Package, code: str, read: CouponCode, alias: str, draft_id: int, hub: Hub | None
) -> Coupon | Refusal:
    """The coupon behind a code: known here, claimed now, sent out by HQ, or another till's that the hub lets this one have."""
    connection = store.connection
    held = _own(connection, rules.claimed_code(code, alias) if read.is_poster else code, draft_id)
    if held is not None:
        return held
    if hub is not None and read.lane != HQ_LANE and read.kind == SINGLE:
        opened = hub.claim_coupon(code)
        return opened if isinstance(opened, Refusal) else _as_let(connection, AddCode(code, opened), read, draft_id)
    key = members.secret(connection, COUPON_KEY)
    promotion = rules.promotion_of(key, store.device.store, read, _openable(package)) if key else None
    if promotion is None:
        return refuse("POS-2302", code=code)
    if read.lane != HQ_LANE:
        return refuse("POS-2308", code=code)
    if hub is not None and read.kind == SINGLE and isinstance(opened := hub.claim_coupon(code), Refusal):
        return opened
    sent = Coupon(code, promotion, read.expires, USES[read.kind] or 1)
    return _claim(store, sent, alias) if read.is_poster else coupons.as_used(connection, sent, draft_id)


def _own(connection: Connection, code: str, draft_id: int) -> Coupon | None:
    """A coupon of this file that it has not handed over."""
    return None if hand_over.is_handed_over(connection, hand_over.COUPON, code) else coupons.find(connection, code, draft_id)


def _let_by_hub(store: Store, added: AddCode, draft_id: int) -> Coupon | None:
    """A coupon that the hub let this file have."""
    claim = hand_over.held_claim(store.connection, hand_over.COUPON, added.code, store.device.epoch)
    read = rules.read_code(added.code)
    return None if claim is None or isinstance(read, Refusal) else _as_let(store.connection, added, read, draft_id)


def _as_let(connection: Connection, added: AddCode, read: CouponCode, draft_id: int) -> Coupon:
    return coupons.as_used(connection, Coupon(added.code, added.promotion, read.expires), draft_id)


def _claim(store: Store, poster: Coupon, alias: str) -> Coupon | Refusal:
    """A member takes a coupon from a poster; once each, as long as the poster counts."""
    if not alias:
        return refuse("POS-2310", code=poster.code)
    refusal = rules.why_not_use(poster, alias, store.business_date())
    if refusal is not None:
        return refusal
    claimed = poster._replace(code=rules.claimed_code(poster.code, alias), holder=alias)
    with store.transaction() as connection:
        if coupons.find(connection, claimed.code) is None:
            store.append(CouponClaimed(alias, claimed.code, claimed.promotion, claimed.expires))
    return claimed


def _sent_by_hq(connection: Connection, added: AddCode, draft_id: int) -> Coupon | None:
    """A coupon of HQ that is already in a basket: its signature was checked when it got there."""
    read = rules.read_code(added.code)
    if isinstance(read, Refusal) or read.lane != HQ_LANE or read.is_poster:
        return None
    return coupons.as_used(connection, Coupon(added.code, added.promotion, read.expires, USES[read.kind]), draft_id)


# ------------------------------------------------------------------ used and issued


def codes_used(codes: tuple[AddCode, ...], priced: Priced) -> tuple[AddCode, ...]:
    """The codes that a price uses up: of several for one promotion the first, of those that save nothing none."""
    applied = {one.promotion for one in priced.applied if one.stage == COUPON}
    first: dict[str, AddCode] = {}
    for added in codes:
        first.setdefault(added.promotion, added)
    return tuple(added for added in first.values() if added.promotion in applied)


def issue_rewards(store: Store, package: Package, priced: Priced, series_no: int, counter: int) -> tuple[IssuedCoupon, ...]:
    """The coupons that a sale gives, inside its transaction: at most 256, each with a code of this receipt's."""
    if not priced.rewards:
        return ()
    lane, code = series.codes(store.connection)[series_no]
    today = datetime.date.fromisoformat(store.business_date())
    key, shop = coupon_key(store, store.connection), store.device.store
    by_id = {promotion.id: promotion.rule for promotion in package.promotions}
    issued: list[IssuedCoupon] = []
    for reward in priced.rewards:
        kind = rules.SHARED if getattr(by_id[reward.promotion], "shared", False) else rules.SINGLE
        expires = (today + datetime.timedelta(days=reward.days)).isoformat()
        for _ in range(min(reward.quantity, rules.PER_SALE_MAX - len(issued))):
            text = rules.make_code(key, shop, reward.coupon, Issue(lane, code, counter, len(issued), expires, kind))
            issued.append(IssuedCoupon(text, reward.coupon, expires, USES[kind]))
    return tuple(issued)


def coupon_key(store: Store, connection: Connection) -> bytes:
    """The key of this shop's coupons; made at its first use, inside the open transaction."""
    key = members.secret(connection, COUPON_KEY)
    if key is None:
        key = store.ids.random(KEY_BYTES)
        members.put_secret(connection, COUPON_KEY, key)
    return key


def void_coupon(store: Store, code: str, reason: str, lane: str = "") -> bool:
    """Make a coupon void, inside the open transaction; False where it is so already."""
    coupon = coupons.find(store.connection, code)
    if coupon is None or coupon.is_void:
        return False
    store.append(CouponVoided(code, reason), lane=lane)
    return True
