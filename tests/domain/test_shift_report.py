"""Shift reports: sums over receipts, expected cash from the net."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.shift import SaleFigures, counted_fen, needs_reason, report
from pos_app.domain.tender import CASH, Tender

MONEY = st.integers(0, 10**6)


@st.composite
def figures(draw: st.DrawFn) -> SaleFigures:
    total, discount, change = draw(MONEY), draw(MONEY), draw(MONEY)
    rounding = -(total % 10) if draw(st.booleans()) else 0
    card = draw(st.integers(0, total + rounding))
    cash = total + rounding - card
    tenders = (Tender("card_terminal", card, card, 0, "1"), Tender(CASH, cash, cash + change, change))
    share = TaxShare(*draw(st.sampled_from([("S13", 1_300), ("R9", 900)])), total, total // 10)
    state = draw(st.sampled_from(["paid", "paid", "cancelled", "taken"]))
    return SaleFigures(state, total + discount, discount, rounding, total, draw(st.integers(1, 9)), (share,), tenders)


def _cash(tendered_fen: int, amount_fen: int) -> SaleFigures:
    tender = Tender(CASH, amount_fen, tendered_fen, tendered_fen - amount_fen)
    return SaleFigures("paid", amount_fen, 0, 0, amount_fen, 1, (TaxShare("S13", 1_300, amount_fen, 0),), (tender,))


def test_75_paid_with_100_adds_75_to_the_expected_cash() -> None:
    assert report(50_000, [_cash(10_000, 7_500)]).expected_cash_fen == 57_500


@given(st.integers(0, 10**6), st.lists(figures(), max_size=20))
def test_the_report_is_the_sum_of_the_paid_receipts(float_fen: int, sales: list[SaleFigures]) -> None:
    answer = report(float_fen, sales)
    paid = [sale for sale in sales if sale.state == "paid"]
    assert answer.sales == len(paid)
    assert answer.cancelled == sum(sale.state == "cancelled" for sale in sales)
    assert answer.total_fen == sum(sale.total_fen for sale in paid) == answer.list_fen - answer.discount_fen
    assert sum(t.amount_fen for t in answer.tenders) == answer.total_fen + answer.rounding_fen
    assert sum(share.net_fen for share in answer.taxes) == answer.total_fen
    cash = sum(t.amount_fen for sale in paid for t in sale.tenders if t.kind == CASH)
    assert answer.expected_cash_fen == float_fen + cash


@given(st.lists(figures(), max_size=20), st.integers())
def test_the_order_of_the_receipts_does_not_matter(sales: list[SaleFigures], seed: int) -> None:
    shuffled = sales[:]
    random.Random(seed).shuffle(shuffled)
    assert report(0, shuffled) == report(0, sales)


def test_a_count_is_denomination_times_pieces() -> None:
    assert counted_fen([(10_000, 3), (500, 4)]) == 32_000
    assert counted_fen([]) == 0


def test_a_reason_is_needed_above_ten_yuan_in_either_direction() -> None:
    assert [needs_reason(fen) for fen in (0, 1_000, -1_000, 1_001, -1_001)] == [False, False, False, True, True]
