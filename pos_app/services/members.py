"""Members at a shop: join, found by phone or card, and what pricing may know of them. Personal data stays in its table."""

import hashlib
import json
from base64 import b32encode
from collections import Counter
from typing import NamedTuple

from pos_app.domain import members as rules
from pos_app.domain import points, tiers
from pos_app.domain.basket import AttachMember
from pos_app.domain.calendar import business_date
from pos_app.domain.coupons import check_character
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.events import GiftCollected, MemberJoined
from pos_app.domain.pricing.model import Customer, PointsRules
from pos_app.services.spend_points import spendable
from store_db import members
from store_db import points as ledger
from store_db.connection import Connection
from store_db.members import MemberRow
from store_db.store import Store

PHONE_KEY, KEY_BYTES = "phone", 32
HQ_PHONE_KEY = "phone_key"  # the chain's, under which HQ's members are found
CARD_PREFIX = "V"  # a member's card: V, ten characters by lot, a check character
TERMS = PointsRules()
USUAL_SALES, USUAL_TIMES = 20, 2  # bought at least twice in the newest twenty sales


class Joining(NamedTuple):
    """What a member tells when joining; a birthday is month and day, (0, 0) where it was not told."""

    name: str
    phone: str
    birthday: tuple[int, int] = (0, 0)
    groups: tuple[str, ...] = ()
    tier: str = tiers.LOWEST_TIER
    shows_usual: bool = False


def join(store: Store, joining: Joining) -> str | Refusal:
    """A new member; the alias, which is a random name and the only thing that events know."""
    phone = rules.plain_phone(joining.phone)
    if phone is None:
        return refuse("POS-4302")
    with store.transaction() as connection:
        hashed = phone_hash(_phone_key(store, connection), phone)
        if members.by_phone(connection, hashed) is not None:
            return refuse("POS-4304")
        alias, card = b32encode(store.ids.random(5)).decode(), CARD_PREFIX + b32encode(store.ids.random(10)).decode()[:10]
        month, day = joining.birthday
        members.put_member(connection, MemberRow(
            alias, joining.name, hashed, rules.mask_phone(phone), card + check_character(card), month or None, day or None,
            joining.groups, joining.shows_usual,
        ))  # fmt: skip
        store.append(MemberJoined(alias, joining.tier))
    return alias


def phone_hash(key: bytes, phone: str) -> bytes:
    """How a phone number is kept: found with this store's key, never read back."""
    return hashlib.blake2b(phone.encode(), key=key, digest_size=16).digest()


def _phone_key(store: Store, connection: Connection) -> bytes:
    key = members.secret(connection, PHONE_KEY)
    if key is None:
        key = store.ids.random(KEY_BYTES)
        members.put_secret(connection, PHONE_KEY, key)
    return key


# ------------------------------------------------------------------ found


def find_by_phone(store: Store, text: str, now_ms: int, terms: PointsRules = TERMS) -> AttachMember | Refusal:
    """A member by phone: earns and gets member prices, does not spend."""
    phone = rules.plain_phone(text)
    if phone is None:
        return refuse("POS-4302")
    keys = [members.secret(store.connection, name) for name in (PHONE_KEY, HQ_PHONE_KEY)]
    found = [members.by_phone(store.connection, phone_hash(key, phone)) for key in keys if key]
    row = next((row for row in found if row is not None), None)
    return refuse("POS-4301") if row is None else attach(store, row, now_ms, terms, may_spend=False)


def find_by_card(store: Store, code: str, now_ms: int, terms: PointsRules = TERMS) -> AttachMember | Refusal:
    """A member by the card's code: earns and spends."""
    row = members.by_card(store.connection, code.strip().upper())
    return refuse("POS-4301") if row is None else attach(store, row, now_ms, terms, may_spend=True)


def looks_like_card(code: str) -> bool:
    """Whether a code is a member card's by its shape and check character."""
    code = code.strip().upper()
    shaped = len(code) == 12 and code.startswith(CARD_PREFIX) and code.isascii() and code.isalnum()
    return shaped and check_character(code[:-1]) == code[-1]


def attach(store: Store, row: MemberRow, now_ms: int, terms: PointsRules, *, may_spend: bool) -> AttachMember:
    """A member for a basket, as known at this moment."""
    return AttachMember(customer_for(store, row.alias, now_ms, terms), rules.member_label(row.name, row.phone_masked), may_spend)


def customer_for(store: Store, alias: str, now_ms: int, terms: PointsRules = TERMS) -> Customer:
    """What pricing may know of a member: tier, groups, orders, birthday week, points that may be spent, stamps.

    `terms`: those of the package that holds.
    """
    connection, device = store.connection, store.device
    row = members.by_alias(connection, alias)
    date = business_date(now_ms, device.utc_offset_min, 0)
    on = business_date(now_ms, device.utc_offset_min, device.cutoff_hour)
    born = (row.birth_month, row.birth_day) if row else (None, None)
    return Customer(
        alias=alias,
        tier=members.tier_of(connection, alias) or tiers.LOWEST_TIER,
        groups=row.groups if row else (),
        orders_completed=members.figures(connection, alias, "").orders,
        birthday_week=bool(born[0] and born[1]) and rules.in_birthday_week(born[0] or 0, born[1] or 0, date),
        points=spendable(store, alias, on, terms),
        stamps=stamps_of(connection, alias, on),
    )


def stamps_of(connection: Connection, alias: str, on: str) -> tuple[tuple[str, int], ...]:
    """(card, stamps that still count) of every punch card with any."""
    cards = ((card, points.balance(ledger.lots(connection, alias, card), on)) for card in ledger.cards(connection, alias))
    return tuple((card, stamps) for card, stamps in cards if stamps)


# ------------------------------------------------------------------ shown and handed over


def usual_skus(store: Store, alias: str, most: int = 3) -> list[str]:
    """Goods that a member who agreed to it bought at least twice of late, the most often bought first."""
    connection = store.connection
    row = members.by_alias(connection, alias)
    if row is None or not row.shows_usual:
        return []
    bought: Counter[str] = Counter()
    for entry_id in members.sale_ids(connection, alias, USUAL_SALES):
        (payload,) = connection.execute("SELECT payload FROM journal WHERE id = ?", (entry_id,)).fetchone()
        bought.update({line["sku"] for line in json.loads(payload)["lines"]})
    often = sorted((-times, sku) for sku, times in bought.items() if times >= USUAL_TIMES)
    return [sku for _, sku in often[:most]]


def gifts_to_collect(store: Store, alias: str) -> list[str]:
    """Gifts that wait for a member, by SKU."""
    return members.gifts_due(store.connection, alias)


def collect_gift(store: Store, alias: str, sku: str, staff: str, lane: str = "") -> bool:
    """A gift is handed over, once; False when none waits any more."""
    with store.transaction() as connection:
        if sku not in members.gifts_due(connection, alias):
            return False
        store.append(GiftCollected(alias, sku, staff), lane=lane)
    return True
