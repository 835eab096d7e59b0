"""Exceptions that no single event is: found by looking at the tables after they changed, over again when they no longer hold.

A coupon used more often than it may be, points below zero that are no stated debt, more given of a limited offer than the
shop's allowance. The name holds the amount, so that one that a person resolved comes back when it grows; one that was over
comes back under the same amount too.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, func, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from pos_app.domain.money import format_yuan
from pos_app.domain.plain import to_json
from pos_app.domain.points import is_debt
from sync.hq_server import feed
from sync.hq_server.hub_tables import is_hub
from sync.hq_server.projected_tables import coupon_uses, coupons, points, promotion_uses, resolutions
from sync.hq_server.rows import Row
from sync.hq_server.tables import metadata
from sync.topics import EXCEPTIONS

COUPON, POINTS, OFFER = "coupon_overused", "points_below_zero", "offer_overgiven"
OWNER, OVER = "hq", "over"
KEYS_AT_ONCE = 5_000
Place = tuple[str, str]  # store, name

found_now = Table(
    "exceptions", metadata,
    Column("store", Text, primary_key=True), Column("name", Text, primary_key=True), Column("about", Text, nullable=False),
    Column("code", Text, nullable=False), Column("detail", Text, nullable=False), Column("owner", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False), Column("resolved_ms", BigInteger, nullable=False),
    Column("resolved_by", Text, nullable=False), Column("how", Text, nullable=False), Index("exceptions_about", "about"),
)  # fmt: skip


class Found(NamedTuple):
    """One exception of one store, by its name; `about` groups those that can take each other's place."""

    store: str
    name: str
    about: str
    code: str
    detail: str


def refresh(connection: Connection, store: str, rows: Iterable[Row], now_ms: int) -> None:
    """Look at what some rows of a store touched: note and publish what is new, take back what is over."""
    touched: dict[str, set[str]] = defaultdict(set)
    for table, row in rows:
        if table in KINDS:
            touched[KINDS[table]].add(row[1] if table is promotion_uses else row[0])
    if not touched:
        return
    found = {
        one[:2]: one for kind, keys in touched.items() for some in _parts(keys) for one in LOOK[kind](connection, store, some)
    }
    before = _known(connection, [_about(kind, store, key) for kind, keys in touched.items() for key in keys])
    new = {place: one for place, one in found.items() if before.get(place, OVER) == OVER}
    resolved = _resolved(connection, new)
    _note(connection, [one for place, one in new.items() if place not in resolved], now_ms)
    still = {name for _, name in found}
    for name in sorted({name for (_, name), how in before.items() if not how and name not in still}):
        end(connection, name, OVER, "", now_ms)


def _about(kind: str, store: str, key: str) -> str:
    """What an exception is about: coupons and points are the chain's, an allowance is one store's."""
    return f"{kind}/{store}/{key}" if kind == OFFER else f"{kind}/{key}"


def _known(connection: Connection, about: Iterable[str]) -> dict[Place, str]:
    """Those noted before, with how they ended; empty while open."""
    known = select(found_now.c.store, found_now.c.name, found_now.c.resolved_ms, found_now.c.how)
    rows = [row for some in _parts(about) for row in connection.execute(known.where(found_now.c.about.in_(some)))]
    return {(row.store, row.name): row.how if row.resolved_ms else "" for row in rows}


def _resolved(connection: Connection, places: Collection[Place]) -> set[Place]:
    """Those of some that a person resolved, also where the word of it came while they were not open."""
    found = select(resolutions.c.store, resolutions.c.about).where(resolutions.c.store.in_({store for store, _ in places}))
    parts = _parts(name for _, name in places)
    return {(store, name) for some in parts for store, name in connection.execute(found.where(resolutions.c.about.in_(some)))}


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """Keys in order, as many at once as any database takes in one statement."""
    in_order = sorted(set(keys))
    for at in range(0, len(in_order), KEYS_AT_ONCE):
        yield in_order[at : at + KEYS_AT_ONCE]


def end(connection: Connection, name: str, how: str, by: str, now_ms: int, store: str | None = None) -> int:
    """Resolve an exception, in every store that has it or in one; how many there were."""
    ended = connection.execute(
        update(found_now)
        .where(found_now.c.name == name, found_now.c.resolved_ms == 0, true() if store is None else found_now.c.store == store)
        .values(resolved_ms=now_ms, how=how, resolved_by=by)
        .returning(found_now.c.store)
    ).all()
    tell_shops(connection, [(row.store, name, None) for row in ended], now_ms)
    return len(ended)


def _note(connection: Connection, new: Sequence[Found], now_ms: int) -> None:
    if not new:
        return
    rest = {"owner": OWNER, "since_ms": now_ms, "resolved_ms": 0, "resolved_by": "", "how": ""}
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = insert(found_now)
    again = {name: made.excluded[name] for name in ("detail", *rest)}
    put = made.on_conflict_do_update(index_elements=["store", "name"], set_=again)
    connection.execute(put, [{**one._asdict(), **rest} for one in new])
    body = [to_json({"uid": one.name, "code": one.code, "detail": one.detail, "owner": OWNER, "since_ms": now_ms}) for one in new]
    tell_shops(connection, [(one.store, one.name, text) for one, text in zip(new, body, strict=True)], now_ms)


def tell_shops(connection: Connection, rows: Sequence[tuple[str, str, bytes | None]], now_ms: int) -> None:
    """Publish (store, name, body); no body when it is over. HQ alone says what is one: a hub passes on what HQ published."""
    if rows and not is_hub(connection):
        feed.publish(connection, EXCEPTIONS, rows, now_ms)


# ------------------------------------------------------------------ what to look for


def _coupons(connection: Connection, store: str, codes: list[str]) -> list[Found]:
    """Every store that used the code has the exception, with every receipt and what they saved together."""
    over = (
        select(coupon_uses.c.code)
        .join(coupons, coupons.c.code == coupon_uses.c.code)
        .where(coupon_uses.c.code.in_(codes))
        .group_by(coupon_uses.c.code, coupons.c.uses_max)
        .having(func.count() > coupons.c.uses_max)
    )
    uses = select(coupon_uses).where(coupon_uses.c.code.in_(over)).order_by(coupon_uses.c.number)
    by_code = defaultdict(list)
    for use in connection.execute(uses):
        by_code[use.code].append(use)
    found = []
    for code, used in by_code.items():
        saved = format_yuan(sum(use.saved_fen for use in used))
        detail = f"used {len(used)} times, saved {saved} in all: {', '.join(use.number for use in used[:5])}"
        about = _about(COUPON, "", code)
        found += [Found(where, f"{about}/{len(used)}", about, COUPON, detail) for where in sorted({use.store for use in used})]
    return found


def _points(connection: Connection, store: str, aliases: list[str]) -> list[Found]:
    """Lots below zero were spent at several tills that were cut off; a debt is stated, and no exception."""
    below = select(points).where(points.c.alias.in_(aliases), points.c.points < 0)
    over: Counter[str] = Counter()
    for lot in connection.execute(below):
        if not is_debt(lot.lot):
            over[lot.alias] -= lot.points
    return [
        Found(store, f"{POINTS}/{alias}/{spent}", _about(POINTS, store, alias), POINTS, f"{alias}: {spent} more than there were")
        for alias, spent in over.items()
    ]


def _offers(connection: Connection, store: str, names: list[str]) -> list[Found]:
    uses = promotion_uses.c
    over = select(promotion_uses).where(
        uses.store == store, uses.promotion.in_(names), uses.allowed > 0, uses.times > uses.allowed
    )
    found = []
    for use in connection.execute(over):
        about = _about(OFFER, store, use.promotion)
        detail = f"{use.promotion}: {use.times} given of {use.allowed}"
        found.append(Found(store, f"{about}/{use.times}", about, OFFER, detail))
    return found


KINDS: dict[Table, str] = {coupon_uses: COUPON, coupons: COUPON, points: POINTS, promotion_uses: OFFER}
LOOK: dict[str, Callable[[Connection, str, list[str]], list[Found]]] = {COUPON: _coupons, POINTS: _points, OFFER: _offers}
