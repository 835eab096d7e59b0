"""Money: whole fen, every rounding named, nothing lost between the shares."""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item
from pos_app.domain.money import (
    BadAmount,
    cash_rounding_fen,
    divide_half_up,
    format_weight,
    format_yuan,
    parse_yuan,
    share_fen,
    tax_included_fen,
    weighed_amount_fen,
)
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import STRANGER, Customer, Package
from pos_app.domain.tender import Tender, cash_due_fen, left_to_pay_fen, rounding_fen, tender_card, tender_cash

MEMBER = Customer(alias="m")

FEN = st.integers(-(10**12), 10**12)


@given(FEN, st.integers(1, 10**6))
def test_half_up_is_the_nearest_whole_and_halves_go_away_from_zero(numerator: int, denominator: int) -> None:
    answer = divide_half_up(numerator, denominator)
    error = abs(Fraction(numerator, denominator) - answer)
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert abs(answer) > abs(Fraction(numerator, denominator))


def test_the_worked_numbers_of_the_docstrings_hold() -> None:
    assert divide_half_up(5, 2) == 3
    assert divide_half_up(-5, 2) == -3
    assert weighed_amount_fen(990, 846) == 838
    assert tax_included_fen(11_300, 1_300) == 1_300
    assert cash_rounding_fen(7_083, 10) == -3
    assert cash_rounding_fen(-7_083, 10) == -7
    assert share_fen(100, [1, 1, 1]) == [34, 33, 33]
    assert format_yuan(-123_456) == "-1,234.56"
    assert format_weight(846) == "0.846"


@given(FEN, st.sampled_from([1, 5, 10, 50, 100]))
def test_cash_never_rounds_in_the_shops_favour_and_by_less_than_a_step(due_fen: int, step_fen: int) -> None:
    rounding = cash_rounding_fen(due_fen, step_fen)
    assert -step_fen < rounding <= 0
    assert (due_fen + rounding) % step_fen == 0


def test_a_step_that_could_round_up_is_refused() -> None:
    for step_fen in (0, -10):
        with pytest.raises(ValueError):
            cash_rounding_fen(7_083, step_fen)


@given(FEN, st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_shares_sum_exactly_and_each_is_within_a_fen_of_its_part(amount_fen: int, weights: list[int]) -> None:
    shares = share_fen(amount_fen, weights)
    assert sum(shares) == amount_fen
    total = sum(weights)
    if total:
        assert all(abs(share - Fraction(amount_fen * w, total)) < 1 for share, w in zip(shares, weights, strict=True))


def test_shares_sum_exactly_in_ten_thousand_random_cases() -> None:
    draw = random.Random(1)
    for _ in range(10_000):
        amount_fen = draw.randint(-(10**7), 10**7)
        weights = [draw.randint(0, 10**5) for _ in range(draw.randint(1, 12))]
        assert sum(share_fen(amount_fen, weights)) == amount_fen


def test_nothing_to_share_over_is_an_error_not_a_loss() -> None:
    with pytest.raises(ValueError):
        share_fen(100, [])


@given(FEN)
def test_what_is_printed_reads_back_as_the_same_money(amount_fen: int) -> None:
    assert parse_yuan(format_yuan(amount_fen)) == amount_fen
    assert parse_yuan(f" ¥{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d} ") == abs(amount_fen)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"), ("  ", "empty"), ("¥", "empty"), (".", "not_a_number"), ("-", "not_a_number"), ("1.2.3", "not_a_number"),
        ("1e3", "not_a_number"), ("--5", "not_a_number"), ("+5", "not_a_number"), ("１２", "not_a_number"),
        ("²", "not_a_number"), ("1 2", "not_a_number"), ("nan", "not_a_number"), ("9" * 13, "not_a_number"),
        ("0.005", "decimals"), ("1.999", "decimals"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_amount_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_yuan(text)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("text", "fen"), [("12.5", 1_250), ("5.", 500), (".5", 50), ("1,234.50", 123_450), ("3.1000", 310), ("-0.01", -1)]
)
def test_amounts_as_people_and_files_write_them_are_read(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize("text", ["12,50", "1,5", "0,99", "1,2,3", "12,34.5", ",5"])
def test_a_comma_that_marks_no_thousands_is_refused_not_dropped(text: str) -> None:
    """12,50 read as 1,250.00 would be a price a hundred times too high."""
    with pytest.raises(BadAmount):
        parse_yuan(text)


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_a_bad_amount_and_nothing_else(text: str) -> None:
    try:
        assert isinstance(parse_yuan(text), int)
    except BadAmount:
        pass


# ------------------------------------------------------------------ whole baskets


def _item(draw: random.Random) -> Item:
    code, bp = draw.choice((("S13", 1_300), ("R9", 900), ("E0", 0)))
    price_fen = draw.randint(1, 30_000)
    promo = draw.randint(0, price_fen) if draw.random() < 0.3 else None
    member = draw.randint(0, price_fen) if draw.random() < 0.3 else None
    return Item(
        "A", "A", price_fen, tax_code=code, tax_bp=bp, promo_price_fen=promo, member_price_fen=member,
        weighed=draw.random() < 0.3, discount_allowed=draw.random() < 0.9,
    )  # fmt: skip


def _line(draw: random.Random, item: Item, line_id: int) -> Line:
    if item.weighed:
        label = draw.choice((None, draw.randint(1, 20_000)))
        return Line(line_id, item, "A", weight_g=draw.randint(1, 5_000), label_fen=label)
    return Line(line_id, item, "A", quantity=draw.randint(1, 12))


def _tenders(draw: random.Random, total_fen: int) -> tuple[Tender, ...]:
    """Cash, card, or a card amount and the rest in cash."""
    tenders: tuple[Tender, ...] = ()
    kind = draw.randrange(3)
    if kind and total_fen:
        amount_fen = total_fen if kind == 1 else draw.randint(1, total_fen)
        card = tender_card(total_fen, amount_fen, "1")
        assert isinstance(card, Tender)
        tenders = (card,)
    left = left_to_pay_fen(total_fen, tenders)
    if left or not tenders:
        cash = tender_cash(left, cash_due_fen(left, 10) + draw.randint(0, 10_000), 10)
        assert isinstance(cash, Tender)
        tenders = (*tenders, cash)
    return tenders


def test_in_100_000_random_baskets_lines_and_tax_and_rounding_are_the_tenders() -> None:
    draw = random.Random(14)
    items = [_item(draw) for _ in range(200)]
    package = Package()
    for n in range(100_000):
        basket = Basket(lines=tuple(_line(draw, items[draw.randrange(200)], i) for i in range(1, 2 + n % 3)))
        priced = price(basket, MEMBER if n % 2 else STRANGER, package, 0)
        tenders = _tenders(draw, priced.total_fen)
        assert sum(line.net_fen for line in priced.lines) == priced.total_fen == priced.list_fen - priced.discount_fen
        assert sum(share.net_fen for share in priced.taxes) == priced.total_fen
        assert all(0 <= share.tax_fen <= share.net_fen for share in priced.taxes)
        assert priced.discount_fen >= 0
        assert -10 < rounding_fen(priced.total_fen, tenders) <= 0
        assert sum(t.tendered_fen - t.change_fen for t in tenders) == priced.total_fen + rounding_fen(priced.total_fen, tenders)
