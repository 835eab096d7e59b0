"""People at a lane: log in, lock, and a permission that is lent once."""

import pytest

from pos_app.domain.lane.intents import Scan
from tests.shop_kit import (
    CASHIER_BADGE,
    CASHIER_PIN,
    MANAGER_PIN,
    MILK,
    SUPERVISOR_BADGE,
    SUPERVISOR_PIN,
    WATER,
    Till,
)


def test_a_lane_opens_locked_and_sells_nothing(shop_factory) -> None:  # type: ignore[no-untyped-def]
    till = Till(shop_factory())
    till.scan(WATER).press("pay", "find", "back", "back", "hold")
    assert (till.kind, till.sold, till.state.person) == ("login_number", [], None)


def test_number_and_pin_or_card_and_pin_log_in(shop_factory) -> None:  # type: ignore[no-untyped-def]
    till = Till(shop_factory())
    till.scan(CASHIER_BADGE).type("1111\n")
    assert till.state.person is not None
    assert till.state.person.staff == "1001"
    till.type("300\n").press("lock")
    assert till.state.person is None
    till.type(SUPERVISOR_PIN)
    assert till.state.person.staff == "1002"


@pytest.mark.parametrize("typed", ["1001\n9999\n", "4711\n1111\n", "1111\n1001\n", "1001\n11111\n"])
def test_a_wrong_number_or_pin_is_one_and_the_same_refusal(shop_factory, typed: str) -> None:  # type: ignore[no-untyped-def]
    till = Till(shop_factory()).type(typed)
    assert (till.says, till.state.person) == ("POS-4001", None)


@pytest.mark.parametrize("pin", [CASHIER_PIN, SUPERVISOR_PIN])
def test_after_too_many_wrong_pins_the_right_one_needs_a_manager(shop_factory, pin: str) -> None:  # type: ignore[no-untyped-def]
    """POS-4008 says "call a manager": guessing a four-digit PIN must end, not only be told."""
    till = Till(shop_factory())
    for guess in range(5):
        till.type(f"{pin[:4]}\n{5_000 + guess}\n")
    assert till.says == "POS-4008"
    till.type(pin)
    assert till.state.person is None
    till.type(MANAGER_PIN)
    assert till.state.person is not None


def test_lock_keeps_the_basket_and_the_payment(till: Till) -> None:
    till.scan(WATER).press("pay", "lock").type(CASHIER_PIN)
    assert (till.sold, till.state.phase) == ([("WATER", 1)], "payment")
    till.press("pay")
    assert till.state.last_sale is not None


def test_what_a_cashier_may_not_do_asks_for_an_approver(till: Till) -> None:
    till.scan(WATER).press("cancel_sale")
    assert till.kind == "approve_number"
    till.press("back")
    assert till.sold == [("WATER", 1)]


def test_an_approver_lends_the_permission_once_and_is_on_record(till: Till) -> None:
    till.scan(WATER).press("cancel_sale").type(SUPERVISOR_PIN)
    assert till.kind == "reason_cancel"
    till.type("1")
    assert till.says == "banner.cancelled"
    event = _last_event(till)
    assert (event.staff, event.approver, event.reason) == ("1001", "1002", "changed_mind")
    till.scan(WATER).press("cancel_sale")
    assert till.kind == "approve_number"


def test_an_approval_that_was_not_used_does_not_stay(till: Till) -> None:
    till.scan(WATER).press("cancel_sale").type(SUPERVISOR_PIN).press("back")
    assert till.state.approver == ""
    till.press("cancel_sale")
    assert till.kind == "approve_number"


def test_an_approver_without_the_permission_is_refused(till: Till) -> None:
    till.scan(WATER).press("cancel_sale").type(CASHIER_PIN)
    assert (till.kind, till.says) == ("approve_number", "POS-4002")


def test_an_approver_may_use_the_card_too(till: Till) -> None:
    till.press("no_sale").scan(SUPERVISOR_BADGE).type("2222\n1")
    assert till.drawer.pulses == ["no_sale"]
    event = _last_event(till)
    assert (event.kind, event.staff, event.approver) == ("drawer_opened", "1001", "1002")


def test_the_drawer_without_a_sale_is_recorded_before_it_opens(till: Till) -> None:
    before = _events(till)
    till.press("no_sale").type(MANAGER_PIN).press("back")
    assert (till.drawer.pulses, _events(till)) == ([], before)
    till.press("no_sale").type(MANAGER_PIN).type("2")
    assert (till.drawer.pulses, _events(till)) == (["no_sale"], before + 1)


def test_scans_while_somebody_approves_are_refused_and_land_nowhere(till: Till) -> None:
    till.scan(WATER).press("cancel_sale")
    for keys in ("", "1002\n"):
        till.type(keys).do(Scan(MILK))
        assert till.says == "POS-2115"
    till.type("2222\n1")
    till.press("back").scan(WATER)
    assert till.sold == [("WATER", 1)]


def test_a_pin_is_never_part_of_what_can_be_printed_of_an_effect() -> None:
    from pos_app.domain.lane.intents import CheckPin

    assert "4711" not in repr(CheckPin("login", "1001", "4711"))


def test_a_slow_check_answers_only_the_question_it_was_asked(shop_factory) -> None:  # type: ignore[no-untyped-def]
    """The reply of a check that runs in a thread may come late; it must log nobody in behind a closed dialog."""
    from pos_app.domain.lane.intents import PinChecked
    from pos_app.services.run_lane import LaneRunner

    waiting: list = []
    till = Till(shop_factory())
    till.lane = LaneRunner(till.shop, later=waiting.append)
    till.type(CASHIER_PIN)
    assert till.kind == "login_wait"
    till.press("back").scan(WATER)
    assert (till.kind, till.sold) == ("login_wait", [])
    till.do(waiting.pop()())
    assert till.state.person is not None
    till.do(PinChecked("approve", "1002", "陈敏", "supervisor"), PinChecked("login", "9001", "林店长", "manager"))
    assert till.state.person.staff == "1001"


def _last_event(till: Till):  # type: ignore[no-untyped-def]
    from store_db import journal

    connection = till.shop.store.connection
    entry = journal.entry_by_id(connection, journal.head(connection)[0])
    assert entry is not None
    return entry.event()


def _events(till: Till) -> int:
    from store_db import journal

    return int(journal.head(till.shop.store.connection)[0])
