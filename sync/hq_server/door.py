"""What every request has to get past: a version that is spoken, a body within bounds, a place to be worked on."""

import contextlib
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.types import Receive

from sync import protocol, signing
from sync.hq_server.hq import HUB, Caller, Hq, Rejected
from sync.hq_server.watch import Watch

READING_BYTES_MAX = 256 << 20  # of all bodies that are on their way: nobody has said yet who sends them
WORKING_MAX = 32  # requests that are worked on at once; each may hold some tens of MB
SHARE, HUB_SHARE = 4, 8  # of them for one device, and for a store hub; an agent has two lines
RETRY_AFTER_S = 2
Run = Callable[..., Awaitable[Any]]


class Door:
    """What all endpoints share: how many are at work, which versions are spoken."""

    def __init__(self, hq: Hq, run: Run, versions: tuple[int, int]) -> None:
        self.hq, self.run, self.versions = hq, run, versions
        self.working = 0
        self.reading = 0  # bytes
        self.waiting: Counter[bytes] = Counter()
        self.at_work: Counter[bytes] = Counter()
        self.lock = threading.Lock()
        self.watch = Watch(hq, run)

    @contextlib.contextmanager
    def share(self, caller: Caller) -> Iterator[None]:
        """A place among a device's own: however many requests one sends, there is room for the others."""
        with self.lock:
            if self.at_work[caller.device] >= (HUB_SHARE if caller.role == HUB else SHARE):
                raise Rejected(protocol.BUSY, "its share", retry_after_s=RETRY_AFTER_S)
            self.at_work[caller.device] += 1
        try:
            yield
        finally:
            with self.lock:
                self.at_work[caller.device] -= 1
                if not self.at_work[caller.device]:
                    del self.at_work[caller.device]

    async def work(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one handler, unless too many are at work already."""
        if self.working >= WORKING_MAX:
            raise Rejected(protocol.BUSY, retry_after_s=RETRY_AFTER_S)
        self.working += 1
        try:
            return await self.run(function, *args)
        finally:
            self.working -= 1

    async def body(self, headers: Mapping[str, str], receive: Receive, bytes_max: int) -> bytes:
        """A body within its bounds. Rejected TOO_LARGE, BROKEN where the line ended, BUSY when too much is coming."""
        said = headers.get("content-length", "0")
        if said.isascii() and said.isdigit() and int(said[:18]) > bytes_max:
            raise Rejected(protocol.TOO_LARGE, f"{said[:18]} bytes")
        body = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Rejected(protocol.BROKEN, "cut off")
                piece = message.get("body", b"")
                body += piece
                self.reading += len(piece)
                if len(body) > bytes_max:
                    raise Rejected(protocol.TOO_LARGE, f"more than {bytes_max} bytes")
                if self.reading > READING_BYTES_MAX:
                    raise Rejected(protocol.BUSY, "bodies", retry_after_s=RETRY_AFTER_S)
                if not message.get("more_body"):
                    return bytes(body)
        finally:
            self.reading -= len(body)

    def check_version(self, headers: Mapping[str, str]) -> None:
        oldest, newest = self.versions
        said = headers.get(signing.PROTOCOL, "")
        if not (said.isascii() and said.isdigit() and oldest <= int(said[:9]) <= newest):
            raise Rejected(protocol.VERSION, f"{oldest} to {newest}")
