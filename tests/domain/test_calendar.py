"""Business dates: local days that end at the shop's cut-off."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.calendar import business_date, local_clock, local_stamp

CHINA_MIN = 480


def _ms(text: str, offset_min: int = CHINA_MIN) -> int:
    zone = datetime.timezone(datetime.timedelta(minutes=offset_min))
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("local", "cutoff_hour", "date"),
    [
        ("2026-03-01T23:59:59", 0, "2026-03-01"), ("2026-03-02T00:01:00", 0, "2026-03-02"),
        ("2026-03-01T23:59:59", 4, "2026-03-01"), ("2026-03-02T00:01:00", 4, "2026-03-01"),
        ("2026-03-02T03:59:59", 4, "2026-03-01"), ("2026-03-02T04:00:00", 4, "2026-03-02"),
        ("2026-01-01T02:00:00", 4, "2025-12-31"), ("2028-03-01T03:59:00", 4, "2028-02-29"),
    ],
)  # fmt: skip
def test_a_sale_belongs_to_the_day_that_ends_at_the_cutoff(local: str, cutoff_hour: int, date: str) -> None:
    assert business_date(_ms(local), CHINA_MIN, cutoff_hour) == date


def test_the_day_is_the_shops_and_not_utcs() -> None:
    assert business_date(_ms("2026-03-01T23:30:00", 0), CHINA_MIN, 0) == "2026-03-02"
    assert business_date(_ms("2026-03-01T00:30:00", 0), -300, 0) == "2026-02-28"


def test_a_clock_set_back_an_hour_at_midnight_stays_on_the_trading_day() -> None:
    assert business_date(_ms("2026-03-02T00:10:00"), CHINA_MIN, 4) == business_date(_ms("2026-03-01T23:10:00"), CHINA_MIN, 4)


@given(st.integers(-(10**12), 4 * 10**12), st.integers(-720, 840), st.integers(0, 12))
def test_a_business_day_is_24_hours_long_and_dates_never_go_back(wall_ms: int, offset_min: int, cutoff_hour: int) -> None:
    today, tomorrow = (business_date(wall_ms + ms, offset_min, cutoff_hour) for ms in (0, 86_400_000))
    one_day = datetime.timedelta(days=1)
    assert datetime.date.fromisoformat(today) + one_day == datetime.date.fromisoformat(tomorrow)


@given(st.integers(0, 4 * 10**12))
def test_the_stamp_on_paper_is_local_time(wall_ms: int) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=CHINA_MIN))
    local = datetime.datetime.fromtimestamp(wall_ms // 1000, zone)
    assert local_stamp(wall_ms, CHINA_MIN) == f"{local:%Y-%m-%d %H:%M:%S}"
    assert local_clock(wall_ms, CHINA_MIN) == f"{local:%H:%M:%S}"
