"""The real app in the same thread: each request is one walk through its coroutine, without an event loop."""

from collections.abc import Callable
from typing import Any

import httpx


async def run_inline(function: Callable[..., Any], *args: Any) -> Any:
    """For `make_app(hq, run=run_inline)`: the handler runs here and now."""
    return function(*args)


class InlineTransport(httpx.BaseTransport):
    """An httpx transport that asks an ASGI app. Raises RuntimeError where the app waits for anything but the request."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        answer = _Answer(request.content)
        walk = self.app(_scope(request), answer.receive, answer.send)
        try:
            walk.send(None)
        except StopIteration:
            return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(bytes(answer.body)))
        walk.close()
        raise RuntimeError(f"{request.url.path} waited for something")


class _Answer:
    def __init__(self, body: bytes) -> None:
        self.asked = body
        self.status, self.headers, self.body = 500, [], bytearray()

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self.asked, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message.get("body", b"")


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "scheme": "http",
        "path": request.url.path, "raw_path": request.url.raw_path.partition(b"?")[0], "query_string": request.url.query,
        "root_path": "", "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1), "server": (request.url.host, 80),
    }  # fmt: skip
