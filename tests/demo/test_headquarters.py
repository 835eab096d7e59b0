"""The demo's HQ in processes of its own: a day is proved equal; sales wait while the line is cut, and arrive after."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pos_app.demo.day import run_day
from pos_app.demo.headquarters import day_at_hq, headquarters
from pos_app.domain.events import CopyPrinted
from pos_app.domain.link import CONNECTED, CUT_OFF, LOCAL
from pos_app.services.hear_hq import hear_hq
from store_db import sync_state
from store_db.store import Store
from tests.kill import seller
from tests.shop_kit import STORE

pytestmark = pytest.mark.slow
PATIENCE_S = 60


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.1)


def test_a_finished_day_is_at_hq_whole(tmp_path: Path) -> None:
    with seller.few_goods():
        day = run_day(tmp_path / "shop.sqlite", 3, 5)
    assert day_at_hq(tmp_path / "shop.sqlite") == {"events": day.journal_events, "equal": True}


def test_one_key_cuts_the_line_and_what_waited_arrives_when_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    Store.create(path, STORE).close()
    with Store.open(path) as store, headquarters(path) as line:
        assert hear_hq(store).state == LOCAL
        wait_for(lambda: hear_hq(store).state == CONNECTED and _waiting(store) == 0)
        assert line.toggle() is False
        store.record(CopyPrinted("01", "1001", "S001-01-7K2Q-000001"), lane="01")
        wait_for(lambda: hear_hq(store).state == CUT_OFF)
        assert _waiting(store) == 1
        assert line.toggle() is True
        wait_for(lambda: hear_hq(store).state == CONNECTED and _waiting(store) == 0)


def _waiting(store: Store) -> int:
    return sync_state.line_state(store.connection).waiting_events
