"""Search over 200,000 goods as clerks do it, against the scan that LIKE '%text%' makes; and whether every good is found."""

from collections.abc import Iterator
from random import Random
from typing import Any

from bench import big_store
from bench.figures import Figure, Options, median, p99, spent_ms
from store_db import catalogue
from store_db.connection import Connection, connect

Good = dict[str, Any]
NOW_MS = 1_790_000_000_000
PAGE = 50
LIKE = "SELECT * FROM items WHERE name LIKE :text OR name_en LIKE :text OR pinyin LIKE :text ORDER BY length(name) LIMIT 50"
LIKE_CODE = "SELECT i.* FROM barcodes b JOIN items i ON i.id = b.item_id WHERE b.code LIKE :text LIMIT 50"
BASELINE_EVERY = 20  # a scan takes its time


def measure(options: Options) -> list[Figure]:
    path = big_store.big_file(options)
    connection = connect(path)
    goods = sample(connection, options.pick(2_000, 300))
    queries = [(kind, text) for good in goods for kind, text in texts(good)]
    Random(7).shuffle(queries)
    ours: dict[str, list[float]] = {}
    baseline: list[float] = []
    for n, (kind, text) in enumerate(queries):
        ours.setdefault(kind, []).append(spent_ms(catalogue.search, connection, text, NOW_MS))
        if n % BASELINE_EVERY == 0:
            baseline.append(spent_ms(like, connection, kind, text))
    found = figures(ours, baseline)
    found.append(not_found(connection, [*goods, *shortest(connection, len(goods))]))
    connection.close()
    return found


def figures(ours: dict[str, list[float]], baseline: list[float]) -> list[Figure]:
    every = [ms for some in ours.values() for ms in some]
    note = ", ".join(f"{kind} {p99(some):.1f} ms" for kind, some in sorted(ours.items()))
    return [
        Figure("name search, median", "ms", median(every), median(baseline)),
        Figure("name search, p99", "ms", p99(every), p99(baseline), ours_max=20, note=f"p99 by {note}"),
    ]


def shortest(connection: Connection, count: int) -> list[Good]:
    """The goods whose names say least: what they share with thousands of others is all there is to find them by."""
    return [dict(row) for row in connection.execute("SELECT sku, name FROM items ORDER BY length(name), id LIMIT ?", (count,))]


def sample(connection: Connection, count: int) -> list[Good]:
    """Goods from all over the catalogue, with one of their codes."""
    ids = [row[0] for row in connection.execute("SELECT id FROM items ORDER BY id")]
    chosen = Random(11).sample(ids, count)
    codes = dict(connection.execute("SELECT item_id, code FROM barcodes").fetchall())
    sql = "SELECT id, sku, name, pinyin FROM items WHERE id = ?"
    return [{**dict(connection.execute(sql, (item_id,)).fetchone()), "code": codes[item_id]} for item_id in chosen]


def texts(good: Good) -> Iterator[tuple[str, str]]:
    """What a clerk may type for a good: (kind, text)."""
    words = catalogue.WORD.findall(good["name"])
    if words:
        yield "first word", words[0]
    runs = [run for run in catalogue.CHINESE.findall(good["name"]) if len(run) >= 2]
    if runs:
        yield "two characters", runs[0][:2]
    if good["pinyin"]:
        yield "initials", good["pinyin"][:4]
    if good["code"] and good["code"].isdigit():
        yield "code prefix", good["code"][:7]


def like(connection: Connection, kind: str, text: str) -> None:
    if kind == "code prefix":
        connection.execute(LIKE_CODE, {"text": f"{text}%"}).fetchall()
    else:
        connection.execute(LIKE, {"text": f"%{text}%"}).fetchall()


def not_found(connection: Connection, goods: list[Good]) -> Figure:
    """Goods that a search for their whole name does not show. A name that over fifty goods bear is counted apart."""
    missing = [good for good in goods if not is_shown(connection, good)]
    crowded = [good for good in missing if bearers(connection, good["name"]) > PAGE]
    lost = [good["name"] for good in missing if good not in crowded]
    note = f"of {len(goods)}; {len(crowded)} more bear a name of over {PAGE} goods" + (f"; lost: {lost[:3]}" if lost else "")
    return Figure("goods not found by their whole name", "goods", len(lost), ours_max=0, note=note)


def is_shown(connection: Connection, good: Good) -> bool:
    return good["sku"] in {item.sku for item in catalogue.search(connection, good["name"], NOW_MS)}


def bearers(connection: Connection, name: str) -> int:
    return int(connection.execute("SELECT count(*) FROM items WHERE name = ?", (name,)).fetchone()[0])
