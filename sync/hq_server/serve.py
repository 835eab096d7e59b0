"""HQ on a socket. A line must bring its request at a pace; one that does not is closed, and holds nothing but itself."""

import asyncio
import gc
import logging
import sys
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sync.hq_server import hub_memory
from sync.hq_server.app import make_app
from sync.hq_server.hq import Hq

GRACE_S = 10.0  # until a request is whole; and
BYTES_PER_S = 2_000  # as much longer as its bytes take at this pace: 64 kbit/s is four times as fast
IDLE_S = 75  # a line that was served and asks nothing; longer than an agent's pause between two calls
HEADER_BYTES_MAX = 16_384
CONNECTIONS_MAX = 4_000
GC_THRESHOLD = (50_000, 20, 50)  # measured: a tenth of HQ's time per order
logger = logging.getLogger("lanewise.hq")


class PacedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with a time by which each request must have come."""

    _due: asyncio.TimerHandle | None = None
    _taken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(self.loop.time() + GRACE_S)

    def data_received(self, data: bytes) -> None:
        due = self._due.when() if self._due else self.loop.time() + GRACE_S
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect(due + len(data) / BYTES_PER_S)
        else:
            self._expect(None)

    def pause_writing(self) -> None:
        """An answer waits to be taken; whoever does not take it is let go of too."""
        super().pause_writing()
        within_s = GRACE_S + self.transport.get_write_buffer_size() / BYTES_PER_S
        self._taken = self.loop.call_later(within_s, self._close)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        self._end_taking()
        super().connection_lost(exc)

    def _expect(self, due: float | None) -> None:
        """The rest of a request by then; None: nothing is expected."""
        if self._due is not None:
            self._due.cancel()
        self._due = self.loop.call_at(due, self._close) if due is not None else None

    def _end_taking(self) -> None:
        if self._taken is not None:
            self._taken.cancel()

    def _close(self) -> None:
        logger.info(
            "closed a line from %s: its request did not come, or its answer was not taken", self.client and self.client[0]
        )
        self.transport.abort()


def server(
    hq: Hq, host: str, port: int, *, certificate: Path | None = None, key: Path | None = None, **more: Any
) -> uvicorn.Server:
    """A server for one HQ, not yet running. `more`: arguments of `make_app`."""
    return uvicorn.Server(
        uvicorn.Config(
            make_app(hq, **more), host=host, port=port, http=PacedProtocol, ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=10, limit_concurrency=CONNECTIONS_MAX, h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            ssl_certfile=certificate, ssl_keyfile=key,
        )
    )  # fmt: skip


def serve(hq: Hq, host: str, port: int, *, certificate: Path | None = None, key: Path | None = None, **more: Any) -> None:
    """Answer until SIGTERM or SIGINT; what is being answered then is finished. The log goes to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name, level in (("lanewise.hq", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)
    hub_memory.begin_run(hq)
    made = server(hq, host, port, certificate=certificate, key=key, **more)
    gc.freeze()  # what is loaded by now stays; a batch makes some 20,000 small objects and no ring of them
    gc.set_threshold(*GC_THRESHOLD)
    made.run()
