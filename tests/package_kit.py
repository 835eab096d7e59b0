"""Packages for tests: documents in short, a key that is nobody's, and hands to install them."""

import json
from typing import Any

from pos_app.domain.pricing.package_spec import FORMAT
from pos_app.services.packages import CheckedPackage, install_package, key_id, public_of, sign_package
from store_db.store import Store
from tests.shop_kit import STORE

SECRET = bytes(range(32))
KEYS = {key_id(public_of(SECRET)): public_of(SECRET)}
DAY_MS = 86_400_000


def offer(**changes: Any) -> dict[str, Any]:
    return {"id": "cola-half", "mechanic": "nth_unit_percent_off", "name": "可乐第二件半价", "n": 2, "percent": 50} | changes


def package(version: str, *promotions: dict[str, Any], valid_from: int = 1, **changes: Any) -> dict[str, Any]:
    head: dict[str, Any] = {"format": FORMAT, "version": version, "shop": STORE, "valid_from": valid_from}
    return head | ({"promotions": list(promotions)} if promotions else {}) | changes


def price(sku: str, price_fen: int, promo_fen: int | None = None, member_fen: int | None = None) -> dict[str, Any]:
    row = {"sku": sku, "price_fen": price_fen, "promo_price_fen": promo_fen, "member_price_fen": member_fen}
    return {key: value for key, value in row.items() if value is not None}


def signed(document: dict[str, Any]) -> bytes:
    return sign_package(document, SECRET)


def bare(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def install(store: Store, document: dict[str, Any]) -> CheckedPackage:
    done = install_package(store, signed(document), KEYS)
    assert isinstance(done, CheckedPackage), done
    return done
