"""Signed calls to HQ, or to a store hub, over an httpx client.

Whatever is no whole answer of the protocol (a log-in page with status 200, a redirect, half a body, status 502) is
Unreachable and acknowledges nothing, and so is Untrusted, an answer that HQ did not sign for this very request; one that says
no is Refused.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import httpx

from store_db import sync_state
from store_db.store import Store
from sync import identity
from sync.identity import Signer
from sync.protocol import (
    BODY_BYTES_MAX,
    ENROL,
    NEWEST,
    OLDEST,
    UNSIGNED,
    VERSION,
    Enrolled,
    M,
    Message,
    Problem,
    WireError,
    decode,
    encode,
)
from sync.signing import SIGNATURE, is_answer_signed, signed_headers

CONTENT_TYPE = "application/vnd.lanewise"
CHUNK_BYTES = 1 << 20  # of a fetched file, a call
RETRY_AFTER_MAX_S = 3_600
BYTES_PER_S = 2_000  # an answer that comes more slowly is none: 64 kbit/s is four times as fast
CONNECT_S, ANSWER_S = 5.0, 40.0  # a waiting pull is answered within 25 s


class Refused(Exception):
    """HQ answered, and said no."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.code} {problem.detail}")


class Unreachable(Exception):
    """There was no answer, or none of HQ's. `retry_after_s`: what whoever answered asked for; 0 for nothing.

    `is_line_down`: not even a connection was made, so trying again soon burdens nobody.
    """

    def __init__(self, detail: str, retry_after_s: int = 0, is_line_down: bool = False) -> None:
        self.detail, self.retry_after_s, self.is_line_down = detail, retry_after_s, is_line_down
        super().__init__(detail)


class Untrusted(Unreachable):
    """Whoever answered has not the key that HQ had at enrolment, or repeats an old answer: nothing of it is believed."""


def client(url: str, timeout_s: float = ANSWER_S) -> httpx.Client:
    """A client for one agent thread. Redirects are not followed: HQ never answers with one."""
    return httpx.Client(base_url=url, timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)))


class Link:
    """One line to HQ. It speaks its newest version first, and an older one to an HQ that is older."""

    def __init__(
        self, store: Store | None, client: httpx.Client, versions: tuple[int, int] = (OLDEST, NEWEST),
        signer: Signer | None = None, hq_key: bytes = b"", bytes_per_s: int = BYTES_PER_S,
    ) -> None:  # fmt: skip
        """`signer` signs, and `hq_key` is HQ's, where there is no store file: a store hub on its line to HQ.

        `bytes_per_s`: an answer's least pace.
        """
        self._store = store
        self._signer = signer
        self._hq_key = hq_key
        self._bytes_per_s = bytes_per_s
        self._client = client
        self._oldest, self._newest = versions
        self.version = self._newest

    def call(self, path: str, message: Message, reply: type[M], signer: Signer | None = None) -> M:
        """Ask and be answered. Raises Refused, Unreachable, Untrusted. `signer`: who signs, if not this file's device."""
        return self.ask(path, encode(message), reply, signer)

    def ask(
        self, path: str, body: bytes, reply: type[M], signer: Signer | None = None, meanwhile: Callable[[], None] | None = None
    ) -> M:
        """As `call`, with a message that is encoded already. `meanwhile` runs when all is sent and no answer is there yet."""
        while True:
            heard = self._send("POST", path, body, signer, {}, meanwhile)
            if heard.response.status_code == 200:
                answer = _answer(reply, path, heard.body)
                self._check(path, heard, answer.hq_key if isinstance(answer, Enrolled) else b"")
                return answer
            refused = self._refusal(path, heard)
            if refused.problem.code != VERSION:
                raise refused
            if self.version <= self._oldest:
                self.version = self._newest  # HQ may be another one next time
                raise refused
            self.version -= 1

    def fetch(self, path: str, first_byte: int) -> bytes:
        """The next bytes of a file from `first_byte` on; none at its end. Raises Refused, Unreachable, Untrusted."""
        wanted = {"range": f"bytes={first_byte}-{first_byte + CHUNK_BYTES - 1}"}
        heard = self._send("GET", path, b"", None, wanted)
        if heard.response.status_code not in (200, 206, 416):
            raise self._refusal(path, heard)
        self._check(path, heard)
        if heard.response.status_code == 200:
            return heard.body[first_byte:]
        return heard.body

    def _send(
        self, method: str, path: str, body: bytes, signer: Signer | None, more: dict[str, str],
        meanwhile: Callable[[], None] | None = None,
    ) -> "Heard":  # fmt: skip
        signer = signer or self._signer or (identity.signer(self._store.connection) if self._store else None)
        if signer is None:
            raise Refused(Problem(code=UNSIGNED, detail="not enrolled"))
        headers = signed_headers(signer.secret, method, path, signer.device, body, self.version)
        headers |= {"content-type": CONTENT_TYPE, "accept-encoding": "identity", "content-length": str(len(body)), **more}
        content = _then(body, meanwhile) if meanwhile else body
        try:
            with self._client.stream(method, path, content=content, headers=headers) as response:
                return Heard(response, self._body(response), headers[SIGNATURE])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            is_line_down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise Unreachable(f"{type(error).__name__}: {error}"[:200], is_line_down=is_line_down) from error

    def _check(self, path: str, heard: "Heard", brought_key: bytes = b"") -> None:
        """Raises Untrusted. An enrolment is signed by the key that it brings; whose that is, nobody knows before."""
        known = sync_state.hq(self._store.connection) if self._store and path != ENROL else None
        key, status = brought_key or (known.hq_key if known else self._hq_key), heard.response.status_code
        signature = heard.response.headers.get(SIGNATURE, "")
        if key and not is_answer_signed(key, signature, heard.request_signature, status, heard.body):
            raise Untrusted(f"{path}: status {status}, not signed by HQ for this request")

    def _refusal(self, path: str, heard: "Heard") -> Refused:
        """What HQ's refusal says. Raises Unreachable when it is none, and Untrusted when it is somebody else's."""
        refused = _refusal(heard.response, heard.body)
        self._check(path, heard)
        return refused

    def _body(self, response: httpx.Response) -> bytes:
        """The body of an answer that is HQ's own, as much of it as any answer may have, at the pace that one has."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind != CONTENT_TYPE or response.headers.get("content-encoding", "identity") != "identity":
            raise Unreachable(f"status {response.status_code} {kind}"[:200], _retry_after_s(response))
        body, due_s = bytearray(), time.monotonic() + (self._client.timeout.read or ANSWER_S)
        for piece in response.iter_bytes():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise Unreachable("more bytes than any answer has")
            if time.monotonic() > due_s + len(body) / self._bytes_per_s:
                raise Unreachable("an answer that does not come")
        return bytes(body)


def _then(body: bytes, meanwhile: Callable[[], None]) -> Iterator[bytes]:
    """The body, and when it is on its way, something else: the server has its length, and is at work by then."""
    yield body
    meanwhile()


class Heard(NamedTuple):
    """What came back, and the signature of the request that it has to be for."""

    response: httpx.Response
    body: bytes
    request_signature: str


def _answer(reply: type[M], path: str, body: bytes) -> M:
    try:
        return decode(reply, body)
    except WireError as error:
        raise Unreachable(f"{path}: {error}") from error


def _refusal(response: httpx.Response, body: bytes) -> Refused:
    """What HQ's refusal says. Raises Unreachable when it is none."""
    try:
        problem = decode(Problem, body)
    except WireError as error:
        raise Unreachable(f"status {response.status_code}: {error}", _retry_after_s(response)) from error
    retry_after_s = min(max(problem.retry_after_s, _retry_after_s(response)), RETRY_AFTER_MAX_S)
    return Refused(
        Problem(
            code=problem.code, detail=problem.detail[:200], mark=problem.mark, generation=problem.generation,
            retry_after_s=retry_after_s,
        )
    )  # fmt: skip


def _retry_after_s(response: httpx.Response) -> int:
    with contextlib.suppress(ValueError):
        return min(max(0, int(response.headers.get("retry-after", "0"))), RETRY_AFTER_MAX_S)
    return 0
