"""HQ on a real socket, asked by those who mean it no good: refused with a code, logged, nothing stored, others served."""

import contextlib
import logging
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import zstandard
from sqlalchemy import event, func, select

from sync import protocol
from sync.hq_server import app as app_module
from sync.hq_server import door, feed
from sync.hq_server import serve as serving
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.hq_server.tables import devices, log
from sync.protocol import MESSAGE_BYTES_MAX, Problem, decode
from sync.signing import signed_headers
from tests.sync.hq_kit import FakeTill, client_of, open_hq, sqlite_url


@contextmanager
def served(hq: Hq) -> Iterator[int]:
    """The HQ on a socket of its own; the port."""
    server = serving.server(hq, "127.0.0.1", 0)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def hq(_sqlite_hq: Path, tmp_path: Path) -> Iterator[Hq]:
    shutil.copyfile(_sqlite_hq, tmp_path / "hq.sqlite")
    opened = open_hq(sqlite_url(tmp_path))
    yield opened
    opened.database.close()


@pytest.fixture
def port(hq: Hq) -> Iterator[int]:
    with served(hq) as number:
        yield number


@pytest.fixture
def till(hq: Hq, port: int) -> Iterator[FakeTill]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        made = FakeTill(hq, client)
        made.enrol()
        yield made


def stored(hq: Hq) -> int:
    with hq.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(log)).scalar_one())


def refusal(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == app_module.CONTENT_TYPE
    code = decode(Problem, answer.content).code
    assert answer.status_code == protocol.STATUS[code]
    return code


# ------------------------------------------------------------------ bodies


def bomb() -> bytes:
    """A few hundred bytes that claim to be a gigabyte."""
    compressor = zstandard.ZstdCompressor(level=19).compressobj()
    return b"".join([*(compressor.compress(bytes(1 << 20)) for _ in range(64)), compressor.flush()])


def packed(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(plain)


BROKEN_BODIES = {
    "nothing": b"",
    "no zstd": b"hello",
    "half a frame": packed(b"x" * 10_000)[:-20],
    "no MessagePack": packed(b"\xc1"),
    "something else": packed(msgspec.msgpack.encode({"a": 1})),
    "a list": packed(msgspec.msgpack.encode([1, 2, 3])),
    "text that is none": packed(b"\xa2\xff\xfe"),
    "deep": packed(b"\x91" * 1_000_000),
    "deep in a field": packed(msgspec.msgpack.encode("chain").join([b"\x81", b"\x91" * 1_000_000])),
    "a length without its bytes": packed(b"\xdf\xff\xff\xff\xff"),
    "a binary without its bytes": packed(b"\xc6\xff\xff\xff\xff"),
    "a window of a gigabyte": zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    ).compress(bytes(1 << 24)),
}


@pytest.mark.parametrize("path", [protocol.PUSH, protocol.HELLO, protocol.PULL])
def test_a_body_that_is_no_message_is_broken(hq: Hq, till: FakeTill, path: str) -> None:
    for name, body in BROKEN_BODIES.items():
        assert refusal(till.send(path, body)) == protocol.BROKEN, name
    assert stored(hq) == 0


def test_a_bomb_is_too_large_and_is_never_unpacked(till: FakeTill) -> None:
    body = bomb()
    assert len(body) < 10_000 < MESSAGE_BYTES_MAX
    assert refusal(till.send(protocol.PUSH, body)) == protocol.TOO_LARGE


@pytest.mark.parametrize("size", [protocol.BODY_BYTES_MAX + 1, 64 << 20])
def test_an_oversized_body_is_refused_before_it_has_come(hq: Hq, port: int, size: int) -> None:
    """By what its header says: not a byte of it is waited for."""
    head = f"POST /v1/push HTTP/1.1\r\nhost: hq\r\nlanewise-protocol: 1\r\ncontent-length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(head.encode())
        assert line.recv(1 << 16).startswith(b"HTTP/1.1 413 ")


def test_an_oversized_body_without_a_length_is_cut(hq: Hq, till: FakeTill) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(1 << 16)

    try:
        answer = till.client.post(protocol.PUSH, content=endless(), headers={"lanewise-protocol": "1"})
    except httpx.TransportError:
        return  # the line was closed while it was still sending
    assert refusal(answer) == protocol.TOO_LARGE


def test_small_calls_have_small_bodies(till: FakeTill) -> None:
    assert refusal(till.send(protocol.HELLO, bytes(app_module.SMALL_BYTES_MAX + 1))) == protocol.TOO_LARGE


# ------------------------------------------------------------------ paths, names, numbers


INJECTIONS = ["'; DROP TABLE log; --", "../../etc/passwd", "%2e%2e%2fhq.sqlite", "a\0b", "💥" * 50, "x" * 190]


@pytest.mark.parametrize("text", INJECTIONS)
def test_names_are_names_and_nothing_else(hq: Hq, till: FakeTill, text: str) -> None:
    chain = till.new_chain()
    till.add(chain, text.replace("\0", ""), b"{}", lane=text.replace("\0", ""), business_date=text.replace("\0", ""))
    till.push(chain)
    till.send(protocol.SNAPSHOTS, protocol.SnapshotWanted(topic=text))
    till.send(protocol.PULL, protocol.Pull(generation=b"", cursors={text: 5}))
    till.send(protocol.DAY, protocol.DayWanted(business_date=text[:10]))
    till.push(till.sell(chain))
    assert stored(hq) == 3


@pytest.mark.parametrize("name", ["../hq.sqlite", "..%2fhq.sqlite", "%2e%2e/hq.sqlite", "%00", "x" * 5_000, "a/b", ""])
def test_a_snapshot_is_asked_for_by_its_name_alone(till: FakeTill, name: str) -> None:
    path = httpx.URL(f"http://hq{protocol.SNAPSHOTS}/{name}").raw_path.decode()
    headers = signed_headers(till.secret, "GET", path, till.device, b"", protocol.NEWEST)
    answer = till.client.get(f"{protocol.SNAPSHOTS}/{name}", headers=headers)
    assert answer.status_code in (400, 404, 410) and b"SQLite format" not in answer.content


def test_numbers_beyond_any_column_are_refused_everywhere(hq: Hq, till: FakeTill) -> None:
    huge = (1 << 64) - 1
    chain = till.new_chain()
    till.push(chain)
    asked = [
        (protocol.HASHES, protocol.HashesWanted(chain=chain.chain, seqs=[huge, -huge // 2])),
        (protocol.PROOF, protocol.ProofWanted(chains=[(chain.chain, huge), (chain.chain, -5)])),
        (protocol.PULL, protocol.Pull(generation=b"", cursors={"catalogue": huge, "x": -huge // 2}, rows_max=huge, wait_ms=-1)),
        (protocol.HELLO, protocol.Hello(generation=b"", acknowledged=[(chain.chain, protocol.Mark(huge, b""), b"")])),
    ]
    for path, message in asked:
        assert till.send(path, message).status_code in (200, 400), path
    proofs = decode(protocol.Proofs, till.send(protocol.PROOF, asked[1][1]).content)
    assert [(proof.seq, proof.events) for _, proof in proofs.chains] == [(1, 1)]


# ------------------------------------------------------------------ lines


def test_a_slow_loris_is_closed_and_others_are_served_meanwhile(
    hq: Hq, monkeypatch: pytest.MonkeyPatch, till: FakeTill, port: int
) -> None:
    """Lines that bring a byte now and then, in the header or in the body, are closed when their time is over."""
    monkeypatch.setattr(serving, "GRACE_S", 1.0)
    head = b"POST /v1/push HTTP/1.1\r\nhost: hq\r\nlanewise-protocol: 1\r\ncontent-length: 100000\r\n"
    lines = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(20)]
    for number, line in enumerate(lines):
        line.sendall(head if number % 2 else head + b"\r\n")
    chain, closed = till.new_chain(), 0
    for line in lines:
        try:
            while True:
                line.sendall(b"x")
                till.push(till.sell(chain))
                time.sleep(0.05)
        except OSError:
            closed += 1
        line.close()
    assert closed == len(lines)
    assert stored(hq) == len(chain.events)


MANY = 20  # answers of a megabyte: more than any socket buffers


def taken(line: socket.socket) -> int:
    """How many bytes still come until the line is closed."""
    size = 0
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            size += len(piece)
    return size


def test_an_answer_that_is_not_taken_is_let_go_of(hq: Hq, monkeypatch: pytest.MonkeyPatch, till: FakeTill, port: int) -> None:
    """Whoever asks for much and takes nothing of it holds HQ's memory no longer than a slow line would."""
    monkeypatch.setattr(serving, "GRACE_S", 0.5)
    monkeypatch.setattr(serving, "BYTES_PER_S", 1 << 30)
    with hq.database.write() as connection:
        feed.publish(connection, "catalogue", [("", f"K{n}", till.ids.random(200_000)) for n in range(5)], 1)
    body = protocol.encode(protocol.Pull(generation=b"", cursors={}))
    headers = signed_headers(till.secret, "POST", protocol.PULL, till.device, body, protocol.NEWEST)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"host": "hq", "content-length": str(len(body)), **headers}.items())
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.settimeout(30)
        line.connect(("127.0.0.1", port))
        line.sendall(MANY * (f"POST {protocol.PULL} HTTP/1.1\r\n{head}\r\n".encode() + body))
        time.sleep(2.5)
        assert taken(line) < MANY * 1_000_000
    till.push(till.new_chain())


def test_a_line_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(serving, "GRACE_S", 0.5)
    with socket.create_connection(("127.0.0.1", port), 30) as line:
        assert line.recv(1) == b""


def test_a_slow_line_that_keeps_the_pace_is_served(hq: Hq, monkeypatch: pytest.MonkeyPatch, till: FakeTill, port: int) -> None:
    """The time grows with what has come: a large batch over a narrow line is no loris."""
    monkeypatch.setattr(serving, "GRACE_S", 0.7)
    chain = till.new_chain()
    till.add(chain, "note", b"".join(bytes([n % 251]) for n in range(100)) + till.ids.random(40_000))
    body = protocol.encode(chain.push())
    headers = signed_headers(till.secret, "POST", protocol.PUSH, till.device, body, protocol.NEWEST)

    def slowly() -> Iterator[bytes]:
        for at in range(0, len(body), 4_000):
            yield body[at : at + 4_000]
            time.sleep(0.15)

    headers["content-length"] = str(len(body))
    assert till.client.post(protocol.PUSH, content=slowly(), headers=headers).status_code == 200
    assert stored(hq) == 2


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"POST /v1/push HTTP/9.9\r\n\r\n", b"X" * 40_000, b"\0" * 100],
    ids=["TLS", "cut", "version", "endless", "zeros"],
)
def test_what_is_no_http_is_closed(till: FakeTill, port: int, junk: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as line:
        try:
            line.sendall(junk + b"\r\n\r\n")
            while line.recv(1 << 16):
                pass
        except ConnectionError:
            pass
    till.push(till.new_chain())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_do_nothing(hq: Hq, till: FakeTill, method: str) -> None:
    answer = till.client.request(method, protocol.PUSH, headers={"lanewise-protocol": "1"})
    assert refusal(answer) == protocol.BROKEN


def test_too_many_at_once_are_told_to_come_again(hq: Hq, monkeypatch: pytest.MonkeyPatch, till: FakeTill) -> None:
    monkeypatch.setattr(door, "WORKING_MAX", 0)
    answer = till.send(protocol.PUSH, till.new_chain().push())
    assert refusal(answer) == protocol.BUSY
    assert int(answer.headers["retry-after"]) >= 1 and stored(hq) == 0


def test_a_database_that_is_locked_is_busy_and_loses_nothing(hq: Hq, till: FakeTill) -> None:
    impatient = Database.open(str(hq.database.engine.url))
    event.listen(impatient.engine, "connect", lambda connection, record: connection.execute("PRAGMA busy_timeout=10"))
    chain = till.new_chain()
    with hq.database.write():
        node = FakeTill(hq, client_of(Hq(impatient, hq.clock, hq.ids, hq.secret, hq.key)), device=till.device)
        node.secret = till.secret
        answer = node.send(protocol.PUSH, chain.push())
    impatient.close()
    assert refusal(answer) == protocol.BUSY and int(answer.headers["retry-after"]) >= 1
    till.push(chain)
    assert stored(hq) == 1


# ------------------------------------------------------------------ the log


def test_each_refusal_is_one_line_with_its_code_and_nothing_of_the_body(till: FakeTill, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lanewise.hq")
    till.send(protocol.PUSH, b"personal data")
    till.client.post(protocol.PUSH, headers={"lanewise-protocol": "1", "lanewise-device": "evil\tline 2"})
    lines = [record.getMessage() for record in caplog.records if record.name == "lanewise.hq"]
    assert [line.split()[:2] for line in lines] == [["refused", protocol.BROKEN], ["refused", protocol.UNSIGNED]]
    assert till.device.hex() in lines[0]
    assert all(line.isprintable() and "personal" not in line for line in lines)


def test_nobody_is_known_before_an_enrolment(hq: Hq, port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        stranger = FakeTill(hq, client, 7)
        for path in app_module.CALLS:
            assert refusal(stranger.send(path, protocol.Hello(generation=b""))) == protocol.UNKNOWN_DEVICE, path
    with hq.database.read() as connection:
        assert not connection.execute(select(devices)).all()
