"""What a lane shows of the line."""

from pos_app.domain.link import CONNECTED, CUT_OFF, FROZEN, LOCAL, SILENCE_MS, Link, clock_text, link

NOW = 1_000_000_000


def test_a_shop_without_an_hq_is_local_whatever_else_holds() -> None:
    assert link(False, False, NOW - 5, 0, NOW, 37) == Link(LOCAL)


def test_a_failure_cuts_off_at_once_and_counts_from_the_last_contact() -> None:
    assert link(True, False, NOW - 755_000, NOW - 760_000, NOW, 37) == Link(CUT_OFF, 760_000, 37)


def test_silence_is_a_cut_only_when_it_is_longer_than_any_answer_takes() -> None:
    assert link(True, False, 0, NOW - SILENCE_MS, NOW, 0).state == CONNECTED
    assert link(True, False, 0, NOW - SILENCE_MS - 1, NOW, 0).state == CUT_OFF


def test_frozen_is_said_before_cut_off() -> None:
    assert link(True, True, NOW - 1, NOW - 2_000, NOW, 1) == Link(FROZEN, 2_000, 1)


def test_a_clock_that_was_put_back_shows_no_negative_time() -> None:
    assert link(True, False, NOW, NOW + 60_000, NOW, 0) == Link(CUT_OFF, 0, 0)


def test_durations_are_hours_minutes_seconds() -> None:
    assert clock_text(760_000) == "00:12:40"
    assert clock_text(100 * 3_600_000 + 59_999) == "100:00:59"
