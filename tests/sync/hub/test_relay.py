"""The hub's line to HQ: each event once, unchanged, whatever was lost, restored or forked."""

import json
import random
import shutil
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from pos_app.domain.events import GENESIS
from store_db import hq_rows
from sync import protocol
from sync.agent import Agent
from sync.hq_server import devices, feed, generation, quarantine, relay, relay_marks
from sync.link import Refused, Unreachable, Untrusted
from sync.protocol import MAIN, ChainId
from tests.shop_kit import MILK, WATER
from tests.sim.facts import flood
from tests.sync.hq_kit import AskedInVain, FakeTill, client_of
from tests.sync.hub.kit import HQ_URL, HubTill, Line, Server, World, log_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def journals(world: World) -> set[tuple[bytes, bytes]]:
    """(uid, hash) of every event of both tills."""
    rows = [till.store.connection.execute("SELECT uid, hash FROM journal").fetchall() for till in (world.a, world.b)]
    return {(bytes(uid), bytes(hash_)) for some in rows for uid, hash_ in some}


def at(server: Server) -> list[tuple[bytes, bytes]]:
    return [(bytes(row[4]), bytes(row[6])) for row in log_of(server)]


def assert_each_once(world: World) -> None:
    assert sorted(at(world.hq)) == sorted(journals(world))
    assert sorted(at(world.hub)) == sorted(journals(world))


def test_hq_has_what_tills_said_unchanged_and_learns_of_them_from_the_hub(world: World) -> None:
    world.a.till.sell(WATER)
    world.b.till.sell(MILK)
    world.sync()
    assert log_of(world.hq) == []
    world.relay_all()
    assert log_of(world.hq) == log_of(world.hub)
    assert_each_once(world)
    with world.hq.hq.database.read() as connection:
        rows = connection.execute(text("SELECT device, via, role, state FROM devices WHERE role = 'till'")).all()
    hub = relay_marks.us(world.hub.hq.database.engine.connect())
    assert hub is not None
    assert {(bytes(d), bytes(v), s) for d, v, _, s in rows} == {
        (till.store.device.device, hub.device, "active") for till in (world.a, world.b)
    }


def test_an_answer_of_hq_that_got_lost_is_asked_for_again(world: World) -> None:
    for _ in range(3):
        world.a.till.sell(WATER)
    world.sync()
    world.wan.loses = [protocol.HELLO, protocol.PUSH, protocol.PUSH]
    world.relay_all()
    assert world.wan.loses == []
    assert_each_once(world)


def test_selling_and_sharing_go_on_while_the_line_to_hq_is_down(world: World) -> None:
    world.wan.is_down = True
    for _ in range(5):
        world.a.till.sell(WATER)
        world.sync()
    assert len(at(world.hub)) == len(journals(world))
    world.restart_hub()
    world.wan.is_down = False
    world.relay_all()
    assert_each_once(world)


def test_a_till_is_told_how_far_hq_itself_holds_its_events(world: World) -> None:
    def upstream() -> list[tuple[int, int]]:
        return world.a.store.connection.execute("SELECT seq, upstream_seq FROM sync_marks").fetchall()

    world.a.till.sell(WATER)
    world.sync()
    assert [row[1] for row in upstream()] == [0]
    held = upstream()[0][0]
    world.relay_all()
    world.a.till.sell(WATER)
    world.sync()
    assert [row[1] for row in upstream()] == [held]


def test_the_hub_offers_everything_again_to_an_hq_that_was_restored(world: World) -> None:
    backup = world.folder / "backup.sqlite"
    world.a.till.sell(WATER)
    world.sync()
    world.relay_all()
    world.hq.hq.database.close()
    shutil.copyfile(world.folder / "hq.sqlite", backup)
    for told in (True, False):
        world.b.till.sell(MILK)
        world.sync()
        world.relay_all()
        assert_each_once(world)
        world.hq.hq.database.close()
        for path in world.folder.glob("hq.sqlite*"):
            path.unlink()
        shutil.copyfile(backup, world.folder / "hq.sqlite")
        world.hq.restart()
        if told:
            generation.restored(world.hq.hq)
        else:
            world.restart_hub()  # its hello shows the receipts: HQ sees for itself that it was restored
        world.a.till.sell(WATER)
        world.sync()
        world.relay_all()
        assert_each_once(world)


def test_a_till_that_spoke_to_hq_itself_before_there_was_a_hub(world: World) -> None:
    """HQ knows the chain further than the hub, then the hub further than HQ."""
    from sync import enrol
    from sync.link import Link
    from tests.sync.hq_kit import new_code

    world.a.till.sell(WATER)
    world.sync()
    direct = Link(world.a.store, httpx.Client(transport=world.hq.line(), base_url="http://hq.test"))
    enrol.enrol(world.a.store, direct, "http://hq.test", new_code(world.hq.hq))
    agent = Agent(world.a.store, direct, random=random.Random(1))
    world.a.till.sell(MILK)
    while agent.push_once().more:
        pass
    world.relay_all()
    enrol.enrol(world.a.store, world.a.link, "http://hub.test", new_code(world.hub.hq))
    world.a.till.sell(WATER)
    world.sync()
    world.relay_all()
    assert_each_once(world)


def test_a_history_that_only_hq_has_stays_beside_the_one_that_the_hub_relays(world: World) -> None:
    """A till wrote to HQ, was put back to an old copy, and told the hub another story under the same name."""
    old = FakeTill(world.hq.hq, client_of(world.hq.hq), 7)
    old.enrol()
    chain = old.sell(old.new_chain(), 5)
    old.push(chain)
    told_otherwise = chain.fork(3)
    new = FakeTill(world.hub.hq, client_of(world.hub.hq), 7, device=old.device)
    new.enrol()
    new.sell(told_otherwise, 4)
    new.push(told_otherwise)
    world.relay_all()
    new.sell(told_otherwise, 2)
    new.push(told_otherwise)
    world.relay_all()
    both = {(e.header.uid, e.hash) for e in (*chain.events, *told_otherwise.events)}
    mine = [(uid, hash_) for uid, hash_ in at(world.hq) if (uid, hash_) not in journals(world)]
    assert sorted(mine) == sorted(both), "both histories, each event once"
    world.restart_hub()
    world.relay_all()
    assert len(at(world.hq)) == len(set(at(world.hq)))


def test_a_fork_that_only_the_hub_saw_goes_up_as_the_till_offered_it(world: World) -> None:
    till = FakeTill(world.hub.hq, client_of(world.hub.hq), 7)
    till.enrol()
    chain = till.sell(till.new_chain(), 5)
    till.push(chain)
    other = chain.fork(2)
    till.sell(other, 3)
    tail = other.tail(protocol.branch_of(chain.chain.epoch, other.mark.hash), 2)
    till.push(tail)
    world.relay_all()
    assert log_of(world.hq) == log_of(world.hub)
    assert {row[2] for row in log_of(world.hq)} == {MAIN, tail.chain.branch}


def test_what_hq_refuses_of_one_device_holds_up_no_other(world: World) -> None:
    elsewhere = FakeTill(world.hq.hq, client_of(world.hq.hq), 9, store="S002", device=bytes(16))
    elsewhere.enrol()  # the same id, in another shop: HQ takes nothing of it from this hub
    here = FakeTill(world.hub.hq, client_of(world.hub.hq), 9, device=bytes(16))
    here.enrol()
    here.push(here.sell(here.new_chain(), 2))
    world.a.till.sell(WATER)
    world.sync()
    world.relay_all()
    assert sorted(at(world.hq)) == sorted(journals(world))
    with world.hub.hq.database.read() as connection:
        assert connection.execute(text("SELECT trouble FROM hub_marks WHERE trouble <> ''")).scalars().all() == [
            protocol.WRONG_STORE
        ]


def test_nothing_is_believed_that_hq_has_not_signed(world: World) -> None:
    world.a.till.sell(WATER)
    world.sync()
    world.relay.hello()
    with world.hub.hq.database.write() as connection:
        us = relay_marks.us(connection)
        assert us is not None
        relay_marks.put_us(connection, us._replace(hq_key=bytes(32)))
    world.restart_hub()
    with pytest.raises(Untrusted):
        world.relay.relay_once()
    chain = ChainId(world.a.store.device.device, world.a.store.device.epoch)
    with world.hub.hq.database.read() as connection:
        marks = [one.mark for one in relay_marks.chains(connection, "S001") if one.chain == chain]
    assert marks == [(0, GENESIS)]


# ------------------------------------------------------------------ down


def publish(world: World, topic: str, *rows: tuple[str, str, bytes | None]) -> None:
    with world.hq.hq.database.write() as connection:
        feed.publish(connection, topic, rows, 1)


def rows_at(world: World, topic: str) -> dict[str, bytes]:
    sql = "SELECT key, body FROM hq_rows WHERE topic = ?"
    return {key: bytes(body) for key, body in world.a.store.connection.execute(sql, (topic,))}


def test_what_hq_publishes_reaches_the_tills_and_what_it_takes_away_goes(world: World) -> None:
    publish(world, "orders", ("", "1", b'{"a":1}'), ("S001", "2", b'{"a":2}'), ("S002", "3", b'{"a":3}'))
    world.relay_all()
    world.sync()
    assert rows_at(world, "orders") == {"1": b'{"a":1}', "@2": b'{"a":2}'}
    publish(world, "orders", ("", "1", None), ("S001", "2", b'{"a":5}'))
    world.relay_all()
    world.wan.is_down = True
    world.sync()
    assert rows_at(world, "orders") == {"@2": b'{"a":5}'}


def test_a_topic_comes_whole_when_hq_is_another_one(world: World) -> None:
    publish(world, "orders", *[("", str(n), b"{}") for n in range(50)])
    world.relay_all()
    world.sync()
    with world.hq.hq.database.write() as connection:
        connection.execute(text("DELETE FROM feed WHERE key = '7'"))
    generation.restored(world.hq.hq)
    world.relay_all()
    world.sync()
    assert rows_at(world, "orders").keys() == {str(n) for n in range(50)} - {"7"}
    cursors = hq_rows.cursors(world.a.store.connection)
    with world.hub.hq.database.read() as connection:
        assert cursors["orders"].generation == world.hub.hq.generation(connection)


def test_a_till_that_hq_has_revoked_gets_nothing_from_its_hub_and_counts_nowhere(world: World) -> None:
    world.sync()
    world.relay_all()
    revoke(world.hq, world.a)
    world.relay_all()
    publish(world, "staff", ("", "1009", b'{"name":"new","pin_hash":"secret","role":"cashier"}'))
    world.relay_all()
    world.a.till.sell(WATER)
    with pytest.raises(Refused) as refused:
        world.sync(world.a)
    assert refused.value.problem.code == protocol.UNKNOWN_DEVICE
    world.sync(world.b)
    kept = [till.store.connection.execute("SELECT count(*) FROM hq_rows WHERE topic = 'staff'").fetchone()[0]
            for till in (world.a, world.b)]  # fmt: skip
    assert kept == [0, 1]
    world.relay_all()
    for server in (world.hub, world.hq):
        with server.hq.database.read() as connection:
            found = connection.execute(text("SELECT code FROM quarantine WHERE resolved_ms = 0")).scalars().all()
        assert "device_revoked" in found


def test_a_till_that_was_revoked_before_it_came_to_the_hub_cannot_enrol_there(world: World) -> None:
    till = FakeTill(world.hq.hq, client_of(world.hq.hq), 7)
    till.enrol()
    with world.hq.hq.database.write() as connection:
        devices.revoke(connection, till.device, 1)
    world.relay_all()
    with pytest.raises(AskedInVain) as refused:
        FakeTill(world.hub.hq, client_of(world.hub.hq), 7, device=till.device).enrol()
    assert refused.value.code == protocol.ENROL_CODE


def test_a_hub_that_was_put_back_hears_of_a_revoked_till_again(world: World) -> None:
    world.sync()
    world.relay_all()
    world.hub.back_up()
    revoke(world.hq, world.a)
    world.relay_all()
    world.hub.put_back(is_told=False)
    world.restart_hub()
    world.relay_all()
    with pytest.raises(Refused):
        world.sync(world.a)


def revoke(server: Server, till: HubTill) -> None:
    with server.hq.database.write() as connection:
        devices.revoke(connection, till.store.device.device, 1)


def test_what_is_an_exception_hq_alone_says(world: World) -> None:
    """A hub knows its shop only: what it finds by itself may be none, and would stay when HQ has resolved it."""
    world.hub.back_up()
    world.hub.restart()
    bad = flood(world.a.store)
    world.sync()
    assert shown(world) == []
    world.relay_all()
    world.sync()
    assert [uid for uid, _ in shown(world)] == [bad.header.uid.hex()] * 2
    with world.hq.hq.database.write() as connection:
        assert quarantine.resolve(connection, None, bad.header.uid.hex(), "corrected", "9001", 0) == 1
    world.relay_all()
    world.hub.put_back()
    world.restart_hub()
    world.relay_all()
    world.sync()
    assert shown(world) == []


def shown(world: World) -> list[tuple[str, str]]:
    """(uid, code) of the exceptions that the tills show."""
    sql = "SELECT body FROM hq_rows WHERE topic = 'exceptions'"
    bodies = [json.loads(row[0]) for till in (world.a, world.b) for row in till.store.connection.execute(sql)]
    return [(body["uid"], body["code"]) for body in bodies]


class BadLine(Line):
    """Every fourth request is cut off. `firsts`: the first byte of each piece of a file that came."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.requests = 0
        self.firsts: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests % 4 == 0:
            raise httpx.ReadError("cut off")
        response = super().handle_request(request)
        if "range" in request.headers:
            self.firsts.append(int(request.headers["range"][6:].partition("-")[0]))
        return response


def test_a_snapshot_on_a_bad_line_goes_on_where_it_was_also_in_another_process(world: World) -> None:
    noise = random.Random(3)
    bodies = {str(n): b'{"x":"%s"}' % noise.randbytes(400).hex().encode() for n in range(5_001)}
    publish(world, "orders", *[("", key, body) for key, body in bodies.items()])
    line = BadLine(world.hq)
    for _ in range(20):
        world.hub.restart()
        one = relay.Relay(world.hub.hq, httpx.Client(transport=line, base_url=HQ_URL))
        with suppress(Unreachable):
            while one.pull_once().more:
                pass
            break
    assert len(line.firsts) > 6
    assert line.firsts == sorted(set(line.firsts)), "no piece came twice"
    assert list(world.hub.path.parent.glob("hub.sqlite.snapshot*")) == []
    world.restart_hub()
    world.sync(world.a)
    assert rows_at(world, "orders") == bodies


def test_a_large_topic_comes_as_a_snapshot_in_parts(world: World) -> None:
    noise = random.Random(3)
    bodies = {str(n): b'{"x":"%s"}' % noise.randbytes(60).hex().encode() for n in range(6_000)}
    publish(world, "orders", *[("", key, body) for key, body in bodies.items()])
    world.wan.loses = [protocol.PULL]
    with pytest.raises(Exception, match="lost"):
        world.relay.pull_once()
    world.relay_all()
    world.sync(world.a)
    assert rows_at(world, "orders") == bodies
