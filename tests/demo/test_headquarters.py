"""The demo's HQ in processes of its own: a day is proved equal; sales wait while the line is cut, and arrive after."""

import contextlib
import subprocess
import sys
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
from tests.shop_kit import ROOT, STORE

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


def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    Store.create(path, STORE).close()
    code = (
        f"import time; from pathlib import Path; from pos_app.demo.headquarters import headquarters as h\n"
        f"with h(Path({str(path)!r})): time.sleep(600)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    with Store.open(path) as store:
        wait_for(lambda: hear_hq(store).state == CONNECTED and len(_commands(path)) == 2)
    demo.kill()
    demo.wait()
    wait_for(lambda: not _commands(path))


def _commands(path: Path) -> list[str]:
    """The processes whose command line names the folder of a store, but for the demo itself."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().decode()
            if str(path.parent) in line and "pos_app.demo.child" in line:
                found.append(line)
    return found


def _waiting(store: Store) -> int:
    return sync_state.line_state(store.connection).waiting_events
