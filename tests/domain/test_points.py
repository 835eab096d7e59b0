"""Points: a balance is the sum of its lots, what expires first goes first, and what came back might never have been bought."""

import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain import points
from pos_app.domain.errors import Refusal
from pos_app.domain.events import PointsMove
from pos_app.domain.points import Allowance, Lot, Moves, after, balance
from pos_app.domain.pricing.model import PointsRules

A = Lot("a", 60, "2026-01-31")
B = Lot("b", 80, "2026-06-30")


def taken(moves: Moves | Refusal) -> dict[str, int]:
    assert not isinstance(moves, Refusal)
    return {move.lot: -move.points for move in moves}


# ------------------------------------------------------------------ the worked ledger cases


def test_g01_the_lot_that_expires_first_is_spent_first_and_lapses_after_its_day() -> None:
    lots = (Lot("a", 120, "2026-01-31"), B)
    moves = points.redeem(lots, 100, "2026-01-20")
    assert taken(moves) == {"a": 100}
    left = after(lots, moves)
    assert {lot.lot: lot.points_left for lot in points.lapsed(left, "2026-02-01")} == {"a": 20}
    assert balance(left, "2026-02-01") == 80


def test_g02_a_lot_counts_through_its_last_day() -> None:
    moves = points.redeem((A, B), 100, "2026-01-31")
    assert taken(moves) == {"a": 60, "b": 40}
    assert balance(after((A, B), moves), "2026-02-01") == 40


def test_g03_points_go_back_to_their_lots_and_a_lot_past_its_day_stays_lost() -> None:
    moves = points.redeem((A, B), 100, "2026-01-20")
    assert not isinstance(moves, Refusal)
    left = after(after((A, B), moves), points.undo(moves))
    assert set(left) == {A, B}
    assert {lot.lot for lot in points.lapsed(left, "2026-02-10")} == {"a"}
    assert balance(left, "2026-02-10") == 80


def test_g04_points_given_to_the_village_library_are_an_entry_of_their_own() -> None:
    lots = (Lot("a", 500, "2026-12-31"),)
    moves = points.redeem(lots, 200, "2026-03-01", points.DONATE)
    assert moves == (PointsMove("donate", "a", -200, "2026-12-31"),)
    assert balance(after(lots, moves), "2026-03-01") == 300


# ------------------------------------------------------------------ single rules


def test_more_than_there_is_is_refused_with_both_numbers_and_moves_nothing() -> None:
    found = points.redeem((A, B), 141, "2026-01-20")
    assert isinstance(found, Refusal)
    assert (found.code, dict(found.args)) == ("POS-4303", {"points": "141", "have": "140"})


def test_points_that_are_earned_live_so_many_days() -> None:
    assert points.earn("u", 88, "2026-03-01", 365) == (PointsMove("earn", "u:earn", 88, "2027-03-01"),)
    assert points.earn("u", 0, "2026-03-01", 365) == ()


@pytest.mark.parametrize(
    ("given", "before", "back"),
    [(50, 20, {"b": 20, "a": 30}), (30, 0, {"b": 30}), (None, 40, {"a": 60}), (None, 0, {"b": 40, "a": 60}), (0, 0, {})],
)
def test_a_part_of_a_redemption_goes_back_where_an_earlier_part_stopped(
    given: int | None, before: int, back: dict[str, int]
) -> None:
    moves = (PointsMove("redeem", "a", -60), PointsMove("redeem", "b", -40))
    assert {move.lot: move.points for move in points.undo(moves, given, before)} == back


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_parts_of_a_redemption_given_back_one_by_one_are_the_whole(taken: list[int], rng: random.Random) -> None:
    moves = tuple(PointsMove("redeem", f"l{n}", -count, "2026-06-30") for n, count in enumerate(taken))
    total, before, back = sum(taken), 0, []
    while before < total:
        part = rng.randint(1, total - before)
        back += points.undo(moves, part, before)
        before += part
    sums = {move.lot: 0 for move in moves}
    for move in back:
        sums[move.lot] += move.points
    assert sums == {f"l{n}": count for n, count in enumerate(taken)}


def test_what_is_taken_back_comes_from_its_own_lot_then_from_others_then_is_a_stated_debt() -> None:
    lots = (Lot("s:earn", 20, "2026-12-31"), Lot("x", 10, "2026-03-31"), Lot("old", 70, "2025-12-31"))
    moves = points.claw_back("r", lots, "s:earn", 50, "2026-02-01")
    assert taken(moves) == {"s:earn": 20, "x": 10, "r:debt": 20}
    left = after(lots, moves)
    assert balance(left, "2026-02-01") == -20
    earned = points.earn("n", 30, "2026-02-02", 365)
    left = after(left, earned)
    left = after(left, points.settle(left, "2026-02-02"))
    assert balance(left, "2026-02-02") == 10
    assert {lot.lot: lot.points_left for lot in left if lot.counts("2026-02-02")} == {"n:earn": 10}


def test_points_that_lapsed_unspent_are_not_asked_for_again() -> None:
    lots = (Lot("s:earn", 50, "2026-01-31"), Lot("x", 30, "2026-12-31"))
    assert taken(points.claw_back("r", lots, "s:earn", 50, "2026-02-01")) == {"s:earn": 50}


# ------------------------------------------------------------------ while cut off


def test_a_device_that_is_cut_off_spends_within_the_allowance_or_the_cap() -> None:
    rules = PointsRules(offline_points_max=500)
    assert points.offline_allowance(rules, 800, 200, "2026-03-01") == 300
    assert points.offline_allowance(rules, 120, 50, "2026-03-01") == 70
    assert points.offline_allowance(rules, 800, 200, "2026-03-01", Allowance(700, "2026-03-01")) == 500
    assert points.offline_allowance(rules, 800, 200, "2026-03-02", Allowance(700, "2026-03-01")) == 300
    assert points.offline_allowance(rules, 800, 900, "2026-03-01") == 0


@given(st.integers(0, 2_000), st.integers(0, 900), st.integers(1, 6), st.randoms(use_true_random=False))
def test_no_run_of_cut_off_devices_overdraws_more_than_is_stated(known: int, cap: int, devices: int, rng: random.Random) -> None:
    rules, spent = PointsRules(offline_points_max=cap), [0] * devices
    for _ in range(40):
        device = rng.randrange(devices)
        spent[device] += rng.randint(0, points.offline_allowance(rules, known, spent[device], "2026-03-01"))
    assert sum(spent) - known <= points.worst_overdraft(rules, known, devices)
    most = [points.offline_allowance(rules, known, 0, "2026-03-01")] * devices
    assert max(0, sum(most) - known) == points.worst_overdraft(rules, known, devices)


# ------------------------------------------------------------------ random lives of a member

DAY_ONE = datetime.date(2026, 1, 1).toordinal()


class Life:
    """A member's ledger, driven at random: what every entry says is kept beside what the rules answer."""

    def __init__(self, seed: int, life_days: int) -> None:
        self.random = random.Random(f"points:{seed}")
        self.life_days = life_days
        self.day = DAY_ONE
        self.lots: tuple[Lot, ...] = ()
        self.entries: dict[tuple[str, str, str, bool], int] = {}
        self.sales: dict[str, tuple[Moves, int]] = {}  # sale -> what it redeemed, what it earned

    @property
    def on(self) -> str:
        return datetime.date.fromordinal(self.day).isoformat()

    def book(self, uid: str, moves: Moves) -> None:
        """Keep the entries by their key; the key never names two entries."""
        for move in moves:
            key = (uid, move.rule, move.lot, move.points > 0)
            assert key not in self.entries
            self.entries[key] = move.points
        self.lots = after(self.lots, moves)

    def sell(self, uid: str) -> None:
        have = max(0, balance(self.lots, self.on))
        redeemed = points.redeem(self.lots, self.random.randint(0, have) if self.random.random() < 0.6 else 0, self.on)
        assert not isinstance(redeemed, Refusal)
        earned = points.earn(uid, self.random.choice((0, 7, 40, 250)), self.on, self.life_days)
        self.book(uid, (*redeemed, *earned))
        self.book(f"{uid}'", points.settle(self.lots, self.on))
        self.sales[uid] = redeemed, sum(move.points for move in earned)

    def give_back(self, uid: str) -> None:
        redeemed, earned = self.sales.pop(uid)
        self.book(f"r{uid}", points.undo(redeemed))
        self.book(f"r{uid}", points.claw_back(f"r{uid}", self.lots, points.lot_id(uid, points.EARN), earned, self.on))
        self.book(f"r{uid}'", points.settle(self.lots, self.on))

    def check(self) -> None:
        sums: dict[str, int] = {}
        for (_, _, lot, _), moved in self.entries.items():
            sums[lot] = sums.get(lot, 0) + moved
        assert {lot: left for lot, left in sums.items() if left} == {lot.lot: lot.points_left for lot in self.lots}
        debts = [lot for lot in self.lots if lot.points_left < 0]
        assert all(lot.lot.endswith(":debt") for lot in debts)
        if debts:  # a debt stands only where nothing is left to pay it
            assert not [lot for lot in self.lots if lot.points_left > 0 and lot.counts(self.on)]


@pytest.mark.parametrize("life_days", [20, 100_000])
def test_balance_is_the_sum_of_lots_and_only_a_stated_debt_is_below_zero(life_days: int) -> None:
    for seed in range(150):
        life = Life(seed, life_days)
        for n in range(25):
            life.day += life.random.choice((0, 1, 5))
            if life.sales and life.random.random() < 0.35:
                life.give_back(life.random.choice(sorted(life.sales)))
            else:
                life.sell(str(n))
            life.check()


def test_when_all_sales_came_back_in_any_order_no_point_is_left_and_none_is_owed() -> None:
    for seed in range(150):
        life = Life(seed, 100_000)
        for n in range(12):
            life.sell(str(n))
        for uid in life.random.sample(sorted(life.sales), len(life.sales)):
            life.give_back(uid)
            life.check()
        assert life.lots == ()
