"""How many points a member may spend here: nobody is asked, so each device that HQ knows keeps within what it may alone.

Within HQ's allowance for the member at this device, counted over all that was ever spent here; without one within the cap of
the package, counted since the last event that HQ has acknowledged. So three devices that know of the same 800 points, each
cut off, spend 1,500 at most at a cap of 500: `points.worst_overdraft`.
"""

import json

from pos_app.domain import points
from pos_app.domain.points import Allowance
from pos_app.domain.pricing.model import PointsRules
from store_db import hq_rows, sync_state
from store_db import points as ledger
from store_db.connection import Connection
from store_db.store import Store


def spendable(store: Store, alias: str, on: str, rules: PointsRules) -> int:
    """Points of the balance known here that a member may spend now. A store without an HQ has nobody to agree with: all."""
    connection, device = store.connection, store.device.device
    balance = max(0, points.balance(ledger.lots(connection, alias), on))
    if sync_state.hq(connection) is None:
        return balance
    allowance = _allowance(connection, alias, device)
    if allowance is not None and on <= allowance.expires:
        spent = ledger.spent(connection, alias, device=device)
        return min(balance, points.offline_allowance(rules, balance, spent, on, allowance))
    spent = ledger.spent(connection, alias, from_id=sync_state.first_waiting_id(connection))
    return min(balance, points.offline_allowance(rules, balance + spent, spent, on))


def _allowance(connection: Connection, alias: str, device: bytes) -> Allowance | None:
    held = hq_rows.holding(connection, hq_rows.POINTS_ALLOWANCES, alias)
    if held is None or held.problem:
        return None
    row = json.loads(held.body)
    put_aside = row["points"].get(device.hex())
    return None if put_aside is None else Allowance(put_aside, row["expires"])
