"""HQ over HTTP: reads a request within bounds, finds out who signed it, runs one plain function, sends one message back.

Nothing on the way awaits anything but the line and `run`, which carries each blocking handler; a pull that waits for news
is the exception.
"""

import base64
import importlib.util
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from sync import protocol, signing
from sync.hq_server import devices, feed, generation, hub, log, proofs
from sync.hq_server.devices import Asked
from sync.hq_server.door import RETRY_AFTER_S, Door, Run
from sync.hq_server.enrolment import enrol
from sync.hq_server.hq import REVOKED, Caller, Hq, Rejected
from sync.protocol import (
    BODY_BYTES_MAX,
    Claim,
    DayWanted,
    Enrol,
    HashesWanted,
    HeldBaskets,
    Hello,
    Message,
    Problem,
    ProofWanted,
    Pull,
    Pulled,
    Push,
    Release,
    Rotate,
    SaleWanted,
    SnapshotWanted,
    Welcome,
    WireError,
    decode,
    encode,
)  # fmt: skip
from sync.signing import answer_text

CONTENT_TYPE = "application/vnd.lanewise"
SMALL_BYTES_MAX = 1 << 18  # of every body but a push
UNPACKED = 4  # times as large a message may be unpacked as its body may be
WAITING_MAX = 4  # pulls of one device that wait for news at once; an agent has one
Handler = Callable[[Hq, Caller, Any], Message]
logger = logging.getLogger("lanewise.hq")


def rotate(hq: Hq, caller: Caller, message: Rotate) -> Welcome:
    devices.rotate(hq, caller, message)
    with hq.database.read() as connection:
        return generation.welcome(hq, connection, caller, [])


def pull(hq: Hq, caller: Caller, message: Pull) -> Pulled:
    """Rows of topics; a revoked device gets none."""
    if caller.state == REVOKED:
        raise Rejected(protocol.UNKNOWN_DEVICE, "revoked")
    return feed.pull(hq, caller, message)


def snapshot(hq: Hq, caller: Caller, message: SnapshotWanted) -> Message:
    from sync.hq_server import snapshots

    if caller.state == REVOKED:
        raise Rejected(protocol.UNKNOWN_DEVICE, "revoked")
    return snapshots.offer(hq, caller, message)


class Call(NamedTuple):
    """One path: the message that is asked with, who answers it, how large a body may be."""

    shape: type[Message]
    handler: Handler
    bytes_max: int = SMALL_BYTES_MAX


CALLS: dict[str, Call] = {
    protocol.PUSH: Call(Push, log.push, BODY_BYTES_MAX),
    protocol.PULL: Call(Pull, pull),
    protocol.HELLO: Call(Hello, generation.hello),
    protocol.ROTATE: Call(Rotate, rotate),
    protocol.PROOF: Call(ProofWanted, proofs.proof),
    protocol.HASHES: Call(HashesWanted, proofs.hashes),
    protocol.DAY: Call(DayWanted, proofs.day),
    protocol.SNAPSHOTS: Call(SnapshotWanted, snapshot),
    protocol.HUB_SALE: Call(SaleWanted, hub.at_a_hub(hub.find_sale)),
    protocol.HUB_CLAIM: Call(Claim, hub.at_a_hub(hub.claim)),
    protocol.HUB_RELEASE: Call(Release, hub.at_a_hub(hub.release)),
    protocol.HUB_BASKETS: Call(HeldBaskets, hub.at_a_hub(hub.baskets), BODY_BYTES_MAX),
}


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str] = {}


def make_app(
    hq: Hq, run: Run = run_in_threadpool, *, versions: tuple[int, int] = (protocol.OLDEST, protocol.NEWEST),
) -> Starlette:  # fmt: skip
    """The ASGI app of one HQ. `versions`: the oldest and newest protocol it speaks."""
    door = Door(hq, run, versions)
    routes: list[BaseRoute] = [
        Route(path, (PullEndpoint if path == protocol.PULL else Endpoint)(door, call)) for path, call in CALLS.items()
    ]
    routes.append(Route(protocol.ENROL, EnrolEndpoint(door)))
    routes.append(Route(protocol.SNAPSHOTS + "/{name}", FileEndpoint(door)))
    if importlib.util.find_spec("sync.hq_server.web"):
        from sync.hq_server import web

        routes += web.routes(hq, run)
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


class Endpoint:
    """One signed call."""

    method = "POST"

    def __init__(self, door: Door, call: Call) -> None:
        self.door, self.call = door, call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["method"], _path(scope), _headers(scope), b"")
        try:
            if asked.method != self.method:
                raise Rejected(protocol.BROKEN, "method")
            self.door.check_version(asked.headers)
            asked = asked._replace(body=await self.door.body(asked.headers, receive, self.call.bytes_max))
            answer = await self.answer(asked)
        except (Rejected, WireError) as error:
            answer = _refused(asked, error)
        except (OperationalError, PoolTimeout) as error:  # locked, out of reach, or too many at once
            answer = _refused(asked, Rejected(protocol.BUSY, type(error).__name__, retry_after_s=RETRY_AFTER_S))
        except (DataError, OverflowError) as error:
            answer = _refused(asked, Rejected(protocol.BROKEN, f"no column takes it: {type(error).__name__}"))
        await _send(send, self.door.hq, asked, answer)

    async def answer(self, asked: Asked) -> Answer:
        message = await self.door.work(self.handle, asked)
        if isinstance(message, Problem):
            raise Rejected.of(message)
        return Answer(200, encode(message))

    def handle(self, asked: Asked) -> Message:
        """One request, in a thread of its own."""
        return self.ask(*self.read(asked))

    def ask(self, caller: Caller, message: Any) -> Message:
        with self.door.share(caller):
            return self.call.handler(self.door.hq, caller, message)

    def read(self, asked: Asked) -> tuple[Caller, Any]:
        """Who asks what."""
        with self.door.hq.database.read() as connection:
            caller = devices.authenticate(connection, asked)
        devices.note_seen(self.door.hq, caller)
        return caller, self.decode(asked)

    def decode(self, asked: Asked) -> Any:
        return decode(self.call.shape, asked.body, UNPACKED * self.call.bytes_max)


class PullEndpoint(Endpoint):
    """A pull; one that may wait is none of those at work."""

    async def answer(self, asked: Asked) -> Answer:
        caller, message = await self.door.work(self.read, asked)
        waiting = self.door.waiting
        if message.wait_ms <= 0:
            return Answer(200, encode(await self.door.work(self.ask, caller, message)))
        wait_ms = message.wait_ms if waiting[caller.device] < WAITING_MAX else 0
        waiting[caller.device] += 1
        try:
            pulled = await self.door.watch.news(lambda: self.door.work(self.ask, caller, message), wait_ms)
        finally:
            waiting[caller.device] -= 1
            if not waiting[caller.device]:
                del waiting[caller.device]
        return Answer(200, encode(pulled))


class EnrolEndpoint(Endpoint):
    """The one call of a device that HQ does not know: signed with the key that it brings."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, Call(Enrol, lambda hq, caller, message: enrol(hq, message)))

    def handle(self, asked: Asked) -> Message:
        message: Enrol = self.decode(asked)
        devices.check_own_key(asked, message)
        return enrol(self.door.hq, message)


class FileEndpoint(Endpoint):
    """A piece of a snapshot, from the first byte asked for."""

    method = "GET"

    def __init__(self, door: Door) -> None:
        super().__init__(door, CALLS[protocol.SNAPSHOTS]._replace(bytes_max=0))

    async def answer(self, asked: Asked) -> Answer:
        piece = await self.door.work(self._read, asked)
        return Answer(206 if piece else 416, piece)

    def _read(self, asked: Asked) -> bytes:
        from sync.hq_server import snapshots

        with self.door.hq.database.read() as connection:
            caller = devices.authenticate(connection, asked)
        if caller.state == REVOKED:
            raise Rejected(protocol.UNKNOWN_DEVICE, "revoked")
        name = asked.path.removeprefix(protocol.SNAPSHOTS + "/")
        return snapshots.read(self.door.hq, caller, name, _first_byte(asked.headers.get("range", "")))


# ------------------------------------------------------------------ the line


def _path(scope: Scope) -> str:
    """The path as it was asked for and signed."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (path + b"?" + query if query else path).decode("latin-1")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _first_byte(wanted: str) -> int:
    """The start of `bytes=N-M`; 0 when nothing is wanted of the kind."""
    unit, _, span = wanted.partition("=")
    start = span.partition("-")[0]
    return int(start[:18]) if unit.strip() == "bytes" and start.isascii() and start.isdigit() else 0


def _refused(asked: Asked, error: Rejected | WireError) -> Answer:
    """A refusal as it travels; one line of the log names code, path and device, and nothing of the body."""
    problem = error.problem if isinstance(error, Rejected) else Problem(code=error.code, detail=error.detail)
    device = asked.headers.get(signing.DEVICE, "")
    logger.info("refused %s %s device %.40r %.200r", problem.code, asked.path[:100], device, problem.detail)
    headers = {"retry-after": str(problem.retry_after_s)} if problem.retry_after_s else {}
    return Answer(protocol.STATUS[problem.code], encode(problem), headers)


async def _send(send: Send, hq: Hq, asked: Asked, answer: Answer) -> None:
    """Every answer is signed, a refusal too: a till would act on it."""
    signature = hq.sign(answer_text(asked.headers.get(signing.SIGNATURE, ""), answer.status, answer.body))
    headers = {
        signing.SIGNATURE: base64.b64encode(signature).decode(),
        "content-type": CONTENT_TYPE,
        "content-length": str(len(answer.body)),
        "cache-control": "no-store",
    } | answer.headers
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
