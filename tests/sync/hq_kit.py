"""An HQ in a temporary database, and tills without a store file: a key, chains of events hashed by the real function."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.events import GENESIS, Header, chain_hash
from pos_app.domain.plain import to_json
from pos_app.domain.ports import Clock, Ids
from sync import protocol
from sync.heir import with_proofs
from sync.hq_server import devices
from sync.hq_server.all_tables import metadata
from sync.hq_server.app import make_app
from sync.hq_server.database import Database, run
from sync.hq_server.hq import REV_FLOOR, TILL, Hq
from sync.identity import Signer
from sync.protocol import (
    Ack,
    ChainId,
    ChainProof,
    Enrol,
    Enrolled,
    Hello,
    Mark,
    Message,
    Problem,
    Proofs,
    ProofWanted,
    Push,
    Welcome,
    WireEvent,
    decode,
    encode,
    to_columns,
)  # fmt: skip
from sync.signing import public_key, signed_headers
from tests.sync.asgi import InlineTransport, run_inline

_nodes = count(100)
STORE, OTHER_STORE, DATE = "S001", "S002", "2026-09-21"


def make_hq(url: str, clock: Clock | None = None, ids: Ids | None = None) -> Hq:
    """A new HQ: `sqlite:///…`, or an empty PostgreSQL database."""
    return Hq.create(Database.open(url), clock or DayClock(), ids or SeededIds(1))


def open_hq(where: str | Database) -> Hq:
    """An HQ that was made before; whoever opens it draws ids of its own."""
    return Hq.open(Database.open(where) if isinstance(where, str) else where, DayClock(), SeededIds(next(_nodes)))


def with_first_revs(hq: Hq) -> Hq:
    """As if the process that made it had never ended: revs begin at 1."""
    with hq.database.write() as connection:
        run(connection, "UPDATE meta SET value = ? WHERE name = ?", bytes(8), REV_FLOOR)
    return hq


def empty(hq: Hq) -> None:
    """Everything out of an HQ but the HQ itself."""
    with hq.database.write() as connection:
        for table in metadata.sorted_tables:
            if table.name != "meta":
                connection.execute(table.delete())


def sqlite_url(folder: Path, name: str = "hq") -> str:
    return f"sqlite:///{folder / name}.sqlite"


def client_of(hq: Hq, **options: Any) -> httpx.Client:
    """A client of the real app, in this thread."""
    return httpx.Client(transport=InlineTransport(make_app(hq, run=run_inline, **options)), base_url="http://hq.test")


def new_code(hq: Hq, store: str = STORE, role: str = TILL, heir_of: Iterable[bytes] = ()) -> str:
    with hq.database.write() as connection:
        return devices.make_code(connection, hq.ids, store, hq.clock.wall_ms(), role=role, heir_of=heir_of)


@dataclass
class FakeChain:
    """Events of one epoch, as a till's journal would hold them."""

    chain: ChainId
    events: list[WireEvent] = field(default_factory=list)
    base: tuple[int, bytes] = (0, GENESIS)

    def hash_at(self, seq: int) -> bytes:
        return self.events[seq - self.base[0] - 1].hash if seq > self.base[0] else self.base[1]

    def push(self, first: int = 0, last: int = 0) -> Push:
        """The events first..last; all of them without."""
        first, last = first or self.base[0] + 1, last or self.base[0] + len(self.events)
        part = self.events[first - self.base[0] - 1 : last - self.base[0]]
        columns = to_columns([(event.header, event.payload) for event in part])
        return Push(chain=self.chain, first_seq=first, prev_hash=self.hash_at(first - 1), events=columns)

    @property
    def mark(self) -> Mark:
        seq = self.base[0] + len(self.events)
        return Mark(seq, self.hash_at(seq))

    def fork(self, at: int) -> "FakeChain":
        """The same history up to `at`, to go on differently."""
        return FakeChain(self.chain, self.events[: at - self.base[0]], self.base)

    def tail(self, branch: bytes, at: int) -> "FakeChain":
        """What comes after `at`, as a branch."""
        return FakeChain(self.chain._replace(branch=branch), self.events[at - self.base[0] :], (at, self.hash_at(at)))


class FakeTill:
    """A device with a key that writes what it is told to, and signs what it asks."""

    def __init__(self, hq: Hq, client: httpx.Client, number: int = 1, store: str = STORE, device: bytes | None = None) -> None:
        self.hq, self.client, self.store = hq, client, store
        self.ids = SeededIds(1_000 + number)
        self.device = device or self.ids.random(16)
        self.secret = self.ids.random(32)
        self.wall_ms, self.mono_ms, self.boot_id = hq.clock.wall_ms(), 1_000, self.ids.random(16)

    def enrol(
        self, code: str | None = None, *, role: str = TILL, ancestors: Sequence[bytes] = (), keys: Iterable[Signer] = (),
    ) -> Enrolled:  # fmt: skip
        """`ancestors`: the ids it says it had before, newest first; `keys`: those it shows for them."""
        code = code or new_code(self.hq, self.store, role)
        return self.ask(protocol.ENROL, self.wanted(code, ancestors, keys), Enrolled)

    def wanted(self, code: str, ancestors: Sequence[bytes] = (), keys: Iterable[Signer] = ()) -> Enrol:
        message = Enrol(
            code=code, device=self.device, store=self.store, key=public_key(self.secret),
            heir_of=ancestors[0] if ancestors else b"", ancestors=list(ancestors),
        )  # fmt: skip
        return with_proofs(message, keys)

    @property
    def signer(self) -> Signer:
        return Signer(self.device, self.secret)

    def new_chain(self) -> FakeChain:
        """A new epoch, with its first event."""
        chain = FakeChain(ChainId(self.device, self.ids.random(8)))
        self.add(chain, "epoch_opened", {"reason": "init", "store": self.store})
        return chain

    def add(self, chain: FakeChain, kind: str, payload: Any, **header: Any) -> WireEvent:
        """One more event at the end of a chain."""
        self.wall_ms, self.mono_ms = self.wall_ms + 1_000, self.mono_ms + 1_000
        fields = {
            "device": chain.chain.device, "epoch": chain.chain.epoch, "seq": chain.mark.seq + 1, "uid": self.ids.random(16),
            "kind": kind, "schema": 1, "lane": "01", "business_date": DATE, "wall_ms": self.wall_ms, "mono_ms": self.mono_ms,
            "boot_id": self.boot_id, "hq_offset_ms": 0,
        } | header  # fmt: skip
        made, data = Header(**fields), payload if isinstance(payload, bytes) else to_json(payload)
        event = WireEvent(made, data, chain_hash(chain.mark.hash, made, data))
        chain.events.append(event)
        return event

    def sell(self, chain: FakeChain, count: int = 1, total_fen: int = 1_000) -> FakeChain:
        """Some sales of one unit, paid in cash."""
        for _ in range(count):
            self.add(chain, "sale", sale(f"{self.store}-01-ABCD-{chain.mark.seq + 1:06d}", total_fen))
        return chain

    # -------------------------------------------------------------- asking

    def send(self, path: str, message: Message | bytes, **headers: str) -> httpx.Response:
        body = message if isinstance(message, bytes) else encode(message)
        signed = signed_headers(self.secret, "POST", path, self.device, body, protocol.NEWEST)
        return self.client.post(path, content=body, headers={**signed, **headers})

    def ask(self, path: str, message: Message, reply: type[Any]) -> Any:
        """The answer; AskedInVain for a refusal."""
        response = self.send(path, message)
        if response.status_code != 200:
            problem = decode(Problem, response.content)
            assert response.status_code == protocol.STATUS[problem.code]
            raise AskedInVain(problem)
        return decode(reply, response.content)

    def push(self, chain: FakeChain, first: int = 0, last: int = 0) -> Ack:
        return self.ask(protocol.PUSH, chain.push(first, last), Ack)

    def hello(self, generation: bytes, *chains: ChainId, acknowledged: Any = ()) -> Welcome:
        message = Hello(generation=generation, chains=list(chains), acknowledged=list(acknowledged))
        return self.ask(protocol.HELLO, message, Welcome)

    def proof(self, chain: ChainId, seq: int) -> ChainProof:
        return self.ask(protocol.PROOF, ProofWanted(chains=[(chain, seq)]), Proofs).chains[0][1]


class AskedInVain(Exception):
    """HQ refused."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.code = problem, problem.code
        super().__init__(f"{problem.code} {problem.detail}")


def sale(number: str, total_fen: int = 1_000) -> dict[str, Any]:
    """The payload of a sale of one unit."""
    return {
        "number": number, "shift_no": 1, "staff": "1001", "list_fen": total_fen, "discount_fen": 0, "total_fen": total_fen,
        "rounding_fen": 0, "item_count": 1,
        "lines": [{"sku": "WATER", "quantity": 1, "list_fen": total_fen, "net_fen": total_fen, "name": "水", "code": "1"}],
        "taxes": [{"tax_code": "S13", "rate_bp": 1300, "net_fen": total_fen, "tax_fen": 0}],
        "tenders": [{"kind": "cash", "amount_fen": total_fen, "tendered_fen": total_fen, "change_fen": 0, "reference": ""}],
    }  # fmt: skip
