"""Both ends hold the same: sums at any seq, single hashes, and a signed statement of the day."""

import hashlib

import httpx
import pytest

from pos_app.domain.proof import EMPTY_ROOT, day_root, device_root
from sync import protocol
from sync.hq_server import views
from sync.hq_server.hq import Hq
from sync.protocol import DayStatement, DayWanted, Hashes, HashesWanted, Proofs, ProofWanted
from sync.signing import is_signed, statement_text
from tests.sync.hq_kit import DATE, STORE, AskedInVain, FakeTill


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


def test_sums_are_those_of_every_event_up_to_any_seq(till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 4, 1_250)
    till.push(till.sell(chain, 2, 300))
    for seq in range(8):
        shown = till.proof(chain.chain, seq)
        prices = ([0] + [1_250] * 4 + [300] * 2)[:seq]
        assert shown[2:] == (seq, sum(prices), 0, -max(0, seq - 1))
        assert shown.hash == (chain.hash_at(seq) if seq else b"") and shown.seq == seq


def test_sums_stop_where_hq_stops(till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 4)
    till.push(chain, 1, 3)
    assert till.proof(chain.chain, 1 << 62)[:3] == (3, chain.hash_at(3), 3)


def test_a_chain_that_hq_does_not_know_is_left_out(till: FakeTill) -> None:
    chain = till.new_chain()
    assert till.ask(protocol.PROOF, ProofWanted(chains=[(chain.chain, 1)]), Proofs).chains == []


def test_hashes_are_found_one_by_one(till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 4)
    till.push(chain)
    seqs = [5, 1, 6, 0, -1, 1 << 62, 2]
    found = till.ask(protocol.HASHES, HashesWanted(chain=chain.chain, seqs=seqs), Hashes).hashes
    assert found == [chain.hash_at(5), chain.hash_at(1), b"", b"", b"", b"", chain.hash_at(2)]


@pytest.mark.parametrize(
    ("path", "message", "reply"),
    [
        (protocol.HASHES, HashesWanted(chain=protocol.ChainId(b"d", b"e"), seqs=[1] * 1_001), Hashes),
        (protocol.PROOF, ProofWanted(chains=[(protocol.ChainId(b"d", b"e"), 1)] * 2_001), Proofs),
        (protocol.HELLO, protocol.Hello(generation=b"", chains=[protocol.ChainId(b"d", b"e")] * 2_001), protocol.Welcome),
    ],
)
def test_questions_are_bounded(till: FakeTill, path: str, message: protocol.Message, reply: type[protocol.Message]) -> None:
    with pytest.raises(AskedInVain, match=protocol.TOO_LARGE):
        till.ask(path, message, reply)


def test_hq_knows_of_an_inequality_as_the_device_does(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    till.push(chain)
    own = till.proof(chain.chain, 3)
    for said, equality in ((own, views.EQUAL), (own._replace(money_fen=1), views.UNEQUAL)):
        till.ask(protocol.PROOF, ProofWanted(chains=[(chain.chain, 3)], own=[(chain.chain, said)]), Proofs)
        with hq.database.read() as connection:
            assert [one.equality for one in views.equality(connection, 0)] == [equality]


# ------------------------------------------------------------------ the day


def day_of(till: FakeTill, date: str = DATE) -> DayStatement:
    return till.ask(protocol.DAY, DayWanted(business_date=date), DayStatement)


def test_a_days_statement_is_signed_and_the_shop_can_make_its_roots(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    other = FakeTill(hq, client, 2)
    other.enrol()
    held = {}
    for one in (till, other):
        chain = one.sell(one.new_chain(), 3)
        one.add(chain, "sale", b"{}", business_date="2026-09-22")
        one.push(chain)
        held[one.device] = [event.hash for event in chain.events if event.header.business_date == DATE]
    day = day_of(till)
    assert is_signed(hq.key, day.signature, statement_text(day))
    assert day.devices == sorted((device, 4, device_root(hashes)) for device, hashes in held.items())
    assert (day.store, day.events, day.money_fen, day.root) == (STORE, 8, 6_000, day_root(day.devices))
    assert day_of(till, "2026-09-22").events == 2
    assert not is_signed(hq.key, day.signature, statement_text(day_of(till, "2026-09-22")))


def test_a_root_changes_with_any_event(till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    till.push(chain)
    before = day_of(till)
    till.push(till.sell(chain))
    assert day_of(till).root != before.root


def test_a_day_without_events_is_stated_too(till: FakeTill) -> None:
    day = day_of(till, "1999-01-01")
    assert (day.events, day.money_fen, day.root, day.devices) == (0, 0, EMPTY_ROOT, [])


@pytest.mark.parametrize("date", ["\0", "2026-09-21x", "'; DROP TABLE log; --", hashlib.sha512(b"").hexdigest()])
def test_a_date_that_is_none_is_broken(till: FakeTill, date: str) -> None:
    with pytest.raises(AskedInVain, match=protocol.BROKEN):
        day_of(till, date)
