"""A row that a till cannot take leaves what was taken last, and whatever comes after it leaves nothing of that over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.events import TierChanged
from pos_app.services.change_prices import price_tasks
from pos_app.services.take_goods import take_goods
from pos_app.services.take_topics import takers
from store_db import catalogue, hq_rows, members
from store_db.store import Store
from sync import topics
from sync.apply import Taker
from sync.hq_server.hq import Hq
from sync.pull import load_snapshot, pull_page, retry_all
from tests.package_kit import KEYS
from tests.shop_kit import STORE, make_store
from tests.sync.feed_kit import DirectLine, has, make_hq, publish, sees

CODE, OLD_CODE = "6990000000017", "12345"
TOO_LONG = "绿" * 201


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    made = make_hq(f"sqlite:///{tmp_path}/hq.sqlite")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def till(tmp_path: Path, hq: Hq) -> Iterator[Store]:
    """It sells tea under two codes, at a price that it has from elsewhere."""
    with make_store(tmp_path / "till.sqlite", DayClock(), SeededIds(1)) as store:
        give(store, hq, tea(codes=[CODE, OLD_CODE]))
        store.connection.execute("UPDATE items SET price_fen = 400 WHERE sku = 'TEA'")
        yield store
        assert has(store, topics.CATALOGUE) == sees(hq, topics.CATALOGUE)


def tea(**changes: Any) -> dict[str, Any]:
    return {"codes": [CODE], "name": "绿茶", "price_fen": 450} | changes


def give(till: Store, hq: Hq, good: dict[str, Any] | None, store: str = "", topic: str = topics.CATALOGUE) -> None:
    publish(hq, topic, {"TEA": good}, store)
    pull(till, hq)


def pull(till: Store, hq: Hq) -> None:
    while pull_page(till, DirectLine(hq), takers(KEYS)).more:
        pass


def refused(till: Store) -> list[str]:
    return [row.key for row in hq_rows.refused(till.connection)]


def sold_under(till: Store) -> set[str]:
    """The codes that find the tea."""
    return {code for code in (CODE, OLD_CODE) if catalogue.find_by_code(till.connection, code, till.clock.wall_ms())}


def is_just_as_hq_says(till: Store) -> bool:
    """One code is left, and HQ, which changed no price, has changed none here."""
    found = catalogue.find_by_code(till.connection, CODE, till.clock.wall_ms())
    is_at_its_price = found is not None and found.price_fen == 400 and not price_tasks(till)
    return is_at_its_price and sold_under(till) == {CODE} and not refused(till)


@pytest.mark.parametrize("times", [1, 2])
def test_a_row_that_is_taken_after_one_that_was_not(hq: Hq, till: Store, times: int) -> None:
    for n in range(times):
        give(till, hq, tea(name=TOO_LONG + "!" * n))
        assert refused(till) == ["TEA"] and sold_under(till) == {CODE, OLD_CODE}
    give(till, hq, tea())
    assert is_just_as_hq_says(till)


def test_the_row_that_was_taken_comes_again_and_then_another(hq: Hq, till: Store) -> None:
    give(till, hq, tea(name=TOO_LONG))
    give(till, hq, tea(codes=[CODE, OLD_CODE]))
    assert refused(till) == [] and sold_under(till) == {CODE, OLD_CODE}
    give(till, hq, tea())
    assert is_just_as_hq_says(till)


def test_a_version_that_can_take_the_row(hq: Hq, till: Store) -> None:
    give(till, hq, tea(name=TOO_LONG))
    newer = msgspec.defstruct("Good", [("name", str)], bases=(topics.Good,), frozen=True, kw_only=True)
    taker = Taker(lambda store, body: msgspec.json.decode(body, type=newer), take_goods)
    assert retry_all(till, {topics.CATALOGUE: taker}) == 1
    assert is_just_as_hq_says(till)


@pytest.mark.parametrize("good", [tea(), None])
def test_a_snapshot_after_a_row_that_was_not_taken(hq: Hq, till: Store, good: dict[str, Any] | None) -> None:
    give(till, hq, tea(name=TOO_LONG))
    publish(hq, topics.CATALOGUE, {"TEA": good})
    assert load_snapshot(till, DirectLine(hq), topics.CATALOGUE, takers(KEYS)).done == 1
    assert is_just_as_hq_says(till) if good else not sold_under(till)


def test_a_good_that_goes_after_its_row_was_not_taken_comes_back_as_a_new_one(hq: Hq, till: Store) -> None:
    give(till, hq, tea(name=TOO_LONG))
    give(till, hq, None)
    assert sold_under(till) == set() and refused(till) == []
    give(till, hq, tea())
    found = catalogue.find_by_code(till.connection, CODE, till.clock.wall_ms())
    assert sold_under(till) == {CODE} and found is not None and found.price_fen == 450


def test_a_stores_own_row_that_is_not_taken_covers_the_one_that_was(hq: Hq, till: Store) -> None:
    give(till, hq, tea(name=TOO_LONG), STORE)
    give(till, hq, tea())
    assert refused(till) == ["@TEA"] and sold_under(till) == {CODE, OLD_CODE}
    give(till, hq, None, STORE)
    assert is_just_as_hq_says(till)


def test_a_stores_own_row_that_goes_uncovers_one_that_is_not_taken(hq: Hq, till: Store) -> None:
    give(till, hq, tea(codes=[CODE, OLD_CODE], unit="盒"), STORE)
    give(till, hq, tea(name=TOO_LONG))
    give(till, hq, None, STORE)
    assert refused(till) == ["TEA"] and sold_under(till) == {CODE, OLD_CODE}
    give(till, hq, tea())
    assert is_just_as_hq_says(till)


def test_a_tier_that_was_reached_here_and_that_hq_did_not_change(hq: Hq, till: Store) -> None:
    member = {"phone_hash": "00" * 16, "phone_masked": "138****0001", "card": "VA", "tier": "silver"}
    give(till, hq, member | {"initial": "林"}, topic=topics.MEMBERS)
    till.record(TierChanged("TEA", "silver", "gold", 1, 1, 1))
    give(till, hq, member | {"initial": "林林"}, topic=topics.MEMBERS)
    assert refused(till) == ["TEA"]
    give(till, hq, member | {"initial": "木"}, topic=topics.MEMBERS)
    assert refused(till) == [] and members.tier_of(till.connection, "TEA") == "gold"
