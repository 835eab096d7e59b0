"""A store file becomes known to HQ, by a one-time code; a key is replaced by a new one.

What is asked for is stored before HQ is asked, so an answer may get lost and the same code be used again.
"""

from store_db import sync_state
from store_db.store import Store
from store_db.sync_state import HqState
from sync import heir, identity, signing
from sync.identity import Signer
from sync.link import Link, Refused
from sync.protocol import ENROL, FROZEN, HEIR, ROTATE, WRONG_STORE, Enrol, Enrolled, Problem, Rotate, Welcome
from sync.step import OTHER_HQ


def enrol(store: Store, link: Link, url: str, code: str, hq_key: str = "") -> Enrolled:
    """Make this file known to the HQ behind `link`. Raises Refused and Unreachable; then it goes on as before.

    A frozen device, and one whose id HQ knows under a key that is not here, gets a new id and goes on as the heir of its
    old one, in an epoch of its own. `hq_key`: the id of HQ's key as a person was told it; an answer of another is refused.
    """
    known = sync_state.hq(store.connection)
    wanted = _wanted(store, is_heir=_goes_on_as_heir(store, known))
    try:
        answer = link.call(ENROL, _message(store, wanted, code), Enrolled, wanted)
    except Refused as refused:
        if not _is_refused_to(wanted.device, refused.problem):
            raise
        if refused.problem.code == FROZEN and known is not None:
            _note_frozen(store)
        wanted = _new(store, is_heir=True)
        answer = link.call(ENROL, _message(store, wanted, code), Enrolled, wanted)
    check_key(answer, hq_key)
    if answer.store != store.device.store:
        raise Refused(Problem(code=WRONG_STORE, detail=answer.store))
    now_ms = store.clock.wall_ms()
    with store.transaction() as connection:
        if known is not None and known.hq_key != answer.hq_key:
            sync_state.forget_marks(connection)
        identity.become(connection, wanted)
        sync_state.put_hq(connection, HqState(url, answer.hq_key, answer.generation, now_ms, now_ms, 0))
        connection.execute("UPDATE device SET hq_offset_ms = ?", (answer.wall_ms - now_ms,))
        sync_state.note_contact(connection, now_ms)
        if wanted.device != store.device.device:
            store.begin_epoch("heir", wanted.device)
    return answer


def check_key(answer: Enrolled, hq_key: str) -> None:
    """Raises Refused OTHER_HQ unless the answer's key is that with the id `hq_key`, as people type it; empty: any is."""
    wanted, found = "".join(hq_key.lower().replace("-", " ").split()), signing.key_id(answer.hq_key)
    if wanted and wanted != found:
        raise Refused(Problem(code=OTHER_HQ, detail=found))


def _message(store: Store, wanted: Signer, code: str) -> Enrol:
    """What is asked of HQ, with a proof by each key that this file has had."""
    ancestors = [device for device in sync_state.devices(store.connection) if device != wanted.device]
    message = Enrol(
        code=code, device=wanted.device, store=store.device.store, key=signing.public_key(wanted.secret),
        heir_of=ancestors[0] if ancestors else b"", ancestors=ancestors,
    )  # fmt: skip
    return heir.with_proofs(message, identity.kept(store.connection))


def _goes_on_as_heir(store: Store, known: HqState | None) -> bool:
    """HQ froze this id, or it was asked for another one already, and the answer may have got lost."""
    pending = identity.pending(store.connection)
    return (known is not None and bool(known.frozen)) or (pending is not None and pending.device != store.device.device)


def _is_refused_to(device: bytes, problem: Problem) -> bool:
    """Whether HQ refuses this very id, and another one may do: the code is not used up."""
    return problem.code == FROZEN or (problem.code == HEIR and heir.short(device) in problem.detail.split())


def _note_frozen(store: Store) -> None:
    with store.transaction() as connection:
        sync_state.note_contact(connection, store.clock.wall_ms())
        sync_state.set_frozen(connection, True)


def _wanted(store: Store, is_heir: bool) -> Signer:
    """Who to become: what was asked for before, if that is still wanted, or somebody new."""
    pending = identity.pending(store.connection)
    if pending is not None and (pending.device != store.device.device) == is_heir:
        return pending
    return _new(store, is_heir)


def _new(store: Store, is_heir: bool) -> Signer:
    """A new key, and for an heir a new id."""
    own = store.device.device
    wanted = Signer(store.ids.random(16) if is_heir else own, identity.new_secret())
    with store.transaction() as connection:
        identity.put_pending(connection, wanted)
    return wanted


def rotate(store: Store, link: Link) -> None:
    """A new key for this device, said under the old one. Raises Refused and Unreachable; then the old one goes on."""
    wanted = _wanted(store, is_heir=False)
    public = signing.public_key(wanted.secret)
    proof = signing.sign(wanted.secret, signing.rotation_text(wanted.device, public))
    link.call(ROTATE, Rotate(key=public, proof=proof), Welcome)
    with store.transaction() as connection:
        identity.become(connection, wanted)
