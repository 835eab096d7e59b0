"""Coupon codes: unique by construction, signed, and wrong ones are noticed; a coupon's life; first-N split without loss."""

import datetime
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain import coupons, first_n
from pos_app.domain.coupons import POSTER, SHARED, SINGLE, Coupon, CouponCode, Issue, make_code, read_code
from pos_app.domain.errors import Refusal
from pos_app.domain.pricing.model import EVENT, GIFT, SETS, SHELF, SPEND, Applied, Limits, Used

DAY_ONE, DAY_LAST = datetime.date(2024, 1, 1), datetime.date(2099, 12, 31)
KEY, SHOP = b"k" * 32, "S001"
ISSUE = Issue("01", "7K2Q", 123, 0, "2026-12-31")
ISSUES = st.builds(
    Issue, st.from_regex(r"[0-9A-Z]{1,6}", fullmatch=True), st.from_regex(r"[A-Z2-7]{4}", fullmatch=True),
    st.integers(1, 32**5 - 1), st.integers(0, 255), st.dates(DAY_ONE, DAY_LAST).map(str),
    st.sampled_from([SINGLE, SHARED, POSTER]),
)  # fmt: skip


def read(code: str) -> CouponCode:
    found = read_code(code)
    assert not isinstance(found, Refusal)
    return found


@given(ISSUES)
def test_a_code_says_what_it_was_made_of(issue: Issue) -> None:
    code = read(make_code(KEY, SHOP, "C20", issue).lower())
    assert (code.lane, code.kind, code.expires) == (issue.lane, issue.kind, issue.expires)
    assert coupons.promotion_of(KEY, SHOP, code, ["C10", "C20", "C30"]) == "C20"


@given(ISSUES, ISSUES)
def test_two_receipts_or_two_coupons_of_one_never_share_a_code(one: Issue, other: Issue) -> None:
    assert (make_code(KEY, SHOP, "C20", one) == make_code(KEY, SHOP, "C20", other)) == (one == other)


def test_lanes_that_are_cut_off_never_issue_the_same_code() -> None:
    issues = [Issue(lane, series, n, nth, "2026-12-31") for lane, series, n, nth in
              itertools.product(("01", "02", "S1", "s1", "front desk"), ("7K2Q", "AAAA"), range(1, 60), range(3))]  # fmt: skip
    assert len({make_code(KEY, SHOP, "C20", issue) for issue in issues}) == len(issues)


def test_a_code_is_short_and_of_characters_that_any_scanner_reads() -> None:
    code = make_code(KEY, SHOP, "C20", ISSUE)
    assert len(code) == 24
    assert code.isascii() and code.isalnum() and code.isupper()
    assert coupons.looks_like_code(code)
    assert not any(coupons.looks_like_code(text) for text in ("6990000010106", "STAFF-1001DEMO", "134567890123456789", "Q1"))


def test_every_single_wrong_character_and_every_swap_of_neighbours_is_noticed() -> None:
    code = make_code(KEY, SHOP, "C20", ISSUE)
    for at, char in itertools.product(range(len(code)), coupons.CHARACTERS):
        wrong = code[:at] + char + code[at + 1 :]
        assert wrong == code or isinstance(read_code(wrong), Refusal)
    for at in range(len(code) - 1):
        wrong = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
        assert wrong == code or isinstance(read_code(wrong), Refusal)


@pytest.mark.parametrize(("key", "shop", "promotion"), [(b"x" * 32, SHOP, "C20"), (KEY, "S002", "C20"), (KEY, SHOP, "C30")])
def test_another_key_shop_or_promotion_is_not_what_was_signed(key: bytes, shop: str, promotion: str) -> None:
    assert coupons.promotion_of(key, shop, read(make_code(KEY, SHOP, "C20", ISSUE)), [promotion]) is (
        "C20" if (key, shop, promotion) == (KEY, SHOP, "C20") else None
    )


def test_a_made_up_code_with_a_right_check_character_is_not_signed() -> None:
    rng = random.Random("forgers")
    body = make_code(KEY, SHOP, "C20", ISSUE)[:-7]
    forged = 0
    for _ in range(2_000):
        text = body + "".join(rng.choices(coupons.DIGITS, k=6))
        code = read(text + coupons.check_character(text))
        forged += coupons.promotion_of(KEY, SHOP, code, ["C20"]) is not None
    assert forged == 0


def test_what_does_not_fit_a_code_is_an_error_and_no_other_code() -> None:
    for issue in (ISSUE._replace(nth=256), ISSUE._replace(counter=0), ISSUE._replace(counter=32**5),
                  ISSUE._replace(expires="2200-01-01"), ISSUE._replace(expires="2023-12-31")):  # fmt: skip
        with pytest.raises(ValueError, match=r"code|fit"):
            make_code(KEY, SHOP, "C20", issue)


# ------------------------------------------------------------------ the life of a coupon

COUPON = Coupon("Q1", "C20", "2026-12-31")


def why(coupon: Coupon, alias: str = "", on: str = "2026-12-31") -> str:
    refusal = coupons.why_not_use(coupon, alias, on)
    return refusal.code if refusal else ""


@pytest.mark.parametrize(
    ("coupon", "state", "code"),
    [(COUPON, "issued", ""), (COUPON._replace(used_by=("",)), "used", "POS-2303"),
     (COUPON._replace(reserved=1), "reserved", "POS-2306"), (COUPON._replace(is_void=True), "void", "POS-2305"),
     (COUPON._replace(holder="ann"), "claimed", "POS-2309"), (COUPON._replace(expires="2026-12-30"), "issued", "POS-2304"),
     (COUPON._replace(used_by=("bob",), is_void=True), "void", "POS-2305")],
)  # fmt: skip
def test_a_coupon_is_in_one_state_and_says_why_it_does_not_count(coupon: Coupon, state: str, code: str) -> None:
    assert (coupon.state, why(coupon, "bob")) == (state, code)


def test_a_shared_coupon_counts_once_for_each_of_two_people() -> None:
    shared = COUPON._replace(uses_max=2, used_by=("ann",))
    assert why(shared, "bob") == ""
    assert why(shared, "ann") == "POS-2303"
    assert why(shared._replace(reserved=1), "bob") == "POS-2306"
    assert why(shared._replace(used_by=("ann", "bob")), "cid") == "POS-2303"


def test_a_claimed_coupon_counts_for_the_member_who_claimed_it() -> None:
    assert why(COUPON._replace(holder="ann"), "ann") == ""


# ------------------------------------------------------------------ first-N


@given(st.integers(0, 5_000), st.integers(1, 40), st.randoms(use_true_random=False))
def test_an_allowance_is_split_without_loss_and_evenly(total: int, lanes: int, rng: random.Random) -> None:
    parts = dict(first_n.split_allowance(total, [f"{n:02d}" for n in range(lanes)]))
    assert sum(parts.values()) == total
    assert max(parts.values()) - min(parts.values()) <= 1
    weighed = first_n.split_allowance(total, ["a", "b"], [rng.randint(1, 9), rng.randint(1, 9)])
    assert sum(part for _, part in weighed) == total


def test_hundred_over_three_lanes_is_34_33_33() -> None:
    assert first_n.split_allowance(100, ["01", "02", "S1"]) == (("01", 34), ("02", 33), ("S1", 33))
    for total, lanes in ((-1, ["01"]), (1, []), (1, ["01", "01"])):
        with pytest.raises(ValueError, match="allowance"):
            first_n.split_allowance(total, lanes)


def test_lanes_that_are_cut_off_together_give_just_as_many_as_there_are() -> None:
    limits, rng = Limits(total=100), random.Random("lanes")
    parts = dict(first_n.split_allowance(100, ["01", "02", "S1"]))
    given = dict.fromkeys(parts, 0)
    for _ in range(600):
        lane = rng.choice(sorted(parts))
        used = first_n.with_allowance(Used(times=given[lane]), limits, parts[lane], given[lane])
        if first_n.why_not_give(limits, used, 1, 0) is None:
            given[lane] += 1
    assert given == parts


def test_the_limit_that_would_be_broken_is_named() -> None:
    used = Used(times=99, fen=2_000, member_times=1, member_day_times=1)
    assert first_n.why_not_give(Limits(total=100), used, 1, 0) is None
    assert first_n.why_not_give(Limits(total=100), used, 2, 0) == "limit_total"
    assert first_n.why_not_give(Limits(budget_fen=2_999), used, 1, 1_000) == "budget"
    assert first_n.why_not_give(Limits(per_member=1), used, 1, 0) == "limit_member"
    assert first_n.why_not_give(Limits(per_member_day=1), used, 1, 0) == "limit_member_day"


def test_units_and_sets_count_each_and_later_stages_once_a_basket() -> None:
    applied = (Applied(SHELF, "P", 300, times=3), Applied(SETS, "S", 100, times=2), Applied(SETS, "S", 100, times=1),
               Applied(SPEND, "M", 400, times=2), Applied(GIFT, "G", 0, times=4), Applied(EVENT, "E", 0))  # fmt: skip
    assert first_n.given_by(applied) == {"P": (3, 300), "S": (3, 200), "M": (1, 400), "G": (1, 0), "E": (1, 0)}
