"""Points at tills that are cut off: a member overdraws by the stated bound at most, and HQ sees it when it hears of it."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_app.domain import points
from pos_app.domain.errors import Refusal
from pos_app.domain.events import PointsMove, PointsMoved
from pos_app.domain.points import CORRECTION, DONATE
from pos_app.domain.pricing.model import PointsRules
from pos_app.services.book_points import Giving, give_points
from pos_app.services.spend_points import spendable
from pos_app.services.take_topics import takers
from store_db.store import Store
from sync.agent import Agent
from sync.enrol import enrol
from sync.hq_server.database import run
from sync.link import Link
from tests.sync.feed_kit import make_hq, new_till, publish
from tests.sync.hq_kit import client_of, new_code

TILLS = 3
TERMS = PointsRules()
Wishes = list[tuple[int, int]]  # (till, points)


class World:
    """Three tills of a shop and their HQ. Each example has a member of its own, whose points all three were told of."""

    def __init__(self, folder: Path) -> None:
        self.hq = make_hq(f"sqlite:///{folder}/hq.sqlite")
        self.tills = [new_till(folder / f"till-{n}.sqlite", n) for n in range(1, TILLS + 1)]
        self.agents = [self._agent(till) for till in self.tills]
        self.numbers = itertools.count(1)

    def _agent(self, till: Store) -> Agent:
        link = Link(till, client_of(self.hq))
        enrol(till, link, "http://hq.test", new_code(self.hq))
        return Agent(till, link, random=random.Random(1), takers=takers({}))

    def member(self, known: int) -> "Member":
        """A member whose points came by one event that all three tills have and HQ counts once."""
        number = next(self.numbers)
        told = PointsMoved(f"M{number}", CORRECTION, (PointsMove("told", f"lot-{number}", known),))
        for till in self.tills:
            with till.transaction():
                till.append(told, uid=number.to_bytes(16, "big"))
        self.reconnect()
        return Member(self, told.alias)

    def reconnect(self) -> None:
        """All that waits goes up, all that is new comes down."""
        for agent in self.agents:
            for step in (agent.push_once, agent.pull_once):
                while (done := step()).more:
                    pass
                assert done.trouble == ""


class Member:
    def __init__(self, world: World, alias: str) -> None:
        self.world, self.alias = world, alias
        self.shares: dict[str, int] = {}

    def spend(self, n: int, wanted: int) -> int:
        """Points given at a till, as many of those wanted as it lets go; more are refused."""
        till, left = self.world.tills[n], self.left(n)
        assert isinstance(give_points(till, Giving(self.alias, left + 1, DONATE, "cause")), Refusal)
        if amount := min(wanted, left):
            assert give_points(till, Giving(self.alias, amount, DONATE, "cause")) is None
        return amount

    def left(self, n: int) -> int:
        till = self.world.tills[n]
        return spendable(till, self.alias, till.business_date(), TERMS)

    def put_aside(self, balance: int, spent: list[int], expires: str = "2099-12-31") -> None:
        """What HQ lets each till spend alone, by what it has heard."""
        by_device = {till.device.device.hex(): amount for till, amount in zip(self.world.tills, spent, strict=True)}
        self.shares = points.put_aside(balance, by_device, self.shares)
        publish(self.world.hq, "points_allowances", {self.alias: {"points": self.shares, "expires": expires}})

    def balance(self) -> int:
        """By HQ's tables."""
        with self.world.hq.database.read() as connection:
            found = run(connection, "SELECT coalesce(sum(points), 0) FROM points WHERE alias = ?", self.alias)
            return int(found.scalar_one())

    def is_shown(self) -> bool:
        """Whether HQ has an open exception about it."""
        with self.world.hq.database.read() as connection:
            about = f"points_below_zero/{self.alias}"
            return bool(run(connection, "SELECT 1 FROM exceptions WHERE about = ? AND resolved_ms = 0", about).first())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("cut-off"))
    yield made
    for till in made.tills:
        till.close()


balances = st.integers(1, 2_000)
wishes_of = st.lists(st.tuples(st.integers(0, TILLS - 1), st.integers(1, 2_500)), max_size=8)


@settings(max_examples=25)
@given(known=balances, wishes=wishes_of)
def test_tills_cut_off_overdraw_by_the_stated_bound_at_most_and_hq_says_so(world: World, known: int, wishes: Wishes) -> None:
    member = world.member(known)
    spent = sum(member.spend(n, wanted) for n, wanted in wishes)
    overdraft = max(0, spent - known)
    assert overdraft <= points.worst_overdraft(TERMS, known, TILLS)
    world.reconnect()
    assert (member.balance(), member.is_shown()) == (known - spent, overdraft > 0)


def test_the_bound_is_reached_so_it_is_not_stated_too_high(world: World) -> None:
    member = world.member(800)
    assert sum(member.spend(n, 10_000) for n in range(TILLS)) - 800 == points.worst_overdraft(TERMS, 800, TILLS) == 700


@settings(max_examples=25)
@given(known=balances, rounds=st.lists(wishes_of, max_size=4))
def test_what_hq_put_aside_is_never_overdrawn_however_often_it_is_put_aside_anew(
    world: World, known: int, rounds: list[Wishes]
) -> None:
    """HQ puts aside by what it has heard; what the tills have spent since is in their shares already."""
    member, heard, spent = world.member(known), [0] * TILLS, [0] * TILLS
    for wishes in [[], *rounds]:
        for n, wanted in wishes:
            spent[n] += member.spend(n, wanted)
        assert sum(spent) <= known
        member.put_aside(known - sum(heard), heard)
        heard = list(spent)
        world.reconnect()
    assert (member.balance(), member.is_shown()) == (known - sum(spent), False)


def test_an_allowance_past_its_day_counts_no_more(world: World) -> None:
    member = world.member(2_000)
    member.put_aside(2_000, [0] * TILLS, expires="2020-01-01")
    world.reconnect()
    assert member.left(0) == TERMS.offline_points_max


def test_an_acknowledged_spending_makes_room_for_the_next(world: World) -> None:
    member = world.member(2_000)
    assert [member.spend(0, 400), member.spend(0, 400)] == [400, 100]
    world.reconnect()
    assert member.left(0) == 500
