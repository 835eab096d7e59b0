"""Files that were put back or copied, and an HQ that was: both histories are kept, each event is at HQ once."""

from pathlib import Path

import pytest

from store_db import sync_state
from store_db.sync_state import HELD, MAIN
from store_db.verify import verify
from sync import protocol
from sync.hq_server.generation import restored
from sync.step import HQ_KEY
from tests.sync.agent_kit import HeadOffice, Killed, Machine, is_whole, lost


def reasons(machine: Machine) -> list[str]:
    return [row[0] for row in machine.store.connection.execute("SELECT reason FROM epochs ORDER BY epoch_no")]


def branches(machine: Machine) -> list[bytes]:
    return [chain.branch for chain in sync_state.chains(machine.store.connection) if chain.branch != MAIN]


def put_back_after(till: Machine, before: int, lost_sales: int, after: int) -> set[bytes]:
    """An old copy comes back undetected, and sells on; the hashes of what the other life had sent."""
    till.sell(before)
    till.settle()
    image = till.image()
    till.sell(lost_sales)
    till.settle()
    gone = {hash for _, hash in till.journal()}
    till.put_back(image)
    till.sell(after)
    return gone - {hash for _, hash in till.journal()}


def holds(office: HeadOffice, hashes: set[bytes]) -> bool:
    return hashes <= {bytes(row[0]) for row in office.rows("SELECT hash FROM log")}


def test_hq_ahead_of_a_file_opens_a_new_epoch_before_anything_is_sold(office: HeadOffice, till: Machine) -> None:
    gone = put_back_after(till, 2, 3, 0)
    till.agent.hello()
    assert reasons(till) == ["init", "restore"]
    till.sell(2)
    till.settle()
    assert is_whole(office, till) and holds(office, gone) and branches(till) == []


@pytest.mark.parametrize(("lost_sales", "after"), [(3, 1), (1, 3), (2, 2)], ids=["HQ ahead", "till ahead", "equally far"])
def test_a_fork_keeps_both_histories_and_rewrites_nothing(office: HeadOffice, till: Machine, lost_sales: int, after: int) -> None:
    gone = put_back_after(till, 2, lost_sales, after)
    before = till.journal()
    till.settle()
    till.sell(1)
    till.settle()
    assert till.journal()[: len(before)] == before
    assert is_whole(office, till) and holds(office, gone)
    assert len(branches(till)) == 1 and len(reasons(till)) == 2
    assert verify(till.store.connection).is_ok


def test_a_fork_at_the_very_beginning(office: HeadOffice, till: Machine) -> None:
    """Two files of one device that share nothing but their first event."""
    image = till.image()
    till.sell(2)
    till.settle()
    till.put_back(image)
    till.sell(3)
    till.settle()
    assert is_whole(office, till) and len(branches(till)) == 1


def test_a_file_that_is_put_back_again_and_again(office: HeadOffice, till: Machine) -> None:
    till.sell(2)
    till.settle()
    image = till.image()
    gone: set[bytes] = set()
    for life in range(4):
        till.sell(1 + life % 2)
        till.settle()
        gone |= {hash for _, hash in till.journal()}
        till.put_back(image)
        till.luck.seed(life)
    till.sell()
    till.settle()
    assert is_whole(office, till) and holds(office, gone)


def test_what_an_earlier_life_sent_as_a_branch_is_passed_over(office: HeadOffice, till: Machine) -> None:
    """The copy is of a time when the fork was there already, but nobody had noticed it yet."""
    gone = put_back_after(till, 2, 2, 2)
    image = till.image()
    till.settle()
    till.put_back(image)
    till.sell(1)
    till.settle()
    assert HELD in branches(till) and is_whole(office, till) and holds(office, gone)
    restored(office.hq)
    till.agent.hello()
    assert HELD not in branches(till)
    till.settle()
    assert HELD in branches(till) and is_whole(office, till)


def test_a_fork_survives_a_kill_at_every_point(office: HeadOffice, tmp_path: Path) -> None:
    probe = Machine(office, tmp_path / "probe.sqlite", 50)
    put_back_after(probe, 1, 1, 2)
    probe.settle()
    points = probe.store.points
    probe.close()
    for ends_at in range(1, points):
        machine = Machine(office, tmp_path / f"till{ends_at}.sqlite", ends_at)
        gone = put_back_after(machine, 1, 1, 2)
        machine.restart()
        machine.store.ends_at = ends_at
        with pytest.raises(Killed):
            machine.settle()
            machine.sell()
            raise Killed  # fewer points than the probe had, as selling is not among them
        machine.restart()
        machine.settle()
        assert is_whole(office, machine) and holds(office, gone) and len(reasons(machine)) == 2
        machine.close()


def test_two_agents_find_one_fork(office: HeadOffice, till: Machine) -> None:
    put_back_after(till, 2, 2, 2)
    other = Machine(office, till.path, 2, is_new=False)
    for _ in range(12):
        till.line.meanwhile = lambda: other.agent.push_once()  # type: ignore[assignment, return-value]
        till.agent.push_once()
    till.settle()
    assert is_whole(office, till) and reasons(till) == ["init", "fork"]
    other.close()


# ------------------------------------------------------------------ HQ


@pytest.mark.parametrize("is_told", [True, False])
def test_an_hq_that_was_put_back_gets_everything_again(office: HeadOffice, till: Machine, is_told: bool) -> None:
    till.sell(2)
    till.settle()
    image = office.image()
    till.sell(3)
    till.store.open_epoch("restore")
    till.sell(2)
    till.settle()
    office.put_back(image)
    till.restart()
    if is_told:
        restored(office.hq)
    till.settle()
    assert is_whole(office, till)


def test_an_hq_that_was_put_back_while_the_agent_runs_is_noticed_by_the_next_sale(office: HeadOffice, till: Machine) -> None:
    till.sell(2)
    till.settle()
    image = office.image()
    till.sell(3)
    till.settle()
    office.put_back(image)
    till.line.transport.app = office.app
    till.sell()
    till.settle()
    assert is_whole(office, till)


def test_an_hq_put_back_with_forked_histories_gets_all_of_them_again(office: HeadOffice, till: Machine) -> None:
    image = office.image()
    put_back_after(till, 2, 2, 2)
    till.settle()
    office.put_back(image)
    till.restart()
    till.settle()
    assert is_whole(office, till)


def test_another_history_in_the_place_of_an_acknowledged_one_is_found_out(office: HeadOffice, till: Machine) -> None:
    """HQ is put back, and the other life of the file comes first: what was acknowledged of this one becomes a branch."""
    till.sell(1)
    till.settle()
    office_image, till_image = office.image(), till.image()
    till.sell(2)
    till.settle()
    mine = till.image()
    till.put_back(till_image)
    till.luck.seed(99)
    till.sell(6)
    office.put_back(office_image)
    restored(office.hq)
    till.restart()
    till.settle()
    other = {hash for _, hash in till.journal()}
    till.put_back(mine)
    till.restart()
    till.settle()
    assert is_whole(office, till) and holds(office, other)


# ------------------------------------------------------------------ two machines


def test_two_machines_from_one_image_are_frozen_and_enrolled_anew(office: HeadOffice, till: Machine) -> None:
    till.sell(2)
    till.settle()
    other = till.clone("clone.sqlite", 2)
    steps: list[str] = []
    for _ in range(12):
        for machine in (till, other):
            machine.sell()
            steps.append(machine.agent.push_once().trouble)
    assert protocol.FROZEN in steps
    for machine in (till, other):
        while machine.agent.push_once().trouble != protocol.FROZEN:
            machine.sell()
        assert sync_state.line_state(machine.store.connection).is_frozen
        machine.sell()  # a frozen till goes on selling
        old = machine.store.device.device
        machine.enrol()
        assert machine.store.device.device != old and not sync_state.line_state(machine.store.connection).is_frozen
    for machine in (till, other):
        machine.settle()
        machine.sell()
        machine.settle()
        assert verify(machine.store.connection).is_ok
    assert is_whole(office, till, other)
    other.close()


def test_an_enrolment_whose_answer_is_lost_is_asked_for_again_with_the_same_code(office: HeadOffice, till: Machine) -> None:
    from sync import enrol
    from sync.link import Unreachable
    from tests.sync.hq_kit import new_code

    code = new_code(office.hq, till.store.device.store)
    with till.store.transaction() as connection:
        sync_state.set_frozen(connection, True)
    old = till.store.device.device
    till.line.answers = [lost]
    with pytest.raises(Unreachable):
        enrol.enrol(till.store, till.link, "http://hq.test", code)
    assert till.store.device.device == old
    till.restart()
    enrol.enrol(till.store, till.link, "http://hq.test", code)
    till.sell()
    till.settle()
    assert till.store.device.device != old and is_whole(office, till)


def test_another_hq_is_told_everything_from_the_beginning(office: HeadOffice, till: Machine, tmp_path: Path) -> None:
    put_back_after(till, 1, 1, 1)
    till.settle()
    (tmp_path / "second").mkdir()
    second = HeadOffice(tmp_path / "second", office.hq.clock, 2)  # type: ignore[arg-type]
    till.office = second
    till.restart()
    assert till.agent.push_once().trouble == HQ_KEY
    till.enrol()
    till.settle()
    assert is_whole(second, till)
    second.hq.database.close()


def test_a_key_is_replaced_by_a_new_one(office: HeadOffice, till: Machine) -> None:
    from sync import enrol, identity

    before = identity.signer(till.store.connection)
    till.line.answers = [lost]
    with pytest.raises(Exception):  # noqa: B017
        enrol.rotate(till.store, till.link)
    assert identity.signer(till.store.connection) == before
    enrol.rotate(till.store, till.link)
    assert identity.signer(till.store.connection) != before
    till.sell()
    till.settle()
    assert is_whole(office, till)
