"""HQ notices that it was restored: by its operator, or by receipts of its own for what it no longer holds."""

import shutil
from pathlib import Path

import httpx
import pytest

from sync.hq_server.generation import restored
from sync.hq_server.hq import Hq
from sync.protocol import Ack, Mark
from tests.sync.hq_kit import FakeChain, FakeTill, client_of, empty, make_hq, open_hq, sqlite_url


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


def at(hq: Hq, till: FakeTill) -> FakeTill:
    """The same till, asking another HQ."""
    till.hq, till.client = hq, client_of(hq)
    return till


def shown(till: FakeTill, chain: FakeChain, ack: Ack) -> bytes:
    """HQ's generation after a hello with this receipt as evidence."""
    return till.hello(ack.generation, chain.chain, acknowledged=[(chain.chain, ack.mark, ack.receipt)]).generation


def test_nothing_changes_while_hq_holds_what_it_acknowledged(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    early = till.push(chain, 1, 2)
    late = till.push(chain)
    for ack in (early, late):
        assert shown(till, chain, ack) == ack.generation
    assert till.hello(late.generation, chain.chain).marks == [(chain.chain, chain.mark)]


def test_an_operator_says_that_hq_was_restored(hq: Hq, till: FakeTill) -> None:
    ack = till.push(till.new_chain())
    new = restored(hq)
    assert new != ack.generation and till.hello(ack.generation).generation == new
    assert till.push(till.new_chain()).generation == new


def test_a_receipt_for_what_hq_no_longer_holds_begins_a_new_generation(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    ack = till.push(chain)
    empty(hq)
    till.enrol()
    new = shown(till, chain, ack)
    assert new != ack.generation
    assert shown(till, chain, ack) == new  # the same evidence again is of the generation before
    again = till.push(chain)
    assert again.generation == new and shown(till, chain, again) == new


def test_a_receipt_for_another_history_is_evidence_too(hq: Hq, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    ack = till.push(chain)
    empty(hq)
    till.enrol()
    till.push(till.sell(chain.fork(2), 3))
    assert shown(till, chain, ack) != ack.generation


@pytest.mark.parametrize("part", ["receipt", "seq", "hash", "chain", "generation"])
def test_what_hq_did_not_sign_is_no_evidence(hq: Hq, till: FakeTill, part: str) -> None:
    """Else any till could make every till of the chain offer all it has, again and again."""
    chain = till.sell(till.new_chain(), 3)
    ack = till.push(chain)
    empty(hq)
    till.enrol()
    mark, receipt, chain_id, generation = ack.mark, ack.receipt, chain.chain, ack.generation
    if part == "receipt":
        receipt = bytes(64)
    elif part == "seq":
        mark = Mark(mark.seq + 1, mark.hash)
    elif part == "hash":
        mark = Mark(mark.seq, bytes(32))
    elif part == "chain":
        chain_id = chain_id._replace(epoch=b"other!!!")
    else:
        generation = b"unknown!"
    assert till.hello(generation, chain_id, acknowledged=[(chain_id, mark, receipt)]).generation == ack.generation


def test_another_shops_receipts_are_no_evidence(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    ack = till.push(chain)
    spy = FakeTill(hq, client, 2, "S002")
    spy.enrol()
    assert shown(spy, chain, ack) == ack.generation


def test_an_hq_restored_from_before_its_newest_generation_learns_so(tmp_path: Path) -> None:
    """The backup knows nothing of the generation that came after it; a till that lives in that one shows a receipt of it."""
    first = make_hq(sqlite_url(tmp_path))
    till = FakeTill(first, client_of(first))
    till.enrol()
    chain = till.sell(till.new_chain(), 3)
    old = till.push(chain)
    first.database.close()
    shutil.copyfile(tmp_path / "hq.sqlite", tmp_path / "old.sqlite")
    second = open_hq(sqlite_url(tmp_path))
    restored(second)
    newer = at(second, till).push(chain)
    third = open_hq(sqlite_url(tmp_path, "old"))
    at(third, till)
    assert till.hello(b"", chain.chain).generation == old.generation
    found = shown(till, chain, newer)
    assert found not in (old.generation, newer.generation)
    assert shown(till, chain, old) == found  # a till that is only behind is no evidence
