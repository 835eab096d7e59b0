"""Both ends prove that they hold the same; where they do not, the first event that differs is named."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from store_db import sync_state
from sync import audit, days, signing
from sync.protocol import DayStatement, Proofs, decode
from sync.status import status
from sync.step import UNEQUAL, Step
from tests.sync.agent_kit import HeadOffice, Machine, instead, is_whole

DAY_MS = 24 * 3_600_000


@pytest.fixture
def till(office: HeadOffice, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(office, tmp_path / "till.sqlite")
    machine.sell(9)
    machine.settle()
    yield machine
    machine.close()


def outcome(till: Machine, job: str) -> tuple[str, int | None]:
    run = sync_state.runs(till.store.connection)[job]
    return run.outcome, run.equal


def test_equality_is_kept_with_its_time(till: Machine) -> None:
    assert till.agent.prove_once() == Step(1)
    assert outcome(till, sync_state.PROOF) == ("", 1) and status(till.store).is_equal is True


@pytest.mark.parametrize("seq", [1, 2, 5, 12])
def test_the_first_event_that_differs_is_named(office: HeadOffice, till: Machine, seq: int) -> None:
    (chain,) = sync_state.chains(till.store.connection)
    assert chain.end_seq == 12
    office.change("UPDATE log SET hash = randomblob(32) WHERE seq >= ?", seq)
    office.change("UPDATE chains SET hash = (SELECT hash FROM log WHERE log.seq = chains.seq)")
    assert till.agent.prove_once().trouble == UNEQUAL
    assert outcome(till, sync_state.PROOF) == (f"{chain.epoch.hex()}/{bytes(8).hex()}:{seq}", 0)
    assert status(till.store).is_equal is False


def test_sums_that_differ_over_equal_hashes_are_named_as_such(office: HeadOffice, till: Machine) -> None:
    office.change("UPDATE chains SET money_fen = money_fen + 1")
    assert till.agent.prove_once().trouble == UNEQUAL
    assert outcome(till, sync_state.PROOF)[0].endswith(":sums")


def test_sums_of_another_version_are_not_compared(office: HeadOffice, till: Machine) -> None:
    office.change("UPDATE chains SET money_fen = money_fen + 1")

    def newer(answer):  # type: ignore[no-untyped-def]
        proofs = decode(Proofs, answer.content)
        return instead(200, msgspec.structs.replace(proofs, kinds=proofs.kinds + 1))(answer)

    till.line.answers = [newer]
    assert till.agent.prove_once() == Step(1)


def test_an_hq_that_lost_events_without_noticing_is_unequal_and_gets_them_again(office: HeadOffice, till: Machine) -> None:
    image = office.image()
    till.sell(2)
    till.settle()
    office.put_back(image)
    till.line.transport.app = office.app
    assert till.agent.prove_once().trouble == UNEQUAL
    till.settle()
    assert is_whole(office, till)


# ------------------------------------------------------------------ days


def test_a_finished_day_is_stated_signed_compared_and_kept_once(office: HeadOffice, till: Machine) -> None:
    day = till.store.business_date()
    assert till.agent.prove_days_once() == Step(0)
    till.clock.now_ms += DAY_MS
    till.sell(1)
    till.settle()
    assert till.agent.prove_days_once() == Step(1) and till.agent.prove_days_once() == Step(0)
    kept = msgspec.msgpack.decode(sync_state.statements(till.store.connection)[day], type=DayStatement)
    assert signing.is_signed(office.hq.key, kept.signature, signing.statement_text(kept))
    own = days.own_days(till.store.connection, day)
    assert [(device, count, root) for device, count, root in kept.devices] == [
        (device, mine.events, mine.root) for device, mine in own.items()
    ]
    assert outcome(till, days.RUN) == ("", 1)


def test_a_day_waits_until_hq_has_all_of_it(till: Machine) -> None:
    till.sell(1)
    till.clock.now_ms += DAY_MS
    assert till.agent.prove_days_once() == Step(0)
    till.settle()
    assert till.agent.prove_days_once() == Step(1)


def test_a_day_that_lacks_an_event_is_unequal_until_it_has_it(office: HeadOffice, till: Machine) -> None:
    day = till.store.business_date()
    till.clock.now_ms += DAY_MS
    office.change("UPDATE log SET business_date = '2001-01-01' WHERE seq = 4")
    assert till.agent.prove_days_once().trouble == UNEQUAL and outcome(till, days.RUN) == (day, 0)
    till.clock.now_ms += 1_000
    office.change("UPDATE log SET business_date = ? WHERE seq = 4", day)
    assert till.agent.prove_days_once() == Step(1) and outcome(till, days.RUN) == ("", 1)


def test_a_day_of_another_life_of_the_file_may_hold_more(office: HeadOffice, till: Machine) -> None:
    image = till.image()
    till.sell(2)
    till.settle()
    till.put_back(image)
    till.settle()
    till.clock.now_ms += DAY_MS
    assert till.agent.prove_days_once() == Step(1)


def test_a_statement_that_hq_did_not_sign_is_not_kept(office: HeadOffice, till: Machine) -> None:
    till.clock.now_ms += DAY_MS

    def forge(answer):  # type: ignore[no-untyped-def]
        return instead(200, msgspec.structs.replace(decode(DayStatement, answer.content), money_fen=1))(answer)

    till.line.answers = [forge]
    assert till.agent.prove_days_once().trouble == "SYNC-HQ-KEY" and not sync_state.statements(till.store.connection)


def test_days_after_a_clock_that_went_astray_are_stated_too(till: Machine) -> None:
    """A day in the year 2000 between two others."""
    now_ms = till.clock.now_ms
    till.clock.now_ms = int(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    till.sell(1)
    till.clock.now_ms = now_ms
    till.sell(1)
    till.settle()
    assert till.agent.prove_days_once() == Step(1)
    till.clock.now_ms += DAY_MS
    assert till.agent.prove_days_once() == Step(1)
    assert len(sync_state.statements(till.store.connection)) == 2


# ------------------------------------------------------------------ pos verify --with-hq


def test_an_audit_of_equal_sides_finds_nothing(till: Machine) -> None:
    till.clock.now_ms += DAY_MS
    till.agent.prove_days_once()
    assert audit.audit(till.store, till.link) == []


def test_an_audit_finds_sums_that_were_not_kept_in_step(till: Machine) -> None:
    with till.store.transaction() as connection:
        connection.execute("UPDATE sync_marks SET money_fen = money_fen + 1")
    (problem,) = audit.audit(till.store, till.link)
    assert "sums kept here" in problem


def test_an_audit_finds_what_hq_has_otherwise(office: HeadOffice, till: Machine) -> None:
    office.change("UPDATE chains SET quantity = quantity + 1")
    (problem,) = audit.audit(till.store, till.link)
    assert problem.startswith("HQ differs")


def test_an_audit_finds_a_statement_that_lacks_an_event_or_was_changed(office: HeadOffice, till: Machine) -> None:
    till.clock.now_ms += DAY_MS
    till.agent.prove_days_once()
    body = next(iter(sync_state.statements(till.store.connection).values()))
    day = msgspec.msgpack.decode(body, type=DayStatement)
    (device, count, root), *_ = day.devices
    less = msgspec.structs.replace(day, devices=[(device, count - 1, root)])
    signed = msgspec.structs.replace(less, signature=office.hq.sign(signing.statement_text(less)))
    for forged, words in ((signed, "lacks"), (less, "not signed")):
        with till.store.transaction() as connection:
            connection.execute("UPDATE sync_statements SET statement = ?", (msgspec.msgpack.encode(forged),))
        (problem,) = audit.audit(till.store, till.link)
        assert words in problem


def test_what_an_earlier_hq_stated_stays_proved_and_what_nobody_trusted_signed_never_is(
    office: HeadOffice, till: Machine, tmp_path: Path
) -> None:
    """A till that joins a store hub, goes back, and joins the hub again."""
    (tmp_path / "hub").mkdir()
    hub, days_stated = HeadOffice(tmp_path / "hub", office.hq.clock, 2), 0  # type: ignore[arg-type]
    for joined in (office, hub, office, hub):
        till.office = joined
        till.restart()
        till.enrol()
        till.sell()
        till.settle()
        till.clock.now_ms += DAY_MS
        days_stated += till.agent.prove_days_once().done
        assert audit.audit(till.store, till.link) == []
    bodies = sync_state.statements(till.store.connection)
    assert len(bodies) == days_stated == 4
    day = msgspec.msgpack.decode(bodies[min(bodies)], type=DayStatement)
    forged = msgspec.structs.replace(day, signature=signing.sign(bytes(32), signing.statement_text(day)))
    with till.store.transaction() as connection:
        sync_state.put_statement(connection, day.business_date, day.made_ms + 1, msgspec.msgpack.encode(forged))
    assert audit.audit(till.store, till.link) == [f"day {day.business_date}: the statement is not signed by HQ"]
    hub.hq.database.close()
