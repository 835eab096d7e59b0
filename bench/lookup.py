"""A good by its code among 200,000 goods and 500,000 codes: `find_by_code` against one bare SELECT over the same tables."""

from collections.abc import Callable
from random import Random
from typing import Any

from bench import big_store
from bench.figures import Figure, Options, in_turns, median, p99, spent_ms
from store_db import catalogue
from store_db.connection import Connection, connect

BARE = """
SELECT i.sku, i.name, i.price_fen, i.name_en, i.unit, i.category, i.member_price_fen, i.promo_price_fen, i.tax_code,
    i.weighed, i.ask_price, i.restricted, i.earns_points, i.discount_allowed, i.price_override_allowed, i.stop_sale,
    (SELECT rate_bp FROM tax_rates r WHERE r.tax_code = i.tax_code AND r.valid_from_ms <= ? ORDER BY r.valid_from_ms DESC LIMIT 1)
FROM barcodes b JOIN items i ON i.id = b.item_id WHERE b.code = ?
"""
NOW_MS = 1_790_000_000_000


def measure(options: Options) -> list[Figure]:
    """Each code once through both, on two connections with caches of their own, so that each reads its own pages."""
    path = big_store.big_file(options)
    ours, bare = connect(path), connect(path)
    bare.row_factory = None
    codes = [row[0] for row in bare.execute("SELECT code FROM barcodes")]
    Random(7).shuffle(codes)
    walk, other_walk = iter(codes), iter(codes)
    found = in_turns(
        options.pick(40_000, 5_000),
        lambda: us_of(catalogue.find_by_code, ours, next(walk), NOW_MS),
        lambda: us_of(find_bare, bare, next(other_walk), NOW_MS),
    )
    ours.close()
    bare.close()
    return [
        Figure("code look-up, median", "us", *map(median, found), ratio_max=1.3),
        Figure("code look-up, p99", "us", *map(p99, found), ratio_max=1.3),
    ]


def find_bare(connection: Connection, code: str, now_ms: int) -> Any:
    return connection.execute(BARE, (now_ms, code)).fetchone()


def us_of(look_up: Callable[..., Any], *arguments: Any) -> float:
    return spent_ms(look_up, *arguments) * 1000
