"""Pulls that wait: an answer as soon as there is something, with one small question to the database for all who wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from sync.hq_server import feed
from sync.hq_server.hq import Hq
from sync.protocol import Pulled

POLL_S = 0.5  # a change is at an idle till within this, a round trip, and what the till itself needs
WAIT_MS_MAX = 25_000  # proxies cut what is silent for longer
logger = logging.getLogger("lanewise.hq")
Run = Callable[..., Awaitable[Any]]
Revs = dict[str, int]


class Watch:
    """The newest revs of all topics, looked up by one task while anybody waits. One for each event loop."""

    def __init__(self, hq: Hq, run: Run, poll_s: float = POLL_S) -> None:
        self._hq, self._run, self._poll_s = hq, run, poll_s
        self._waiting = 0
        self._moved = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self.revs: Revs = {}

    async def news(self, ask: Callable[[], Awaitable[Pulled]], wait_ms: int) -> Pulled:
        """What `ask` says; where that has no rows, what it says after a change, for up to `wait_ms`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wait_ms, WAIT_MS_MAX) / 1000
        while True:
            seen = await self._run(_revs, self._hq)
            pulled = await ask()
            if pulled.gone or any(page.rows for page in pulled.pages) or not await self._changed(seen, until - loop.time()):
                return pulled

    async def _changed(self, seen: Revs, within_s: float) -> bool:
        """Whether the topics moved on from `seen` within some seconds."""
        self._waiting += 1
        if self._looking is None:
            self.revs = seen
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(max(0.0, within_s)), self._moved:
                await self._moved.wait_for(lambda: _has_moved(seen, self.revs))
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        """An error of the database ends it: who waits gets an empty answer in time, and the next one begins it again."""
        try:
            while self._waiting:
                await asyncio.sleep(self._poll_s)
                revs = await self._run(_revs, self._hq)
                async with self._moved:
                    self.revs = revs
                    self._moved.notify_all()
        except SQLAlchemyError as error:
            logger.warning("the feed cannot be looked at: %s", type(error).__name__)
        finally:
            self._looking = None


def _has_moved(seen: Revs, now: Revs) -> bool:
    return any(rev > seen.get(topic, 0) for topic, rev in now.items())


def _revs(hq: Hq) -> Revs:
    with hq.database.read() as connection:
        return feed.revs(connection)
