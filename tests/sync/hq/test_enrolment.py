"""Whose history a device may go on with: by the key of each id, or by an operator's word; a code alone is worth a new till."""

import httpx
import msgspec
import pytest
from sqlalchemy import select

from sync import protocol
from sync.hq_server import devices
from sync.hq_server.hq import HUB, Hq
from sync.hq_server.tables import devices as devices_table
from sync.protocol import Enrolled
from tests.sync.hq.test_devices import cloned, events, refused, rotate, with_key
from tests.sync.hq_kit import AskedInVain, FakeTill, new_code


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


@pytest.fixture
def heir(hq: Hq, client: httpx.Client) -> FakeTill:
    return FakeTill(hq, client, 2)


def unproven(till: FakeTill, code: str = "", **claimed: object) -> list[bytes]:
    """The ids that HQ refuses an enrolment for."""
    with pytest.raises(AskedInVain) as caught:
        till.enrol(code or None, **claimed)  # type: ignore[arg-type]
    assert caught.value.code == protocol.HEIR
    return [bytes.fromhex(one) for one in caught.value.problem.detail.split()]


def states(hq: Hq) -> dict[bytes, str]:
    with hq.database.read() as connection:
        rows = connection.execute(select(devices_table.c.device, devices_table.c.state))
        return {bytes(device): state for device, state in rows}


def test_a_code_alone_makes_nobody_an_heir_and_is_not_used_up(hq: Hq, till: FakeTill, heir: FakeTill) -> None:
    code = new_code(hq)
    assert unproven(heir, code, ancestors=[till.device]) == [till.device[:6]]
    assert unproven(heir, code, ancestors=[till.device], keys=[heir.signer]) == [till.device[:6]]
    assert states(hq) == {till.device: "active"}
    till.push(till.new_chain())  # nobody froze it
    heir.enrol(code)
    assert refused(heir.push, till.new_chain()) == protocol.WRONG_STORE


def test_a_code_alone_takes_over_no_id(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    thief = FakeTill(hq, client, 3, device=till.device)
    assert unproven(thief) == [till.device[:6]]
    assert unproven(thief, new_code(hq, heir_of=[till.device])) == [till.device[:6]]  # heirs have an id of their own
    till.push(till.new_chain())


def test_nobody_is_an_heir_by_way_of_an_id_that_hq_does_not_know(hq: Hq, till: FakeTill, heir: FakeTill) -> None:
    between = bytes(range(16))
    assert unproven(heir, ancestors=[between, till.device]) == [till.device[:6]]
    assert between not in states(hq)


def test_who_says_only_the_oldest_id_has_not_said_the_others(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    first, second = FakeTill(hq, client, 2), FakeTill(hq, client, 3)
    first.enrol(ancestors=[till.device], keys=[till.signer])
    assert unproven(second, ancestors=[first.device, till.device], keys=[till.signer]) == [first.device[:6]]
    first.push(first.new_chain())


def test_an_heir_shows_the_key_and_goes_on(hq: Hq, till: FakeTill, heir: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 2)
    heir.enrol(ancestors=[till.device], keys=[till.signer])
    heir.push(chain)
    assert (events(hq), states(hq)) == (3, {till.device: "frozen", heir.device: "active"})


def test_a_proof_is_good_for_one_enrolment(hq: Hq, client: httpx.Client, till: FakeTill, heir: FakeTill) -> None:
    """Whoever saw one cannot use it: not for another device or key, nor with a code of his own."""
    code = new_code(hq)
    seen = heir.wanted(code, [till.device], [till.signer]).proofs
    other_key, other_device = FakeTill(hq, client, 3, device=heir.device), FakeTill(hq, client, 4)
    other_device.secret = heir.secret
    for one, by in ((other_key, code), (other_device, code), (heir, new_code(hq))):
        played = msgspec.structs.replace(one.wanted(by, [till.device]), proofs=seen)
        assert refused(one.ask, protocol.ENROL, played, Enrolled) == protocol.HEIR
    till.push(till.new_chain())
    heir.ask(protocol.ENROL, msgspec.structs.replace(heir.wanted(code, [till.device]), proofs=seen), Enrolled)


def test_who_signs_with_the_key_that_hq_knows_shows_it_by_that(hq: Hq, till: FakeTill) -> None:
    """As a hub does that is given another code."""
    till.enrol()
    till.push(till.new_chain())


def test_a_key_that_is_over_proves_nothing(hq: Hq, till: FakeTill, heir: FakeTill) -> None:
    first = till.signer
    rotate(till, b"2" * 32)
    rotate(with_key(till, b"2" * 32), b"3" * 32)
    assert unproven(heir, ancestors=[till.device], keys=[first]) == [till.device[:6]]
    heir.enrol(ancestors=[till.device], keys=[first, with_key(till, b"3" * 32).signer])


def test_the_key_of_a_revoked_device_proves_nothing(hq: Hq, till: FakeTill, heir: FakeTill) -> None:
    with hq.database.write() as connection:
        devices.revoke(connection, till.device, 1)
    assert unproven(heir, ancestors=[till.device], keys=[till.signer]) == [till.device[:6]]


def test_by_an_operators_word_an_heir_needs_no_key(hq: Hq, client: httpx.Client, till: FakeTill, heir: FakeTill) -> None:
    """The code names the device, and covers what that one was the heir of; no other."""
    heir.enrol(ancestors=[till.device], keys=[till.signer])
    neighbour, found = FakeTill(hq, client, 3), FakeTill(hq, client, 4)
    neighbour.enrol()
    code = new_code(hq, heir_of=[heir.device])
    assert unproven(found, code, ancestors=[neighbour.device]) == [neighbour.device[:6]]
    assert unproven(found, code, ancestors=[heir.device, neighbour.device]) == [neighbour.device[:6]]
    found.enrol(code, ancestors=[heir.device, till.device])
    found.push(till.sell(till.new_chain()))
    assert states(hq)[heir.device] == "frozen"
    neighbour.push(neighbour.new_chain())


def test_a_code_names_more_than_one(hq: Hq, client: httpx.Client, till: FakeTill, heir: FakeTill) -> None:
    """Introduced by a hub, HQ does not know what they were the heirs of."""
    heir.enrol()
    found, both = FakeTill(hq, client, 4), [heir.device, till.device]
    assert unproven(found, new_code(hq, heir_of=both[:1]), ancestors=both) == [till.device[:6]]
    found.enrol(new_code(hq, heir_of=both), ancestors=both)


def test_an_id_that_a_hub_introduced_has_no_key_and_is_gone_on_with_by_word(hq: Hq, client: httpx.Client, heir: FakeTill) -> None:
    hub, known = FakeTill(hq, client, 5), FakeTill(hq, client, 6)
    hub.enrol(role=HUB)
    hub.push(known.sell(known.new_chain()))
    assert unproven(known) == [known.device[:6]]
    assert unproven(heir, ancestors=[known.device], keys=[known.signer]) == [known.device[:6]]
    heir.enrol(new_code(hq, heir_of=[known.device]), ancestors=[known.device], keys=[known.signer])


def test_both_machines_of_one_image_show_the_one_key(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    original, copied = cloned(till)
    assert refused(till.push, original) == protocol.FROZEN
    for number, chain in ((2, original), (3, copied)):
        machine = FakeTill(hq, client, number)
        machine.enrol(ancestors=[till.device], keys=[till.signer])
        machine.push(chain)


def test_an_hq_that_lost_an_id_learns_its_key_with_it(hq: Hq, client: httpx.Client) -> None:
    lost, one, other, thief = (FakeTill(hq, client, number) for number in (1, 2, 3, 4))
    one.enrol(ancestors=[lost.device], keys=[lost.signer])
    assert unproven(thief, ancestors=[lost.device]) == [lost.device[:6]]
    other.enrol(ancestors=[lost.device], keys=[lost.signer])
    assert states(hq) == {lost.device: "frozen", one.device: "active", other.device: "active"}


def test_an_id_that_was_only_claimed_is_taken_by_nobody_else(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    """Said of an id that HQ does not know, without a key: whoever has that id then is asked for an operator's word."""
    thief, lost, found = (FakeTill(hq, client, number) for number in (2, 3, 4))
    claim = protocol.Enrol(
        code=new_code(hq), device=thief.device, store=thief.store, key=thief.wanted("").key, heir_of=lost.device
    )
    thief.ask(protocol.ENROL, claim, Enrolled)
    assert refused(lost.enrol) == protocol.FROZEN
    assert unproven(found, ancestors=[lost.device], keys=[lost.signer]) == [lost.device[:6]]
