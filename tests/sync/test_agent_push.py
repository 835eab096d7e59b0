"""Events go up once each, whatever becomes of questions, answers and processes on the way."""

from pathlib import Path

import httpx
import pytest

from pos_app.demo.day import DayClock
from pos_app.domain.events import Sale
from store_db import hq_rows, sync_state
from store_db.verify import verify
from sync import protocol, push
from sync.hq_server.generation import restored
from sync.protocol import Ack, Mark, Problem, decode
from sync.signing import SIGNATURE, receipt_text
from sync.step import HQ_KEY, NOT_ENROLLED, UNREACHABLE
from tests.shop_kit import make_store
from tests.sync.agent_kit import CONTENT, Answer, HeadOffice, Killed, Machine, instead, is_whole, lost

PORTAL = b"<html>Welcome to FREE-WIFI, please log in</html>"


def marks(machine: Machine) -> list[int]:
    return [chain.seq for chain in sync_state.chains(machine.store.connection)]


def test_everything_goes_up_and_both_sides_are_equal(office: HeadOffice, till: Machine) -> None:
    till.sell(5)
    till.settle()
    assert is_whole(office, till) and sync_state.waiting(till.store.connection).events == 0


def test_a_file_that_is_not_enrolled_says_so_and_sells_on(tmp_path: Path, office: HeadOffice, till: Machine) -> None:
    till.store.connection.execute("DELETE FROM sync_hq")
    till.sell()
    assert till.agent.push_once().trouble == till.agent.pull_once().trouble == NOT_ENROLLED
    assert till.line.asked == ["/v1/enrol"]


def test_a_batch_has_at_most_so_many_events_and_bytes_and_a_larger_event_travels_alone(till: Machine) -> None:
    till.sell(6)
    chain = sync_state.chains(till.store.connection)[-1]
    entries = push.next_events(till.store.connection, chain)
    assert [entry.header.seq for entry in entries] == list(range(1, chain.end_seq + 1))
    assert len(push.next_events(till.store.connection, chain, 4)) == 4
    small = len(entries[0].payload)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push, "BATCH_BYTES_MAX", small + len(entries[1].payload))
        assert len(push.next_events(till.store.connection, chain)) == 2
        patch.setattr(push, "BATCH_BYTES_MAX", 1)
        assert len(push.next_events(till.store.connection, chain)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lost,
        instead(200, PORTAL, content_type="text/html"),
        instead(200, PORTAL, content_type="application/vnd.lanewise"),
        instead(302, b"", location="http://portal.invalid/"),
        instead(502, b"bad gateway"),
        instead(500, b"", content_type="application/vnd.lanewise"),
        lambda answer: httpx.Response(200, headers=dict(answer.headers), content=answer.content[:-7]),
    ],
    ids=["lost", "portal", "portal that lies", "redirect", "502", "empty 500", "cut"],
)
def test_what_is_no_answer_of_hq_acknowledges_nothing_and_the_next_try_does(office: HeadOffice, till: Machine, answer) -> None:  # type: ignore[no-untyped-def]
    till.settle()
    till.sell(3)
    before = marks(till)
    till.line.answers = [answer]
    step = till.agent.push_once()
    assert step.trouble == UNREACHABLE and marks(till) == before
    assert sync_state.line_state(till.store.connection).failing_since_ms == till.clock.wall_ms()
    till.settle()
    assert is_whole(office, till) and sync_state.line_state(till.store.connection).failing_since_ms == 0


def changed(answer: httpx.Response) -> httpx.Response:
    """One word of HQ's answer is another, under HQ's signature for what it was."""
    ack = decode(Ack, answer.content)
    body = protocol.encode(Ack(mark=ack.mark, generation=ack.generation, receipt=bytes(64)))
    return httpx.Response(200, headers=dict(answer.headers) | {"content-length": str(len(body))}, content=body)


def with_signature(signature: str) -> Answer:
    return lambda answer: httpx.Response(200, headers=dict(answer.headers) | {SIGNATURE: signature}, content=answer.content)


@pytest.mark.parametrize("answer", [changed, with_signature(""), with_signature("no base64"), with_signature("AAAA")])
def test_an_answer_that_hq_did_not_sign_moves_nothing(office: HeadOffice, till: Machine, answer: Answer) -> None:
    till.settle()
    till.sell()
    before = marks(till)
    till.line.answers = [answer]
    assert till.agent.push_once().trouble == HQ_KEY and marks(till) == before
    till.settle()
    assert is_whole(office, till)


def test_an_old_answer_to_the_same_request_moves_nothing(office: HeadOffice, till: Machine) -> None:
    """Till and HQ are both put back, and somebody on the line repeats what HQ said the first time."""
    till.settle()
    till.sell()
    image, hqs_image, before = till.image(), office.image(), marks(till)
    heard: list[httpx.Response] = []
    till.line.answers = [lambda answer: heard.append(answer) or answer]
    till.agent.push_once()
    assert marks(till) != before
    office.put_back(hqs_image)
    till.put_back(image)
    till.line.answers = [lambda answer: answer, lambda answer: heard[0]]
    assert till.agent.push_once().trouble == HQ_KEY and marks(till) == before  # its hello was answered by HQ
    till.settle()
    assert is_whole(office, till)


def test_a_refusal_that_hq_did_not_sign_freezes_nobody(office: HeadOffice, till: Machine) -> None:
    frozen = protocol.encode(protocol.Problem(code=protocol.FROZEN))
    till.line.answers = [lambda answer: httpx.Response(409, headers=CONTENT, content=frozen)]
    assert till.agent.push_once().trouble == HQ_KEY
    known = sync_state.hq(till.store.connection)
    assert known is not None and not known.frozen


def test_rows_that_hq_did_not_sign_are_not_taken(office: HeadOffice, till: Machine) -> None:
    page = protocol.Pulled(generation=b"x", pages=[protocol.Page(topic="catalogue", rows=[protocol.Row(1, "K", b"{}")], rev=1)])
    till.line.answers = [lambda answer: httpx.Response(200, headers=CONTENT, content=protocol.encode(page))]
    assert till.agent.pull_once().trouble == HQ_KEY
    assert hq_rows.cursors(till.store.connection) == {}


def test_an_acknowledgement_of_another_history_moves_nothing(office: HeadOffice, till: Machine) -> None:
    """HQ signs it well, but the hash is not this journal's."""
    till.settle()
    till.sell()
    before = marks(till)

    def other(answer: httpx.Response) -> httpx.Response:
        ack = decode(Ack, answer.content)
        mark = Mark(ack.mark.seq, b"x" * 32)
        chain = sync_state.chains(till.store.connection)[-1]
        text = receipt_text(protocol.ChainId(*chain.id), mark, ack.generation)
        return instead(200, Ack(mark=mark, generation=ack.generation, receipt=office.hq.sign(text)))(answer)

    till.line.answers = [other]
    till.agent.push_once()
    assert marks(till) == before
    till.settle()
    assert is_whole(office, till)


def test_sums_are_kept_in_step_with_the_mark(till: Machine) -> None:
    till.sell(4)
    till.settle()
    sales = [entry.event() for entry in push.journal.entries(till.store.connection) if entry.header.kind == "sale"]
    total_fen = sum(sale.total_fen for sale in sales if isinstance(sale, Sale))
    (chain,) = sync_state.chains(till.store.connection)
    assert (chain.sums.events, chain.sums.money_fen) == (chain.end_seq, total_fen)


def test_a_gap_goes_back_and_offers_the_missing_again(office: HeadOffice, till: Machine) -> None:
    till.sell(4)
    till.settle()
    image = office.image()
    till.sell(3)
    till.settle()
    office.put_back(image)
    till.line.transport.app = office.app
    till.sell()
    till.settle()
    assert is_whole(office, till)


def test_too_large_is_halved_until_it_fits(office: HeadOffice, till: Machine) -> None:
    till.settle()
    till.sell(9)
    refusal = instead(413, Problem(code=protocol.TOO_LARGE))
    till.line.answers = [refusal, refusal]
    till.settle()
    assert is_whole(office, till)


def test_busy_is_waited_for_as_long_as_hq_asks(till: Machine) -> None:
    till.settle()
    till.sell()
    till.line.answers = [instead(503, Problem(code=protocol.BUSY, retry_after_s=30))]
    step = till.agent.push_once()
    assert step.trouble == protocol.BUSY and step.wait_ms >= 30_000
    till.line.answers = [instead(429, b"slow down", retry_after="40")]
    assert till.agent.push_once().wait_ms >= 40_000
    till.settle()


def test_push_and_pull_have_budgets_of_their_own(till: Machine) -> None:
    till.settle()
    till.sell()
    for _ in range(12):
        till.line.answers = [lost]
        till.agent.push_once()
    assert till.agent.pull_once().trouble == ""
    till.line.answers = [lost]
    assert till.agent.pull_once().wait_ms <= 1_000


def points_of(office: HeadOffice, path: Path) -> int:
    """How many points a process has at which it may be killed on the way of one push, after one sale."""
    machine = Machine(office, path, 9)
    machine.sell(2)
    machine.restart()
    machine.settle()
    points = machine.store.points
    machine.close()
    return points


def test_a_process_that_is_killed_at_any_point_goes_on_from_there(office: HeadOffice, tmp_path: Path) -> None:
    points = points_of(office, tmp_path / "probe.sqlite")
    assert points > 5
    for ends_at in range(1, points + 1):
        machine = Machine(office, tmp_path / f"till{ends_at}.sqlite", ends_at)
        machine.sell(2)
        machine.restart()
        machine.store.ends_at = ends_at
        with pytest.raises(Killed):
            machine.settle()
        machine.restart()
        machine.settle()
        assert is_whole(office, machine) and verify(machine.store.connection).is_ok
        machine.close()


def test_two_agents_at_once_on_one_file_do_no_harm(office: HeadOffice, till: Machine) -> None:
    """While one waits for its answer, the other does the same and more."""
    other = Machine(office, till.path, 2, is_new=False)
    till.settle()
    other.settle()
    for _ in range(4):
        till.sell(2)
        till.line.meanwhile = lambda: (other.settle(), other.sell(1), other.settle())  # type: ignore[assignment, return-value]
        till.settle()
    assert is_whole(office, till, other)
    other.close()


def test_an_answer_that_another_agent_has_overtaken_moves_nothing(till: Machine) -> None:
    """The mark went on, or back, while an answer was on its way: sums are added once."""
    till.settle()
    till.sell(2)
    connection = till.store.connection
    (chain,) = sync_state.chains(connection)
    batch = push.packed(connection, chain)
    ack = till.link.ask(protocol.PUSH, batch.body, Ack)
    assert push.acknowledge(till.store, batch, ack) == len(batch.entries)
    (moved,) = sync_state.chains(connection)
    with till.store.transaction():
        assert sync_state.put_mark(connection, moved, chain.seq, chain.hash, b"", 0, chain.sums)
    assert push.acknowledge(till.store, batch._replace(chain=moved), ack) == 0
    assert push.acknowledge(till.store, batch._replace(chain=chain._replace(hash=b"x" * 32)), ack) == 0
    assert sync_state.chains(connection)[0].sums == chain.sums


def test_an_answer_of_an_earlier_generation_moves_nothing(office: HeadOffice, till: Machine) -> None:
    """HQ was put back while the answer was on its way, and the other agent has heard of it."""
    till.settle()
    till.sell(2)
    (chain,) = sync_state.chains(till.store.connection)
    batch = push.packed(till.store.connection, chain)
    ack = till.link.ask(protocol.PUSH, batch.body, Ack)
    with till.store.transaction() as connection:
        sync_state.note_welcome(connection, b"newer gn", till.clock.wall_ms(), 0)
    assert push.acknowledge(till.store, batch, ack) == 0


def test_a_new_generation_is_heard_of_before_any_of_its_answers_counts(office: HeadOffice, till: Machine) -> None:
    till.settle()
    till.sell(2)
    before, generation = marks(till), restored(office.hq)
    assert till.agent.push_once().done == 0 and marks(till) == before
    till.settle()
    known = sync_state.hq(till.store.connection)
    assert known is not None and known.generation == generation and is_whole(office, till)


def test_the_oldest_chain_goes_first(office: HeadOffice, till: Machine) -> None:
    till.sell(2)
    till.store.open_epoch("restore")
    till.sell(2)
    till.store.open_epoch("restore")
    till.settle()
    numbers = [row[0] for row in office.rows("SELECT epoch FROM chains ORDER BY number")]
    own = [row[0] for row in till.store.connection.execute("SELECT epoch FROM epochs ORDER BY epoch_no")]
    assert [bytes(epoch) for epoch in numbers] == [bytes(epoch) for epoch in own] and is_whole(office, till)


def test_nothing_is_asked_while_nothing_is_new(till: Machine) -> None:
    till.settle()
    before = list(till.line.asked)
    till.settle()
    assert till.line.asked == before


def test_a_lane_is_told_what_waits(office: HeadOffice, till: Machine) -> None:
    till.settle()
    till.sell(3)
    line = sync_state.line_state(till.store.connection)
    assert (line.is_enrolled, line.waiting_sales, line.is_frozen) == (True, 3, False) and line.waiting_events >= 3
    till.settle()
    assert sync_state.line_state(till.store.connection).waiting_events == 0


def test_a_fresh_store_has_no_line(tmp_path: Path) -> None:
    from pos_app.demo.day import SeededIds

    with make_store(tmp_path / "alone.sqlite", DayClock(), SeededIds(5)) as store:
        assert sync_state.line_state(store.connection) == sync_state.LineState()


def test_the_batch_that_was_made_ahead_is_offered_only_where_it_is_next(
    office: HeadOffice, till: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made while the first is under way; used after it, and thrown away where the mark is elsewhere by then."""
    till.settle()
    till.sell(9)
    made: list[int] = []
    plain = push.next_events
    monkeypatch.setattr(
        push, "next_events", lambda connection, chain, most: made.append(chain.seq) or plain(connection, chain, most)
    )
    till.agent._events_max = 4
    (chain,) = sync_state.chains(till.store.connection)
    till.agent.push_once()
    till.agent._events_max = 4
    till.agent.push_once()
    assert made == [chain.seq, chain.seq + 4, chain.seq + 8]
    till.line.answers = [lost]
    till.agent.push_once()
    made.clear()
    till.settle()
    assert made[0] == chain.seq + 8 and is_whole(office, till)
