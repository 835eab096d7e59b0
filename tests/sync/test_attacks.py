"""Somebody who is not what he says he is: an HQ, a hub or a till that lies. Nobody else loses anything, and no agent ends."""

import contextlib
import hashlib
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
import zstandard

from pos_app.demo.day import DayClock
from pos_app.domain.errors import Refusal
from pos_app.domain.plain import to_json
from pos_app.services.take_topics import takers
from store_db import backup, hq_rows
from sync import protocol, pull
from sync.hand_over import hand_over_wanted
from sync.hq_server import relay, run_relay
from sync.hub_client import HubClient
from sync.link import Link, Unreachable, client
from sync.protocol import Claimed, HeldBasket, Message, Page, Pulled, Row, SaleFound, Snapshot
from sync.pull import load_snapshot
from sync.retry import Budget
from sync.step import UNREACHABLE
from tests.sync.agent_kit import CONTENT, HeadOffice, Machine, instead
from tests.sync.hq_kit import sale
from tests.sync.hub.kit import World

FAR = 1 << 63
DEEP = b'{"zzz":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


# ------------------------------------------------------------------ an HQ that lies to an agent


@pytest.mark.parametrize(
    "answer",
    [
        Pulled(generation=b"x", pages=[Page(topic="staff", rows=[], rev=FAR)]),
        Pulled(generation=b"x", pages=[Page(topic="staff", rows=[Row(FAR, "1", b"{}")], rev=1)]),
        Pulled(generation=b"x", pages=[Page(topic="staff", rows=[Row(-FAR, "1", b"{}")], rev=1)]),
    ],
    ids=["cursor", "row", "below"],
)
def test_a_page_with_a_number_that_no_store_holds_is_no_answer(till: Machine, answer: Pulled) -> None:
    till.line.answers = [instead(200, answer)]
    assert till.agent.pull_once().trouble == UNREACHABLE
    assert hq_rows.cursors(till.store.connection) == {}


def test_a_welcome_of_another_age_is_no_answer(till: Machine) -> None:
    far = protocol.Welcome(generation=b"x", wall_ms=FAR, marks=[])
    till.line.answers = [instead(200, far)]
    assert till.agent.hello().trouble == UNREACHABLE


@pytest.mark.parametrize("topic", sorted(takers({})))
def test_a_row_that_no_taker_can_read_is_marked_and_ends_nothing(till: Machine, topic: str) -> None:
    bodies = [DEEP, b"\xff\xfe", b"[]", b"", b"null"]
    rows = [Row(n, f"K{n}", body) for n, body in enumerate(bodies, 1)]
    pulled = Pulled(generation=b"x", pages=[Page(topic=topic, rows=rows, rev=len(rows))])
    till.agent._takers = takers({})
    till.line.answers = [instead(200, pulled)]
    assert till.agent.pull_once().trouble == ""
    assert [row.key for row in hq_rows.refused(till.store.connection)] == [row.key for row in rows]


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"\xff", b'{"what":1,"name":2}', b'{"what":"basket","name":"zz"}', b'{"what":"x","name":"y"}', DEEP],
)
def test_a_wish_that_cannot_be_read_hands_over_nothing(till: Machine, body: bytes) -> None:
    with till.store.transaction() as connection:
        hq_rows.put_row(connection, "wanted", hq_rows.KeptRow("k", 1, body))
    assert hand_over_wanted(till.store) == 0


class FileLine:
    """A line that offers one file for every topic, and says of it what it likes."""

    def __init__(self, data: bytes, **said: object) -> None:
        self.data, self.fetched = data, 0
        values = {
            "topic": "staff", "generation": b"x", "rev": 1, "name": "n", "sha256": hashlib.sha256(data).digest(),
            "size": len(data),
        }  # fmt: skip
        self.offer = Snapshot(**{**values, **said})  # type: ignore[arg-type]

    def call(self, path: str, message: protocol.Message, reply: type[protocol.M]) -> protocol.M:
        return protocol.decode(reply, protocol.encode(self.offer))

    def fetch(self, path: str, first_byte: int) -> bytes:
        piece = self.data[first_byte : first_byte + (1 << 20)] or bytes(1 << 20)
        self.fetched += len(piece)
        return piece


def packed(*rows: bytes) -> bytes:
    return bytes(zstandard.ZstdCompressor().compress(b"".join(len(row).to_bytes(4, "big") + row for row in rows)))


@pytest.mark.parametrize(
    "row",
    [
        msgspec.msgpack.encode(Row(1, "k", b"{}")).replace(b"\xa1k", b"\xa1\xff"),
        msgspec.msgpack.encode(Row(FAR, "k", b"{}")),
        b"",
        b"\x91" * 100_000,
    ],
    ids=["text that is none", "rev", "nothing", "deep"],
)
def test_a_snapshot_of_rows_that_are_none_is_thrown_away(till: Machine, row: bytes) -> None:
    step = load_snapshot(till.store, FileLine(packed(row)), "staff")
    assert (step.done, step.trouble) == (0, protocol.BROKEN)
    assert hq_rows.cursors(till.store.connection) == {} and not list(till.path.parent.glob("*.snapshot-*"))


def test_a_snapshot_that_never_ends_does_not_fill_the_disk(till: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "SNAPSHOT_BYTES_MAX", 3 << 20)
    endless = FileLine(b"", size=1 << 50)
    assert load_snapshot(till.store, endless, "staff").trouble == protocol.BROKEN
    assert endless.fetched <= 4 << 20


def test_a_small_snapshot_of_many_bytes_does_not_fill_the_disk(till: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "UNPACKED_BYTES_MAX", 2 << 20)
    rows = [msgspec.msgpack.encode(Row(n, f"{n:05d}", b'"' + b"a" * 100_000 + b'"')) for n in range(1, 100)]
    assert load_snapshot(till.store, FileLine(packed(*rows)), "staff").trouble == protocol.BROKEN
    kept = till.store.connection.execute("SELECT sum(length(body)) FROM hq_rows").fetchone()[0]
    assert (kept or 0) <= 2 << 20 and hq_rows.cursors(till.store.connection) == {}


# ------------------------------------------------------------------ an HQ that lies to a hub, a hub that lies to a lane


def liar(answer: Callable[[str], Message | bytes]) -> httpx.Client:
    """A line to somebody who answers each path with what he likes; bytes are a piece of a file."""

    def give(request: httpx.Request) -> httpx.Response:
        said = answer(request.url.path)
        if isinstance(said, Message):
            return httpx.Response(200, headers=CONTENT, content=protocol.encode(said))
        first = int(request.headers["range"][6:].partition("-")[0])
        return httpx.Response(206, headers=CONTENT, content=said[first:])

    return httpx.Client(transport=httpx.MockTransport(give), base_url="http://hub.test")


def test_rows_that_no_hq_sends_do_not_end_the_line_of_a_hub(tmp_path: Path) -> None:
    world = World(tmp_path)
    evil = Pulled(generation=b"x", pages=[Page(topic="staff", rows=[Row(1, "@@1", b"{}")], rev=1)])
    lied_to = relay.Relay(world.hub.hq, liar(lambda path: evil))
    step = run_relay.attempt(run_relay.listen, lied_to, Budget(random.Random(1)))
    assert (step.done, step.more) == (0, False)
    assert world.relay.pull_once().trouble == ""


@pytest.mark.parametrize("data", [b"hello", packed(b"\xc1"), packed(b"")])
@pytest.mark.parametrize("said", [{}, {"sha256": bytes(32)}, {"size": 1 << 50, "sha256": bytes(32)}])
def test_a_snapshot_that_is_none_makes_a_hub_wait(tmp_path: Path, data: bytes, said: dict[str, object]) -> None:
    world = World(tmp_path)
    answers = {
        protocol.PULL: Pulled(generation=b"x", pages=[], gone=["staff"]),
        protocol.SNAPSHOTS: FileLine(data, **said).offer,
    }
    lied_to = relay.Relay(world.hub.hq, liar(lambda path: answers.get(path, data)))
    step = run_relay.attempt(run_relay.listen, lied_to, Budget(random.Random(1)))
    assert not step.more
    assert list(tmp_path.glob("*.snapshot*")) == [], "nothing of it is gone on with"


OTHERS = to_json(sale("S001-09-ABCD-000002"))
UNREADABLE = {
    "nothing": b"", "no JSON": b"hello", "a list": b"[]", "a number": b"1", "no text": b"\xff", "deep": DEEP,
    "another sale": OTHERS, "not whole": OTHERS.replace(b"-09-", b"-02-").replace(b'"total_fen":1000', b'"total_fen":9000'),
    "a text for a sum": OTHERS.replace(b"-09-", b"-02-").replace(b'"total_fen":1000', b'"total_fen":"1"'),
}  # fmt: skip


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_sale_coupon_or_basket_that_is_none_is_refused_like_no_hub(till: Machine, body: bytes) -> None:
    answers = {
        protocol.HUB_SALE: SaleFound(uid=bytes(16), wall_ms=1, sale=body),
        protocol.HUB_CLAIM: Claimed(state="held", body=body),
        protocol.HUB_BASKETS: protocol.HeldBaskets(baskets=[HeldBasket(bytes(16), "x", "02", 1, body)]),
    }
    hub = HubClient(till.store, Link(till.store, liar(answers.__getitem__)), "01")
    assert isinstance(hub.find_sale("S001-02-ABCD-000002"), Refusal)
    assert isinstance(hub.claim_sale("S001-02-ABCD-000002"), Refusal)
    assert isinstance(hub.claim_coupon("Q1"), Refusal | str)
    if body != b"[]":
        assert isinstance(hub.fetch_basket(bytes(16)), Refusal)


@contextlib.contextmanager
def dripping() -> Iterator[str]:
    """Somebody who answers a byte now and then, for minutes; his address."""
    ended, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError):
            line.recv(1 << 16)
            line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.lanewise\r\ncontent-length: 9999\r\n\r\n")
            while not ended.wait(0.05):
                line.sendall(b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    ended.set()
    thread.join()
    listener.close()


def test_a_hub_that_drips_its_answer_does_not_hold_a_lane(till: Machine) -> None:
    with dripping() as url, client(url, 0.3) as line, pytest.raises(Unreachable, match="does not come"):
        Link(till.store, line).call(protocol.HUB_SALE, protocol.SaleWanted(number="x"), SaleFound)


# ------------------------------------------------------------------ keys on a disk


def test_files_with_keys_are_their_owners_alone(tmp_path: Path) -> None:
    """The store has the device's key and the staff's hashes, HQ's database HQ's key; a copy has what they have."""
    before = os.umask(0o022)
    try:
        office = HeadOffice(tmp_path, DayClock())
        till = Machine(office, tmp_path / "till.sqlite")
        till.sell()
        backup.backup(till.path, tmp_path / "mirror")
    finally:
        os.umask(before)
    found = [path for path in tmp_path.rglob("*sqlite*") if path.suffix != ".head"]
    modes = {path.name: path.stat().st_mode & 0o777 for path in found}
    assert set(modes.values()) == {0o600}, modes
