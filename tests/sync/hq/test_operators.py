"""Who may look at HQ, and what they see: a token opens the API, a session the pages; a device's key opens neither."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from pos_app.demo.day import DayClock
from sync import protocol
from sync.hq_server import operators, quarantine, views
from sync.hq_server.api import ENDPOINTS, PREFIX
from sync.hq_server.hq import Hq
from sync.hq_server.openapi import document
from sync.hq_server.pages import PAGES, SESSION_COOKIE
from sync.hq_server.pages.texts import EN, ZH
from sync.hq_server.quarantine import OWNERS
from sync.protocol import Proofs, ProofWanted
from sync.signing import signed_headers
from tests.sync.hq.projection_kit import DATE, Sender, event, sale
from tests.sync.hq_kit import FakeTill, client_of, make_hq, sqlite_url
from tests.sync.postgres import Cluster

PATHS = [PREFIX + one.path.replace("{store}", "S001").replace("{date}", DATE) for one in ENDPOINTS]
SHOWN = [path.replace("{store}", "S001").replace("{date}", DATE) for path in PAGES]
NASTY = "<script>document.title='owned'</script>"


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    """On SQLite: what differs on PostgreSQL is what `views` reads, and one test below walks through all of it."""
    made = make_hq(sqlite_url(tmp_path))
    yield made
    made.database.close()


@pytest.fixture
def token(hq: Hq) -> str:
    with hq.database.write() as connection:
        return operators.make_token(connection, hq.ids, hq.clock.wall_ms())


@pytest.fixture
def told(hq: Hq) -> Hq:
    """A shop with a nasty name, a sale, and one that does not add up."""
    till = Sender(hq, name=NASTY)
    till.tell(event("sale", sale(12_34)), event("sale", sale() | {"total_fen": 1, "number": NASTY}))
    return hq


def test_every_path_and_page_on_postgresql(postgres: Cluster) -> None:
    hq = make_hq(postgres.new_database())
    Sender(hq, name=NASTY).tell(event("sale", sale(12_34)), event("sale", sale(12_34)), event("sale", b"{}"), head=9)
    with hq.database.write() as connection:
        token = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
    client = client_of(hq)
    _sign_in(client, token)
    assert [_get(client, path, token).status_code for path in PATHS] == [200] * len(PATHS)
    assert [client.get(path).status_code for path in SHOWN] == [200] * len(SHOWN)
    assert [day["money_fen"] for day in _get(client, "/api/v1/stores/S001/days", token).json()] == [24_68]
    hq.database.close()


def _get(client: httpx.Client, path: str, token: str) -> Any:
    return client.get(path, headers={"authorization": f"Bearer {token}"})


def _sign_in(client: httpx.Client, token: str, **headers: str) -> httpx.Response:
    return client.post("/login", data={"token": token, "next": "/exceptions"}, headers=headers)


# ------------------------------------------------------------------ the API


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_the_token(told: Hq, client: httpx.Client, token: str, path: str) -> None:
    wrong = ("", "Bearer", "Bearer ", f"Bearer {token[:-1]}", f"Bearer {token}x", f"Basic {token}", token)
    for header in wrong:
        answer = client.get(path, headers={"authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "HQ-UNAUTHORIZED"), header
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert _get(client, path, token).status_code == 200


def test_a_shops_device_reads_nothing_of_the_operators(told: Hq, client: httpx.Client, token: str) -> None:
    """Its own key, its own session, its HQ's generation: nothing but the token counts."""
    till = FakeTill(told, client, number=9)
    till.enrol()
    for path in (*PATHS, *SHOWN):
        headers = signed_headers(till.secret, "GET", path, till.device, b"", protocol.NEWEST)
        assert client.get(path, headers=headers).status_code in (401, 303), path


def test_a_token_is_stored_as_a_hash_and_ends_with_the_next(hq: Hq, client: httpx.Client, token: str) -> None:
    with hq.database.read() as connection:
        assert token.encode() not in str(connection.execute(operators.operators.select()).all()).encode()
    _sign_in(client, token)
    with hq.database.write() as connection:
        newer = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
    assert _get(client, "/api/v1/stores", token).status_code == 401
    assert client.get("/").status_code == 303, "sessions of the old token end too"
    assert _get(client, "/api/v1/stores", newer).status_code == 200


def test_a_session_is_no_token_and_a_token_no_session(hq: Hq, client: httpx.Client, token: str) -> None:
    _sign_in(client, token)
    session = client.cookies[SESSION_COOKIE]
    assert _get(client, "/api/v1/stores", session).status_code == 401
    client.cookies.set(SESSION_COOKIE, token)
    with httpx.Client(transport=client._transport, base_url="http://hq.test", cookies={SESSION_COOKIE: token}) as other:
        assert other.get("/").status_code == 303


def test_the_api_says_what_the_shop_sold_and_what_waits(told: Hq, client: httpx.Client, token: str) -> None:
    day = _get(client, f"/api/v1/stores/S001/days/{DATE}", token).json()
    assert (day["total"]["sales"], day["total"]["money_fen"], day["receipts_in_all"]) == (1, 12_34, 1)
    assert [(tender["kind"], tender["taken_fen"]) for tender in day["tenders"]] == [("cash", 12_34)]
    (entry,) = _get(client, "/api/v1/quarantine?store=S001", token).json()
    assert (entry["code"], entry["owner"], entry["store"]) == (quarantine.NOT_WHOLE, "hq", "S001")
    (shop,) = _get(client, "/api/v1/stores", token).json()
    assert (shop["name"], shop["exceptions"], shop["events"]) == (NASTY, 1, 2)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/stores/nowhere", 404), ("/api/v1/stores/S001/days/2020-01-01", 404), ("/api/v1/stores/S001/days/x", 404),
        ("/api/v1/stores/%00", 404), ("/api/v1/stores/" + quote("'; DROP TABLE log; --"), 404),
        ("/api/v1/quarantine?limit=0", 400), ("/api/v1/quarantine?limit=1001", 400), ("/api/v1/quarantine?limit=-1", 400),
        ("/api/v1/quarantine?limit=٣", 400), ("/api/v1/quarantine?limit=1&limit=2", 400), ("/api/v1/quarantine?offset=1", 400),
        ("/api/v1/devices?store=%00", 400),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_with_a_code(told: Hq, client: httpx.Client, token: str, path: str, status: int) -> None:
    answer = _get(client, path, token)
    assert (answer.status_code, set(answer.json())) == (status, {"code", "detail"})


def test_a_device_that_fell_behind_and_one_that_is_unequal_are_seen(hq: Hq, client: httpx.Client, token: str) -> None:
    till = FakeTill(hq, client)
    till.enrol()
    chain = till.sell(till.new_chain(), 5)
    till.push(chain, 1, 3)
    own = till.proof(chain.chain, 3)
    for equality, proof in (("equal", own), ("unequal", own._replace(money_fen=own.money_fen + 1))):
        till.ask(protocol.PROOF, ProofWanted(chains=[(chain.chain, 3)], own=[(chain.chain, proof)]), Proofs)
        (device,) = _get(client, "/api/v1/devices", token).json()
        assert (device["equality"], device["proved_ms"]) == (equality, hq.clock.wall_ms())
    (one,) = _get(client, "/api/v1/equality", token).json()
    assert (one["seq"], one["equality"]) == (3, "unequal")


@pytest.mark.parametrize(("minutes", "state"), [(0, "ok"), (4, "ok"), (5, "late"), (59, "late"), (60, "silent")])
def test_a_shop_without_a_word_is_late_and_then_silent(hq: Hq, minutes: int, state: str) -> None:
    Sender(hq)
    with hq.database.read() as connection:
        (shop,) = views.stores(connection, hq.clock.wall_ms() + minutes * 60_000)
    assert shop.state == state


def test_a_shop_that_holds_events_back_is_late_however_often_it_speaks(hq: Hq) -> None:
    till = Sender(hq)
    till.tell(event("sale", sale()), head=7)
    with hq.database.read() as connection:
        (shop,) = views.stores(connection, hq.clock.wall_ms())
    assert (shop.state, shop.behind) == ("late", 6)


def test_the_document_names_every_route_and_only_those(client: httpx.Client) -> None:
    served = client.get(f"{PREFIX}/openapi.json").json()
    assert served == document()
    assert set(served["paths"]) == {PREFIX + one.path for one in ENDPOINTS}


# ------------------------------------------------------------------ the pages


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_asks_for_the_token_and_comes_back(told: Hq, client: httpx.Client, token: str, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={quote(path, safe='')}")
    assert client.get(path, params={"lang": "en"}).headers["location"].endswith("&lang=en")
    _sign_in(client, token)
    assert client.get(path).status_code == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(hq: Hq, client: httpx.Client, token: str) -> None:
    answer = _sign_in(client, token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/exceptions")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and token not in cookie


@pytest.mark.parametrize("wrong", ["", "x", "lanewise-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "é" * 5_000])
def test_a_wrong_token_opens_nothing(hq: Hq, client: httpx.Client, token: str, wrong: str) -> None:
    answer = _sign_in(client, wrong)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert client.get("/").status_code == 303


def test_a_form_of_another_site_opens_and_closes_nothing(hq: Hq, client: httpx.Client, token: str) -> None:
    assert _sign_in(client, token, origin="https://evil.test").status_code == 403
    _sign_in(client, token, origin="http://hq.test")
    session = client.cookies[SESSION_COOKIE]
    client.post("/logout", headers={"origin": "https://evil.test"})
    with hq.database.read() as connection:
        assert operators.is_allowed(connection, session, operators.SESSION, hq.clock.wall_ms())


def test_signing_out_ends_the_session_itself(hq: Hq, client: httpx.Client, token: str) -> None:
    _sign_in(client, token)
    session = client.cookies[SESSION_COOKIE]
    client.post("/logout")
    with httpx.Client(transport=client._transport, base_url="http://hq.test", cookies={SESSION_COOKIE: session}) as other:
        assert other.get("/").status_code == 303


def test_a_session_ends_after_its_hours(hq: Hq, client: httpx.Client, token: str) -> None:
    _sign_in(client, token)
    assert isinstance(hq.clock, DayClock)
    hq.clock.now_ms += operators.SESSION_MS
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("onward", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:1", "/a\r\nx: y"])
def test_the_login_leads_to_this_server_only(hq: Hq, client: httpx.Client, token: str, onward: str) -> None:
    answer = client.post("/login", data={"token": token, "next": onward})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_a_shop_sent_is_text_on_every_page(told: Hq, client: httpx.Client, token: str, path: str, lang: str) -> None:
    _sign_in(client, token)
    answer = client.get(path, params={"lang": lang})
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert f'lang="{ZH["lang"] if lang == "zh" else "en"}"' in answer.text


def test_pages_ask_no_other_server(told: Hq, client: httpx.Client, token: str) -> None:
    _sign_in(client, token)
    for path in (*SHOWN, "/login", "/style.css"):
        assert not re.search(r"""(src|href)=["'](https?:)?//|url\(|@import""", client.get(path).text), path


def test_a_shop_or_day_that_is_not_there_says_so(told: Hq, client: httpx.Client, token: str) -> None:
    _sign_in(client, token)
    for path in ("/stores/nowhere", "/stores/S001/days/2020-01-01", "/stores/%00", "/stores/S001/days/%00"):
        answer = client.get(path, params={"lang": "en"})
        assert (answer.status_code, EN["not_found"] in answer.text) == (404, True), path


def test_both_languages_have_the_same_words() -> None:
    assert ZH.keys() == EN.keys()
    words = {
        *OWNERS,
        *OWNERS.values(),
        "coupon_overused",
        "points_below_zero",
        "offer_overgiven",
        "ok",
        "late",
        "silent",
        "never",
    }
    assert words <= ZH.keys()
