"""Worked cases as data: from a case to what `price` is asked, by way of the package and basket forms everybody writes.

`cases.json` is in the project's own terms; `from_shared` turns a case of the public file (`promo-cases/1`) into them.
"""

import json
from pathlib import Path
from typing import Any

from pos_app.domain.pricing.basket_form import Asked, read_basket
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.package_form import read_package

FILE = Path(__file__).with_name("cases.json")
SOME_DAY = "2026-10-15 12:00"


def own_cases(kind: str) -> list[dict[str, Any]]:
    """Cases of a kind: "baskets", "ledger" or "tiers"."""
    return list(json.loads(FILE.read_text(encoding="utf-8"))[kind])


def asked(case: dict[str, Any]) -> tuple[Package, Asked]:
    """Package and question of a case; both must read without a problem."""
    package = read_package({
        "format": "lanewise-package/1", "version": case["id"], "shop": "S001", "valid_from": "2026-01-01 00:00",
        "promotions": case["promotions"],
    })  # fmt: skip
    assert isinstance(package, Package), package
    keys = ("member", "codes", "used")
    basket = {"format": "lanewise-basket/1", "now": case.get("now", SOME_DAY), "lines": case["lines"]}
    found = read_basket(basket | {key: case[key] for key in keys if key in case}, package)
    assert isinstance(found, Asked), found
    return package, found


# ------------------------------------------------------------------ the public file

FIELDS = {"price": "price_fen", "amount": "amount_fen", "block_value": "block_fen", "min_spend": "min_spend_fen",
          "points_per_major": "points_per_yuan", "per_qty": "per_units"}  # fmt: skip
EXPECTED = {"total": "total_fen", "discount": "discount_fen", "refund": "refund_fen", "points_clawback": "points_back",
            "points_spent": "points_spent", "points_earned": "points_earned", "gifts": "gifts", "events": "events",
            "applied": "applied"}  # fmt: skip
LEFT_OUT = ("used_total", "base")  # moved into `used`; the base is the engine's only one


def from_shared(case: dict[str, Any]) -> dict[str, Any]:
    """A basket case of the public file in the project's own terms."""
    numbers = {line["line"]: n for n, line in enumerate(case["basket"], 1)}
    own = {
        "id": case["id"],
        "lines": [_line(line) for line in case["basket"]],
        "promotions": [_promotion(p) for p in case["promotions"]],
        "used": [{"promotion": p["id"], "times": p["used_total"]} for p in case["promotions"] if p.get("used_total")],
        "returns": [{"line": numbers[back["line"]], "quantity": back["qty"]} for back in case.get("returns", ())],
        "expect": _expected(case["expect"], list(numbers)),
    }
    if "now" in case:
        own["now"] = f"2026-10-{case['now']['day']:02d} 12:00"
    if "customer" in case:
        own["member"] = {"alias": "m", **case["customer"]}
    return own | ({"codes": case["codes"]} if "codes" in case else {})


def _line(line: dict[str, Any]) -> dict[str, Any]:
    own = {"sku": line["sku"], "quantity": line["qty"], "price_fen": line["unit_price"]}
    return own | ({"categories": line["categories"]} if "categories" in line else {})


def _scope(scope: dict[str, Any]) -> dict[str, Any]:
    return {} if scope.get("all") else scope


def _promotion(shared: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for key, value in shared.items():
        match key:
            case "scope" | "per":
                own |= {"scope": value} if _scope(value) else {}
            case "tier" | "customer_group" | "nth_order" | "birthday_week":
                name = {"tier": "tiers", "customer_group": "groups"}.get(key, key)
                own.setdefault("who", {})[name] = [value] if key == "customer_group" else value
            case "days_of_month":
                own["when"] = {key: value}
            case "limit_total":
                own["limits"] = {"total": value}
            case "buy" | "get":
                own |= {key: _scope(value["scope"]), f"{key}_units": value["qty"]}
                own |= {"percent": value["percent"]} if "percent" in value else {}
            case "components":
                own[key] = [{"scope": _scope(part["scope"]), "units": part["qty"]} for part in value]
            case "tiers":
                own[key] = [{"spend_fen": tier["spend"], "save_fen": tier["save"]} for tier in value]
            case "multiplier":
                own["multiplier_percent"] = 100 * value
            case _ if key not in LEFT_OUT:
                own[FIELDS.get(key, key)] = value
    return own


def _expected(shared: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    own: dict[str, Any] = {EXPECTED[key]: value for key, value in shared.items() if key in EXPECTED}
    if "applied" in own:
        own["applied"] = sorted(own["applied"])
    if "lines" in shared:
        own["lines_fen"] = [shared["lines"][line] for line in lines]
    if "hints" in shared:
        own["hints"] = [_hint(hint) for hint in shared["hints"]]
    return own


def _hint(shared: dict[str, Any]) -> dict[str, Any]:
    renamed = {"need_spend": "need_fen", "extra_saving": "extra_saving_fen"}
    return {renamed.get(key, key): value for key, value in shared.items()}
