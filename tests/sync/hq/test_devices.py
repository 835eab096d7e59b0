"""Whom HQ listens to: one-time codes, signatures, keys that overlap and end, clones and their heirs, shops kept apart."""

import httpx
import pytest
from sqlalchemy import func, select

from sync import protocol
from sync.hq_server import devices, quarantine
from sync.hq_server.hq import HUB, Hq
from sync.hq_server.projected_tables import store_days
from sync.hq_server.tables import device_keys, enrol_codes, log
from sync.protocol import Ack, DayStatement, DayWanted, Hashes, HashesWanted, Proofs, ProofWanted, Pull, Pulled, Rotate, Welcome
from sync.signing import public_key, rotation_text, sign, signed_headers
from tests.sync.hq_kit import DATE, OTHER_STORE, STORE, AskedInVain, FakeChain, FakeTill, new_code


def refused(call: object, *args: object, **options: object) -> str:
    """The code that a call is refused with."""
    with pytest.raises(AskedInVain) as caught:
        call(*args, **options)  # type: ignore[operator]
    return caught.value.code


def sales(hq: Hq) -> int:
    with hq.database.read() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(store_days.c.sales), 0))).scalar_one())


def events(hq: Hq) -> int:
    with hq.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(log)).scalar_one())


@pytest.fixture
def till(hq: Hq, client: httpx.Client) -> FakeTill:
    made = FakeTill(hq, client)
    made.enrol()
    return made


# ------------------------------------------------------------------ codes


def test_a_code_takes_in_one_device_once(hq: Hq, client: httpx.Client) -> None:
    code, first, second = new_code(hq), FakeTill(hq, client, 1), FakeTill(hq, client, 2)
    assert first.enrol(code).hq_key == hq.key
    assert refused(second.enrol, code) == protocol.ENROL_CODE
    assert refused(second.push, second.new_chain()) == protocol.UNKNOWN_DEVICE
    assert first.push(first.new_chain()).mark.seq == 1


def test_a_lost_answer_to_an_enrolment_is_given_again(hq: Hq, client: httpx.Client) -> None:
    code, till = new_code(hq), FakeTill(hq, client)
    assert till.enrol(code) == till.enrol(code)
    with hq.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(device_keys)).scalar_one() == 1


def test_a_code_is_typed_as_people_type(hq: Hq, client: httpx.Client) -> None:
    code = new_code(hq)
    FakeTill(hq, client).enrol(" " + code.lower().replace("-", " ") + "\n")


@pytest.mark.parametrize("code", ["", "AAAA-BBBB-CCCC-DDDD", "'; DROP TABLE log; --", "\ud7ff\U0001f600" * 50])
def test_a_wrong_code_takes_in_nobody(hq: Hq, client: httpx.Client, code: str) -> None:
    new_code(hq)
    assert refused(FakeTill(hq, client).enrol, code or "-") == protocol.ENROL_CODE


def test_a_code_is_over_after_a_day(hq: Hq, client: httpx.Client) -> None:
    code = new_code(hq)
    hq.clock.now_ms += devices.CODE_VALID_MS + 1  # type: ignore[attr-defined]
    assert refused(FakeTill(hq, client).enrol, code) == protocol.ENROL_CODE


def test_a_code_is_of_one_shop(hq: Hq, client: httpx.Client) -> None:
    assert refused(FakeTill(hq, client, 1, OTHER_STORE).enrol, new_code(hq, STORE)) == protocol.ENROL_CODE


def test_hq_keeps_no_code_that_could_be_read(hq: Hq) -> None:
    code = new_code(hq).replace("-", "").encode()
    with hq.database.read() as connection:
        row = connection.execute(select(enrol_codes)).one()
    assert all(code not in (value if isinstance(value, bytes) else str(value).encode()) for value in row)


def test_who_enrols_holds_the_key_that_it_brings(hq: Hq, client: httpx.Client) -> None:
    till, thief = FakeTill(hq, client, 1), FakeTill(hq, client, 2)
    message = protocol.Enrol(code=new_code(hq), device=till.device, store=STORE, key=public_key(till.secret))
    body = protocol.encode(message)
    headers = signed_headers(thief.secret, "POST", protocol.ENROL, till.device, body, protocol.NEWEST)
    answer = client.post(protocol.ENROL, content=body, headers=headers)
    assert answer.status_code == 401
    till.enrol(message.code)


# ------------------------------------------------------------------ signatures


def test_only_what_the_device_itself_signed_is_taken(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain())
    body = protocol.encode(chain.push())
    good = signed_headers(till.secret, "POST", protocol.PUSH, till.device, body, protocol.NEWEST)
    wrong_key = signed_headers(bytes(32), "POST", protocol.PUSH, till.device, body, protocol.NEWEST)
    other_path = signed_headers(till.secret, "POST", protocol.PULL, till.device, body, protocol.NEWEST)
    other_body = signed_headers(till.secret, "POST", protocol.PUSH, till.device, body + b"x", protocol.NEWEST)
    other_method = signed_headers(till.secret, "PUT", protocol.PUSH, till.device, body, protocol.NEWEST)
    nobody = {name: value for name, value in good.items() if name != "lanewise-device"}
    broken = [good | {"lanewise-signature": text} for text in ("", "!!!!", "AAAA", "A" * 86 + "==", "\xff\xfe")]
    named = good | {"lanewise-key": wrong_key["lanewise-key"]}
    for headers in (
        {},
        wrong_key,
        other_path,
        other_body,
        other_method,
        nobody,
        *broken,
        named,
        wrong_key | {"lanewise-device": "zz"},
    ):
        sent = {"lanewise-protocol": "1"} | headers
        answer = client.post(protocol.PUSH, content=body, headers={k: v.encode("latin-1") for k, v in sent.items()})
        assert (answer.status_code, protocol.decode(protocol.Problem, answer.content).code) == (401, protocol.UNSIGNED), headers
    assert events(hq) == 0
    assert client.post(protocol.PUSH, content=body, headers=good).status_code == 200


def test_a_request_played_again_does_nothing(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    body = protocol.encode(chain.push())
    headers = signed_headers(till.secret, "POST", protocol.PUSH, till.device, body, protocol.NEWEST)
    answers = {client.post(protocol.PUSH, content=body, headers=headers).status_code for _ in range(3)}
    assert (answers, events(hq), sales(hq)) == ({200}, 4, 3)


@pytest.mark.parametrize("version", ["0", "2", "999999999999", "-1", "", "one", "１"])
def test_another_version_of_the_protocol_is_refused_with_those_that_are_spoken(till: FakeTill, version: str) -> None:
    answer = till.send(protocol.HELLO, protocol.Hello(generation=b""), **{"lanewise-protocol": version.encode()})  # type: ignore[arg-type]
    problem = protocol.decode(protocol.Problem, answer.content)
    assert (answer.status_code, problem.code, problem.detail) == (426, protocol.VERSION, "1 to 1")


# ------------------------------------------------------------------ keys


def rotate(till: FakeTill, new_secret: bytes) -> Welcome:
    key = public_key(new_secret)
    proof = sign(new_secret, rotation_text(till.device, key))
    return till.ask(protocol.ROTATE, Rotate(key=key, proof=proof), Welcome)


def with_key(till: FakeTill, secret: bytes) -> FakeTill:
    same = FakeTill(till.hq, till.client, 9, device=till.device)
    same.secret = secret
    return same


def test_the_old_key_and_the_new_one_overlap_and_older_ones_end(till: FakeTill) -> None:
    first, second, third = till.secret, b"2" * 32, b"3" * 32
    rotate(till, second)
    rotate(till, second)  # the answer was lost
    chain = till.sell(till.new_chain())
    for secret in (first, second):
        with_key(till, secret).push(chain)
    rotate(with_key(till, second), third)
    assert refused(with_key(till, first).push, chain) == protocol.UNSIGNED
    for secret in (second, third):
        with_key(till, secret).push(chain)


def test_a_key_that_is_over_never_comes_back(till: FakeTill) -> None:
    first, second, third = till.secret, b"2" * 32, b"3" * 32
    rotate(till, second)
    rotate(with_key(till, second), third)
    assert refused(rotate, till, b"4" * 32) == protocol.UNSIGNED  # signed with the key that is over
    assert refused(rotate, with_key(till, second), first) == protocol.UNSIGNED
    assert refused(rotate, with_key(till, third), first) == protocol.UNSIGNED
    assert refused(with_key(till, first).push, till.new_chain()) == protocol.UNSIGNED


def test_only_the_newest_key_brings_another(till: FakeTill) -> None:
    first = till.secret
    rotate(till, b"2" * 32)
    assert refused(rotate, with_key(till, first), b"4" * 32) == protocol.UNSIGNED


def test_a_key_is_brought_by_who_holds_it(till: FakeTill) -> None:
    others = public_key(b"9" * 32)
    stolen = Rotate(key=others, proof=sign(till.secret, rotation_text(till.device, others)))
    assert refused(till.ask, protocol.ROTATE, stolen, Welcome) == protocol.BROKEN


def test_enrolling_anew_ends_the_keys_before(hq: Hq, till: FakeTill) -> None:
    before = till.signer
    till.secret = b"n" * 32
    till.enrol(keys=[before])
    assert refused(with_key(till, before.secret).push, till.new_chain()) == protocol.UNSIGNED
    newest, till.secret = till.signer, before.secret
    assert refused(till.enrol, keys=[before]) == protocol.HEIR
    assert refused(till.enrol, keys=[newest]) == protocol.ENROL_CODE  # a key that is over never comes back


# ------------------------------------------------------------------ clones and heirs


def cloned(till: FakeTill) -> tuple[FakeChain, FakeChain]:
    """Two machines from one disk image: one goes on with the epoch, the other, that noticed, began one of its own."""
    original = till.sell(till.new_chain(), 2)
    till.push(original)
    copied = till.sell(till.new_chain(), 2)
    till.push(copied)
    return till.sell(original, 2), copied


def test_two_machines_that_live_under_one_id_are_frozen_and_nothing_is_lost(hq: Hq, till: FakeTill) -> None:
    original, copied = cloned(till)
    before = events(hq)
    assert refused(till.push, original) == protocol.FROZEN
    till.sell(copied)
    for call in (lambda: till.push(copied), lambda: till.hello(b""), lambda: till.proof(copied.chain, 1)):
        assert refused(call) == protocol.FROZEN
    assert refused(till.ask, protocol.PULL, Pull(generation=b"", cursors={}), Pulled) == protocol.FROZEN
    assert events(hq) == before


def test_what_a_machine_tells_again_of_an_earlier_epoch_is_no_second_life(hq: Hq, till: FakeTill) -> None:
    original, copied = cloned(till)
    assert till.push(original, 1, 3).overlapped == 3
    till.push(till.sell(copied))


def test_both_machines_enrol_anew_and_tell_all_that_they_have(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    original, copied = cloned(till)
    till.sell(copied)
    refused(till.push, original)
    assert refused(till.enrol) == protocol.FROZEN  # under the same id
    heirs = [FakeTill(hq, client, n) for n in (2, 3)]
    for heir, chain in zip(heirs, (original, copied), strict=True):
        heir.enrol(ancestors=[till.device], keys=[till.signer])
        heir.push(chain)
        heir.push(heir.sell(heir.new_chain()))
    forked = till.sell(original.fork(3), 2)
    assert refused(heirs[1].push, forked) == protocol.FORK
    heirs[1].push(forked.tail(b"branch-1", 3))
    assert events(hq) == 5 + 4 + 4 + 2
    assert sales(hq) == 4 + 3 + 2 + 2
    grandchild = FakeTill(hq, client, 4)
    grandchild.enrol(ancestors=[heirs[0].device, till.device], keys=[heirs[0].signer])
    grandchild.push(till.sell(original))
    assert refused(heirs[0].push, heirs[0].new_chain()) == protocol.FROZEN  # its heir has taken over


def test_an_heir_of_nobody_tells_nobodys_events(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain())
    stranger = FakeTill(hq, client, 2)
    stranger.enrol()
    assert refused(stranger.push, chain) == protocol.WRONG_STORE
    assert events(hq) == 0


def test_an_heir_is_of_the_same_shop(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    assert (
        refused(FakeTill(hq, client, 2, OTHER_STORE).enrol, ancestors=[till.device], keys=[till.signer]) == protocol.WRONG_STORE
    )
    till.push(till.new_chain())


# ------------------------------------------------------------------ hubs


def test_a_hub_tells_for_every_device_of_its_shop_and_introduces_new_ones(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    hub, unknown = FakeTill(hq, client, 5), FakeTill(hq, client, 6)
    hub.enrol(role=HUB)
    hub.push(till.sell(till.new_chain()))
    hub.push(unknown.sell(unknown.new_chain(), 3))
    assert (events(hq), sales(hq)) == (6, 4)
    assert refused(unknown.push, unknown.new_chain()) == protocol.UNSIGNED  # introduced, but its key is not known


def test_a_hub_tells_nothing_for_another_shop(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    hub = FakeTill(hq, client, 5, OTHER_STORE)
    hub.enrol(role=HUB)
    assert refused(hub.push, till.new_chain()) == protocol.WRONG_STORE
    assert events(hq) == 0


# ------------------------------------------------------------------ revoked


@pytest.mark.parametrize("by_hub", [False, True])
def test_what_a_revoked_device_says_is_kept_and_counts_nowhere(
    hq: Hq, client: httpx.Client, till: FakeTill, by_hub: bool
) -> None:
    chain = till.sell(till.new_chain())
    till.push(chain)
    with hq.database.write() as connection:
        devices.revoke(connection, till.device, 1)
    teller = till
    if by_hub:
        teller = FakeTill(hq, client, 5)
        teller.enrol(role=HUB)
    teller.push(till.sell(chain, 2))
    with hq.database.read() as connection:
        codes = connection.execute(select(quarantine.entries.c.code)).scalars().all()
    assert (events(hq), sales(hq), codes) == (4, 1, [quarantine.REVOKED] * 2)


def test_a_revoked_device_gets_nothing_down_and_no_new_code(hq: Hq, till: FakeTill) -> None:
    with hq.database.write() as connection:
        devices.revoke(connection, till.device, 1)
    assert refused(till.ask, protocol.PULL, Pull(generation=b"", cursors={}), Pulled) == protocol.UNKNOWN_DEVICE
    wanted = protocol.SnapshotWanted(topic="catalogue")
    assert refused(till.ask, protocol.SNAPSHOTS, wanted, protocol.Snapshot) == protocol.UNKNOWN_DEVICE
    assert till.hello(b"").revs == {}
    assert refused(till.enrol) == protocol.ENROL_CODE


# ------------------------------------------------------------------ shops kept apart


def test_a_shop_learns_nothing_of_another_shops_events(hq: Hq, client: httpx.Client, till: FakeTill) -> None:
    chain = till.sell(till.new_chain(), 3)
    till.push(chain)
    spy = FakeTill(hq, client, 2, OTHER_STORE)
    spy.enrol()
    assert spy.hello(b"", chain.chain).marks == [(chain.chain, protocol.Mark(0, bytes(32)))]
    assert spy.ask(protocol.HASHES, HashesWanted(chain=chain.chain, seqs=[1, 2]), Hashes).hashes == [b"", b""]
    assert spy.ask(protocol.PROOF, ProofWanted(chains=[(chain.chain, 4)]), Proofs).chains == []
    day = spy.ask(protocol.DAY, DayWanted(business_date=DATE), DayStatement)
    assert (day.store, day.events, day.devices) == (OTHER_STORE, 0, [])
    assert refused(spy.push, chain) == protocol.WRONG_STORE
    spied = protocol.Push(chain=chain.chain, first_seq=9, prev_hash=bytes(32), events=chain.push().events)
    assert refused(spy.ask, protocol.PUSH, spied, Ack) == protocol.WRONG_STORE  # no GAP, which would tell the mark
    assert (events(hq), sales(hq)) == (4, 3)
