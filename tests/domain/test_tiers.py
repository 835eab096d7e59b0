"""Tiers and birthdays: the highest tier that is wholly reached, upwards at once and never down; the week of a birthday."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain import members, tiers
from pos_app.domain.pricing.model import TierRule
from pos_app.domain.tiers import Figures

GOLD = TierRule("gold", 200_000, 6, 3, "CUP")
PLATINUM = TierRule("platinum", 800_000, 20, 10)
RULES = (GOLD, PLATINUM)
FIGURES = st.builds(Figures, st.integers(0, 10**6), st.integers(0, 30), st.integers(0, 15))


@pytest.mark.parametrize(
    ("figures", "tier"),
    [(Figures(250_000, 7, 2), "silver"), (Figures(200_000, 6, 3), "gold"), (Figures(900_000, 12, 30), "gold"),
     (Figures(800_000, 20, 10), "platinum"), (Figures(), "silver")],
    ids=["T01", "T02", "T03", "platinum", "nothing"],
)  # fmt: skip
def test_the_worked_tier_cases(figures: Figures, tier: str) -> None:
    assert tiers.tier_for(figures, RULES) == tier


def test_a_condition_that_is_not_listed_is_not_asked_for() -> None:
    assert tiers.tier_for(Figures(orders=3), (TierRule("gold", orders=3),)) == "gold"


def test_an_upgrade_names_the_tier_and_its_gift_and_comes_once() -> None:
    reached = Figures(200_000, 6, 3)
    assert tiers.upgrade("silver", reached, RULES) == GOLD
    assert tiers.upgrade("gold", reached, RULES) is None


@given(FIGURES, st.sampled_from(["", "silver", "gold", "platinum", "unknown"]))
def test_nobody_is_ever_downgraded_at_a_lane(figures: Figures, current: str) -> None:
    order = ["silver", "gold", "platinum"]
    rule = tiers.upgrade(current, figures, RULES)
    if rule is not None:
        assert order.index(rule.tier) > (order.index(current) if current in order else 0)


def test_the_window_counts_its_last_day_and_as_many_days_as_it_says() -> None:
    assert tiers.window_from("2026-12-31", 365) == "2026-01-01"
    assert tiers.window_from("2026-03-01", 1) == "2026-03-01"


# ------------------------------------------------------------------ members


@pytest.mark.parametrize(
    ("birthday", "date", "is_in"),
    [((1, 2), "2026-12-30", True), ((12, 30), "2027-01-02", True), ((9, 24), "2026-09-21", True),
     ((9, 24), "2026-09-27", True), ((9, 24), "2026-09-28", False), ((2, 29), "2026-02-23", True),
     ((2, 29), "2028-02-28", True), ((2, 29), "2027-02-23", True), ((3, 1), "2026-03-02", False)],
)  # fmt: skip
def test_a_birthday_week_runs_from_monday_to_sunday_in_any_year(birthday: tuple[int, int], date: str, is_in: bool) -> None:
    assert members.in_birthday_week(*birthday, date) is is_in


def test_every_birthday_has_its_week_of_seven_days_in_every_year() -> None:
    """A week may hold the birthday of the year that begins or ends in it, so a calendar year sees seven days in all or more."""
    for month, day in itertools.chain([(2, 29), (1, 1), (12, 31)], ((m, 15) for m in range(1, 13))):
        for year in (2024, 2026, 2027):
            first = datetime.date(year, month, 28 if (month, day) == (2, 29) else day) - datetime.timedelta(days=10)
            days = [first + datetime.timedelta(days=n) for n in range(21)]
            found = [one for one in days if members.in_birthday_week(month, day, one.isoformat())]
            assert len(found) == 7
            assert (found[0].isoweekday(), found[-1].isoweekday()) == (1, 7)


@pytest.mark.parametrize("text", ["13800000001", " 138 0000 0001", "+86 138-0000-0001", "008613800000001"])
def test_a_phone_number_is_the_same_however_it_is_typed(text: str) -> None:
    assert members.plain_phone(text) == "13800000001"


@pytest.mark.parametrize("text", ["", "1380000001", "138000000011", "23800000001", "1380000000a", "１３８００００００００１"])
def test_what_is_no_mobile_number_is_none(text: str) -> None:
    assert members.plain_phone(text) is None


def test_what_is_shown_of_a_member_hides_most_of_name_and_number() -> None:
    assert members.mask_phone("13800000001") == "138****0001"
    assert members.member_label("林晓雨", "13800000001") == "林* 0001"
