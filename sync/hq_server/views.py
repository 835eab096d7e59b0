"""What operators ask of HQ, answered from its tables: the API, the pages and `pos hq` all show these.

Ids are hex, money in fen, moments in ms since 1970 (0: never).
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Row, func, literal, select, union_all

from sync.hq_server import feed as down
from sync.hq_server import heard as said
from sync.hq_server.answers import Chain, Day, Device, Exception_, Figures, Receipt, Shift, Store, Tax, Tender, Topic
from sync.hq_server.exceptions import found_now
from sync.hq_server.heard import heard
from sync.hq_server.projected_tables import day_taxes, day_tenders, receipts, shifts_closed, store_days
from sync.hq_server.quarantine import entries
from sync.hq_server.tables import chains
from sync.hq_server.tables import devices as device_rows
from sync.hq_server.tables import stores as store_rows

OK, LATE, SILENT, NEVER = "ok", "late", "silent", "never"
EQUAL, UNEQUAL, UNKNOWN = "equal", "unequal", "unknown"
EQUALITY = {said.EQUAL: EQUAL, said.UNEQUAL: UNEQUAL, said.UNKNOWN: UNKNOWN}
LATE_MS, SILENT_MS = 5 * 60_000, 60 * 60_000  # an agent that is online is heard every few seconds
LIMIT = 1_000
SUMS = [column.name for column in store_days.columns if "merge" in column.info]


# ------------------------------------------------------------------ shops and devices


def stores(connection: Connection, now_ms: int) -> list[Store]:
    """Every shop, by its id."""
    return _stores(connection, now_ms, None)


def store(connection: Connection, now_ms: int, store: str) -> Store | None:
    return next(iter(_stores(connection, now_ms, store)), None)


def devices(connection: Connection, now_ms: int, store: str | None = None) -> list[Device]:
    """Devices, by shop; what a chain's device said last is beside what HQ has of it."""
    by_device: dict[bytes, list[Chain]] = {}
    for chain in equality(connection, now_ms, store):
        by_device.setdefault(bytes.fromhex(chain.device), []).append(chain)
    wanted = select(device_rows).order_by(device_rows.c.store, device_rows.c.device)
    if store is not None:
        wanted = wanted.where(device_rows.c.store == store)
    return [_device(row, by_device.get(bytes(row.device), [])) for row in connection.execute(wanted)]


def equality(connection: Connection, now_ms: int, store: str | None = None) -> list[Chain]:
    """Every chain with its device's last proof."""
    same = [chains.c[name] == heard.c[name] for name in ("device", "epoch", "branch")]
    wanted = (
        select(chains, heard.c.head, heard.c.equality, heard.c.proved_ms)
        .join(heard, onclause=same[0] & same[1] & same[2], isouter=True)
        .order_by(chains.c.store, chains.c.device, chains.c.epoch, chains.c.branch)
    )
    if store is not None:
        wanted = wanted.where(chains.c.store == store)
    return [_chain(row) for row in connection.execute(wanted)]


def _chain(row: Row[tuple[object, ...]]) -> Chain:
    return Chain(
        device=row.device.hex(), epoch=row.epoch.hex(), branch=row.branch.hex(), store=row.store, seq=row.seq,
        hash=row.hash.hex(), events=row.events, money_fen=row.money_fen, points=row.points, quantity=row.quantity,
        shop_seq=max(row.head or 0, row.seq), equality=EQUALITY[row.equality or said.UNKNOWN], proved_ms=row.proved_ms or 0,
    )  # fmt: skip


def _device(row: Row[tuple[object, ...]], own: list[Chain]) -> Device:
    return Device(
        device=row.device.hex(), store=row.store, role=row.role, state=row.state, last_seen_ms=row.seen_ms,
        events=sum(chain.events for chain in own), behind=sum(chain.shop_seq - chain.seq for chain in own),
        equality=_worst(chain.equality for chain in own), proved_ms=max((chain.proved_ms for chain in own), default=0),
        heir_of=row.heir_of.hex(),
    )  # fmt: skip


def _worst(equality: Iterable[str]) -> str:
    """Unequal if one is; equal only if all are."""
    found = set(equality)
    return UNEQUAL if UNEQUAL in found else EQUAL if found == {EQUAL} else UNKNOWN


def _stores(connection: Connection, now_ms: int, store: str | None) -> list[Store]:
    by_store: dict[str, list[Device]] = {}
    for device in devices(connection, now_ms, store):
        by_store.setdefault(device.store, []).append(device)
    waiting = _waiting_exceptions(connection)
    last_days = select(store_days.c.store, func.max(store_days.c.business_date)).group_by(store_days.c.store)
    newest = {name: str(date) for name, date in connection.execute(last_days)}
    wanted = select(store_rows).order_by(store_rows.c.store)
    if store is not None:
        wanted = wanted.where(store_rows.c.store == store)
    return [
        _store(row, by_store.get(row.store, []), waiting.get(row.store, (0, 0)), newest.get(row.store, ""), now_ms)
        for row in connection.execute(wanted)
    ]


def _store(row: Row[tuple[object, ...]], own: list[Device], waiting: tuple[int, int], newest_date: str, now_ms: int) -> Store:
    seen_ms = min((device.last_seen_ms for device in own if device.state == "active"), default=0)
    behind = sum(device.behind for device in own)
    return Store(
        store=row.store, name=row.name, state=_state(now_ms, seen_ms, behind), devices=len(own), last_seen_ms=seen_ms,
        events=sum(device.events for device in own), behind=behind, equality=_worst(device.equality for device in own),
        exceptions=waiting[0], oldest_exception_ms=waiting[1], newest_date=newest_date,
    )  # fmt: skip


def _state(now_ms: int, seen_ms: int, behind: int) -> str:
    """Late: five minutes without a word, or events that HQ lacks; silent: an hour without a word."""
    if not seen_ms:
        return NEVER
    if now_ms - seen_ms >= SILENT_MS:
        return SILENT
    return LATE if behind or now_ms - seen_ms >= LATE_MS else OK


# ------------------------------------------------------------------ days


def days(connection: Connection, now_ms: int, store: str, limit: int = LIMIT) -> list[Figures] | None:
    """A shop's days, the newest first; None for no such shop."""
    if _name(connection, store) is None:
        return None
    sums = [func.sum(store_days.c[name]).label(name) for name in SUMS]
    wanted = (
        select(store_days.c.business_date, literal("").label("lane"), *sums)
        .where(store_days.c.store == store)
        .group_by(store_days.c.business_date)
        .order_by(store_days.c.business_date.desc())
        .limit(limit)
    )
    return [_figures(row) for row in connection.execute(wanted)]


def day(connection: Connection, now_ms: int, store: str, date: str, limit: int = LIMIT) -> Day | None:
    """One shop's day; None where nothing happened."""
    on_day = (store_days.c.store == store) & (store_days.c.business_date == date)
    lanes = [_figures(row) for row in connection.execute(select(store_days).where(on_day).order_by(store_days.c.lane))]
    name = _name(connection, store)
    if not lanes or name is None:
        return None
    newest = (
        select(receipts)
        .where(receipts.c.store == store, receipts.c.business_date == date)
        .order_by(receipts.c.wall_ms.desc(), receipts.c.uid)
        .limit(limit)
    )
    return Day(
        store=store, name=name, business_date=date, total=_total(lanes), lanes=lanes, tenders=_tenders(connection, store, date),
        taxes=_taxes(connection, store, date), shifts=_shifts(connection, store, date),
        receipts=[
            Receipt(row.number, row.kind, row.lane, row.items_, row.total_fen, row.wall_ms)
            for row in connection.execute(newest.add_columns(receipts.c["items"].label("items_")))
        ],
        receipts_in_all=sum(lane.sales + lane.returns + lane.cancelled for lane in lanes),
    )  # fmt: skip


def _figures(row: Row[tuple[object, ...]]) -> Figures:
    sums = {name: int(row._mapping[name]) for name in SUMS}  # PostgreSQL's sums are decimals
    money_fen = sums["sales_fen"] + sums["rounding_fen"] - sums["refunded_fen"]
    return Figures(business_date=row.business_date, lane=row.lane, money_fen=money_fen, **sums)


def _total(lanes: list[Figures]) -> Figures:
    added = {name: sum(getattr(lane, name) for lane in lanes) for name in (*SUMS, "money_fen")}
    return Figures(business_date=lanes[0].business_date, lane="", **added)


def _tenders(connection: Connection, store: str, date: str) -> list[Tender]:
    c = day_tenders.c
    wanted = select(c.kind, func.sum(c.times), func.sum(c.taken_fen), func.sum(c.refunded_fen))
    rows = connection.execute(wanted.where(c.store == store, c.business_date == date).group_by(c.kind).order_by(c.kind))
    return [Tender(kind, *map(int, sums)) for kind, *sums in rows]


def _taxes(connection: Connection, store: str, date: str) -> list[Tax]:
    c = day_taxes.c
    wanted = select(c.tax_code, c.rate_bp, c.net_fen, c.tax_fen).where(c.store == store, c.business_date == date)
    return [Tax(*row) for row in connection.execute(wanted.order_by(c.tax_code, c.rate_bp))]


def _shifts(connection: Connection, store: str, date: str) -> list[Shift]:
    c = shifts_closed.c
    columns = [c[name] for name in Shift.__struct_fields__]
    wanted = select(*columns).where(c.store == store, c.business_date == date).order_by(c.lane, c.shift_no, c.uid)
    return [Shift(*row) for row in connection.execute(wanted)]


def _name(connection: Connection, store: str) -> str | None:
    """A shop's name; None for no such shop."""
    return connection.execute(select(store_rows.c.name).where(store_rows.c.store == store)).scalar()


# ------------------------------------------------------------------ exceptions and topics


def exceptions(connection: Connection, now_ms: int, store: str | None = None, limit: int = LIMIT) -> list[Exception_]:
    """Open exceptions, the oldest first."""
    e, f = entries.c, found_now.c
    put_aside = select(e.store, e.uid, e.code, e.detail, e.kind, e.owner, e.since_ms, e.device).where(e.resolved_ms == 0)
    found = select(f.store, f.name, f.code, f.detail, f.owner, f.since_ms).where(f.resolved_ms == 0)
    if store is not None:
        put_aside, found = put_aside.where(e.store == store), found.where(f.store == store)
    rows = [
        *(
            Exception_(
                r.store, r.uid.hex(), r.code, r.detail, r.kind, r.owner, r.since_ms, max(0, now_ms - r.since_ms), r.device.hex()
            )
            for r in connection.execute(put_aside.order_by(e.since_ms, e.uid).limit(limit))
        ),
        *(
            Exception_(r.store, r.name, r.code, r.detail, "", r.owner, r.since_ms, max(0, now_ms - r.since_ms))
            for r in connection.execute(found.order_by(f.since_ms, f.name).limit(limit))
        ),
    ]
    return sorted(rows, key=lambda row: (row.since_ms, row.store, row.uid))[:limit]


def open_exceptions(connection: Connection) -> int:
    return sum(count for count, _ in _waiting_exceptions(connection).values())


def _waiting_exceptions(connection: Connection) -> dict[str, tuple[int, int]]:
    """store -> (open exceptions, since when the oldest)."""
    open_ones = union_all(
        select(entries.c.store, entries.c.since_ms).where(entries.c.resolved_ms == 0),
        select(found_now.c.store, found_now.c.since_ms).where(found_now.c.resolved_ms == 0),
    ).subquery()
    wanted = select(open_ones.c.store, func.count(), func.min(open_ones.c.since_ms)).group_by(open_ones.c.store)
    return {name: (count, oldest_ms) for name, count, oldest_ms in connection.execute(wanted)}


def topics(connection: Connection, now_ms: int) -> list[Topic]:
    """What goes down, by name; rows that are there, without those taken away."""
    count = select(down.feed.c.topic, func.count()).where(down.feed.c.body.is_not(None)).group_by(down.feed.c.topic)
    rows = {name: int(found) for name, found in connection.execute(count)}
    return [Topic(name, state.rev, rows.get(name, 0)) for name, state in sorted(down.topic_states(connection).items())]
