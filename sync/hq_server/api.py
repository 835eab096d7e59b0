"""The operators' JSON API, read only. `ENDPOINTS` is all there is: the routes and the OpenAPI document are made of it.

Bearer token of `pos hq init`; a device's signature opens nothing here.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from sync.hq_server import answers, operators, views
from sync.hq_server.hq import Hq

logger = logging.getLogger("lanewise.hq")
PREFIX = "/api/v1"
LIMIT_MAX, LIMIT = 1_000, 100
STORE = r"^[^\x00-\x1f/]{1,64}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
UNAUTHORIZED, NOT_FOUND, BAD_PARAMETER = "HQ-UNAUTHORIZED", "HQ-NOT-FOUND", "HQ-BAD-PARAMETER"
STATUS = {UNAUTHORIZED: 401, NOT_FOUND: 404, BAD_PARAMETER: 400}


class ApiProblem(msgspec.Struct):
    """Why a request was refused."""

    code: str
    detail: str


class Parameter(NamedTuple):
    """One parameter: a text of `pattern`, or a whole number from 1 to `most`."""

    name: str
    about: str
    place: str = "query"
    pattern: str = ""
    most: int = 0
    otherwise: Any = None


class Endpoint(NamedTuple):
    """One thing to ask for. `view` gets the connection, the time and the parameters by name; None is "not found"."""

    path: str
    about: str
    answer: Any
    view: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()


IN_STORE = Parameter("store", "the shop's id", "path", STORE)
ON_DATE = Parameter("date", "business date, YYYY-MM-DD", "path", DATE)
OF_STORE = Parameter("store", "of one shop only", "query", STORE)
AT_MOST = Parameter("limit", "so many at most", "query", most=LIMIT_MAX, otherwise=LIMIT)

ENDPOINTS = (
    Endpoint("/stores", "Every shop: last seen, missing events, equality, exceptions.", list[answers.Store], views.stores),
    Endpoint("/stores/{store}", "One shop.", answers.Store, views.store, (IN_STORE,)),
    Endpoint("/stores/{store}/days", "A shop's business days, the newest first.", list[answers.Figures], views.days,
             (IN_STORE, AT_MOST)),
    Endpoint("/stores/{store}/days/{date}", "One shop's day.", answers.Day, views.day, (IN_STORE, ON_DATE, AT_MOST)),
    Endpoint("/devices", "Every device: state, last seen, what it still holds, what it last proved.", list[answers.Device],
             views.devices, (OF_STORE,)),
    Endpoint("/equality", "Every chain: how far HQ has it, its sums, and whether the device found them equal.",
             list[answers.Chain], views.equality, (OF_STORE,)),
    Endpoint("/quarantine", "Open exceptions, the oldest first: reason, owner, age.", list[answers.Exception_], views.exceptions,
             (OF_STORE, AT_MOST)),
    Endpoint("/topics", "What goes down: newest rev and number of rows.", list[answers.Topic], views.topics),
)  # fmt: skip


def answer(hq: Hq, endpoint: Endpoint, request: Request) -> Response:
    """One request. Refusals are JSON with a code: 401, 404, 400."""
    now_ms = hq.clock.wall_ms()
    with hq.database.read() as connection:
        if not _is_allowed(connection, request, now_ms):
            return _problem(UNAUTHORIZED, "a bearer token of `pos hq init`")
        values = _values(endpoint, request)
        if isinstance(values, Response):
            return values
        found = endpoint.view(connection, now_ms, **values)
    return _problem(NOT_FOUND, "no such thing") if found is None else json_response(found)


def json_response(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, {"cache-control": "no-store"}, "application/json")


def _is_allowed(connection: Connection, request: Request, now_ms: int) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and operators.is_allowed(connection, token.strip(), operators.TOKEN, now_ms)


def _values(endpoint: Endpoint, request: Request) -> dict[str, Any] | Response:
    """The parameters by name; a refusal for one that is wrong, doubled or unknown."""
    given = [*request.path_params.items(), *request.query_params.multi_items()]
    wanted = {parameter.name: parameter for parameter in endpoint.parameters}
    values = {name: parameter.otherwise for name, parameter in wanted.items()}
    for at, (name, text) in enumerate(given):
        parameter = wanted.get(name)
        if parameter is None or name in dict(given[:at]):
            return _problem(BAD_PARAMETER, f"{name[:40]}: not known, or given twice")
        value = _value(parameter, text)
        if value is None:
            return _problem(NOT_FOUND if parameter.place == "path" else BAD_PARAMETER, f"{name}: {parameter.about}")
        values[name] = value
    return values


def _value(parameter: Parameter, text: str) -> str | int | None:
    if parameter.pattern:
        return text if re.fullmatch(parameter.pattern, text) else None
    return int(text) if re.fullmatch("[1-9][0-9]{0,3}", text, re.ASCII) and int(text) <= parameter.most else None


def _problem(code: str, detail: str) -> Response:
    logger.info("refused %s %.100r", code, detail)
    made = json_response(ApiProblem(code, detail), STATUS[code])
    if code == UNAUTHORIZED:
        made.headers["www-authenticate"] = 'Bearer realm="lanewise-hq"'
    return made
