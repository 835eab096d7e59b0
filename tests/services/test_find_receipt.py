"""A receipt is found by what stands on it, and what is none says what it is."""

import pytest

from pos_app.domain.return_values import Returnable
from pos_app.services.find_receipt import find_receipt
from tests.shop_kit import MILK, WATER, Till


def test_a_receipt_is_found_by_number_counter_lane_and_counter_and_amount(till: Till) -> None:
    number = till.sell(WATER, MILK)
    for text in (number, number.lower(), "1", "000001", "01-1"):
        assert found_number(till, text) == number
    for text in ("5.50", ""):
        rows = find_receipt(till.shop, text)
        assert isinstance(rows, tuple) and [row.number for row in rows] == [number]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2", "POS-3301"),
        ("9.99", "POS-3301"),
        ("x", "POS-3301"),
        ("09-1", "POS-3301"),
        ("S001-01-ZZZZ-000001", "POS-3308"),
        ("S002-01-AAAA-000001", "POS-3308"),
    ],
)
def test_what_is_no_receipt_of_this_file_says_what_it_is(till: Till, text: str, code: str) -> None:
    till.sell(WATER)
    assert getattr(find_receipt(till.shop, text), "code", "") == code


def test_a_cancelled_number_is_no_sale(till: Till) -> None:
    till.scan(WATER).press("cancel_sale").type("1002\n2222\n").press("enter")
    assert getattr(find_receipt(till.shop, "1"), "code", "") == "POS-3304"


def found_number(till: Till, text: str) -> str:
    found = find_receipt(till.shop, text)
    assert isinstance(found, Returnable), found
    return found.sale.number
