"""What HQ holds at the end, against what the tills hold and what they said."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy

from store_db import journal
from store_db.connection import connect
from store_db.journal import Entry
from store_db.verify import verify_file
from sync.hq_server import rebuild
from sync.hq_server.database import Database


@dataclass(slots=True)
class Verdict:
    """What was at HQ at the end, against what the tills hold."""

    events: int = 0
    sales: int = 0
    paid: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.lost or self.doubled or self.unequal)

    def line(self) -> str:
        return (
            f"{self.events} events, {self.sales} sales, {self.paid} called paid: {len(self.lost)} lost, "
            f"{len(self.doubled)} doubled, {len(self.unequal)} unequal"
        )


def judge(database: Database, stores: list[Path], paid: Iterable[str]) -> Verdict:
    """Every event of every till is in HQ's log once, with its hash; every sale, and none else, among its receipts once,
    under its number, and with them each number that was called paid; every till verifies."""
    verdict = Verdict()
    with database.read() as connection:
        log = [(bytes(uid), bytes(hashed)) for uid, hashed in connection.execute(sqlalchemy.text("SELECT uid, hash FROM log"))]
        receipts = Counter(connection.execute(sqlalchemy.text("SELECT number FROM receipts WHERE kind = 'sale'")).scalars())
    uids, held, sold = Counter(uid for uid, _ in log), dict(log), set[str]()
    for path in stores:
        verdict.unequal += [f"{path.parent.name}: {problem}" for problem in verify_file(path).problems]
        for entry in _entries(path):
            verdict.events += 1
            if entry.header.kind == "sale":
                sold.add(json.loads(entry.payload)["number"])
            name = f"{path.parent.name} {entry.header.epoch.hex()}:{entry.header.seq}"
            if entry.header.uid not in held:
                verdict.lost.append(name)
            elif held[entry.header.uid] != entry.hash:
                verdict.unequal.append(name)
    verdict.doubled += [uid.hex() for uid, count in uids.items() if count > 1]
    verdict.doubled += [f"receipt {number}" for number, count in receipts.items() if count > 1]
    verdict.lost += [f"sale {number}" for number in sorted(sold - {*receipts})]
    verdict.lost += [f"called paid: {number}" for number in sorted({*paid} - {*receipts})]
    verdict.unequal += [f"nobody's receipt {number}" for number in sorted({*receipts} - sold)]
    if len(log) != verdict.events:
        verdict.unequal.append(f"HQ holds {len(log)} events, the tills {verdict.events}")
    verdict.sales, verdict.paid = len(sold), len({*paid})
    return verdict


def prove(database: Database, hub_url: str) -> list[str]:
    """What HQ and hub find when each makes its tables again from its log."""
    hub = Database.open(hub_url)
    try:
        return [
            f"{name}: {problem}" for name, one in (("HQ", database), ("hub", hub)) for problem in rebuild.verify(one).problems
        ]
    finally:
        hub.close()


def _entries(path: Path) -> list[Entry]:
    reader = connect(path, read_only=True)
    try:
        return list(journal.entries(reader))
    finally:
        reader.close()
