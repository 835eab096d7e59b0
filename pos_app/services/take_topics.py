"""What the rows of each topic do at a till. Stop-sales and coupon tokens are read where they are kept and do nothing here."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from pos_app.domain.events import AllowanceGiven
from pos_app.domain.permissions import ROLES
from pos_app.services.members import HQ_PHONE_KEY
from pos_app.services.packages import CheckedPackage, Keys, Rejected, check_package, store_package
from pos_app.services.take_goods import take_goods
from store_db import journal, members, promotions
from store_db.hq_rows import COUPON_TOKENS, POINTS_ALLOWANCES, STOP_SALES
from store_db.members import MemberRow
from store_db.staff import StaffRow, put_staff, revoke
from store_db.store import Store
from sync import topics
from sync.apply import Change, RowRefused, Taker


def takers(package_keys: Keys) -> dict[str, Taker]:
    """By topic. `package_keys`: who may sign price packages; without any no package is taken."""
    takes = {
        topics.CATALOGUE: take_goods, STOP_SALES: take_nothing, topics.STAFF: take_staff, topics.MEMBERS: take_members,
        topics.ALLOWANCES: take_allowances, COUPON_TOKENS: take_nothing, POINTS_ALLOWANCES: take_nothing,
        topics.SETTINGS: take_settings,
    }  # fmt: skip
    found = {name: Taker(_reader(name), take) for name, take in takes.items()}
    return found | {topics.PACKAGES: Taker(lambda store, body: read_package(store, body, package_keys), take_packages)}


def _reader(name: str) -> Any:
    decoder = msgspec.json.Decoder(topics.TOPICS[name].row)

    def read(store: Store, body: bytes) -> Any:
        return decoder.decode(body)

    return read


def take_nothing(store: Store, changes: Sequence[Change]) -> None:
    """The row is all there is to it."""


def read_package(store: Store, body: bytes, keys: Keys) -> CheckedPackage:
    checked = check_package(body, keys, store.clock.wall_ms())
    if isinstance(checked, Rejected):
        raise RowRefused(f"{checked.refusal.code} {dict(checked.refusal.args)}")
    return checked


def take_packages(store: Store, changes: Sequence[Change]) -> None:
    """Packages are stored for ever: one that HQ no longer lists stays for the receipts that name it."""
    for change in changes:
        if change.new is None:
            continue
        if change.key != change.new.package.version:
            raise RowRefused(f"version {change.new.package.version}, not {change.key}")
        stored = store_package(store, change.new)
        if isinstance(stored, Rejected):
            raise RowRefused(f"{stored.refusal.code} {dict(stored.refusal.args)}")


def take_staff(store: Store, changes: Sequence[Change]) -> None:
    for key, _, new in changes:
        if new is None or not new.active:
            revoke(store.connection, key)
        elif new.role not in ROLES:
            raise RowRefused(f"no such role: {new.role}")
        else:
            put_staff(store.connection, StaffRow(key, new.name, new.role, new.pin_hash, new.badge or None))


def take_members(store: Store, changes: Sequence[Change]) -> None:
    connection = store.connection
    members.drop_members(connection, [change.key for change in changes if change.new is None])
    for key, old, new in changes:
        if new is None:
            continue
        row = MemberRow(
            key, new.initial, bytes.fromhex(new.phone_hash), new.phone_masked, new.card, new.birth_month, new.birth_day,
            tuple(new.groups), new.shows_usual,
        )  # fmt: skip
        members.put_member(connection, row, replace=True)
        if old is None or old.tier != new.tier:
            members.put_hq_tier(connection, key, new.tier, journal.head(connection)[0])


def take_allowances(store: Store, changes: Sequence[Change]) -> None:
    """Each token becomes one event, for ever. What is taken back is a token of its own, below zero."""
    for key, _, new in changes:
        if new is None or promotions.has_token(store.connection, key):
            continue
        uid = hashlib.blake2b(store.device.device + key.encode(), digest_size=16, person=b"lanewise-token").digest()
        store.append(AllowanceGiven(new.promotion, new.lane, new.quantity, key), lane=new.lane, uid=uid)


def take_settings(store: Store, changes: Sequence[Change]) -> None:
    """Kept as they are; the key of the members' phones goes where keys are kept."""
    for key, _, new in changes:
        if key == HQ_PHONE_KEY and new is not None:
            members.put_secret(store.connection, HQ_PHONE_KEY, bytes.fromhex(new.value), replace=True)
