"""Read and judge a goods file into its stage: every row as the good it describes, or the reason why it is refused."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from operator import attrgetter

from pos_app.domain.goods_rows import DUPLICATE_CODE, WRONG_COLUMNS, GoodsRow, Judged, judge_row
from pos_app.services.goods_files import GoodsFile, RawRow
from pos_app.services.pinyin import initials
from store_db import catalogue, journal
from store_db.staging import Stage, Staged
from store_db.store import Store

STAGE_ROWS = 1_000

# What a good that is stored keeps when the file has no such column.
KEEPS: dict[str, tuple[str, ...]] = {
    "price_yuan": ("price_fen", "ask_price"),
    "member_price_yuan": ("member_price_fen",),
    "promo_price_yuan": ("promo_price_fen",),
    "cost_yuan": ("cost_fen",),
} | {
    name: (name,)
    for name in (
        "name_en", "pinyin", "unit", "category", "tax_code", "weighed", "restricted", "earns_points", "discount_allowed",
        "price_override_allowed", "stop_sale",
    )
}  # fmt: skip
_stored = attrgetter(*catalogue.STORED_COLUMNS)


def stage_goods(stage: Stage, store: Store, goods_file: GoodsFile, progress: Callable[[int, int], None]) -> Staged:
    """Read and judge the whole file, in one transaction of the stage: a cut leaves an empty stage.

    Raises BadInput as the rows are read.
    """
    kept = tuple(name for ours, names in KEEPS.items() if ours not in goods_file.columns for name in names)
    rows = refused = 0
    with stage.filling():
        judged = _judged(goods_file.rows)
        while some := list(itertools.islice(judged, STAGE_ROWS)):
            _put(stage, some)
            rows += len(some)
            refused += sum(result.row is None for _, result in some)
            progress(rows, 0)
        staged = Staged(rows, refused, kept, store.ids.random(16), journal.head(store.connection)[0])
        stage.put_staged(staged)
    return staged


def _judged(rows: Iterator[RawRow]) -> Iterator[tuple[int, Judged]]:
    """Row numbers and judgements; of rows that share a code or an sku the first is taken."""
    seen: set[str] = set()
    for raw in rows:
        judged = Judged(None, "", {WRONG_COLUMNS: raw.fault}) if raw.fault else judge_row(raw.cells)
        if judged.row is not None:
            numbers = {f"sku {judged.row.sku}", *judged.row.codes}  # no code has a blank in it
            if taken := sorted(numbers & seen):
                judged = Judged(None, judged.code, {**judged.doubts, DUPLICATE_CODE: " ".join(taken)})
            else:
                seen |= numbers
        yield raw.number, judged


def _put(stage: Stage, judged: list[tuple[int, Judged]]) -> None:
    rows = [(row_no, _with_pinyin(result.row)) for row_no, result in judged if result.row is not None]
    stage.put(
        [(row_no, *_stored(row), row.stock) for row_no, row in rows],
        [(row_no, n, code) for row_no, row in rows for n, code in enumerate(row.codes)],
    )
    stage.put_doubts([(row_no, reason, result.code, seen) for row_no, result in judged for reason, seen in result.doubts.items()])


def _with_pinyin(row: GoodsRow) -> GoodsRow:
    made = "" if row.pinyin else initials(row.name)
    return dataclasses.replace(row, pinyin=made) if made else row
