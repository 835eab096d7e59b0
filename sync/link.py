"""Signed calls to HQ, or to a store hub, over an httpx client.

Whatever is no whole answer of the protocol (a log-in page with status 200, a redirect, half a body, status 502) is
Unreachable and acknowledges nothing; an answer that says no is Refused.
"""

import contextlib
import time

import httpx

from store_db.store import Store
from sync import identity
from sync.identity import Signer
from sync.protocol import BODY_BYTES_MAX, NEWEST, OLDEST, UNSIGNED, VERSION, M, Message, Problem, WireError, decode, encode
from sync.signing import signed_headers

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


def client(url: str, timeout_s: float = ANSWER_S) -> httpx.Client:
    """A client for one agent thread. Redirects are not followed: HQ never answers with one."""
    return httpx.Client(base_url=url, timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)))


class Link:
    """One line to HQ. It speaks its newest version first, and an older one to an HQ that is older."""

    def __init__(
        self, store: Store | None, client: httpx.Client, versions: tuple[int, int] = (OLDEST, NEWEST),
        signer: Signer | None = None, bytes_per_s: int = BYTES_PER_S,
    ) -> None:  # fmt: skip
        """`signer` signs where there is no store file: a store hub on its line to HQ. `bytes_per_s`: an answer's least pace."""
        self._store = store
        self._signer = signer
        self._bytes_per_s = bytes_per_s
        self._client = client
        self._oldest, self._newest = versions
        self.version = self._newest

    def call(self, path: str, message: Message, reply: type[M], signer: Signer | None = None) -> M:
        """Ask and be answered. Raises Refused and Unreachable. `signer`: who signs, if not this file's device."""
        while True:
            response, body = self._send("POST", path, encode(message), signer, {})
            if response.status_code == 200:
                try:
                    return decode(reply, body)
                except WireError as error:
                    raise Unreachable(f"{path}: {error}") from error
            refused = _refusal(response, body)
            if refused.problem.code != VERSION:
                raise refused
            if self.version <= self._oldest:
                self.version = self._newest  # HQ may be another one next time
                raise refused
            self.version -= 1

    def fetch(self, path: str, first_byte: int) -> bytes:
        """The next bytes of a file from `first_byte` on; none at its end. Raises Refused and Unreachable."""
        wanted = {"range": f"bytes={first_byte}-{first_byte + CHUNK_BYTES - 1}"}
        response, body = self._send("GET", path, b"", None, wanted)
        if response.status_code == 206:
            return body
        if response.status_code == 200:
            return body[first_byte:]
        if response.status_code == 416:
            return b""
        raise _refusal(response, body)

    def _send(
        self, method: str, path: str, body: bytes, signer: Signer | None, more: dict[str, str]
    ) -> tuple[httpx.Response, bytes]:
        signer = signer or self._signer or (identity.signer(self._store.connection) if self._store else None)
        if signer is None:
            raise Refused(Problem(code=UNSIGNED, detail="not enrolled"))
        headers = signed_headers(signer.secret, method, path, signer.device, body, self.version)
        headers |= {"content-type": CONTENT_TYPE, "accept-encoding": "identity", **more}
        try:
            with self._client.stream(method, path, content=body, headers=headers) as response:
                return response, self._answer(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            is_line_down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise Unreachable(f"{type(error).__name__}: {error}"[:200], is_line_down=is_line_down) from error

    def _answer(self, response: httpx.Response) -> bytes:
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
