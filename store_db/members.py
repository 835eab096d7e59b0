"""Members: personal data in a table of its own, in no event; what they did, their tiers and gifts as projected tables."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pos_app.domain.events import Header
from pos_app.domain.tiers import Figures, is_interaction
from store_db.connection import Connection

Payload = dict[str, Any]
ORDER, RETURN, INTERACTION = "order", "return", "interaction"


class MemberRow(NamedTuple):
    """One member as the shop knows them. The phone itself is not kept: a keyed hash finds it, a mask shows it."""

    alias: str
    name: str
    phone_hash: bytes
    phone_masked: str
    card: str
    birth_month: int | None = None
    birth_day: int | None = None
    groups: tuple[str, ...] = ()
    shows_usual: bool = False  # agreed to be shown the goods they often buy


# ------------------------------------------------------------------ personal data


COLUMNS = ("alias", "name", "phone_hash", "phone_masked", "card", "birth_month", "birth_day", "groups", "shows_usual")
SELECT = f"SELECT {', '.join(COLUMNS)} FROM members WHERE "
INSERT = f"INSERT INTO members ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
REPLACE = f"{INSERT} ON CONFLICT (alias) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS[1:])}"


def put_member(connection: Connection, row: MemberRow, *, replace: bool = False) -> None:
    """A new member; `replace`: or what is known of one now. IntegrityError where phone or card is another member's."""
    values = (*row[:7], ";".join(row.groups), int(row.shows_usual))
    connection.execute(REPLACE if replace else INSERT, values)


def drop_members(connection: Connection, aliases: Iterable[str]) -> None:
    """Forget personal data; what the aliases did stays."""
    connection.executemany("DELETE FROM members WHERE alias = ?", [(alias,) for alias in aliases])


def put_hq_tier(connection: Connection, alias: str, tier: str, entry_id: int) -> None:
    """A tier that HQ says, known here from a journal entry on: it holds until something newer happens here."""
    connection.execute("UPDATE members SET hq_tier = ?, hq_tier_id = ? WHERE alias = ?", (tier, entry_id, alias))


def by_alias(connection: Connection, alias: str) -> MemberRow | None:
    return _member(connection.execute(SELECT + "alias = ?", (alias,)).fetchone())


def by_phone(connection: Connection, phone_hash: bytes) -> MemberRow | None:
    return _member(connection.execute(SELECT + "phone_hash = ?", (phone_hash,)).fetchone())


def by_card(connection: Connection, card: str) -> MemberRow | None:
    return _member(connection.execute(SELECT + "card = ?", (card,)).fetchone())


def _member(row: Any) -> MemberRow | None:
    if row is None:
        return None
    alias, name, phone_hash, masked, card, month, day, groups, shows_usual = row
    return MemberRow(alias, name, phone_hash, masked, card, month, day, tuple(filter(None, groups.split(";"))), shows_usual == 1)


def secret(connection: Connection, name: str) -> bytes | None:
    """A key of this store file: of the phone hashes, of the coupon codes."""
    row = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def put_secret(connection: Connection, name: str, value: bytes, *, replace: bool = False) -> None:
    connection.execute(f"INSERT {'OR REPLACE ' if replace else ''}INTO secrets VALUES (?,?)", (name, value))


# ------------------------------------------------------------------ what they did


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    if alias := sale.get("customer", ""):
        put_act(connection, entry_id, header, alias, ORDER, sale["total_fen"])


def project_return(connection: Connection, entry_id: int, header: Header, back: Payload) -> None:
    """What was bought and came back counts no longer towards a tier."""
    if alias := back.get("customer", ""):
        put_act(connection, entry_id, header, alias, RETURN, -back["goods_fen"])


def project_joined(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    _put_tier(connection, entry_id, payload)


def project_tier(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    _put_tier(connection, entry_id, payload)
    if payload["gift_sku"]:
        connection.execute("INSERT INTO gifts_due VALUES (?,?,?,1)", (entry_id, payload["alias"], payload["gift_sku"]))


def project_collected(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    connection.execute("INSERT INTO gifts_due VALUES (?,?,?,-1)", (entry_id, payload["alias"], payload["sku"]))


def project_moved(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    """Points given to a good cause or for a place in an event are an interaction."""
    if is_interaction(payload["reason"]):
        put_act(connection, entry_id, header, payload["alias"], INTERACTION, 0)


def project_claimed(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    put_act(connection, entry_id, header, payload["alias"], INTERACTION, 0)


def put_act(connection: Connection, entry_id: int, header: Header, alias: str, kind: str, amount_fen: int) -> None:
    """One thing a member did; a return's amount is below zero."""
    connection.execute("INSERT INTO member_acts VALUES (?,?,?,?,?)", (entry_id, alias, kind, header.business_date, amount_fen))


def _put_tier(connection: Connection, entry_id: int, payload: Payload) -> None:
    connection.execute("INSERT INTO member_tiers VALUES (?,?,?)", (entry_id, payload["alias"], payload["tier"]))


def tier_of(connection: Connection, alias: str) -> str:
    """The newest tier, reached here or said by HQ; an empty text for an alias that is not known."""
    here = connection.execute("SELECT id, tier FROM member_tiers WHERE alias = ? ORDER BY id DESC LIMIT 1", (alias,)).fetchone()
    said = connection.execute("SELECT hq_tier_id, hq_tier FROM members WHERE alias = ? AND hq_tier != ''", (alias,)).fetchone()
    newest = max((tuple(row) for row in (here, said) if row), default=(0, ""))
    return str(newest[1])


def figures(connection: Connection, alias: str, from_date: str) -> Figures:
    """Amount, orders and interactions since a day."""
    row = connection.execute(
        "SELECT ifnull(sum(amount_fen), 0), ifnull(sum(kind = 'order'), 0), ifnull(sum(kind = 'interaction'), 0) "
        "FROM member_acts WHERE alias = ? AND business_date >= ?",
        (alias, from_date),
    ).fetchone()
    return Figures(*row)


def sale_ids(connection: Connection, alias: str, most: int) -> list[int]:
    """Journal ids of a member's newest sales."""
    sql = "SELECT id FROM member_acts WHERE alias = ? AND kind = 'order' ORDER BY business_date DESC, id DESC LIMIT ?"
    return [row[0] for row in connection.execute(sql, (alias, most))]


def gifts_due(connection: Connection, alias: str) -> list[str]:
    """Goods that wait to be collected, one a gift."""
    sql = "SELECT sku, sum(quantity) FROM gifts_due WHERE alias = ? GROUP BY sku HAVING sum(quantity) > 0 ORDER BY min(id)"
    return [sku for sku, quantity in connection.execute(sql, (alias,)) for _ in range(quantity)]
