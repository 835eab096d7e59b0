"""Orders that waited go up: bytes on the wire, seconds, CPU on both sides; beside the bare loopback and COPY of the same rows."""

import random
import socket
import tempfile
import threading
import time
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench import shops
from bench.figures import Figure, Options
from bench.headquarters import Served, database, enrolled, served
from bench.waiting import waiting_file
from pos_app.demo.day import run_day
from pos_app.domain.proof import sums_of
from store_db import sync_state
from store_db.store import Store
from sync import push
from sync.agent import Agent
from sync.hq_server.log import COPY_LOG, COPY_TYPES, INSERT_LOG
from sync.protocol import MAIN

BYTES_MAX, SECONDS_MAX, FASTER_MIN = 350, 10, 4
Row = tuple[object, ...]


def measure(options: Options) -> list[Figure]:
    orders = options.pick(50_000, 2_000)
    file = waiting_file(options.folder, orders)
    bodies, rows = travelling(file)
    a_day = options.pick(600, 200)
    real, _ = travelling(shops.kept(options.folder, f"day{a_day}", lambda path: _day(path, a_day)))
    note = "a demo day in which no order comes twice, everything that travels counted"
    figures = [Figure("bytes per order on the wire", "bytes", sum(map(len, real)) / a_day, ours_max=BYTES_MAX, note=note)]
    loopback_s = over_loopback(bodies)
    for kind in ("SQLite", "PostgreSQL"):
        figures += caught_up(kind, file, orders, options, loopback_s, rows)
    return figures


def _day(path: Path, orders: int) -> None:
    run_day(path, orders, 11, lambda *_: None)


def travelling(file: Path) -> tuple[list[bytes], list[Row]]:
    """Every body that the agent sends of this file, and the rows that HQ keeps of it."""
    bodies, rows = [], []
    with shops.copied(file) as path, Store.open(path) as store:
        for chain in sync_state.chains(store.connection):
            while chain.waiting:
                _, entries, _, body = push.packed(store.connection, chain)
                bodies.append(body)
                for entry in entries:
                    h, sums = entry.header, sums_of(entry.header.kind, entry.payload)
                    rows.append((
                        "S001", h.device, h.epoch, MAIN, h.seq, h.uid, h.kind, h.schema, h.lane, h.business_date, h.wall_ms,
                        h.mono_ms, h.boot_id, h.hq_offset_ms, entry.payload, entry.hash, *sums[1:], 0,
                    ))  # fmt: skip
                chain = chain._replace(seq=entries[-1].header.seq, hash=entries[-1].hash)
    return bodies, rows


def over_loopback(bodies: list[bytes]) -> float:
    """Seconds for the same bodies over a bare socket, each answered by a few bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, [len(body) for body in bodies]), daemon=True).start()
        with socket.create_connection(server.getsockname()) as line:
            start = time.perf_counter()
            for body in bodies:
                line.sendall(body)
                line.recv(16)
            return time.perf_counter() - start


def _answer(server: socket.socket, sizes: list[int]) -> None:
    line, _ = server.accept()
    with line:
        for size in sizes:
            while size > 0:
                size -= len(line.recv(min(size, 1 << 16)))
            line.sendall(b"ok")


def caught_up(kind: str, file: Path, orders: int, options: Options, loopback_s: float, rows: list[Row]) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="lanewise-bench-", dir=options.folder) as folder, database(kind, Path(folder)) as url:
        bare_s = (bare_copy if kind == "PostgreSQL" else bare_inserts)(url, rows)
        with served(url) as at, shops.copied(file) as path, Store.open(path) as store, enrolled(store, at) as line:
            seconds, own_s, hq_s = all_pushed(Agent(store, line, random=random.Random(1)), at)
    ms = 1000 / orders
    note = f"baseline: the bytes over loopback {loopback_s:.2f} s, then the bare rows into an empty log"
    return [
        Figure(f"{orders:,} waiting orders into {kind}", "s", seconds, loopback_s + bare_s, ours_max=SECONDS_MAX, note=note),
        Figure(f"CPU per order, agent ({kind} HQ)", "ms", own_s * ms),
        Figure(f"CPU per order, HQ ({kind})", "ms", hq_s * ms),
    ]


def all_pushed(agent: Agent, at: Served) -> tuple[float, float, float]:
    """Seconds on the wall, CPU seconds of the agent, CPU seconds of the server."""
    start, own, theirs = time.perf_counter(), time.process_time(), at.cpu_s()
    while sync_state.line_state(agent.store.connection).waiting_events:
        step = agent.push_once()
        if step.trouble:
            raise RuntimeError(step.trouble)
    found = time.perf_counter() - start, time.process_time() - own, at.cpu_s() - theirs
    if agent.prove_once().trouble:
        raise RuntimeError("not equal at the end")
    return found


def bare_copy(url: str, rows: list[Row]) -> float:
    """Seconds for the rows alone by binary COPY, a commit every 500, into a table like the log without an index."""
    parts = make_url(url)
    place = f"host={parts.query['host']} port={parts.query['port']} user={parts.username} dbname={parts.database}"
    with psycopg.connect(place, autocommit=True) as connection:
        columns = COPY_LOG.split("(")[1].split(")")[0].split(", ")
        shape = ", ".join(f"{name} {kind}" for name, kind in zip(columns, COPY_TYPES, strict=True))
        connection.execute(f"CREATE TABLE bare ({shape})".encode())
        start = time.perf_counter()
        for at in range(0, len(rows), 500):
            with connection.transaction(), connection.cursor().copy(COPY_LOG.replace("COPY log ", "COPY bare ").encode()) as copy:
                copy.set_types(COPY_TYPES)
                for row in rows[at : at + 500]:
                    copy.write_row(row)
        seconds = time.perf_counter() - start
        connection.execute(b"DROP TABLE bare")
    return seconds


def bare_inserts(url: str, rows: list[Row]) -> float:
    """The same for SQLite: executemany, a commit every 500."""
    from store_db.connection import PRAGMAS, sqlite

    path = make_url(url).database
    connection = sqlite.connect(f"{path}.bare", isolation_level=None)
    for name, value, _ in PRAGMAS:
        connection.execute(f"PRAGMA {name}={value}")
    connection.execute(f"CREATE TABLE bare ({INSERT_LOG.split('(')[1].split(')')[0]})")
    sql = INSERT_LOG.replace("INTO log", "INTO bare")
    start = time.perf_counter()
    for at in range(0, len(rows), 500):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, rows[at : at + 500])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds
