"""A store file becomes known to HQ, by a one-time code; a key is replaced by a new one.

What is asked for is stored before HQ is asked, so an answer may get lost and the same code be used again.
"""

from store_db import sync_state
from store_db.store import Store
from store_db.sync_state import HqState
from sync import identity, signing
from sync.identity import Signer
from sync.link import Link, Refused
from sync.protocol import ENROL, ROTATE, WRONG_STORE, Enrol, Enrolled, Problem, Rotate, Welcome


def enrol(store: Store, link: Link, url: str, code: str) -> Enrolled:
    """Make this file known to the HQ behind `link`. Raises Refused and Unreachable; then nothing has changed here.

    A frozen device gets a new id and goes on as the heir of its old one, in an epoch of its own.
    """
    known = sync_state.hq(store.connection)
    wanted = _wanted(store, is_heir=known is not None and bool(known.frozen))
    ancestors = [device for device in sync_state.devices(store.connection) if device != wanted.device]
    answer = link.call(
        ENROL,
        Enrol(
            code=code, device=wanted.device, store=store.device.store, key=signing.public_key(wanted.secret),
            heir_of=ancestors[0] if ancestors else b"", ancestors=ancestors,
        ),
        Enrolled,
        wanted,
    )  # fmt: skip
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


def _wanted(store: Store, is_heir: bool) -> Signer:
    """Who to become: what was asked for before, if that is still wanted, or a new key (and a new id for an heir)."""
    pending, own = identity.pending(store.connection), store.device.device
    if pending is not None and (pending.device != own) == is_heir:
        return pending
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
