"""The operators' web page: shops, one shop, its day, exceptions. Rendered here, works without JavaScript, asks nobody else.

Everything a shop sent is text: the templates escape all of it.
"""

import datetime
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pos_app.domain.money import format_yuan
from sync.hq_server import operators, views
from sync.hq_server.hq import Hq
from sync.hq_server.pages.texts import TEXTS

logger = logging.getLogger("lanewise.hq")
FOLDER = Path(__file__).parent
SESSION_COOKIE, LANG_COOKIE = "lanewise_session", "lanewise_lang"
FORM_BYTES_MAX = 4_096
DAYS_MAX, RECEIPTS_MAX, EXCEPTIONS_MAX = 14, 50, 500
ZONE = datetime.timezone(datetime.timedelta(hours=8))
AGES = ((86_400_000, "ago_days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds"))
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")


class Visit(NamedTuple):
    """One request of a signed-in operator."""

    request: Request
    connection: Connection
    now_ms: int
    lang: str


Page = Callable[[Visit], Response]


# ------------------------------------------------------------------ the pages


def shops(visit: Visit) -> Response:
    stores = views.stores(visit.connection, visit.now_ms)
    late = sum(store.state in (views.LATE, views.SILENT) for store in stores)
    unequal = sum(store.equality == views.UNEQUAL for store in stores)
    return _page(visit, "shops", here="shops", stores=stores, late=late, unequal=unequal)


def shop(visit: Visit) -> Response:
    store = views.store(visit.connection, visit.now_ms, visit.request.path_params["store"])
    if store is None:
        return _missing(visit)
    return _page(
        visit, "shop", here="shops", store=store, days=views.days(visit.connection, visit.now_ms, store.store, DAYS_MAX),
        devices=views.devices(visit.connection, visit.now_ms, store.store),
        rows=views.exceptions(visit.connection, visit.now_ms, store.store, limit=EXCEPTIONS_MAX),
    )  # fmt: skip


def day(visit: Visit) -> Response:
    params = visit.request.path_params
    found = views.day(visit.connection, visit.now_ms, params["store"], params["date"], RECEIPTS_MAX)
    return _missing(visit) if found is None else _page(visit, "day", here="shops", day=found)


def exceptions(visit: Visit) -> Response:
    rows = views.exceptions(visit.connection, visit.now_ms, limit=EXCEPTIONS_MAX)
    return _page(visit, "exceptions", here="exceptions", rows=rows, in_all=views.open_exceptions(visit.connection))


PAGES: dict[str, Page] = {
    "/": shops,
    "/stores/{store}": shop,
    "/stores/{store}/days/{date}": day,
    "/exceptions": exceptions,
}


def show(hq: Hq, page: Page, request: Request) -> Response:
    """One page, or the way to the login for whoever is not signed in."""
    now_ms, lang = hq.clock.wall_ms(), _lang(request)
    with hq.database.read() as connection:
        if not operators.is_allowed(connection, request.cookies.get(SESSION_COOKIE, ""), operators.SESSION, now_ms):
            chosen = f"&lang={lang}" if "lang" in request.query_params else ""
            return _answer(RedirectResponse(f"/login?next={quote(request.url.path, safe='')}{chosen}", 303))
        visit = Visit(request, connection, now_ms, lang)
        answer = page(visit) if all(map(str.isprintable, request.path_params.values())) else _missing(visit)
    if request.query_params.get("lang") in TEXTS:
        answer.set_cookie(LANG_COOKIE, lang, max_age=365 * 86_400, httponly=True, samesite="strict")
    return answer


# ------------------------------------------------------------------ signing in


def login_form(hq: Hq, request: Request) -> Response:
    """The form; the language can be changed here too."""
    answer = _login(request, request.query_params.get("next", "/"))
    answer.set_cookie(LANG_COOKIE, _lang(request), max_age=365 * 86_400, httponly=True, samesite="strict")
    return answer


def login(hq: Hq, request: Request, body: bytes) -> Response:
    """A session for the token; a form that another site sends is refused like a wrong token."""
    form = parse_qs(body[:FORM_BYTES_MAX].decode("utf-8", "replace"))
    token, onward = form.get("token", [""])[0].strip(), _own_path(form.get("next", ["/"])[0])
    now_ms = hq.clock.wall_ms()
    with hq.database.read() as connection:  # guesses hold up nobody who writes
        is_allowed = _is_own_form(request) and operators.is_allowed(connection, token, operators.TOKEN, now_ms)
    if not is_allowed:
        logger.info("refused HQ-UNAUTHORIZED /login from %s", request.client and request.client.host)
        return _login(request, onward, status=403)
    with hq.database.write() as connection:
        session = operators.open_session(connection, hq.ids, now_ms)
    answer = RedirectResponse(onward, 303)
    answer.set_cookie(
        SESSION_COOKIE, session, max_age=operators.SESSION_MS // 1_000, httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return _answer(answer)


def logout(hq: Hq, request: Request, body: bytes) -> Response:
    if _is_own_form(request) and (session := request.cookies.get(SESSION_COOKIE)):
        with hq.database.write() as connection:
            operators.close_session(connection, session)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE)
    return _answer(answer)


def style(hq: Hq, request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"cache-control": "max-age=600", "x-content-type-options": "nosniff"})


def _is_own_form(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _own_path(path: str) -> str:
    """Where to go on to: a path of this server, never another one."""
    return path if path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable() else "/"


# ------------------------------------------------------------------ rendering


def _at(ms: int, shape: str) -> str:
    """A moment in the chain's time; nothing for none."""
    return datetime.datetime.fromtimestamp(ms / 1_000, ZONE).strftime(shape) if 0 < ms < 1 << 43 else ""


@pass_context
def _age(context: Context, since_ms: int) -> str:
    """How long ago, in its largest unit: "3 min"; a dash for never."""
    if not since_ms:
        return "–"
    age_ms = max(0, context["now_ms"] - since_ms)
    size, word = next(((size, word) for size, word in AGES if age_ms >= size), (1, "just_now"))
    return str(context["t"][word].format(n=age_ms // size))


def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True)
    made.filters.update(
        money=format_yuan, number=lambda n: f"{n:,}", percent=lambda bp: f"{bp / 100:g}%", path=lambda text: quote(text, safe=""),
        time=lambda ms: _at(ms, "%Y-%m-%d %H:%M:%S"), clock=lambda ms: _at(ms, "%H:%M:%S"), age=_age,
    )  # fmt: skip
    return made


ENVIRONMENT = _environment()


def _lang(request: Request) -> str:
    """What was asked for, else what was chosen before, else the browser's."""
    wanted = (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE), request.headers.get("accept-language", "")[:2])
    return next((lang for lang in wanted if lang in TEXTS), "zh")


def _page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    waiting = views.open_exceptions(visit.connection)
    return _render(visit.lang, template, status, signed_in=True, now_ms=visit.now_ms, open_exceptions=waiting, **values)


def _missing(visit: Visit) -> Response:
    texts = TEXTS[visit.lang]
    return _page(visit, "message", 404, here="", head=texts["not_found"], body=texts["not_found_help"])


def _login(request: Request, onward: str, status: int = 200) -> Response:
    values = {"wrong": status != 200, "next": _own_path(onward), "signed_in": False}
    return _render(_lang(request), "login", status, now_ms=0, **values)


def _render(lang: str, template: str, status: int, *, now_ms: int, **values: Any) -> Response:
    other = next(code for code in TEXTS if code != lang)
    made = ENVIRONMENT.get_template(f"{template}.html").render(t=TEXTS[lang], other=other, now_ms=now_ms, **values)
    return _answer(HTMLResponse(made, status))


def _answer(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response
