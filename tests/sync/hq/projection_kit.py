"""Events without a till: well-formed headers around any payload, and a day that a real till sold."""

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from pos_app.domain.events import GENESIS, Header, chain_hash
from pos_app.domain.plain import to_json
from store_db import journal
from store_db.connection import connect
from sync.hq_server.devices import add_store, make_code
from sync.hq_server.enrolment import enrol
from sync.hq_server.hq import TILL, Caller, Hq
from sync.hq_server.log import push
from sync.protocol import Ack, ChainId, Enrol, Push, WireEvent, to_columns

_uids = count(1)
DATE = "2026-09-21"


def event(kind: str, payload: Any, *, device: bytes = b"d" * 16, seq: int = 0, schema: int = 1, **header: Any) -> WireEvent:
    """An event of a kind; a payload that is not bytes becomes canonical JSON."""
    n = next(_uids)
    fields = {"lane": "01", "business_date": DATE, "uid": n.to_bytes(16, "big"), "wall_ms": 1_790_000_000_000 + n} | header
    made = Header(
        device=device, epoch=b"e" * 8, seq=seq or n, kind=kind, schema=schema, mono_ms=n, boot_id=b"b" * 16, hq_offset_ms=0,
        **fields,
    )  # fmt: skip
    data = payload if isinstance(payload, bytes) else to_json(payload)
    return WireEvent(made, data, chain_hash(GENESIS, made, data))


def sale(total_fen: int = 1_000, **more: Any) -> dict[str, Any]:
    """The payload of a sale of one unit, paid in cash."""
    line = {"sku": "WATER", "quantity": 1, "list_fen": total_fen, "net_fen": total_fen, "name": "水", "code": "1"}
    plain = {
        "number": f"S001-01-ABCD-{next(_uids):06d}", "shift_no": 1, "staff": "1001", "lines": [line], "list_fen": total_fen,
        "discount_fen": 0, "total_fen": total_fen, "rounding_fen": 0, "item_count": 1,
        "taxes": [{"tax_code": "S13", "rate_bp": 1300, "net_fen": total_fen, "tax_fen": 0}],
        "tenders": [{"kind": "cash", "amount_fen": total_fen, "tendered_fen": total_fen, "change_fen": 0, "reference": ""}],
    }  # fmt: skip
    return plain | more


def moves(*points: int, lot: str = "a:earn") -> list[dict[str, Any]]:
    return [{"rule": "earn", "lot": lot, "points": n, "expires": "2027-09-21"} for n in points]


def journal_of(path: Path) -> list[WireEvent]:
    """Every event of a store file, as it travels."""
    connection = connect(path, read_only=True)
    try:
        return [WireEvent(entry.header, bytes(entry.payload), bytes(entry.hash)) for entry in journal.entries(connection)]
    finally:
        connection.close()


def with_payload(one: WireEvent, **changes: Any) -> WireEvent:
    """The event with some fields of its payload changed, under its own header."""
    return WireEvent(one.header, to_json(json.loads(one.payload) | changes), one.hash)


class Sender:
    """A device that is enrolled at an HQ and pushes what it is given, past HTTP."""

    def __init__(self, hq: Hq, store: str = "S001", n: int = 1, name: str = "") -> None:
        self.hq, self.device, self.epoch = hq, bytes([n]) * 16, bytes([n]) * 8
        self.caller = Caller(self.device, store, TILL)
        self.seq, self.head = 0, GENESIS
        with hq.database.write() as connection:
            add_store(connection, store, name, hq.clock.wall_ms())
            code = make_code(connection, hq.ids, store, hq.clock.wall_ms())
        enrol(hq, Enrol(code=code, device=self.device, store=store, key=bytes([n]) * 32))

    def tell(self, *events: WireEvent, head: int = 0) -> None:
        """Push events as the next of this device's chain, under their own uids; `head`: how far the shop has come."""
        chain = ChainId(self.device, self.epoch)
        headers = [
            replace(one.header, device=self.device, epoch=chain.epoch, seq=self.seq + n) for n, one in enumerate(events, 1)
        ]
        columns = to_columns([(header, one.payload) for header, one in zip(headers, events, strict=True)])
        message = Push(chain=chain, first_seq=self.seq + 1, prev_hash=self.head, events=columns, head=head)
        answer = push(self.hq, self.caller, message)
        assert isinstance(answer, Ack), answer
        self.seq, self.head = answer.mark
