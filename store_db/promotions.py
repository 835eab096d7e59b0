"""What promotions gave, and what lanes may give of a first-N offer."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pos_app.domain.events import Header
from pos_app.domain.first_n import applications
from store_db.connection import Connection

Payload = dict[str, Any]
NAMES = "(SELECT value FROM json_each(:names))"
SINCE = """
SELECT u.promotion, max(u.id), sum(u.times), sum(u.fen) FROM json_each(?) s
JOIN promotion_uses u ON u.promotion = s.key AND u.id > s.value GROUP BY u.promotion
"""
HELD = f"""
SELECT name, sum(times), sum(fen) FROM reservations
WHERE kind = 'offer' AND draft_id != :draft AND name IN {NAMES} GROUP BY name
"""
GIVEN_TO = f"""
SELECT promotion, sum(times), sum(iif(date = :date, times, 0)) FROM (
    SELECT promotion, times, business_date AS date FROM promotion_uses
    WHERE alias = :alias AND alias != '' AND promotion IN {NAMES}
    UNION ALL
    SELECT name, times, :date FROM reservations
    WHERE kind = 'offer' AND draft_id != :draft AND alias = :alias AND name IN {NAMES}
) GROUP BY promotion
"""


def project_sale(connection: Connection, entry_id: int, header: Header, sale: Payload) -> None:
    """One row a promotion: its applications as limits count them, and the money."""
    times: Counter[str] = Counter()
    fen: Counter[str] = Counter()
    for offer in sale.get("offers", ()):
        times[offer["promotion"]] += applications(offer["stage"], offer["times"])
        fen[offer["promotion"]] += offer["saving_fen"]
    alias, lane, date = sale.get("customer", ""), header.lane, header.business_date
    connection.executemany(
        "INSERT INTO promotion_uses VALUES (?,?,?,?,?,?,?)",
        [(name, entry_id, alias, lane, date, times[name], fen[name]) for name in times],
    )


def project_allowance(connection: Connection, entry_id: int, header: Header, payload: Payload) -> None:
    row = (entry_id, payload["promotion"], payload["lane"], payload["quantity"])
    connection.execute("INSERT INTO allowances VALUES (?,?,?,?)", row)


class Totals:
    """What promotions gave in all, added up once and followed from there: a use is never changed and never goes away."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, int, int]] = {}  # newest use, applications, fen

    def given(self, connection: Connection, names: Iterable[str], draft_id: int = 0) -> dict[str, tuple[int, int]]:
        """promotion -> (applications, fen): what was given so far and what baskets other than this draft hold."""
        names = list(names)
        since = json.dumps({name: self._sums.get(name, (0, 0, 0))[0] for name in names})
        for name, newest, times, fen in connection.execute(SINCE, (since,)):
            _, had, had_fen = self._sums.get(name, (0, 0, 0))
            self._sums[name] = newest, had + times, had_fen + fen
        found = {name: self._sums[name][1:] for name in names if name in self._sums}
        for name, times, fen in connection.execute(HELD, {"names": json.dumps(names), "draft": draft_id}):
            had, had_fen = found.get(name, (0, 0))
            found[name] = had + times, had_fen + fen
        return found


def given_to(
    connection: Connection, names: Iterable[str], alias: str, date: str, draft_id: int = 0
) -> dict[str, tuple[int, int]]:
    """promotion -> (applications of this member ever, on a business date), with what the member's other baskets hold."""
    values = {"names": json.dumps(list(names)), "alias": alias, "date": date, "draft": draft_id}
    return {row[0]: (row[1], row[2]) for row in connection.execute(GIVEN_TO, values)} if alias else {}


def allowances(connection: Connection, lane: str) -> dict[str, int]:
    """promotion -> what a lane may give in all, for every promotion that was split over lanes: 0 where it got no part."""
    sql = "SELECT promotion, sum(iif(lane = ?, quantity, 0)) FROM allowances GROUP BY promotion"
    return dict(connection.execute(sql, (lane,)).fetchall())


def has_token(connection: Connection, token: str) -> bool:
    """Whether an allowance of this name was given here before, in whatever epoch."""
    rows = connection.execute("SELECT j.payload FROM allowances a JOIN journal j ON j.id = a.id")
    return any(json.loads(row[0]).get("token") == token for row in rows)


def given_at(connection: Connection, promotion: str, lane: str) -> int:
    """What a lane gave of a promotion."""
    sql = "SELECT ifnull(sum(times), 0) FROM promotion_uses WHERE promotion = ? AND lane = ?"
    return int(connection.execute(sql, (promotion, lane)).fetchone()[0])
