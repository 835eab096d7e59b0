"""Take the README's picture of the operators' page: a day at HQ, a shop that fell behind, one with something to settle."""

import random
import tempfile
from pathlib import Path

import httpx

from bench.headquarters import make_known
from pos_app.demo.day import run_day
from store_db.store import Store
from sync.agent import Agent
from sync.hq_server import devices, operators
from sync.hq_server.app import make_app
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.link import Link
from tests.kill import seller
from tests.sync.asgi import InlineTransport, run_inline
from tests.sync.hq import test_browser as screen
from tests.sync.hq.projection_kit import Sender, event, sale
from tests.sync.hq.served import served

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZE = {"width": 1_180, "height": 620, "deviceScaleFactor": 1, "mobile": False}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        hq = Hq.create(Database.open(f"sqlite:///{Path(folder) / 'hq.sqlite'}"))
        _a_day(hq, Path(folder))
        Sender(hq, "S002", 2, "浦东机场店").tell(event("sale", sale(12_34)), event("sale", sale(1_00)), head=6)
        Sender(hq, "S003", 3, "西湖文化广场店").tell(event("sale", sale(88_00)), event("sale", sale() | {"total_fen": 7}))
        Sender(hq, "S004", 4, "春熙路店").tell(event("sale", sale(5_00)))
        with hq.database.write() as connection:
            token = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
        with served(make_app(hq)) as address:
            browser = screen.open_browser(Path(folder) / "profile")
            for lang in ("zh", "en"):
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)  # type: ignore[attr-defined]
                browser.get(f"{address}/?lang={lang}")
                for field in browser.find_elements("name", "token"):
                    field.send_keys(token)
                    screen._follow(browser, browser.find_element("css selector", "main button"))
                browser.save_screenshot(str(TARGET / f"hq-{lang}.png"))
            browser.quit()


def _a_day(hq: Hq, folder: Path) -> None:
    """The demo shop's day, sent and proved by the real agent."""
    with seller.few_goods():
        run_day(folder / "shop.sqlite", 60, 7)
    transport = InlineTransport(make_app(hq, run=run_inline))
    with Store.open(folder / "shop.sqlite") as store, httpx.Client(transport=transport, base_url="http://hq") as client:
        line = Link(store, client)
        make_known(store, hq, line, "http://hq")
        with hq.database.write() as connection:
            devices.add_store(connection, store.device.store, "人民广场店", hq.clock.wall_ms())
        agent = Agent(store, line, random=random.Random(1))
        while agent.push_once().more:
            pass
        agent.prove_once()


if __name__ == "__main__":
    main()
