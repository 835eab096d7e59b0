"""Push: every event once, in sequence, byte for byte, on both databases; what does not fit is refused and leaves nothing."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from pos_app.domain import proof
from pos_app.domain.proof import Sums, sums_of
from sync import protocol, sums
from sync.hq_server import log as log_file
from sync.hq_server import quarantine
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.hq_server.projected_tables import receipts, store_days
from sync.hq_server.tables import chains, log, uids
from sync.protocol import Ack, Mark, Push, branch_of
from sync.signing import is_signed, receipt_text
from tests.sync.hq_kit import OTHER_STORE, AskedInVain, FakeChain, FakeTill, client_of, make_hq, open_hq, sale
from tests.sync.postgres import Cluster


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


def held(hq: Hq, chain: FakeChain) -> list[tuple[int, bytes, bytes]]:
    """(seq, hash, payload) of what HQ's log has of a chain."""
    place = (log.c.device == chain.chain.device, log.c.epoch == chain.chain.epoch, log.c.branch == chain.chain.branch)
    with hq.database.read() as connection:
        rows = connection.execute(select(log.c.seq, log.c.hash, log.c.payload).where(*place).order_by(log.c.seq))
        return [(seq, bytes(hash_), bytes(payload)) for seq, hash_, payload in rows]


def is_whole(hq: Hq, *held_chains: FakeChain) -> bool:
    """Whether HQ holds just these events, each once, and counts each once."""
    events = [event for chain in held_chains for event in chain.events]
    kept = [(event.header.seq, event.hash, event.payload) for event in events]
    own = [row for chain in held_chains for row in held(hq, chain)]
    sales = sum(event.header.kind == "sale" for event in events)
    with hq.database.read() as connection:
        counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (log, uids, receipts)]
        days = connection.execute(select(func.sum(store_days.c.sales))).scalar_one() or 0
    return own == kept and counts == [len(events), len(events), sales] and days == sales


def refusal(call: Callable[[], Any]) -> protocol.Problem:
    with pytest.raises(AskedInVain) as caught:
        call()
    return caught.value.problem


# ------------------------------------------------------------------ in sequence


def test_a_batch_is_kept_byte_for_byte_and_acknowledged_with_a_receipt(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 5)
    ack = till.push(chain)
    assert ack.mark == chain.mark and ack.overlapped == 0
    assert is_signed(hq.key, ack.receipt, receipt_text(chain.chain, ack.mark, ack.generation))
    assert is_whole(hq, chain)


def test_an_event_comes_back_from_the_log_as_it_was_sent(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    till.push(chain)
    with hq.database.read() as connection:
        assert [log_file.event_of(row) for row in connection.execute(select(log).order_by(log.c.seq))] == chain.events


def test_batches_that_overlap_in_any_way_are_one_history(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 9)
    for first, last, overlapped in ((1, 4, 0), (1, 4, 4), (3, 6, 2), (2, 3, 2), (5, 5, 1), (1, 10, 6), (10, 10, 1)):
        assert till.push(chain, first, last).overlapped == overlapped
        assert is_whole(hq, FakeChain(chain.chain, chain.events[: len(held(hq, chain))]))
    assert is_whole(hq, chain)


def test_an_acknowledgement_states_what_was_offered_as_hq_may_go_on_with_another_history(till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 9)
    till.push(chain)
    assert till.push(chain, 2, 3).mark == Mark(3, chain.hash_at(3))


def test_a_gap_is_refused_with_the_mark_and_nothing_is_kept_out_of_order(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 9)
    assert refusal(lambda: till.push(chain, 2, 5)).mark == Mark(0, bytes(32))
    till.push(chain, 1, 3)
    problem = refusal(lambda: till.push(chain, 5, 10))
    assert (problem.code, problem.mark) == (protocol.GAP, Mark(3, chain.hash_at(3)))
    till.push(chain, 4, 10)
    assert is_whole(hq, chain)


@pytest.mark.parametrize(("first", "last"), [(1, 3), (3, 3), (3, 4), (1, 7), (4, 7), (5, 7), (6, 7)])
def test_another_history_is_refused_and_leaves_the_first_one_alone(hq: Hq, till: FakeTill, first: int, last: int) -> None:
    """Wherever it begins and ends: over what HQ has, across its end, or just behind it."""
    chain = till.sell(till.new_chain(), 4)
    other = till.sell(chain.fork(2), 5)
    till.push(chain)
    problem = refusal(lambda: till.push(other, first, last))
    assert (problem.code, problem.mark) == (protocol.FORK, chain.mark)
    assert is_whole(hq, chain)


def test_the_sums_of_a_chain_are_those_of_its_events(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 4, 1_250)
    till.add(chain, "stock_moved", {"reason": "delivery", "moves": [{"sku": "WATER", "quantity": 24}]})
    till.add(chain, "points_moved", {"alias": "M1", "reason": "correction", "moves": [{"rule": "r", "lot": "l", "points": 7}]})
    till.push(chain, 1, 3)
    till.push(chain)
    total = Sums()
    for event in chain.events:
        total = total.plus(sums_of(event.header.kind, event.payload))
    with hq.database.read() as connection:
        row = connection.execute(select(chains)).one()
    assert Sums(row.events, row.money_fen, row.points, row.quantity) == total == Sums(7, 5_000, 7, 20)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a":1,"a":2}', b"[-0]", b"1e400", b"NaN", b'{"a":123456789012345678901234567890}', b'"\\ud800"', b" [1.0] ", b"[1,]",
        b'"\xff"', b"\xef\xbb\xbf{}", '"é"'.encode("utf-16"), b"", b'{"\xe4\xb8\xad":null}',
    ],
)  # fmt: skip
def test_the_faster_reader_gives_the_sums_that_json_loads_gives(payload: bytes) -> None:
    """Else sums made by an earlier version would differ."""
    within = b'{"lines":[{"quantity":2,"name":%s}],"tenders":[{"amount_fen":5,"x":{"y":%s}}],"z":%s}' % (
        payload,
        payload,
        payload,
    )
    for whole in (payload, within, within.replace(b"2", payload), b'{"moves":%s}' % payload):
        for kind in proof.SUMS:
            assert proof.sums_of(kind, whole, sums.parse) == proof.sums_of(kind, whole)


def test_whatever_becomes_of_a_payload_both_readers_make_the_same_sums_of_it() -> None:
    luck, whole = random.Random(5), 0
    plain = json.dumps(sale("S001-01-7K2Q-000001"), ensure_ascii=False).encode()
    pieces = [b'"', b"\\", b"{", b"}", b"]", b"null", b"-", b"1e5", b"\\x", b"\\u00", b"NaN", b"\0", b"\xff", b","]
    for _ in range(5_000):
        broken = bytearray(plain)
        at = luck.randrange(len(broken))
        broken[at : at + luck.randrange(3)] = luck.choice(
            (luck.choice(pieces), bytes([luck.randrange(256)]), b"", broken[at : at + 9])
        )
        found = proof.sums_of("sale", bytes(broken), sums.parse)
        assert found == proof.sums_of("sale", bytes(broken)), bytes(broken)
        whole += found != Sums(1)
    assert 500 < whole < 4_500


# ------------------------------------------------------------------ what does not fit


def test_a_uid_that_comes_again_is_kept_and_counts_once(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    again = till.add(chain, "sale", chain.events[1].payload, uid=chain.events[1].header.uid)
    till.push(chain)
    later = till.add(chain, "sale", chain.events[1].payload, uid=chain.events[1].header.uid)
    till.push(chain)
    with hq.database.read() as connection:
        entries = connection.execute(select(quarantine.entries.c.seq, quarantine.entries.c.code)).all()
        assert connection.execute(select(func.sum(store_days.c.sales))).scalar_one() == 2
    assert entries == [(again.header.seq, quarantine.DOUBLED), (later.header.seq, quarantine.DOUBLED)]
    assert len(held(hq, chain)) == 5


def test_two_stores_may_have_the_same_uid(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain())
    till.push(chain)
    other = FakeTill(hq, client, 2, OTHER_STORE)
    other.enrol()
    theirs = other.new_chain()
    other.add(theirs, "sale", chain.events[1].payload, uid=chain.events[1].header.uid)
    other.push(theirs)
    with hq.database.read() as connection:
        assert connection.execute(select(func.sum(store_days.c.sales))).scalar_one() == 2
        assert not connection.execute(select(quarantine.entries)).all()


def test_a_poison_event_is_kept_and_blocks_nobody(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    for poison in (b"", b"\xff\xfe", b"[" * 50_000, b'{"total_fen": 1e999}', b"9" * 10_000, b'"\\u0000"'):
        till.add(chain, "sale", poison)
    till.sell(chain, 2)
    till.push(chain)
    assert [row[2] for row in held(hq, chain)] == [event.payload for event in chain.events]
    with hq.database.read() as connection:
        assert connection.execute(select(func.sum(store_days.c.sales))).scalar_one() == 4
        assert connection.execute(select(func.count()).select_from(quarantine.entries)).scalar_one() == 6


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("wall_ms", [1 << 62, 0]), ("mono_ms", [-(1 << 62), 0]), ("schema", [1 << 63, 1]), ("hq_offset_ms", [(1 << 64) - 1, 0]),
        ("kind", ["a\0b", "sale"]), ("lane", ["x" * 201, "01"]), ("business_date", ["x" * 5_000, ""]), ("uid", b"u" * 31),
        ("uid", b"u" * 48), ("kind", ["sale"]), ("payload", [b"{}"]), ("payload", []), ("boot_id", [b"b" * 300, b""]),
    ],
)  # fmt: skip
def test_columns_that_no_till_writes_are_broken_and_nothing_is_stored(hq: Hq, till: FakeTill, column: str, values: Any) -> None:
    chain = till.sell(till.new_chain())
    plain = chain.push()
    bad = msgspec.structs.replace(plain, events=msgspec.structs.replace(plain.events, **{column: values}))
    assert refusal(lambda: till.ask(protocol.PUSH, bad, Ack)).code == protocol.BROKEN
    with hq.database.read() as connection:
        assert not connection.execute(select(chains)).all() and not connection.execute(select(log.c.seq)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"first_seq": 0}, {"first_seq": -5}, {"first_seq": 1 << 62}, {"first_seq": (1 << 64) - 1}, {"prev_hash": b"short"},
        {"prev_hash": bytes(33)},
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_broken(till: FakeTill, change: dict[str, Any]) -> None:
    bad = msgspec.structs.replace(till.new_chain().push(), **change)
    assert refusal(lambda: till.ask(protocol.PUSH, bad, Ack)).code == protocol.BROKEN


@pytest.mark.parametrize("part", ["device", "epoch", "branch"])
def test_ids_of_another_length_are_broken(till: FakeTill, part: str) -> None:
    push = till.new_chain().push()
    bad = msgspec.structs.replace(push, chain=push.chain._replace(**{part: b"x" * 100}))
    assert refusal(lambda: till.ask(protocol.PUSH, bad, Ack)).code == protocol.BROKEN


def test_a_batch_of_more_than_a_push_may_hold_is_too_large(hq: Hq, till: FakeTill) -> None:
    many = till.sell(till.new_chain(), protocol.EVENTS_MAX)
    assert refusal(lambda: till.push(many)).code == protocol.TOO_LARGE
    large = till.new_chain()
    till.add(large, "note", b"n" * protocol.BATCH_BYTES_MAX)
    till.add(large, "note", b"n")
    assert refusal(lambda: till.push(large)).code == protocol.TOO_LARGE
    assert not held(hq, many) and not held(hq, large)
    for first in (1, 2, 3):  # a large event travels alone
        till.push(large, first, first)
    assert len(held(hq, large)) == 3


def test_an_empty_push_is_broken(till: FakeTill) -> None:
    push = till.new_chain().push()
    empty = msgspec.structs.replace(push, events=protocol.to_columns([]))
    assert refusal(lambda: till.ask(protocol.PUSH, empty, Ack)).code == protocol.BROKEN


# ------------------------------------------------------------------ branches


def forked(till: FakeTill) -> tuple[FakeChain, FakeChain]:
    """What HQ has of an epoch, and the branch of the same epoch that was sold beside it after event 3."""
    chain = till.sell(till.new_chain(), 2)
    other = till.sell(chain.fork(3), 4)
    till.push(till.sell(chain, 5))
    return chain, other.tail(branch_of(other.chain.epoch, other.mark.hash), 3)


def test_both_histories_of_a_fork_are_kept(hq: Hq, till: FakeTill) -> None:
    chain, branch = forked(till)
    till.push(branch, 4, 5)
    ack = till.push(branch)
    assert ack.mark == branch.mark and ack.overlapped == 2
    assert is_whole(hq, chain, branch)
    assert till.proof(branch.chain, branch.mark.seq).money_fen == 4_000
    next_epoch = till.sell(till.new_chain())
    till.push(next_epoch)
    assert is_whole(hq, chain, branch, next_epoch)


def test_a_branch_stands_on_an_event_that_hq_has(hq: Hq, till: FakeTill) -> None:
    chain, branch = forked(till)
    nowhere = till.sell(till.sell(chain.fork(2)), 2).tail(b"nowhere!", 3)
    for first, wrong in ((4, nowhere), (5, branch)):
        problem = refusal(lambda wrong=wrong, first=first: till.push(wrong, first))
        assert (problem.code, problem.mark) == (protocol.GAP, Mark(0, bytes(32)))
    assert is_whole(hq, chain)


def test_events_that_another_branch_holds_are_not_stored_again(hq: Hq, till: FakeTill) -> None:
    """A till restored to the middle of a branch tells its tail again under another name: HQ says how far it has it."""
    chain, branch = forked(till)
    till.push(branch)
    history = FakeChain(chain.chain, chain.events[:3] + branch.events)
    shorter = history.fork(6).tail(b"shorter!", 3)
    problem = refusal(lambda: till.push(shorter))
    assert (problem.code, problem.mark) == (protocol.FORK, Mark(6, branch.hash_at(6)))
    onward = till.sell(history.fork(6), 2).tail(b"onward!!", 6)
    till.push(onward)
    assert is_whole(hq, chain, branch, onward)


def test_main_does_not_take_what_a_branch_holds(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    till.push(chain)
    branch = till.sell(chain.fork(3), 2).tail(b"branch-1", 3)
    till.push(branch)
    as_main = FakeChain(chain.chain, chain.events + branch.events)
    assert refusal(lambda: till.push(as_main)).code == protocol.FORK
    assert is_whole(hq, chain, branch)


# ------------------------------------------------------------------ clocks


@pytest.mark.parametrize(("jump_ms", "noted"), [(119_000, 0), (-119_000, 0), (121_000, 1), (-121_000, 1), (-(10**12), 1)])
def test_a_clock_that_jumps_is_noted_and_the_event_counts(hq: Hq, till: FakeTill, jump_ms: int, noted: int) -> None:
    chain = till.sell(till.new_chain(), 2)
    till.push(chain)  # the jump is seen across batches, too
    till.wall_ms += jump_ms
    till.push(till.sell(chain, 2))
    with hq.database.read() as connection:
        codes = connection.execute(select(quarantine.entries.c.code)).scalars().all()
        assert connection.execute(select(func.sum(store_days.c.sales))).scalar_one() == 4
    assert codes == [quarantine.CLOCK] * noted


def test_a_new_boot_has_no_time_to_compare_with(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    till.mono_ms, till.boot_id = 0, b"n" * 16
    till.push(till.sell(chain, 2))
    with hq.database.read() as connection:
        assert not connection.execute(select(quarantine.entries)).all()


# ------------------------------------------------------------------ two nodes at once


def test_two_nodes_take_overlapping_batches_of_many_tills_and_keep_each_event_once(hq: Hq, hq_url: str) -> None:
    """Threads push the same chains, in overlapping batches, through two HQ processes' engines on one database."""
    nodes = [hq, open_hq(hq_url)]
    tills = [FakeTill(hq, client_of(hq), n) for n in range(3)]
    held_chains = []
    for till in tills:
        till.enrol()
        held_chains.append(till.sell(till.new_chain(), 60))
    failed: list[BaseException] = []

    def agent(number: int) -> None:
        till, chain = tills[number % 3], held_chains[number % 3]
        own = FakeTill(nodes[number % 2], client_of(nodes[number % 2]), 0, device=till.device)
        own.secret = till.secret
        try:
            seq = 0
            while seq < chain.mark.seq:
                first = max(1, seq - number % 4)
                seq = own.push(chain, first, min(chain.mark.seq, first + 6 + number)).mark.seq
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=agent, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    nodes[1].database.close()
    assert not failed
    assert is_whole(hq, *held_chains)
    for till, chain in zip(tills, held_chains, strict=True):
        assert till.proof(chain.chain, chain.mark.seq)[2:] == (61, 60_000, 0, -60)


@contextmanager
def slow_claims(hq: Hq) -> Iterator[None]:
    """Each uid takes PostgreSQL ten milliseconds."""
    if not hq.database.is_postgres:
        yield
        return
    body = "BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END"
    with hq.database.write() as connection:
        connection.exec_driver_sql(f"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
        connection.exec_driver_sql("CREATE TRIGGER slow BEFORE INSERT ON uids FOR EACH ROW EXECUTE FUNCTION slowly()")
    try:
        yield
    finally:
        with hq.database.write() as connection:
            connection.exec_driver_sql("DROP FUNCTION slowly() CASCADE")


def test_two_tills_that_tell_the_same_uids_in_opposite_order_never_wait_in_a_ring(
    hq: Hq, hq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both begin to claim at the same moment, each row taking its time, on PostgreSQL; SQLite has one writer at a time."""
    nodes = [hq, open_hq(hq_url)]
    shared = [n.to_bytes(16, "big") for n in range(40)]
    held_chains, tills = [], [FakeTill(nodes[n], client_of(nodes[n]), n) for n in range(2)]
    for till, order in zip(tills, (shared, shared[::-1]), strict=True):
        till.enrol()
        held_chains.append(till.new_chain())
        for uid in order:
            till.add(held_chains[-1], "note", b"{}", uid=uid)
    together, claim = threading.Barrier(2), log_file._claim_uids

    def claim_together(*args: Any) -> set[int]:
        if hq.database.is_postgres:
            together.wait(30)
        return claim(*args)

    monkeypatch.setattr(log_file, "_claim_uids", claim_together)
    failed: list[BaseException] = []

    def tell(n: int) -> None:
        try:
            tills[n].push(held_chains[n])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=tell, args=(n,)) for n in range(2)]
    with slow_claims(hq):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    nodes[1].database.close()
    assert not failed
    with hq.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(uids)).scalar_one() == 42
        assert connection.execute(select(func.count()).select_from(log)).scalar_one() == 82


def test_a_log_that_is_locked_is_busy_and_the_batch_comes_again(postgres: Cluster) -> None:
    """PostgreSQL takes events by COPY, past SQLAlchemy: what goes wrong there is answered like anywhere else."""
    hq = make_hq(url := postgres.new_database())
    till = FakeTill(hq, client_of(hq))
    till.enrol()
    chain = till.sell(till.new_chain(), 3)
    with Database.open(url).engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE log IN SHARE MODE")
        with pytest.raises(AskedInVain, match=protocol.BUSY):
            till.push(chain)
    till.push(chain)
    assert is_whole(hq, chain)


def test_fields_of_a_newer_protocol_are_ignored(till: FakeTill) -> None:
    class Newer(Push, frozen=True):
        colour: str = "red"

    chain = till.sell(till.new_chain())
    plain = chain.push()
    newer = Newer(chain=plain.chain, first_seq=1, prev_hash=plain.prev_hash, events=plain.events, colour="blue")
    assert till.ask(protocol.PUSH, newer, Ack).mark == chain.mark
