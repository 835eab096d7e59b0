"""What is shown as a button is one: touches on the real app, by their place on the screen."""

import asyncio
import shutil
from pathlib import Path

import pytest

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.lane.intents import Scan
from pos_app.domain.lane.state import SELF_CHECKOUT
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from pos_app.tui.app import LaneApp
from pos_app.tui.keys import key_map
from store_db.store import Store

WATER = "6990000010106"


@pytest.fixture
def lane(demo_store_file: Path, tmp_path: Path) -> LaneRunner:
    store = Store.open(Path(shutil.copyfile(demo_store_file, tmp_path / "s.sqlite")), clock=DayClock(), ids=SeededIds(1))
    return LaneRunner(Shop(store, demo_shop.lane_config(SELF_CHECKOUT), NoPrinter(), NoDrawer(), LANGUAGES["zh"]))


def touch(lane: LaneRunner, *texts: str) -> None:
    """Touch the middle of each text, wherever the screen shows it by then."""

    async def run() -> None:
        app = LaneApp(lambda app: [lane], keys=key_map("chinese-till", {}))
        async with app.run_test(size=(80, 24)) as pilot:
            for text in texts:
                rows = app._frame().text().splitlines()
                y = next((i for i, row in enumerate(rows) if text in row), -1)
                assert y >= 0, (text, "\n".join(rows))
                before = rows[y][: rows[y].index(text)]
                x = sum(2 if ord(c) > 0x2E80 else 1 for c in before) + 1
                await pilot.click(offset=(x, y))
                await pilot.pause(0.05)

    asyncio.run(run())


def test_a_shopper_pays_at_a_till_by_touch_alone(lane: LaneRunner):
    lane.handle(Scan(WATER))
    touch(lane, "付款", "Esc 返回", "付款   [", "到人工收银台付款")
    assert lane.state.banner is not None and lane.state.banner.key == "banner.held_self"


def test_the_language_and_the_large_text_are_buttons(lane: LaneRunner):
    touch(lane, "大字", "English")
    assert (lane.state.big, lane.state.lang) == (True, "en")


def test_a_bag_is_chosen_from_its_list_by_touch(lane: LaneRunner):
    lane.handle(Scan(WATER))
    touch(lane, "购物袋", "2  ")
    assert [line.item.restricted for line in lane.state.basket.lines] == ["", "bag"]
