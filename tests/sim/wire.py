"""The line between a machine and HQ: the real app behind an httpx transport that loses, doubles, delays, cuts and lies."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import httpx

from sync import protocol
from sync.hq_server.hq import Hq
from sync.link import CONTENT_TYPE
from sync.signing import SIGNATURE, answer_text

if TYPE_CHECKING:
    from tests.sim.hub import Hub
    from tests.sim.machine import Machine
    from tests.sim.world import World

PORTAL = b"<html><body>Welcome to FREE-WIFI. Please log in.</body></html>"


Heard = tuple[bytes, str]  # an answer's body and signature


class Killed(BaseException):
    """The process of a till ends here; no handler of the real code may catch it."""


class HqKilled(BaseException):
    """The process of an HQ node ends here."""


class Wire(httpx.BaseTransport):
    """One machine's way to HQ, or to its hub."""

    def __init__(self, world: World, machine: Machine | Hub) -> None:
        self._world = world
        self._machine = machine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        world.requests += 1
        content = request.read()
        if self._machine.is_cut_off:
            raise httpx.ConnectError("cut off", request=request)
        if self._machine.twin_at_next_request:
            self._machine.twin_at_next_request = False
            self._machine.meanwhile("twin")
        if world.faults.happens("meanwhile"):
            self._machine.meanwhile()
        fault = world.faults.on_wire()
        if fault:
            world.note(f"  wire {self._machine.name} {request.url.path} {fault}")
        instead = self._instead(fault, request, content)
        if instead is not None:
            return instead
        if fault == "doubled":
            self._deliver(request, content, "")
        answer = self._deliver(request, content, fault)
        if fault == "answer_lost":
            raise httpx.ReadTimeout("no answer", request=request)
        if fault == "killed_at_answer" and self._machine.may_be_killed:
            raise Killed
        if fault == "truncated":
            half = answer.content[: len(answer.content) // 2]
            return answered(answer.status_code, half, answer.headers["content-type"], _kept(answer))
        if fault in ("status_500", "status_502"):
            return answered(int(fault[-3:]), b"proxy error", "text/plain")
        if world.faults.happens("meanwhile"):
            self._machine.meanwhile()
        if answer.status_code == 200:
            self._machine.answers[request.url.path].append((answer.content, answer.headers[SIGNATURE]))
        return answered(answer.status_code, answer.content, answer.headers["content-type"], _kept(answer))

    def _instead(self, fault: str, request: httpx.Request, content: bytes) -> httpx.Response | None:
        """The answer of something that is not HQ; None when the request goes on to HQ."""
        if fault == "request_lost":
            raise httpx.ConnectTimeout("lost", request=request)
        if fault == "delayed":
            self._world.late.append((request, content))
            raise httpx.ReadTimeout("late", request=request)
        if fault == "killed_at_request" and self._machine.may_be_killed:
            raise Killed
        if fault == "status_429":
            return answered(429, b"slow down", "text/plain", {"retry-after": "7"})
        if fault == "redirect":
            return answered(302, b"", "text/html", {"location": "http://portal.invalid/login"})
        if fault == "captive_portal":
            return answered(200, PORTAL, "text/html")
        if fault == "stale_answer" and self._machine.answers[request.url.path]:
            body, signature = self._world.luck.choice(self._machine.answers[request.url.path])
            return answered(200, body, CONTENT_TYPE, {SIGNATURE: signature})
        if fault == "impostor" and request.url.path == protocol.PUSH:
            return answered(200, _forged(content, self._world.hq.generation()), CONTENT_TYPE)
        if fault == "hq_busy":
            body = protocol.encode(protocol.Problem(code=protocol.BUSY, retry_after_s=3))
            headers = {
                "retry-after": "3",
                SIGNATURE: answer_signature(self._world.server_at(request).nodes[0].hq, request, 503, body),
            }
            return answered(503, body, CONTENT_TYPE, headers)
        return None

    def _deliver(self, request: httpx.Request, content: bytes, fault: str) -> httpx.Response:
        try:
            answer = self._world.server_at(request).answer(request, content, fault)
        except HqKilled:
            raise httpx.RemoteProtocolError("HQ died", request=request) from None
        return answer


def _forged(content: bytes, generation: bytes) -> bytes:
    """What a till hopes for: all of the batch acknowledged, by somebody who knows all but HQ's key."""
    push = protocol.decode(protocol.Push, content)
    last = protocol.from_columns(push)[-1]
    return protocol.encode(protocol.Ack(mark=protocol.Mark(last.header.seq, last.hash), generation=generation, receipt=bytes(64)))


def _kept(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in ("retry-after", SIGNATURE) if name in answer.headers}


def answer_signature(hq: Hq, request: httpx.Request, status: int, body: bytes) -> str:
    """HQ's own signature over an answer that a test made."""
    return base64.b64encode(hq.sign(answer_text(request.headers[SIGNATURE], status, body))).decode()


def answered(status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer that was not read yet."""
    return httpx.Response(status, headers={"content-type": content_type} | (headers or {}), stream=httpx.ByteStream(body))
