"""Permissions: what a cashier lacks, a higher role has."""

from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain import permissions as p


def test_each_higher_role_may_whatever_the_lower_one_may() -> None:
    assert p.PERMISSIONS[p.CASHIER] < p.PERMISSIONS[p.SUPERVISOR] <= p.PERMISSIONS[p.MANAGER]


def test_a_cashier_may_not_cancel_open_the_drawer_or_accept_a_wrong_clock() -> None:
    for action in (p.CANCEL_SALE, p.NO_SALE, p.ACCEPT_CLOCK, p.ACCEPT_DIFFERENCE):
        assert not p.may(p.CASHIER, action)
        assert p.may(p.SUPERVISOR, action)


@given(st.text(), st.text())
def test_an_unknown_role_or_action_has_nothing(role: str, action: str) -> None:
    if role not in p.ROLES or action not in p.PERMISSIONS[p.MANAGER]:
        assert not p.may(role, action)
