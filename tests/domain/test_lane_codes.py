"""Codes at the lane: every one yields a line or a visible refusal; a payment code is never repeated."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.codes import check_digit
from pos_app.domain.lane.intents import CutScan, Scan
from store_db import catalogue
from tests.shop_kit import (
    ALIPAY_CODE,
    CASHIER_BADGE,
    PAYMENT_CODE,
    UNKNOWN,
    WATER,
    WRONG_DIGIT,
    Till,
    good,
    label,
)


def everything(till: Till) -> str:
    """All that the lane holds and could show or log."""
    return repr(dataclasses.replace(till.state, config=None)) + repr(till.paper.jobs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (UNKNOWN, "POS-2101"), (WRONG_DIGIT, "POS-2102"), ("6" * 513, "POS-2103"), ("A" * 10_000, "POS-2103"), ("", "POS-2103"),
        ("\x00\x1b\x7f", "POS-2103"), (" ", "POS-2103"), ("A" * 512, "POS-2101"), (PAYMENT_CODE, "POS-2107"),
        (ALIPAY_CODE, "POS-2107"), (label("22", "99999", weight_g=100), "POS-2105"), (label("22", "00501"), "POS-2111"),
        ("'; DROP TABLE items; --", "POS-2101"), ("%", "POS-2101"), ("6990000010106 ", ""), ("{code}", "POS-2101"),
        ("69900000101", "POS-2101"), ("699000001011", "POS-2102"), ("STAFF-NOBODY1", "POS-4001"),
    ],
)  # fmt: skip
def test_a_code_that_cannot_be_sold_is_refused_with_its_reason_and_the_basket_stays(till: Till, code: str, refusal: str) -> None:
    till.scan(WATER)
    before = till.state.basket.lines
    till.do(Scan(code))
    if refusal:
        assert till.says == refusal
        assert till.beeps[-1] == "refused"
        assert till.state.basket.lines == before
    else:
        assert till.sold == [("WATER", 2)]


@pytest.mark.parametrize("code", [WATER + "\x00", "\x1d" + WATER, WATER + "\x1b[2J", WATER[:5] + "\x07" + WATER[5:]])
def test_control_characters_never_reach_the_screen_or_another_good(till: Till, code: str) -> None:
    till.do(Scan(code))
    assert till.sold in ([], [("WATER", 1)])
    assert not any(
        ord(char) < 32 for char in "".join(value for _, value in (till.state.banner.args if till.state.banner else ()))
    )


@given(code=st.text(max_size=600))
def test_any_text_is_a_line_or_a_visible_refusal(walk_till: Till, code: str) -> None:
    before = walk_till.state.basket.lines
    beeps = len(walk_till.beeps)
    walk_till.do(Scan(code))
    assert walk_till.state.basket.lines != before or walk_till.says.startswith("POS-")
    assert len(walk_till.beeps) > beeps


@pytest.mark.parametrize("dialog", ["", "price_check", "find", "help", "shift"])
@pytest.mark.parametrize("code", [PAYMENT_CODE, ALIPAY_CODE])
def test_a_payment_code_on_the_basket_screen_goes_nowhere(till: Till, code: str, dialog: str) -> None:
    till.scan(WATER)
    if dialog:
        till.press(dialog)
    till.do(Scan(code)).press("back", "back")
    assert till.sold == [("WATER", 1)]
    assert code not in everything(till)
    assert code[3:-4] not in everything(till)


def test_a_cut_payment_code_is_not_kept_either(till: Till) -> None:
    """A run that broke off may hold a whole payment code; 20 characters of it are more than first 2, last 4."""
    till.do(CutScan(PAYMENT_CODE))
    assert till.says == "POS-2114"
    assert PAYMENT_CODE not in everything(till)


@pytest.mark.parametrize("patterns", [("28IIIIIAAAAAWWWWWC",), ("28IIIIIAAAAAWWWWWC", "28IIIIIWWWWWAAAAAC")])
def test_a_payment_code_that_looks_like_a_label_is_not_repeated_in_the_refusal(till: Till, patterns: tuple[str, ...]) -> None:
    """An 18-digit label can look exactly like an Alipay code: refused as a label, it must not be shown whole."""
    code = "28123450000000000" + str(check_digit("28123450000000000"))
    with till.shop.store.transaction() as connection:
        connection.executemany("INSERT INTO in_store_rules VALUES (?, '')", [(pattern,) for pattern in patterns])
    till.do(Scan(code))
    assert till.says.startswith("POS-2")
    assert code not in everything(till)


@pytest.mark.parametrize("where", ["selling", "price_check", "payment"])
def test_a_staff_card_where_none_is_asked_for_is_visibly_refused(till: Till, where: str) -> None:
    """Every code is a line or a visible refusal; a card that nobody asked for is no exception."""
    till.scan(WATER)
    if where != "selling":
        till.press("pay" if where == "payment" else where)
    beeps = len(till.beeps)
    till.do(Scan(CASHIER_BADGE))
    assert till.says.startswith("POS-")
    assert till.beeps[beeps:] == ["refused"]


def test_without_a_shift_a_scan_is_refused(shop_factory) -> None:  # type: ignore[no-untyped-def]
    till = Till(shop_factory()).type("1001\n1111\n")
    till.press("back")  # Esc at the float locks
    till.scan(WATER)
    assert till.sold == []


def test_upc_a_and_the_ean_with_a_leading_zero_are_one_number(till: Till) -> None:
    with till.shop.store.transaction() as connection:
        catalogue.put_items(connection, [good("UPC", ["036000291452"], 100), good("EAN", ["0012345678905"], 100)], 1)
    till.scan("0036000291452", "012345678905")
    assert till.sold == [("UPC", 1), ("EAN", 1)]


def test_an_exact_code_of_the_catalogue_beats_the_table_of_labels(till: Till) -> None:
    code = label("22", "00501", weight_g=846)
    with till.shop.store.transaction() as connection:
        catalogue.put_items(connection, [good("EXACT", [code], 4_200)], 1)
    till.scan(code)
    assert till.sold == [("EXACT", 1)]
    assert till.state.priced.total_fen == 4_200


def test_an_unknown_code_says_how_old_the_catalogue_is(till: Till) -> None:
    till.scan(UNKNOWN)
    assert till.state.banner is not None
    assert dict(till.state.banner.args).keys() == {"code", "updated"}


def test_a_part_of_a_known_code_matches_nothing(till: Till) -> None:
    for cut in range(1, len(WATER)):
        till.scan(WATER[:cut], WATER[cut:])
    assert till.sold == []
