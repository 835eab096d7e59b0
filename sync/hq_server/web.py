"""The operators' routes: JSON under /api/v1, pages beside it. `run` carries each blocking handler, as for devices."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync.hq_server import api, openapi, pages
from sync.hq_server.hq import Hq

Run = Callable[..., Awaitable[Any]]
OPENAPI = f"{api.PREFIX}/openapi.json"


def routes(hq: Hq, run: Run) -> list[Route]:
    """Everything that people at HQ look at."""
    document = openapi.document()

    def get(path: str, handler: Callable[[Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            answer: Response = await run(handler, request)
            return answer

        return Route(path, endpoint, methods=["GET"])

    def post(path: str, handler: Callable[[Hq, Request, bytes], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            answer: Response = await run(handler, hq, request, await _form(request))
            return answer

        return Route(path, endpoint, methods=["POST"])

    return [
        get(OPENAPI, lambda request: api.json_response(document)),
        *(get(api.PREFIX + one.path, partial(api.answer, hq, one)) for one in api.ENDPOINTS),
        *(get(path, partial(pages.show, hq, page)) for path, page in pages.PAGES.items()),
        get("/login", partial(pages.login_form, hq)),
        get("/style.css", partial(pages.style, hq)),
        post("/login", pages.login),
        post("/logout", pages.logout),
    ]


async def _form(request: Request) -> bytes:
    """The body of a small form; what is longer is cut, and then no token."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > pages.FORM_BYTES_MAX:
            break
    return body
