"""A pull that waits is answered by a change, and by nothing else before its time is over."""

import asyncio
from pathlib import Path

import pytest
from starlette.concurrency import run_in_threadpool

from sync.hq_server import feed
from sync.hq_server.hq import Hq
from sync.hq_server.watch import Watch
from sync.protocol import Pull, Pulled
from tests.shop_kit import STORE
from tests.sync.feed_kit import TILL, make_hq, publish


@pytest.fixture
def hq(tmp_path: Path) -> Hq:
    return make_hq(f"sqlite:///{tmp_path}/hq.sqlite")


def answers(hq: Hq, waiting: int, *changes: tuple[str, str]) -> list[Pulled]:
    """What tills are told that wait for an hour while rows of (topic, store) are published one after the other."""

    async def scene() -> list[Pulled]:
        watch, message = Watch(hq, run_in_threadpool, poll_s=0.01), Pull(generation=b"", cursors={})
        pulls = [asyncio.create_task(watch.news(lambda: run_in_threadpool(feed.pull, hq, TILL, message), 3_600_000))
                 for _ in range(waiting)]  # fmt: skip
        for topic, store in changes:
            await asyncio.sleep(0.05)
            assert not any(pull.done() for pull in pulls)
            await run_in_threadpool(publish, hq, topic, {"1": {}}, store)
        return await asyncio.gather(*pulls)

    return asyncio.run(scene())


def test_all_who_wait_get_the_change(hq: Hq) -> None:
    told = answers(hq, 20, ("staff", ""))
    assert [[row.key for page in pulled.pages for row in page.rows] for pulled in told] == [["1"]] * 20


def test_another_stores_change_wakes_nobody(hq: Hq) -> None:
    (told,) = answers(hq, 1, ("staff", "S002"), ("staff", "S003"), ("stop_sales", STORE))
    assert [row.key for page in told.pages for row in page.rows] == ["@1"]


def test_what_is_there_is_told_at_once_and_nothing_after_the_time(hq: Hq) -> None:
    async def ask(wait_ms: int) -> Pulled:
        message = Pull(generation=b"", cursors={})
        return await Watch(hq, run_in_threadpool).news(lambda: run_in_threadpool(feed.pull, hq, TILL, message), wait_ms)

    assert asyncio.run(ask(10)).pages == []
    publish(hq, "staff", {"1": {}})
    assert len(asyncio.run(ask(3_600_000)).pages) == 1
