"""What HQ's tables must say of the events that count: read here from their plain JSON, in words of this file alone.

A table is a Counter of (key …, column) -> amount; a text that must be there is a key with the amount 1.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Body, Row = dict[str, Any], Any
Said = tuple[str, tuple[Any, ...], tuple[int, ...]]  # a table, a key, its amounts
Table = Counter[tuple[Any, ...]]

# table -> its key, and its amounts
TABLES = {
    "receipts": (("store", "uid", "kind", "number", "staff", "alias", "about"), ("total_fen", "items", "shift_no")),
    "store_days": (("store", "business_date", "lane"), ("sales", "returns", "items", "sales_fen", "refunded_fen")),
    "day_tenders": (("store", "business_date", "lane", "kind"), ("times", "taken_fen", "refunded_fen")),
    "day_taxes": (("store", "business_date", "tax_code", "rate_bp"), ("net_fen", "tax_fen")),
    "shifts_closed": (
        ("store", "uid", "business_date", "lane", "staff"),
        ("shift_no", "sales", "returns", "total_fen", "refunded_fen", "counted_fen", "expected_fen", "difference_fen"),
    ),
    "stock": (("store", "sku"), ("quantity",)),
    "points": (("alias", "card", "lot", "expires"), ("points",)),
    "coupon_uses": (("code", "store", "uid", "number"), ()),
}


def difference(rows: Callable[[str], list[Any]], counted: Iterable[Row]) -> str:
    """The first table of a server that is not what the events that count come to; empty when all are. `rows`: asks it SQL."""
    expected = _expected(counted)
    for name, (key, amounts) in TABLES.items():
        found: Table = Counter()
        for row in rows(f"SELECT {', '.join((*key, *amounts))} FROM {name}"):
            _add(found, name, tuple(row)[: len(key)], tuple(row)[len(key) :])
        if wrong := [cell for cell in found.keys() | expected[name].keys() if found[cell] != expected[name][cell]]:
            cell = min(wrong, key=repr)
            return f"{name} says {found[cell]} at {cell}, the log {expected[name][cell]}; {len(wrong)} cells differ"
    return ""


def _expected(counted: Iterable[Row]) -> dict[str, Table]:
    tables: dict[str, Table] = defaultdict(Counter)
    for row in counted:
        rule = RULES.get(row["kind"])
        for name, key, amounts in rule(row, json.loads(row["payload"])) if rule else ():
            _add(tables[name], name, key, amounts)
    return tables


def _add(table: Table, name: str, key: tuple[Any, ...], amounts: tuple[int, ...]) -> None:
    for column, amount in zip(TABLES[name][1] or ("",), amounts or (1,), strict=True):
        table[*key, column] += amount


# ------------------------------------------------------------------ what each kind says


def _sale(row: Row, sale: Body) -> Iterator[Said]:
    day, who = (row["store"], row["business_date"], row["lane"]), sale.get("customer", "")
    of_sale = (row["store"], row["uid"])
    total_fen = sale["total_fen"]
    yield (
        "receipts",
        (*of_sale, "sale", sale["number"], sale["staff"], who, ""),
        (total_fen, sale["item_count"], sale["shift_no"]),
    )
    yield "store_days", day, (1, 0, sale["item_count"], total_fen, 0)
    for tender in sale["tenders"]:
        yield "day_tenders", (*day, tender["kind"]), (1, tender["amount_fen"], 0)
    for tax in sale["taxes"]:
        yield "day_taxes", (*day[:2], tax["tax_code"], tax["rate_bp"]), (tax["net_fen"], tax["tax_fen"])
    for line in sale["lines"]:
        yield "stock", (row["store"], line["sku"]), (-line["quantity"],)
    for move in sale.get("points", ()):
        yield _points(who, move)
    for code in sale.get("coupons", ()):
        yield "coupon_uses", (code, *of_sale, sale["number"]), ()


def _return(row: Row, back: Body) -> Iterator[Said]:
    day, units = (row["store"], row["business_date"], row["lane"]), sum(line["units"] for line in back["lines"])
    refunded_fen = sum(refund["amount_fen"] for refund in back["refunds"])
    receipt = (row["store"], row["uid"], "return", back["number"], back["staff"], "", back["sale_number"])
    yield "receipts", receipt, (-refunded_fen, -units, back["shift_no"])
    yield "store_days", day, (0, 1, -units, 0, refunded_fen)
    for refund in back["refunds"]:
        yield "day_tenders", (*day, refund["kind"]), (1, 0, refund["amount_fen"])
    for tax in back["taxes"]:
        yield "day_taxes", (*day[:2], tax["tax_code"], tax["rate_bp"]), (-tax["net_fen"], -tax["tax_fen"])
    for line in back["lines"]:
        yield "stock", (row["store"], line["sku"]), (line["units"],)


def _closed(row: Row, z: Body) -> Iterator[Said]:
    key, amounts = (row["store"], row["uid"], row["business_date"], row["lane"], z["staff"]), TABLES["shifts_closed"][1]
    yield "shifts_closed", key, tuple(z.get(name, 0) for name in amounts)


def _stock_moved(row: Row, body: Body) -> Iterator[Said]:
    for move in body["moves"]:
        yield "stock", (row["store"], move["sku"]), (move["quantity"],)


def _points_moved(row: Row, body: Body) -> Iterator[Said]:
    for move in body["moves"]:
        yield _points(body["alias"], move)


def _points(alias: str, move: Body) -> Said:
    return "points", (alias, "", move["lot"], move.get("expires", "")), (move["points"],)


RULES: dict[str, Callable[[Row, Body], Iterator[Said]]] = {
    "sale": _sale, "return": _return, "shift_closed": _closed, "stock_moved": _stock_moved, "points_moved": _points_moved,
}  # fmt: skip
