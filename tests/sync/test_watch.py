"""A pull that waits is answered by a change, and by nothing else before its time is over."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
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


def test_a_database_out_of_reach_ends_the_look_with_one_line_and_the_next_who_waits_begins_it_again(
    hq: Hq, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> Pulled:
        gone = []

        async def run(what: Callable[..., Any], *arguments: Any) -> Any:
            if what is not feed_pull and watch._looking is not None and not gone:
                gone.append(True)
                raise OperationalError("SELECT", {}, Exception("gone"))
            return await run_in_threadpool(what, *arguments)

        def feed_pull() -> Pulled:
            return feed.pull(hq, TILL, Pull(generation=b"", cursors={}))

        watch = Watch(hq, run, poll_s=0.01)
        assert (await watch.news(lambda: run(feed_pull), 100)).pages == []
        assert watch._looking is None
        pull = asyncio.create_task(watch.news(lambda: run(feed_pull), 3_600_000))
        await asyncio.sleep(0.05)
        await run_in_threadpool(publish, hq, "staff", {"1": {}}, STORE)
        return await pull

    assert len(asyncio.run(scene()).pages) == 1
    assert [record.getMessage() for record in caplog.records if "looked at" in record.getMessage()] == [
        "the feed cannot be looked at: OperationalError"
    ]
