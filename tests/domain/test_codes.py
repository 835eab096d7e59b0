"""Codes: check digits, payment codes, and the shop's own labels."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.codes import (
    InStoreCode,
    InStoreRule,
    check_digit,
    has_right_check_digit,
    is_payment_code,
    label_agrees,
    looks_like_gtin,
    read_in_store_code,
)
from pos_app.domain.errors import Refusal

DIGITS = st.text("0123456789", min_size=1, max_size=17)
# GS1's own examples and goods anybody can pick up: GTIN-8, -12, -13, -14, SSCC.
KNOWN = ("6291041500213", "4006381333931", "5901234123457", "036000291452", "96385074", "00012345600012", "106141412345678908")
RULES = tuple(InStoreRule(pattern) for pattern in ("21IIIIIAAAAAC", "22IIIIIWWWWWC", "23IIIIIAAAAAWWWWWC"))


@pytest.mark.parametrize("code", KNOWN)
def test_known_numbers_have_the_check_digit_that_is_computed(code: str) -> None:
    assert check_digit(code[:-1]) == int(code[-1])
    assert has_right_check_digit(code) == (len(code) != 18)


@given(DIGITS, st.data())
def test_one_wrong_digit_is_always_found(body: str, data: st.DataObject) -> None:
    code = body + str(check_digit(body))
    at = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != code[at]]))
    wrong = code[:at] + other + code[at + 1 :]
    assert check_digit(wrong[:-1]) != int(wrong[-1])


def test_a_real_supermarkets_codes_are_judged_as_its_file_says(data_dir: Path) -> None:
    with (data_dir / "products-cn" / "goods_supermarket_a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = [row["code"] for row in rows if has_right_check_digit(row["code"]) != (row["check_digit_ok"] == "1")]
    assert len(rows) == 6_404
    assert not wrong


@given(st.text(max_size=20))
def test_any_text_can_be_asked_about(text: str) -> None:
    for question in (looks_like_gtin, has_right_check_digit, is_payment_code):
        assert question(text) in (True, False)
    assert read_in_store_code(text, RULES) is None or not isinstance(read_in_store_code(text, RULES), str)


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("10" + "0" * 16, True), ("15" + "9" * 16, True), ("16" + "0" * 16, False), ("09" + "0" * 16, False),
        ("13" + "0" * 15, False), ("25" + "0" * 14, True), ("30" + "0" * 22, True), ("31" + "0" * 16, False),
        ("28" + "0" * 13, False), ("28" + "0" * 23, False), ("1３" + "0" * 16, False), ("6990000010106", False), ("", False),
    ],
)  # fmt: skip
def test_a_payment_code_is_known_by_its_length_and_beginning(code: str, is_one: bool) -> None:
    assert is_payment_code(code) is is_one


# ------------------------------------------------------------------ in-store codes


def _labelled(pattern: str, item: str, amount: int = 0, weight: int = 0) -> str:
    body = pattern.replace("IIIII", item).replace("AAAAA", f"{amount:05d}").replace("WWWWW", f"{weight:05d}").rstrip("C")
    return body + str(check_digit(body))


@given(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(0, 99_999))
def test_labels_of_13_and_18_digits_say_item_amount_and_weight(item: int, amount: int, weight: int) -> None:
    plu = f"{item:05d}"
    assert read_in_store_code(_labelled("21IIIIIAAAAAC", plu, amount), RULES) == InStoreCode(plu, None, amount)
    assert read_in_store_code(_labelled("22IIIIIWWWWWC", plu, 0, weight), RULES) == InStoreCode(plu, weight, None)
    assert read_in_store_code(_labelled("23IIIIIAAAAAWWWWWC", plu, amount, weight), RULES) == InStoreCode(plu, weight, amount)


@given(st.integers(0, 10**11 - 1), st.integers(1, 9))
def test_a_label_with_a_wrong_check_digit_is_no_label(number: int, off: int) -> None:
    body = f"2{number:011d}"
    code = body + str((check_digit(body) + off) % 10)
    assert read_in_store_code(code, RULES) is None


def test_two_rows_that_both_fit_refuse_and_never_guess() -> None:
    two = (InStoreRule("22IIIIIWWWWWC", "weight"), InStoreRule("22IIIIIAAAAAC", "amount"))
    answer = read_in_store_code(_labelled("22IIIIIWWWWWC", "00501", 0, 846), two)
    assert isinstance(answer, Refusal)
    assert answer.code == "POS-2106"


def test_a_rule_never_claims_a_code_outside_the_restricted_prefixes() -> None:
    everything = (InStoreRule("IIIIIIIIIIIII"),)
    assert read_in_store_code("6990000010106", everything) is None
    assert read_in_store_code("0290000010106", everything) is not None


def test_an_x_is_ignored_and_a_pattern_without_c_checks_nothing() -> None:
    rule = InStoreRule("29XXIIIIIAAAAA")
    assert read_in_store_code("29770050100838", (rule,)) == InStoreCode("00501", None, 838)


@given(st.integers(1, 50_000), st.integers(1, 30_000))
def test_a_label_that_a_scale_computed_agrees_with_its_own_weight(price_fen_per_kg: int, weight_g: int) -> None:
    exact = price_fen_per_kg * weight_g
    for amount_fen in (exact // 1000, -(-exact // 1000)):  # scales truncate, round and round up
        assert label_agrees(price_fen_per_kg, weight_g, amount_fen)
    assert not label_agrees(price_fen_per_kg, weight_g, exact // 1000 * 2 + 10)
