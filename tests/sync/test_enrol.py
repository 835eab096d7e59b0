"""A till's file types a code in: under its id by its key, else as an heir, by its old keys or an operator's word."""

from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from pos_app.demo.day import SeededIds
from store_db import sync_state
from sync import enrol, identity, protocol, status
from sync.hq_server import devices
from sync.link import Refused, Unreachable, Untrusted
from sync.signing import key_id
from sync.step import OTHER_HQ
from tests.shop_kit import make_store
from tests.sync.agent_kit import URL, HeadOffice, Machine, is_whole, lost
from tests.sync.asgi import InlineTransport
from tests.sync.hq_kit import new_code


def typed(machine: Machine, code: str = "", *heir_of: bytes, hq_key: str = "") -> None:
    code = code or new_code(machine.office.hq, machine.store.device.store, heir_of=heir_of)
    enrol.enrol(machine.store, machine.link, URL, code, hq_key)


def refusal(machine: Machine, code: str = "", hq_key: str = "") -> protocol.Problem:
    with pytest.raises(Refused) as caught:
        typed(machine, code, hq_key=hq_key)
    return caught.value.problem


def is_frozen(machine: Machine) -> bool:
    return status.status(machine.store).line == status.FROZEN


def freeze(office: HeadOffice, device: bytes) -> None:
    with office.hq.database.write() as connection:
        devices.freeze(connection, device)


def sells_on(machine: Machine) -> None:
    machine.sell()
    machine.settle()


def lose_keys(machine: Machine) -> None:
    """As in a file from before it was enrolled: what HQ knows it by was never in it."""
    machine.store.connection.execute("DELETE FROM secrets WHERE name = 'device_key' OR name GLOB 'kept_key:*'")


# ------------------------------------------------------------------ frozen


def test_a_till_that_hears_of_its_freeze_when_it_enrols_says_so_and_goes_on_as_an_heir(office: HeadOffice, till: Machine) -> None:
    sells_on(till)
    old, code = till.store.device.device, new_code(office.hq)
    freeze(office, old)
    till.line.answers = [lambda answer: answer, lost]  # frozen; the heir is taken in, but does not hear it
    with pytest.raises(Unreachable):
        typed(till, code)
    assert is_frozen(till) and till.store.device.device == old
    till.restart()
    typed(till, code)
    assert not is_frozen(till) and till.store.device.device != old
    sells_on(till)
    assert is_whole(office, till)


def test_an_heir_whose_new_id_was_frozen_meanwhile_takes_another(office: HeadOffice, till: Machine) -> None:
    """The file was copied while the answer was lost: another machine became that heir, and was frozen again."""
    sells_on(till)
    freeze(office, till.store.device.device)
    code = new_code(office.hq)
    till.line.answers = [lambda answer: answer, lost]
    with pytest.raises(Unreachable):
        typed(till, code)
    pending = identity.pending(till.store.connection)
    assert pending is not None
    freeze(office, pending.device)
    typed(till)
    assert till.store.device.device != pending.device
    sells_on(till)
    assert is_whole(office, till)


# ------------------------------------------------------------------ by the key


def test_a_till_that_enrols_again_keeps_its_id_by_its_key(office: HeadOffice, till: Machine) -> None:
    old = till.store.device.device
    till.line.answers = [lost]
    with pytest.raises(Unreachable):
        typed(till)  # HQ has the new key by now, and the till does not know
    typed(till)
    assert till.store.device.device == old
    sells_on(till)
    assert is_whole(office, till)


def test_a_till_asked_for_a_code_because_an_answer_was_lost_needs_no_word(office: HeadOffice, till: Machine) -> None:
    till.line.answers = [lost]
    with pytest.raises(Unreachable):
        typed(till)
    assert till.agent.push_once().trouble == protocol.UNSIGNED  # under the old key: it counts as frozen
    assert is_frozen(till)
    typed(till)
    sells_on(till)
    assert is_whole(office, till)


@pytest.mark.parametrize("change", [lambda till: enrol.rotate(till.store, till.link), typed])
def test_an_hq_from_before_a_new_key_knows_the_till_by_the_key_before(
    office: HeadOffice, till: Machine, change: Callable[[Machine], None]
) -> None:
    sells_on(till)
    image = office.image()
    change(till)
    change(till)
    sells_on(till)
    office.put_back(image)
    till.restart()
    assert till.agent.push_once().trouble == protocol.UNSIGNED
    typed(till)
    sells_on(till)
    assert is_whole(office, till)


def test_an_hq_from_before_the_heirs_knows_the_till_by_the_first_key(office: HeadOffice, till: Machine) -> None:
    sells_on(till)
    image = office.image()
    for _ in range(2):
        freeze(office, till.store.device.device)
        typed(till)
        sells_on(till)
    office.put_back(image)
    till.restart()
    assert till.agent.push_once().trouble == protocol.UNKNOWN_DEVICE
    typed(till)
    sells_on(till)
    assert is_whole(office, till)


# ------------------------------------------------------------------ by an operator's word


def test_two_machines_from_an_image_that_was_never_enrolled(office: HeadOffice, tmp_path: Path) -> None:
    """The second one is an heir by an operator's word; then the first is told so, and goes on by its key."""
    path = tmp_path / "image.sqlite"
    make_store(path, office.hq.clock, SeededIds(5)).close()  # type: ignore[arg-type]
    first = Machine(office, path, is_new=False)
    second = first.clone("second.sqlite", 2)
    typed(first)
    sells_on(first)
    shared = first.store.device.device
    for _ in range(2):
        assert refusal(second).detail == shared.hex()[:12]
    assert first.agent.hello().trouble == ""
    typed(second, "", shared)
    sells_on(second)
    assert first.agent.hello().trouble == protocol.FROZEN
    typed(first)
    sells_on(first)
    assert is_whole(office, first, second)
    for machine in (first, second):
        machine.close()


def test_a_file_that_lost_its_key_goes_on_by_an_operators_word_alone(office: HeadOffice, till: Machine) -> None:
    sells_on(till)
    lose_keys(till)
    old = till.store.device.device
    refused = refusal(till)
    assert (refused.code, refused.detail) == (protocol.HEIR, old.hex()[:12])
    assert till.store.device.device == old and not is_frozen(till)
    code, pending = new_code(office.hq, heir_of=[old]), identity.pending(till.store.connection)
    till.line.answers = [lost]
    with pytest.raises(Unreachable):
        typed(till, code)
    typed(till, code)
    assert pending is not None and till.store.device.device == pending.device != old
    sells_on(till)
    assert is_whole(office, till)


def test_a_new_key_is_no_other_id(office: HeadOffice, till: Machine) -> None:
    """An heir was wanted and refused; a till whose key holds after all rotates its own."""
    kept, old = identity.signer(till.store.connection), till.store.device.device
    lose_keys(till)
    refusal(till)
    assert kept is not None
    with till.store.transaction() as connection:
        pending = identity.pending(connection)
        identity.become(connection, kept)
        assert pending is not None and pending.device != old
        identity.put_pending(connection, pending)
    enrol.rotate(till.store, till.link)
    assert till.store.device.device == old
    sells_on(till)


# ------------------------------------------------------------------ the right HQ


def test_an_answer_of_an_hq_with_another_key_changes_nothing(office: HeadOffice, till: Machine, tmp_path: Path) -> None:
    wanted = key_id(office.hq.key)
    (tmp_path / "impostor").mkdir()
    impostor = HeadOffice(tmp_path / "impostor", office.hq.clock, 2)  # type: ignore[arg-type]
    before = sync_state.hq(till.store.connection), identity.signer(till.store.connection)
    honest, till.line.transport = till.line.transport, InlineTransport(impostor.app)
    code = new_code(impostor.hq)
    refused = refusal(till, code, hq_key=wanted)
    assert (refused.code, refused.detail) == (OTHER_HQ, key_id(impostor.hq.key))
    assert (sync_state.hq(till.store.connection), identity.signer(till.store.connection)) == before
    till.line.transport = honest
    typed(till, hq_key=f" {wanted[:8].upper()}-{wanted[8:]}")
    sells_on(till)
    assert is_whole(office, till)
    impostor.hq.database.close()


def test_a_key_that_was_mistyped_costs_no_second_code(office: HeadOffice, till: Machine) -> None:
    code = new_code(office.hq)
    assert refusal(till, code, hq_key="0" * 16).code == OTHER_HQ
    typed(till, code, hq_key=key_id(office.hq.key))
    sells_on(till)
    assert is_whole(office, till)


def test_an_enrolment_that_was_changed_on_its_way_is_none(office: HeadOffice, till: Machine) -> None:
    """Somebody between the two leaves HQ's key as it is, and changes what else the answer says."""
    before = sync_state.hq(till.store.connection), identity.signer(till.store.connection)

    def changed(answer: httpx.Response) -> httpx.Response:
        made = protocol.decode(protocol.Enrolled, answer.content)
        body = protocol.encode(msgspec.structs.replace(made, generation=b"another"))
        return httpx.Response(200, headers=dict(answer.headers) | {"content-length": str(len(body))}, content=body)

    code = new_code(office.hq)
    till.line.answers = [changed]
    with pytest.raises(Untrusted):
        enrol.enrol(till.store, till.link, URL, code)
    assert (sync_state.hq(till.store.connection), identity.signer(till.store.connection)) == before
    typed(till, code)
    sells_on(till)
    assert is_whole(office, till)
