"""Everything that both ends of the wire share: message shapes, versions, limits, paths, refusals.

A message is MessagePack inside zstd. Fields are only ever added, with a default; a reader ignores those it does not know.
The payload of an event is carried as its frozen bytes and is never decoded here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import zstandard

from pos_app.domain.events import Header, chain_hash

NEWEST, OLDEST = 1, 1  # protocol versions this program speaks: the newest three, as soon as there are three
EVENTS_MAX = 500  # of one push
BATCH_BYTES_MAX = 1 << 20  # of the payloads of one push; a larger event travels alone
BODY_BYTES_MAX = 4 << 20  # of a body as it travels
MESSAGE_BYTES_MAX = 16 << 20  # of a body unpacked: what claims more is a bomb
ROWS_MAX = 1_000  # of one pulled page
ZSTD_LEVEL = 9  # measured: 332 bytes a demo order, 405 at level 3
MAIN = bytes(8)  # the branch that a chain begins as
RUN = "run"  # the row of a hub's topic "wanted" by which it asks its tills, at each start, to tell what they hold
Stored = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]  # what an answer may say: any database takes it

PUSH, PULL, HELLO, ENROL, ROTATE = "/v1/push", "/v1/pull", "/v1/hello", "/v1/enrol", "/v1/rotate"
PROOF, HASHES, DAY, SNAPSHOTS = "/v1/proof", "/v1/hashes", "/v1/day", "/v1/snapshots"
HUB_SALE, HUB_CLAIM, HUB_RELEASE, HUB_BASKETS = "/v1/hub/sale", "/v1/hub/claim", "/v1/hub/release", "/v1/hub/baskets"

# refusals of the wire: code -> HTTP status
FORK, GAP, GENERATION = "SYNC-FORK", "SYNC-GAP", "SYNC-GENERATION"
UNSIGNED, UNKNOWN_DEVICE, WRONG_STORE = "SYNC-UNSIGNED", "SYNC-UNKNOWN-DEVICE", "SYNC-WRONG-STORE"
FROZEN, ENROL_CODE, HEIR, VERSION = "SYNC-FROZEN", "SYNC-ENROL-CODE", "SYNC-HEIR", "SYNC-VERSION"
TOO_LARGE, BROKEN, GONE, BUSY, NOT_FOUND = "SYNC-TOO-LARGE", "SYNC-BROKEN", "SYNC-GONE", "SYNC-BUSY", "SYNC-NOT-FOUND"
STATUS = {
    FORK: 409, GAP: 409, GENERATION: 409, FROZEN: 409, UNSIGNED: 401, UNKNOWN_DEVICE: 401, WRONG_STORE: 403, ENROL_CODE: 403,
    HEIR: 403, VERSION: 426, TOO_LARGE: 413, BROKEN: 400, GONE: 410, BUSY: 503, NOT_FOUND: 404,
}  # fmt: skip


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every message."""


class ChainId(NamedTuple):
    """One run of hashed events. `branch` is MAIN, or names the tail that a forked till wrote beside what HQ already had."""

    device: bytes
    epoch: bytes
    branch: bytes = MAIN


class Mark(NamedTuple):
    """How far a chain has come: seq and hash of its newest event; (0, 32 zero bytes) of an empty one."""

    seq: Stored
    hash: bytes


class Columns(msgspec.Struct, frozen=True, array_like=True):
    """The events of a push, column by column: like beside like packs to a tenth less than row by row."""

    uid: bytes  # 16 bytes an event, end to end
    kind: list[str]
    schema: list[int]
    lane: list[str]
    business_date: list[str]
    wall_ms: list[int]
    mono_ms: list[int]
    boot_id: list[bytes]
    hq_offset_ms: list[int]
    payload: list[bytes]


class Push(Message, frozen=True):
    """Events of one chain in sequence: `prev_hash` is that of first_seq - 1, 32 zero bytes before seq 1 of MAIN."""

    chain: ChainId
    first_seq: int
    prev_hash: bytes
    events: Columns
    head: int = 0  # how far the chain goes at the shop by now; 0 where it is not said


class Ack(Message, frozen=True):
    """Sent after COMMIT only: HQ holds the chain up to `mark`. `receipt` is HQ's signature over `receipt_text`."""

    mark: Mark
    generation: bytes
    receipt: bytes
    upstream_seq: Stored = 0  # a hub's answer: how far HQ itself holds this chain
    overlapped: int = 0  # events that were there already


class Problem(Message, frozen=True):
    """Why a request was refused. GAP and FORK carry HQ's mark of the chain."""

    code: str
    detail: str = ""
    mark: Mark | None = None
    generation: bytes = b""
    retry_after_s: int = 0


class Hello(Message, frozen=True):
    """What a device knows of HQ: its marks with HQ's own receipts are evidence when HQ was restored."""

    generation: bytes
    acknowledged: list[tuple[ChainId, Mark, bytes]] = []  # chain, mark, receipt
    chains: list[ChainId] = []  # those the device holds: the answer has HQ's mark of each


class Welcome(Message, frozen=True):
    """HQ as it is now. `generation` changes when HQ was restored: then every retained epoch is offered again."""

    generation: bytes
    wall_ms: Stored
    marks: list[tuple[ChainId, Mark]]
    revs: dict[str, int] = {}
    newest: int = NEWEST
    quarantined: int = 0
    kinds: int = 0  # HQ's version of the proof's sums; sums of two versions are not compared


class KeyProof(NamedTuple):
    """`key` is a public key of `device`, and `signature` is that key's over `sync.heir.proof_text`."""

    device: bytes
    key: bytes
    signature: bytes


class Enrol(Message, frozen=True):
    """A device asks to be known: a one-time code, the public key it made, what it is."""

    code: str
    device: bytes
    store: str
    key: bytes
    heir_of: bytes = b""  # of a cloned or lost device: the id whose chains this one goes on offering
    ancestors: list[bytes] = []  # every id that the file had before, newest first: a restored HQ may have lost them
    proofs: list[KeyProof] = []  # by each key that the file has had: an id that HQ knows is gone on with by who holds its key


class Enrolled(Message, frozen=True):
    store: str
    generation: bytes
    hq_key: bytes
    wall_ms: Stored


class Rotate(Message, frozen=True):
    """A new key, said under the old one; `proof` is the new key's signature over `rotation_text`."""

    key: bytes
    proof: bytes


class Pull(Message, frozen=True):
    """Rows after the cursors. `wait_ms` > 0: answer only when there are some, or the time is over.

    `newest`: topic -> HQ's newest rev when the cursor was given. An HQ that has not got it any more was put back, and a row
    that had moved beyond the cursor may stand below it again.
    """

    generation: bytes
    cursors: dict[str, int]  # topic -> rev; 0 from the beginning
    rows_max: int = ROWS_MAX
    wait_ms: int = 0
    newest: dict[str, int] = {}


class Row(NamedTuple):
    """One row of a topic: its newest state under its newest rev; body None is a tombstone."""

    rev: Stored
    key: str
    body: bytes | None  # canonical JSON


class Page(Message, frozen=True):
    """Rows of one topic in order of rev. The cursor after it is `rev`, which may be above the last row's."""

    topic: str
    rows: list[Row]
    rev: Stored
    more: bool = False
    newest: Stored = 0  # of the topic at HQ, when the page was made


class Pulled(Message, frozen=True):
    generation: bytes
    pages: list[Page]
    gone: list[str] = []  # topics whose cursor is too old, or of another generation: load a snapshot


class Snapshot(Message, frozen=True):
    """Where to fetch a topic whole: GET SNAPSHOTS/{name}, with Range. The file is zstd around a list of rows."""

    topic: str
    generation: bytes
    rev: Stored
    name: str
    sha256: bytes
    size: int


class SnapshotWanted(Message, frozen=True):
    topic: str


class ProofWanted(Message, frozen=True):
    """How far each chain is to be summed: both ends sum the same events even while new ones arrive."""

    chains: list[tuple[ChainId, int]]
    own: list[tuple[ChainId, "ChainProof"]] = []  # the device's own sums, so that HQ too knows of an inequality


class ChainProof(NamedTuple):
    """Everything up to `seq` of a chain: the sums are those of `pos_app.domain.proof`."""

    seq: int
    hash: bytes
    events: int
    money_fen: int
    points: int
    quantity: int


class Proofs(Message, frozen=True):
    chains: list[tuple[ChainId, ChainProof]]
    kinds: int = 0


class HashesWanted(Message, frozen=True):
    chain: ChainId
    seqs: list[int]


class Hashes(Message, frozen=True):
    """The hash at each seq asked for; empty where HQ holds none."""

    hashes: list[bytes]


class DayWanted(Message, frozen=True):
    business_date: str


class DayStatement(Message, frozen=True):
    """What HQ holds of a store's day, signed over `statement_text`: a shop can show it for ever."""

    store: str
    business_date: str
    generation: bytes
    events: int
    money_fen: int
    root: bytes
    devices: list[tuple[bytes, int, bytes]]  # device, events of the day, root over them
    made_ms: Stored
    signature: bytes = b""


class SaleWanted(Message, frozen=True):
    """A sale of any till of the shop, by the number on its receipt."""

    number: str


class SaleFound(Message, frozen=True):
    """A sale and its returns, in their order, as they stand in the log: uid, time, frozen payloads."""

    uid: bytes
    wall_ms: Stored
    sale: bytes
    returns: list[bytes] = []


class Claim(Message, frozen=True):
    """A till asks the hub for something. Asking again under the same `uid` is answered with the same.

    sale: to take goods of it back; `uid` becomes the return's. coupon: to use it. basket: to fetch it; `uid` becomes the
    basket's. stock: to promise `lines` (sku, quantity); `uid` is the promise's.
    """

    what: str
    name: str
    uid: bytes
    lines: list[tuple[str, int]] = []


class Claimed(Message, frozen=True):
    """`state` is held: yours until an event uses it, or you let go of it. waiting: the till that made it was asked for it.

    Or why not: taken (by another till), used, void, unknown, short (of stock), released (this uid has let go of it).
    """

    state: str
    body: bytes = b""  # of a basket: all of it


class Release(Message, frozen=True):
    """The till will never use what it claimed under this uid."""

    what: str
    name: str
    uid: bytes


class HeldBasket(NamedTuple):
    """A basket put aside at a till. `body` is a JSON list of its operations, (kind, canonical JSON) each."""

    uid: bytes
    label: str
    lane: str
    since_ms: int
    body: bytes


class HeldBaskets(Message, frozen=True):
    """Told by a till: all that it holds, in the place of what it told before. Answered: what it can fetch elsewhere.

    What it has claimed, and how far its journal had come then, is for a hub that may have lost its memory: `generation` and
    `run` are those which the till knows.
    """

    baskets: list[HeldBasket] | None = None  # None: nothing is told
    generation: bytes = b""
    epoch: bytes = b""
    seq: int = 0
    claims: list[tuple[str, str, bytes]] = []  # (what, name, uid) of each that is held
    run: str = ""  # of the hub's process, as the topic WANTED says it


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event outside its store: header, frozen payload, and its hash, which the receiver computed itself."""

    header: Header
    payload: bytes
    hash: bytes


M = TypeVar("M", bound=Message)


class WireError(Exception):
    """A body that cannot be read: TOO_LARGE or BROKEN."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code} {detail}")


def encode(message: Message) -> bytes:
    """A message as it travels."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(msgspec.msgpack.encode(message))


def decode(cls: type[M], body: bytes, size_max: int = MESSAGE_BYTES_MAX) -> M:
    """The message in a body. WireError TOO_LARGE for a bomb, BROKEN for anything that is not such a message."""
    plain = unpack(body, size_max)
    try:
        return msgspec.msgpack.decode(plain, type=cls)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(BROKEN, str(error)[:200]) from error


def unpack(body: bytes, size_max: int = MESSAGE_BYTES_MAX) -> bytes:
    """What a zstd frame holds, never more than `size_max` bytes of memory for it."""
    if len(body) > BODY_BYTES_MAX:
        raise WireError(TOO_LARGE, f"{len(body)} bytes")
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(body)
        plain = reader.read(size_max + 1)
    except zstandard.ZstdError as error:
        raise WireError(BROKEN, str(error)[:200]) from error
    if len(plain) > size_max:
        raise WireError(TOO_LARGE, f"more than {size_max} bytes unpacked")
    return plain


def to_columns(events: Sequence[tuple[Header, bytes]]) -> Columns:
    """Events as they travel; device, epoch and seq are said once, by the push."""
    headers = [header for header, _ in events]
    return Columns(
        uid=b"".join(h.uid for h in headers),
        kind=[h.kind for h in headers],
        schema=[h.schema for h in headers],
        lane=[h.lane for h in headers],
        business_date=[h.business_date for h in headers],
        wall_ms=[h.wall_ms for h in headers],
        mono_ms=[h.mono_ms for h in headers],
        boot_id=[h.boot_id for h in headers],
        hq_offset_ms=[h.hq_offset_ms for h in headers],
        payload=[payload for _, payload in events],
    )


def from_columns(push: Push) -> list[WireEvent]:
    """The events of a push, each with the hash that follows from `prev_hash`. WireError BROKEN when columns differ in length."""
    columns, device, epoch = push.events, push.chain.device, push.chain.epoch
    uids = [columns.uid[at : at + 16] for at in range(0, len(columns.uid), 16)]
    events, previous = [], push.prev_hash
    try:
        rows = zip(
            uids, columns.kind, columns.schema, columns.lane, columns.business_date, columns.wall_ms, columns.mono_ms,
            columns.boot_id, columns.hq_offset_ms, columns.payload, strict=True,
        )  # fmt: skip
        for seq, (*fields, payload) in enumerate(rows, push.first_seq):
            header = Header(device, epoch, seq, *fields)
            previous = chain_hash(previous, header, payload)
            events.append(WireEvent(header, payload, previous))
    except ValueError as error:
        raise WireError(BROKEN, "columns of different length") from error
    return events


def branch_of(epoch: bytes, hash_at_end: bytes) -> bytes:
    """The name of a forked tail: from the epoch and the hash of its last event when the fork was found."""
    return hashlib.blake2b(epoch + hash_at_end, digest_size=8, person=b"lanewise-branch").digest()
