"""What a code means at this shop: an exact catalogue code first, then the table of in-store codes, then why not."""

import re

from pos_app.domain.calendar import local_stamp
from pos_app.domain.codes import (
    has_right_check_digit,
    is_payment_code,
    looks_like_gtin,
    read_in_store_code,
)
from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.lane.intents import BadgeSeen, CodeRefused, ItemFound
from pos_app.services.shop import Shop
from store_db import catalogue, staff, stock

BADGE = re.compile(r"STAFF-[A-Z0-9]{6,24}")
CODE_LENGTH_MAX = 512


def resolve_code(shop: Shop, code: str, purpose: str) -> ItemFound | BadgeSeen | CodeRefused:
    """The answer to a look-up; `purpose` goes back with it (sell, check, badge).

    A known code sells whatever its check digit says (real shops have such goods); an unknown one is refused with the reason
    that helps most. Codes are data: nothing in them is ever run.
    """
    cleaned = "".join(c for c in code if c.isprintable()).strip()
    if not cleaned or len(code) > CODE_LENGTH_MAX:
        return CodeRefused(code, purpose, refuse("POS-2103", length=len(code)))
    if BADGE.fullmatch(cleaned):
        return _badge(shop, cleaned, purpose)
    if purpose == "badge":
        return CodeRefused(cleaned, purpose, refuse("POS-2115"))
    return _good(shop, cleaned, purpose)


def resolve_sku(shop: Shop, sku: str, purpose: str) -> ItemFound | CodeRefused:
    """A good picked from a list."""
    item = catalogue.find_by_sku(shop.store.connection, sku, shop.now_ms())
    if item is None:
        return CodeRefused(sku, purpose, _unknown(shop, sku))
    return ItemFound(catalogue.main_code(shop.store.connection, sku), purpose, item)


def _good(shop: Shop, code: str, purpose: str) -> ItemFound | CodeRefused:
    connection, now_ms = shop.store.connection, shop.now_ms()
    for form in _same_number(code):
        item = catalogue.find_by_code(connection, form, now_ms)
        if item is not None:
            on_hand = stock.on_hand(connection, item.sku) if purpose == "check" else None
            return ItemFound(form, purpose, item, on_hand=on_hand)
    label = read_in_store_code(code, shop.in_store_rules())
    if isinstance(label, Refusal):
        return CodeRefused(_masked(code), purpose, refuse(label.code, code=_masked(code)))
    if label is not None:
        item = catalogue.find_by_code(connection, label.item_code, now_ms)
        if item is None:
            return CodeRefused(_masked(code), purpose, refuse("POS-2105", code=_masked(code), item=label.item_code))
        return ItemFound(code, purpose, item, label)
    return CodeRefused(_masked(code), purpose, _unknown(shop, code))


def _masked(code: str) -> str:
    """A code as it may be shown and kept: of one that could be a payment code the first two and last four digits."""
    return f"{code[:2]}…{code[-4:]}" if is_payment_code(code) else code


def _same_number(code: str) -> tuple[str, ...]:
    """A UPC-A is the same number as the EAN-13 with a leading zero; scanners send either."""
    if not (code.isascii() and code.isdigit()):
        return (code,)
    if len(code) == 12:
        return code, "0" + code
    return (code, code[1:]) if len(code) == 13 and code[0] == "0" else (code,)


def _unknown(shop: Shop, code: str) -> Refusal:
    if is_payment_code(code):
        return refuse("POS-2107")  # a payment code is never repeated in a message
    shown = code if len(code) <= 20 else code[:19] + "…"
    if looks_like_gtin(code) and not has_right_check_digit(code):
        return refuse("POS-2102", code=shown)
    updated_ms = catalogue.updated_ms(shop.store.connection)
    return refuse("POS-2101", code=shown, updated=local_stamp(updated_ms, shop.store.device.utc_offset_min)[5:16])


def _badge(shop: Shop, code: str, purpose: str) -> BadgeSeen | CodeRefused:
    row = staff.by_badge(shop.store.connection, code)
    return BadgeSeen(row.staff) if row else CodeRefused("", purpose, refuse("POS-4001"))
