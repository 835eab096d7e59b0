"""One row of a goods file: what it means, and what a person should look at."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.goods_cells import has_wrong_number, read_price, read_stock
from pos_app.domain.goods_rows import GoodsRow, Judged, judge_row
from pos_app.domain.money import BadAmount


def judge(**cells: str) -> Judged:
    return judge_row({"codes": "6901234567892", "name_zh": "可乐", "price_yuan": "3.5", **cells})


def row(**cells: str) -> GoodsRow:
    judged = judge(**cells)
    assert judged.row is not None
    return judged.row


@given(st.decimals(min_value=0, max_value=999_999_999, places=5))
def test_a_price_is_rounded_half_up_and_says_whether_it_was(price: Decimal) -> None:
    fen, is_exact = read_price(format(price, "f"))
    exact = price * 100
    assert fen == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert is_exact == (fen == exact)


@given(st.text(max_size=12))
def test_any_text_is_a_price_nothing_or_refused(text: str) -> None:
    try:
        fen, _ = read_price(text)
    except BadAmount:
        return
    assert (fen is None) == (text == "")
    assert fen is None or fen >= 0


@pytest.mark.parametrize(
    ("text", "fen"),
    [("12.5", 1250), ("¥12.50", 1250), ("１２．５元", 1250), ("1,234.5", 123450), (".5", 50), ("5.", 500), ("3.335", 334)],
)
def test_prices_as_people_write_them(text: str, fen: int) -> None:
    assert read_price(text)[0] == fen


@pytest.mark.parametrize("text", ["-5", "12,50", "1e3", "abc", ".", "元", "1.2.3", "6901234567892", "٣"])
def test_what_may_mean_two_things_or_none_is_no_price(text: str) -> None:
    with pytest.raises(BadAmount):
        read_price(text)


@pytest.mark.parametrize(
    ("code", "is_wrong"),
    [
        ("6901234567892", False),
        ("6901234567890", True),
        ("690123456789", True),  # a digit too few
        ("69209303286756933631", True),  # two codes run together
        ("6.90123E+12", True),
        ("6901234567892.0", True),
        ("69012342", True),
        ("00242", False),
        ("01000002", False),
        ("69558554611", False),
        ("33699993-8", False),
        ("-", False),
    ],
)
def test_only_what_looks_like_a_barcode_can_have_a_wrong_number(code: str, is_wrong: bool) -> None:
    assert has_wrong_number(code) is is_wrong


def test_a_row_without_a_price_becomes_a_good_that_asks() -> None:
    for price in ("", "0", "0.00"):
        judged = judge(price_yuan=price)
        assert judged.row is not None
        assert (judged.row.ask_price, judged.row.price_fen) == (True, 0)
        assert set(judged.doubts) == {"no_price"}


def test_a_good_that_is_meant_to_ask_is_no_doubt() -> None:
    judged = judge(price_yuan="", ask_price="1")
    assert judged.row is not None and judged.row.ask_price
    assert judged.doubts == {}


def test_a_member_price_above_the_shelf_price_is_dropped() -> None:
    judged = judge(member_price_yuan="3.51")
    assert judged.row is not None and judged.row.member_price_fen is None
    assert judged.doubts == {"member_price_above_shelf": "3.51 > 3.50"}
    assert row(member_price_yuan="3.50").member_price_fen == 350
    assert row(member_price_yuan="0").member_price_fen is None


def test_a_price_under_cost_is_reported_and_kept() -> None:
    judged = judge(cost_yuan="3.51")
    assert judged.row is not None and judged.row.cost_fen == 351
    assert judged.doubts == {"price_under_cost": "3.50 < 3.51"}


def test_a_file_without_prices_has_none_that_could_be_wrong() -> None:
    judged = judge_row({"codes": "1", "name_zh": "x", "cost_yuan": "2", "member_price_yuan": "1"})
    assert set(judged.doubts) == {"no_price"}
    assert judged.row is not None and judged.row.member_price_fen == 100


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"name_zh": " "}, "no_name"),
        ({"codes": ""}, "no_code"),
        ({"price_yuan": "three"}, "bad_price"),
        ({"cost_yuan": "-1"}, "bad_price"),
    ],
)
def test_a_row_that_cannot_be_a_good_is_refused(cells: dict[str, str], reason: str) -> None:
    judged = judge(**cells)
    assert judged.row is None
    assert set(judged.doubts) == {reason}


def test_codes_are_made_half_width_names_only_trimmed() -> None:
    good = row(codes="　６９０1234567892  00242 00242 ", name_zh="　可乐（大）\x1b@ ")
    assert good.codes == ("6901234567892", "00242")
    assert good.sku == "6901234567892"
    assert good.name == "可乐（大） @"


def test_the_sku_stands_in_for_the_code_and_the_other_way_round() -> None:
    assert row(sku="A1").sku == "A1"
    assert row(sku="A1", codes="").codes == ("A1",)


def test_flags_are_read_in_the_words_of_tills() -> None:
    good = row(weighed="计重", earns_points="否", discount_allowed="FALSE", stop_sale="1", restricted="烟草")
    assert (good.weighed, good.earns_points, good.discount_allowed, good.stop_sale) == (True, False, False, True)
    assert good.restricted == "tobacco"
    assert (row().weighed, row().earns_points, row().stop_sale) == (False, True, False)


def test_a_flag_in_unknown_words_takes_the_default_and_is_reported() -> None:
    judged = judge(weighed="maybe", restricted="guns")
    assert judged.row is not None and not judged.row.weighed
    assert judged.doubts == {"bad_flag": "weighed maybe; restricted guns"}


@pytest.mark.parametrize(
    ("text", "is_weighed", "stock"),
    [
        ("12", False, 12),
        ("12.0", False, 12),
        ("-3", False, -3),
        ("1,200", False, 1200),
        ("1.5", False, None),
        ("1.5", True, 1500),
        ("0.0005", True, 1),
        ("many", True, None),
        ("1,5", True, None),
    ],
)
def test_stock_is_units_or_grams(text: str, is_weighed: bool, stock: int | None) -> None:
    assert read_stock(text, is_weighed) == stock


def test_a_stock_that_is_no_quantity_is_reported_and_left_out() -> None:
    judged = judge(stock="1.5")
    assert judged.row is not None and judged.row.stock is None
    assert judged.doubts == {"bad_stock": "1.5"}
