"""Goods by code and by name. Codes match exactly; names match by Chinese characters, words and pinyin initials.

Names are indexed in a form of our own, as FTS5's own tokenizers miss two-character Chinese names: every Chinese character,
every pair of neighbours, every word, and every ending of the pinyin initials (so that initials match from any syllable).
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from pos_app.domain.codes import InStoreRule
from pos_app.domain.goods import Item
from store_db.connection import Connection

ITEM_COLUMNS = (
    "sku", "name", "price_fen", "name_en", "unit", "category", "member_price_fen", "promo_price_fen", "tax_code", "weighed",
    "ask_price", "restricted", "earns_points", "discount_allowed", "price_override_allowed", "stop_sale",
)  # fmt: skip
RATE = (
    "ifnull((SELECT rate_bp FROM tax_rates r WHERE r.tax_code = i.tax_code AND r.valid_from_ms <= :now "
    "ORDER BY r.valid_from_ms DESC LIMIT 1), 0)"
)
# HQ's stop goes before whatever the good itself says
STOPPED = "(i.stop_sale OR EXISTS (SELECT 1 FROM hq_rows WHERE topic = 'stop_sales' AND key IN (i.sku, '@' || i.sku)))"
_READ = [STOPPED if name == "stop_sale" else f"i.{name}" for name in ITEM_COLUMNS]
SELECT = f"SELECT {', '.join(_READ)}, {RATE} AS tax_bp FROM "
BY_CODE = SELECT + "barcodes b JOIN items i ON i.id = b.item_id WHERE b.code = :code"
BY_SKU = SELECT + "items i WHERE i.sku = :sku"
BY_WORDS = SELECT + "(SELECT rowid FROM names WHERE names MATCH :words LIMIT :most) n JOIN items i ON i.id = n.rowid"
BY_CODE_PREFIX = SELECT + (
    "(SELECT DISTINCT item_id FROM barcodes WHERE code >= :code AND code < :code || ':' LIMIT :most) n "
    "JOIN items i ON i.id = n.item_id"
)
LISTED = "(SELECT value FROM json_each(?))"
CHINESE = re.compile(r"[㐀-䶿一-鿿豈-﫿]+")
WORD = re.compile(r"[^\W_㐀-䶿一-鿿豈-﫿]+")


def find_by_code(connection: Connection, code: str, now_ms: int) -> Item | None:
    """The good with exactly this code, with the tax rate that holds now."""
    row = connection.execute(BY_CODE, {"code": code, "now": now_ms}).fetchone()
    return _item(row) if row else None


def find_by_sku(connection: Connection, sku: str, now_ms: int) -> Item | None:
    row = connection.execute(BY_SKU, {"sku": sku, "now": now_ms}).fetchone()
    return _item(row) if row else None


def main_code(connection: Connection, sku: str) -> str:
    """A code that scans as this good; the sku itself where it has none."""
    row = connection.execute(
        "SELECT code FROM barcodes WHERE item_id = (SELECT id FROM items WHERE sku = ?) LIMIT 1", (sku,)
    ).fetchone()
    return row[0] if row else sku


def search(connection: Connection, text: str, now_ms: int, most: int = 50) -> list[Item]:
    """Goods whose name, English name, pinyin initials or code fit the text; best fit first, at most `most`.

    Best fit: the text is the whole name, then begins it, then stands in it; then the shorter name.
    """
    text = text.strip()
    rows: list[Any] = []
    if text.isascii() and text.isdigit():
        rows = connection.execute(BY_CODE_PREFIX, {"code": text, "now": now_ms, "most": most}).fetchall()
    words = match_words(text)
    if text:
        rows += connection.execute(BY_WORDS, {"words": whole_name(text), "now": now_ms, "most": most}).fetchall()
    if words and len(rows) < most:
        rows += connection.execute(BY_WORDS, {"words": words, "now": now_ms, "most": 4 * most}).fetchall()
    found = {row[0]: _item(row) for row in rows}
    return sorted(found.values(), key=lambda item: _rank(item, text.casefold()))[:most]


def index_words(name: str, name_en: str, pinyin: str) -> str:
    """What is indexed for a good. 可乐, "Cola", KL: `可 乐 可乐 cola kl l` and a word for each whole name."""
    words: list[str] = []
    for text in (name, name_en):
        for run in CHINESE.findall(text):
            words += run
            words += (run[i : i + 2] for i in range(len(run) - 1))
        words += (word.casefold() for word in WORD.findall(text))
    initials = re.sub(r"[^a-z0-9]", "", pinyin.casefold())
    words += (initials[i:] for i in range(min(len(initials), 24)))
    words += (whole_name(text) for text in (name, name_en) if text)
    return " ".join(dict.fromkeys(words))


def whole_name(name: str) -> str:
    """One word that stands for a whole name: among a thousand goods called "… chocolate …" the one called just so is found."""
    return "is" + hashlib.blake2b(name.strip().casefold().encode(), digest_size=6).hexdigest()


def match_words(text: str) -> str:
    """The FTS5 expression for a text as people type it: neighbours of Chinese characters, beginnings of words."""
    terms: list[str] = []
    for run in CHINESE.findall(text):
        terms += [f'"{run[i : i + 2]}"' for i in range(max(1, len(run) - 1))]
    terms += [f'"{word.casefold()}"*' for word in WORD.findall(text)]
    return " ".join(terms)


def in_store_rules(connection: Connection) -> tuple[InStoreRule, ...]:
    rows = connection.execute("SELECT pattern, name FROM in_store_rules ORDER BY pattern")
    return tuple(InStoreRule(*row) for row in rows)


def updated_ms(connection: Connection) -> int:
    """When the catalogue last changed; 0 when it never did."""
    return int(connection.execute("SELECT updated_ms FROM catalogue_state").fetchone()[0])


def put_items(connection: Connection, rows: Iterable[dict[str, Any]], now_ms: int) -> None:
    """Insert or replace goods by sku with their codes and names, inside the open transaction.

    A row has the columns of `items` and `codes`. A code moves to the good that names it last.
    The index of names merges a bounded number of its pages each time; left to itself FTS5 merges thousands at once, and a
    transaction of 150 goods that takes 6 ms takes 60 ms now and then.
    """
    for row in rows:
        _put_item(connection, row)
    _merge_names(connection)
    connection.execute("UPDATE catalogue_state SET updated_ms = ?", (now_ms,))


def drop_items(connection: Connection, skus: Iterable[str]) -> None:
    """Goods that are no longer sold: neither code nor name finds them, no shelf tag waits. What was sold stays."""
    wanted, ids = json.dumps(list(skus)), f"(SELECT id FROM items WHERE sku IN {LISTED})"
    connection.execute(f"DELETE FROM barcodes WHERE item_id IN {ids}", (wanted,))
    connection.execute(f"DELETE FROM names WHERE rowid IN {ids}", (wanted,))
    connection.execute(f"DELETE FROM price_tasks WHERE sku IN {LISTED}", (wanted,))
    connection.execute(f"DELETE FROM items WHERE sku IN {LISTED}", (wanted,))


def drop_codes(connection: Connection, sku: str, codes: Iterable[str]) -> None:
    """Take codes off a good, where they still are its own."""
    connection.executemany(
        "DELETE FROM barcodes WHERE code = ? AND item_id = (SELECT id FROM items WHERE sku = ?)", [(code, sku) for code in codes]
    )


STORED_COLUMNS = (*ITEM_COLUMNS, "pinyin", "cost_fen")
ADD_ITEM = f"INSERT INTO items ({', '.join(STORED_COLUMNS)}) VALUES ({', '.join(':' + name for name in STORED_COLUMNS)})"
CHANGE_ITEM = f"UPDATE items SET {', '.join(f'{name} = :{name}' for name in STORED_COLUMNS[1:])} WHERE sku = :sku"
MERGE_PAGES = 32


def _put_item(connection: Connection, row: dict[str, Any]) -> None:
    """The names are indexed anew only where they are new: a price change leaves the index alone."""
    found = connection.execute("SELECT id, name, name_en, pinyin FROM items WHERE sku = ?", (row["sku"],)).fetchone()
    written = connection.execute(CHANGE_ITEM if found else ADD_ITEM, row)
    item_id = found[0] if found else written.lastrowid
    connection.executemany(
        "INSERT INTO barcodes VALUES (?,?) ON CONFLICT (code) DO UPDATE SET item_id = excluded.item_id",
        [(code, item_id) for code in row["codes"]],
    )
    names = (row["name"], row["name_en"], row["pinyin"])
    if found and tuple(found[1:]) == names:
        return
    if found:
        connection.execute("DELETE FROM names WHERE rowid = ?", (item_id,))
    connection.execute("INSERT INTO names (rowid, words) VALUES (?,?)", (item_id, index_words(*names)))


def _merge_names(connection: Connection) -> None:
    """A little of the merging that FTS5 would else do in one go (sqlite.org/fts5.html, "automerge" and "merge")."""
    automerge = connection.execute("SELECT v FROM names_config WHERE k = 'automerge'").fetchone()
    if automerge is None or automerge[0] != 0:
        connection.execute("INSERT INTO names (names, rank) VALUES ('automerge', 0)")
    connection.execute("INSERT INTO names (names, rank) VALUES ('merge', ?)", (MERGE_PAGES,))


def _rank(item: Item, text: str) -> tuple[int, int, str]:
    names = [name.casefold() for name in (item.name, item.name_en) if name]
    if text in names:
        return 0, 0, item.sku
    shortest = min((len(name) for name in names), default=0)
    if any(name.startswith(text) for name in names):
        return 1, shortest, item.sku
    return (2 if any(text in name for name in names) else 3), shortest, item.sku


def _item(row: Any) -> Item:
    sku, name, price, name_en, unit, category, member, promo, tax, weighed, ask, restricted, *flags, tax_bp = row
    points, discount, override, stop = flags
    return Item(
        sku, name, price, name_en, unit, category, member, promo, tax, tax_bp, weighed == 1, ask == 1, restricted,
        points == 1, discount == 1, override == 1, stop == 1,
    )  # fmt: skip
