"""An HQ asked by somebody who has no code, or by a till that lies: others are served, and what they have stays theirs."""

import asyncio
import logging
import threading
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from pos_app.domain.coupons import Issue, make_code
from sync import protocol
from sync.hq_server import app as app_module
from sync.hq_server import door, operators, quarantine
from sync.hq_server.app import make_app
from sync.hq_server.bodies import POINTS_MAX
from sync.hq_server.hq import Caller, Hq
from sync.hq_server.projected_tables import coupons, points
from sync.protocol import Enrol, Message, Pull, Pulled, decode, encode
from sync.signing import public_key, signed_headers
from tests.sync.hq_kit import OTHER_STORE, FakeTill, new_code, sale


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


@pytest.fixture
def other(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client, 2, store=OTHER_STORE)
    made.enrol()
    return made


def asides(hq: Hq, store: str) -> list[str]:
    with hq.database.read() as connection:
        return list(connection.execute(select(quarantine.entries.c.code).where(quarantine.entries.c.store == store)).scalars())


# ------------------------------------------------------------------ tables that shops share


def test_no_till_brings_the_points_of_a_member_near_the_end_of_numbers(hq: Hq, till: FakeTill, other: FakeTill) -> None:
    """A sum beyond 64 bits would keep the events of every other shop out of the tables."""
    moves = [{"lot": f"L{n % 2}", "points": amount, "expires": ""} for n, amount in enumerate([POINTS_MAX + 1, -POINTS_MAX - 1])]
    chain = till.new_chain()
    for move in moves:
        till.add(chain, "points_moved", {"alias": "M", "moves": [move]})
    till.push(chain)
    assert asides(hq, till.store) == [quarantine.BROKEN, quarantine.BROKEN]
    theirs = other.new_chain()
    other.add(theirs, "points_moved", {"alias": "M", "moves": [{"lot": "L", "points": POINTS_MAX, "expires": ""}]})
    other.push(theirs)
    with hq.database.read() as connection:
        assert connection.execute(select(points.c.points)).scalars().all() == [POINTS_MAX]


def test_no_till_raises_how_often_the_coupon_of_another_shop_may_be_used(hq: Hq, till: FakeTill) -> None:
    code = make_code(bytes(32), OTHER_STORE, "P1", Issue("01", "7K2Q", 5, 0, "2027-01-01"))
    chain = till.new_chain()
    forged = sale("S001-01-ABCD-000002") | {"issued": [{"code": code, "promotion": "P1", "uses": 1 << 40}]}
    till.add(chain, "sale", forged)
    till.push(chain)
    assert asides(hq, till.store) == [quarantine.BROKEN]
    with hq.database.read() as connection:
        assert not connection.execute(select(coupons)).all()


# ------------------------------------------------------------------ guesses


def test_a_guessed_code_waits_for_nobody_who_writes(hq: Hq, client: httpx.Client) -> None:
    stranger = FakeTill(hq, client, 3)
    message = Enrol(code="AAAA-BBBB", device=stranger.device, store="S001", key=public_key(stranger.secret))
    with hq.database.write() as connection:
        connection.execute(text("UPDATE meta SET value = value"))
        connection.execute(text("DELETE FROM enrol_codes"))
        answer = stranger.send(protocol.ENROL, message)
        form = client.post("/login", data={"token": "lanewise-guess"})
    assert decode(protocol.Problem, answer.content).code == protocol.ENROL_CODE
    assert form.status_code == 403


def test_a_code_opens_only_the_shop_it_was_made_for(hq: Hq, client: httpx.Client) -> None:
    code, stranger = new_code(hq, OTHER_STORE), FakeTill(hq, client, 4)
    message = Enrol(code=code, device=stranger.device, store="S001", key=public_key(stranger.secret))
    assert decode(protocol.Problem, stranger.send(protocol.ENROL, message).content).code == protocol.ENROL_CODE


@pytest.mark.parametrize("origin", ["http://[", "http://hq.test.evil", "null", "", "http://hq.test@evil.test", "hq.test"])
def test_a_strange_origin_signs_nobody_in(hq: Hq, client: httpx.Client, origin: str) -> None:
    with hq.database.write() as connection:
        token = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
    for path in ("/login", "/logout"):
        answer = client.post(path, data={"token": token}, headers={"origin": origin})
        assert answer.status_code in (303, 403) and "lanewise_session=lanewise" not in answer.headers.get("set-cookie", "")


def test_refusals_of_the_operators_side_are_logged_with_their_code(
    hq: Hq, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lanewise.hq")
    client.get("/api/v1/stores", headers={"authorization": "Bearer secret-guess"})
    client.post("/login", data={"token": "secret-guess"})
    lines = [record.getMessage() for record in caplog.records if record.name == "lanewise.hq"]
    assert len(lines) == 2 and all("HQ-UNAUTHORIZED" in line and "guess" not in line for line in lines)


def test_an_error_of_the_database_tells_no_values(hq: Hq) -> None:
    sign = "%s" if hq.database.is_postgres else "?"
    with hq.database.engine.connect() as connection, pytest.raises(SQLAlchemyError) as caught:
        connection.exec_driver_sql(f"INSERT INTO no_such_table VALUES ({sign})", ("张三13800138000",))
    assert "no_such_table" in str(caught.value) and "13800138000" not in str(caught.value)


# ------------------------------------------------------------------ memory and lines


def test_a_small_call_may_not_unpack_to_much(till: FakeTill) -> None:
    large = encode(protocol.Hello(generation=bytes(app_module.UNPACKED * app_module.SMALL_BYTES_MAX + 1)))
    assert len(large) < app_module.SMALL_BYTES_MAX
    assert decode(protocol.Problem, till.send(protocol.HELLO, large).content).code == protocol.TOO_LARGE


def test_a_stranger_makes_hq_unpack_little(hq: Hq, client: httpx.Client) -> None:
    stranger = FakeTill(hq, client, 5)
    message = Enrol(code="x", device=stranger.device, store="S001", key=public_key(stranger.secret), ancestors=[b""] * 5_000_000)
    assert decode(protocol.Problem, stranger.send(protocol.ENROL, message).content).code == protocol.TOO_LARGE


class Half:
    """A request whose body comes, and then nothing more."""

    def __init__(self, size: int) -> None:
        self.parts = [bytes(size)]
        self.answer: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        if not self.parts:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self.parts.pop(), "more_body": True}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.answer.append(message)


def test_bodies_on_their_way_hold_a_bounded_memory(hq: Hq, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says nothing of himself but sends is told to come again when too much is on its way; then others go on."""
    monkeypatch.setattr(door, "READING_BYTES_MAX", 1_000_000)
    app = make_app(hq)
    scope = {
        "type": "http", "method": "POST", "path": protocol.PUSH, "raw_path": protocol.PUSH.encode(), "query_string": b"",
        "headers": [(b"lanewise-protocol", b"1")], "root_path": "", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip

    async def ask() -> tuple[Half, Half]:
        first, second, third = Half(900_000), Half(200_000), Half(200_000)
        slow = asyncio.create_task(app(scope, first.receive, first.send))
        await asyncio.sleep(0)
        await app(scope, second.receive, second.send)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        last = asyncio.create_task(app(scope, third.receive, third.send))
        await asyncio.sleep(0)
        last.cancel()
        await asyncio.gather(last, return_exceptions=True)
        return second, third

    second, third = asyncio.run(ask())
    assert second.answer[0]["status"] == 503 and not third.answer


def test_a_device_waits_for_news_on_few_lines(hq: Hq, till: FakeTill, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that holds many lines open is answered at once on the others."""
    monkeypatch.setattr(app_module, "WAITING_MAX", 1)
    app = make_app(hq)
    body = encode(Pull(generation=b"", cursors={}, wait_ms=20_000))
    headers = signed_headers(till.secret, "POST", protocol.PULL, till.device, body, protocol.NEWEST)

    async def ask() -> Pulled:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hq.test") as line:
            waiting = asyncio.create_task(line.post(protocol.PULL, content=body, headers=headers))
            while not app_module_waiting(app):
                await asyncio.sleep(0.01)
            answer = await line.post(protocol.PULL, content=body, headers=headers)
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert not app_module_waiting(app)
            return decode(Pulled, answer.content)

    assert asyncio.run(ask()).pages == []


def test_a_device_takes_no_more_than_its_share_of_the_work(
    hq: Hq, client: httpx.Client, till: FakeTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that sends many requests at once is told to come again; the next till is served, and so is the first afterwards."""
    other = FakeTill(hq, client, number=2)
    other.enrol()
    at_work, may_go_on = threading.Semaphore(0), threading.Event()
    plain = app_module.CALLS[protocol.HELLO]

    def slow(hq: Hq, caller: Caller, message: Any) -> Message:
        if caller.device == till.device:
            at_work.release()
            may_go_on.wait()
        return plain.handler(hq, caller, message)

    monkeypatch.setitem(app_module.CALLS, protocol.HELLO, plain._replace(handler=slow))
    app, body = make_app(hq), encode(protocol.Hello(generation=b""))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hq.test") as line:

            async def hello(of: FakeTill) -> int:
                headers = signed_headers(of.secret, "POST", protocol.HELLO, of.device, body, protocol.NEWEST)
                return (await line.post(protocol.HELLO, content=body, headers=headers)).status_code

            many = [asyncio.create_task(hello(till)) for _ in range(door.SHARE)]
            for _ in many:
                await asyncio.to_thread(at_work.acquire)
            found = [await hello(till), await hello(other)]
            may_go_on.set()
            return [*found, *await asyncio.gather(*many), await hello(till)]

    assert asyncio.run(ask()) == [503, 200, *[200] * door.SHARE, 200]


def app_module_waiting(app: Any) -> int:
    endpoint = next(route.endpoint for route in app.routes if route.path == protocol.PULL)
    return sum(endpoint.door.waiting.values())


def test_a_batch_of_very_many_names_is_taken_all_the_same(hq: Hq, till: FakeTill) -> None:
    """More of them than a statement may have values: it neither waits for ever nor holds up what comes behind."""
    chain = till.new_chain()
    for n in range(18):
        codes = [f"{n:x}{m:04x}" for m in range(4_000)]
        till.add(chain, "sale", sale(f"S001-01-ABCD-{n:06d}") | {"coupons": codes})
    assert till.push(chain).mark == chain.mark
