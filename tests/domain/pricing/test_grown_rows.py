"""What goes along from one basket to the next is what would be found out anew; what is made when asked for is all there."""

import random
from dataclasses import replace

import pytest

from pos_app.domain.as_asked import AsAsked
from pos_app.domain.basket import AddLine, Basket, Line, SetQuantity, Undo, VoidLine, apply
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.plain import to_json
from pos_app.domain.pricing.by_row import ByRow, numbered
from pos_app.domain.pricing.grown_rows import GrownRows, rows_after
from pos_app.domain.pricing.model import EVERYTHING, Scope
from pos_app.domain.pricing.rows import Rows, canonical_rows

SKUS = [f"S{n}" for n in range(7)]
SCOPES = (EVERYTHING, Scope(skus=("S1", "S4")), Scope(categories=("b",)), Scope(categories=("a",), without_skus=("S2",)))


def a_line(rng: random.Random, line_id: int) -> Line:
    n = rng.randrange(len(SKUS))
    item = Item(
        SKUS[n], "n", 100 + n, category=("a", "b;c", "c")[n % 3], tax_code=f"T{n % 2}", tax_bp=900, weighed=n == 5,
        member_price_fen=80 if n == 3 else None, restricted=Restricted.TOBACCO if n == 6 else "",
    )  # fmt: skip
    if item.weighed:
        return Line(line_id, item, "c", weight_g=rng.randint(1, 2_000))
    return Line(line_id, item, "c", rng.randint(1, 3), label_fen=rng.choice((None, None, 50)))


def changed(rng: random.Random, basket: Basket) -> Basket:
    draw = rng.random()
    if draw < 0.5 or not basket.lines:
        return apply(basket, AddLine(a_line(rng, basket.next_line_id)))
    if draw < 0.7:
        return apply(basket, SetQuantity(basket.lines[-1].line_id, rng.randint(1, 9)))
    if draw < 0.8:
        return apply(basket, VoidLine(rng.choice(basket.lines[-2:]).line_id))
    if draw < 0.9:
        return apply(basket, Undo())
    return replace(basket, lines=(*basket.lines[:-1], a_line(rng, basket.lines[-1].line_id)))


def known_of(rows: Rows) -> object:
    return (
        list(rows), {sku: list(rows.by_sku[sku]) for sku in sorted(rows.by_sku)}, dict(rows.by_category), dict(rows.by_tax),
        rows.totals, rows.shut, rows.for_members, [rows.net_fens(audience) for audience in (False, True)],
        [list(rows.within(scope)) for scope in SCOPES], rows.of_skus(dict.fromkeys(("S4", "S1", "S6", "S9"))),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_grew_are_the_rows_made_anew(seed: int) -> None:
    rng = random.Random(f"grown {seed}")
    basket, is_member = Basket(), seed % 2 == 0
    rows, grown = canonical_rows((), is_member), 0
    for _ in range(150):
        before, basket = basket, changed(rng, basket)
        rows = rows_after(rows, before.lines, basket.lines, is_member)
        grown += isinstance(rows, GrownRows)
        assert known_of(rows) == known_of(canonical_rows(basket.lines, is_member))
    assert grown > 75


def test_a_scan_looks_at_no_line_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    lines = tuple(a_line(rng, n) for n in range(1, 51))
    rows = canonical_rows(lines[:49], False)
    made: list[Line] = []
    monkeypatch.setattr("pos_app.domain.pricing.grown_rows.row_of", lambda line, _: made.append(line) or rows[0])
    rows_after(rows, lines[:49], lines, False)
    assert made == [lines[49]]


@pytest.mark.parametrize("seed", range(200))
def test_things_by_row_are_the_list_of_them(seed: int) -> None:
    rng = random.Random(f"by row {seed}")
    count = rng.randint(0, 12)
    others = {row: [(row, n) for n in range(rng.randint(0, 3))] for row in range(count) if rng.random() < 0.4}
    things = [one for row in range(count) for one in others.get(row, [(row, -1)])]
    by_row = ByRow(count, lambda row: (row, -1), others)
    assert by_row == things and list(by_row) == things and len(by_row) == len(things)
    assert [by_row[n] for n in range(-len(things), len(things))] == [*things, *things]
    assert by_row[1:3] == things[1:3] and by_row.rows == [row for row, _ in things]
    for size in range(count):
        some = sorted(rng.sample(range(count), size))
        assert by_row.numbers(some) == [n for n, (row, _) in enumerate(things) if row in some]
    assert [list(by_row.of(row)) for row in range(count)] == [[one for one in things if one[0] == row] for row in range(count)]
    assert list(numbered(by_row)) == [(n, one) for n, one in enumerate(things) if one[0] in others]
    with pytest.raises(IndexError):
        by_row[len(things)]


def test_what_is_made_as_asked_is_made_once_and_is_the_tuple() -> None:
    made: list[int] = []
    squares = AsAsked(5, lambda n: made.append(n) or n * n)
    assert squares[-1] == squares[4] == 16 and made == [4]
    assert squares == (0, 1, 4, 9, 16) and squares[1:3] == (1, 4) and squares != (0, 1)
    assert repr(squares) == "(0, 1, 4, 9, 16)" and hash(squares) == hash((0, 1, 4, 9, 16)) and len(made) == 5
    assert to_json([squares]) == b"[[0,1,4,9,16]]"
    with pytest.raises(IndexError):
        squares[5]
