"""`pos verify --with-hq`: the journal, added up from its first event, beside what HQ says now and what it has signed."""

import msgspec

from pos_app.domain.proof import Sums, device_root
from store_db import sync_state
from store_db.store import Store
from store_db.sync_state import Chain
from sync import days, prove, push, signing
from sync.days import OwnDay
from sync.link import Link
from sync.protocol import DayStatement


def audit(store: Store, link: Link) -> list[str]:
    """Every difference, in words; none: HQ has all that it acknowledged. Raises what the link raises."""
    chains = prove.acknowledged(store)
    counted = [recount(store, chain) for chain in chains]
    miscounted = [chain.epoch.hex() for chain, own in zip(chains, counted, strict=True) if chain != own]
    problems = [f"chain {epoch}: the mark or the sums kept here are not the journal's" for epoch in miscounted]
    problems += [f"HQ differs at {where}" for where in prove.differences(store, link, counted)]
    return problems + statement_problems(store)


def recount(store: Store, chain: Chain) -> Chain:
    """A chain with the hash and the sums that the journal's events have up to its mark."""
    from_base = chain._replace(seq=chain.base_seq, sums=Sums())
    own_hash = sync_state.hash_at(store.connection, chain, chain.seq)
    return chain._replace(hash=own_hash, sums=push.sums_at(store.connection, from_base, chain.seq))


def statement_problems(store: Store) -> list[str]:
    """Kept statements that no HQ of this file's signed, or that lack events of the journal; the newest of each day.

    A statement is of the HQ of its time: who joins a hub later, or another HQ, keeps what was stated before.
    """
    keys, own, problems = sync_state.hq_keys(store.connection), _all_days(store), []
    for business_date, body in sync_state.statements(store.connection).items():
        day = msgspec.msgpack.decode(body, type=DayStatement)
        if not any(signing.is_signed(key, day.signature, signing.statement_text(day)) for key in keys):
            problems.append(f"day {business_date}: the statement is not signed by HQ")
        elif not days.holds(day, own.get(business_date, {})):
            problems.append(f"day {business_date}: HQ's statement lacks events of this journal")
    return problems


def _all_days(store: Store) -> dict[str, dict[bytes, OwnDay]]:
    """business date -> device -> what the journal has."""
    hashes: dict[str, dict[bytes, list[bytes]]] = {}
    for _, business_date, device, own_hash in days.walk(store.connection):
        hashes.setdefault(business_date, {}).setdefault(device, []).append(own_hash)
    return {day: {device: OwnDay(len(held), device_root(held)) for device, held in one.items()} for day, one in hashes.items()}
