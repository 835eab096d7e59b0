"""A PIN is right or wrong, and the answer is the same wherever it is checked."""

import pytest

from pos_app.domain.lane.intents import CheckPin
from pos_app.services import check_pin
from store_db.staff import StaffRow

ROW = StaffRow("1001", "王芳", "cashier", check_pin.hash_pin("1111"), None)


@pytest.mark.parametrize("check", [check_pin.check_pin, check_pin.check_pin_outside])
def test_only_the_right_pin_of_a_known_number_is_a_person(check):
    assert check(ROW, CheckPin("login", "1001", "1111")).staff == "1001"
    assert check(ROW, CheckPin("login", "1001", "1112")).staff is None
    assert check(None, CheckPin("login", "7777", "1111")).staff is None


def test_where_no_process_can_be_started_the_check_is_made_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check_pin.sys, "executable", "/no/such/python")
    assert check_pin.check_pin_outside(ROW, CheckPin("login", "1001", "1111")).staff == "1001"
    assert check_pin.check_pin_outside(ROW, CheckPin("login", "1001", "2222")).staff is None


def test_a_damaged_hash_lets_nobody_in():
    row = StaffRow("1001", "王芳", "cashier", "$argon2id$broken", None)
    assert check_pin.check_pin_outside(row, CheckPin("login", "1001", "1111")).staff is None


def test_the_pin_is_in_no_representation_of_the_effect():
    assert "1111" not in repr(CheckPin("login", "1001", "1111"))
