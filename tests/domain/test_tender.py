"""Tenders: what counts is the net, cash rounds down, a key press completes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.errors import Refusal
from pos_app.domain.tender import (
    CASH,
    CASH_MAX_FEN,
    Tender,
    cash_due_fen,
    left_to_pay_fen,
    rounding_fen,
    suggested_notes_fen,
    tender_card,
    tender_cash,
)

DUE = st.integers(0, 9_900_000)


def test_75_paid_with_a_note_of_100_counts_75() -> None:
    assert tender_cash(7_500, 10_000, 10) == Tender(CASH, 7_500, 10_000, 2_500)


def test_70_83_in_cash_is_70_80_and_3_fen_are_the_rounding_line() -> None:
    tender = tender_cash(7_083, 10_000, 10)
    assert tender == Tender(CASH, 7_080, 10_000, 2_920)
    assert rounding_fen(7_083, (tender,)) == -3


@given(DUE, st.sampled_from([1, 5, 10]))
def test_exact_cash_always_completes_and_never_rounds_up(left_fen: int, step_fen: int) -> None:
    due_fen = cash_due_fen(left_fen, step_fen)
    tender = tender_cash(left_fen, due_fen, step_fen)
    assert isinstance(tender, Tender)
    assert left_fen - step_fen < tender.amount_fen <= left_fen
    assert tender.change_fen == 0


@given(DUE, st.integers(0, 10_000_000))
def test_cash_is_taken_whole_or_refused_with_both_figures(left_fen: int, given_fen: int) -> None:
    answer = tender_cash(left_fen, given_fen, 10)
    if isinstance(answer, Refusal):
        assert {"due", "given"} <= dict(answer.args).keys()
        assert given_fen < cash_due_fen(left_fen, 10) or given_fen - cash_due_fen(left_fen, 10) > 10_000
    else:
        assert answer.tendered_fen - answer.change_fen == answer.amount_fen == cash_due_fen(left_fen, 10)
        assert 0 <= answer.change_fen <= 10_000


def test_an_amount_nobody_hands_over_is_refused() -> None:
    for given_fen in (CASH_MAX_FEN + 1, 690_123_456_700):
        answer = tender_cash(500, given_fen, 10)
        assert isinstance(answer, Refusal)
        assert answer.code == "POS-3007"


@given(DUE, st.integers(-100, 10_000_000), st.text(max_size=50))
def test_a_card_never_takes_more_than_is_due_nor_goes_without_a_reference(left_fen: int, amount_fen: int, reference: str) -> None:
    answer = tender_card(left_fen, amount_fen, reference)
    if isinstance(answer, Tender):
        assert 0 < answer.amount_fen == answer.tendered_fen <= left_fen
        assert 0 < len(answer.reference) <= 32
    else:
        assert not reference.strip() or not 0 < amount_fen <= left_fen


@given(st.integers(0, 10_000_000))
def test_suggested_notes_are_above_what_is_due_rising_and_each_is_taken(due_fen: int) -> None:
    due_fen -= due_fen % 10
    notes = suggested_notes_fen(due_fen)
    assert len(notes) <= 4
    assert list(notes) == sorted(set(notes))
    for note_fen in notes:
        assert note_fen > due_fen
        if note_fen <= CASH_MAX_FEN:
            assert isinstance(tender_cash(due_fen, note_fen, 10), Tender)


def test_the_notes_of_the_docstring_hold() -> None:
    assert suggested_notes_fen(7_080) == (7_100, 7_500, 8_000, 10_000)


@pytest.mark.parametrize("card_fen", [1, 5_000, 7_082])
def test_a_card_amount_and_cash_for_the_rest_are_the_whole_sale(card_fen: int) -> None:
    card = tender_card(7_083, card_fen, "123")
    assert isinstance(card, Tender)
    left = left_to_pay_fen(7_083, (card,))
    cash = tender_cash(left, cash_due_fen(left, 10), 10)
    assert isinstance(cash, Tender)
    assert card.amount_fen + cash.amount_fen == 7_083 + rounding_fen(7_083, (card, cash))
