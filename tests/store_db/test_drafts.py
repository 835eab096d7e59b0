"""Drafts: the basket on disk is the basket on the screen, operation by operation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.basket import AddLine, Line, SetQuantity, Undo, VoidLine, fold
from store_db import drafts
from store_db.connection import sqlite
from store_db.store import Store
from tests.shop_kit import BEER, COLA, FLOWERS, ITEMS, MILK, WATER, Till, make_store

KEYS = st.lists(
    st.sampled_from([WATER, MILK, BEER, COLA, "void", "undo", "up", "down", "repeat", "3*", "hold", "restart"]), max_size=25
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("drafts") / "shop.sqlite", DayClock(), SeededIds(1))


def started(store: Store, lane: str = "01") -> drafts.Draft:
    with store.transaction() as connection:
        return drafts.start_draft(connection, store.ids.random(16), lane, "1001", 0)


@given(keys=KEYS)
def test_what_the_lane_shows_is_what_the_disk_holds_after_every_key(walk_till: Till, keys: list[str]) -> None:
    till = walk_till
    for key in keys:
        match key:
            case "3*":
                till.type("3").press("multiply")
            case "restart":
                till.lane = Till(till.shop).open().lane
            case "void" | "undo" | "up" | "down" | "repeat" | "hold":
                till.press(key)
            case code:
                till.scan(code)
        if till.kind:
            till.press("enter" if till.kind == "held" else "back")
        draft = drafts.open_draft(till.shop.store.connection, "01")
        on_disk = drafts.basket_of(till.shop.store.connection, draft.id) if draft else fold([])
        assert on_disk.lines == till.state.basket.lines, (key, till.says)


def test_operations_are_appended_in_order_and_never_twice(store: Store) -> None:
    draft = started(store)
    ops = [AddLine(Line(1, ITEMS["WATER"], "w")), SetQuantity(1, 5), VoidLine(1, "1001"), Undo()]
    with store.transaction() as connection:
        drafts.add_ops(connection, draft.id, 0, ops[:2])
        drafts.add_ops(connection, draft.id, 2, ops[2:])
    assert drafts.basket_of(store.connection, draft.id) == fold(ops)
    with pytest.raises(sqlite.IntegrityError):
        drafts.add_ops(store.connection, draft.id, 3, [Undo()])


def test_a_held_basket_is_fetched_once(store: Store) -> None:
    draft = started(store, "05")
    with store.transaction() as connection:
        assert drafts.hold(connection, draft.id, "05-001", 1)
        assert not drafts.hold(connection, draft.id, "05-001", 1)
        assert drafts.recall(connection, draft.id, draft.uid, "06", 2)
        assert not drafts.recall(connection, draft.id, draft.uid, "07", 3)
    found = drafts.open_draft(store.connection, "06")
    assert found is not None
    assert found.id == draft.id
    assert drafts.open_draft(store.connection, "05") is None


def test_a_basket_ends_once(store: Store) -> None:
    draft = started(store, "08")
    with store.transaction() as connection:
        drafts.drop(connection, draft.id)
    with pytest.raises(RuntimeError), store.transaction() as connection:
        drafts.drop(connection, draft.id)
    assert drafts.basket_of(store.connection, draft.id) == fold([])


def test_a_lane_has_one_open_basket_whatever_is_held_recalled_or_begun(till: Till) -> None:
    connection = till.shop.store.connection
    for keys in (("hold", "hold", "enter"), ("void", "hold", "enter"), ("void", "undo", "hold"), ("hold", "enter")):
        till.scan(MILK).press(*keys)
        if till.kind:
            till.press("back")
        count = connection.execute("SELECT count(*) FROM drafts WHERE state = 'open' AND lane = '01'").fetchone()[0]
        assert count <= 1, keys


def test_the_uid_of_the_basket_is_the_uid_of_the_sale(till: Till) -> None:
    till.scan(WATER)
    draft = drafts.open_draft(till.shop.store.connection, "01")
    assert draft is not None
    till.press("pay", "pay")
    uid = till.shop.store.connection.execute("SELECT uid FROM journal WHERE kind = 'sale'").fetchone()[0]
    assert uid == draft.uid


def test_a_question_that_was_open_at_a_power_cut_sold_nothing(till: Till) -> None:
    till.scan(WATER, FLOWERS)
    assert till.reopened().sold == [("WATER", 1)]


def test_a_draft_never_enters_the_journal(tmp_path: Path) -> None:
    with make_store(tmp_path / "shop.sqlite", DayClock(), SeededIds(1)) as store:
        before = store.connection.execute("SELECT count(*) FROM journal").fetchone()[0]
        started(store)
        assert store.connection.execute("SELECT count(*) FROM journal").fetchone()[0] == before
