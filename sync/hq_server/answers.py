"""The shapes of what operators are told: by the API as JSON, by the pages and `pos hq` as text.

Ids are hex, money in fen, moments in ms since 1970 (0: never).
"""

from msgspec import Struct


class Device(Struct):
    """A till or hub. `behind` is how many events it still holds that HQ lacks, by its own word."""

    device: str
    store: str
    role: str
    state: str
    last_seen_ms: int
    events: int
    behind: int
    equality: str
    proved_ms: int
    heir_of: str


class Store(Struct):
    """A shop as its devices stand: the oldest silence, the worst equality."""

    store: str
    name: str
    state: str
    devices: int
    last_seen_ms: int
    events: int
    behind: int
    equality: str
    exceptions: int
    oldest_exception_ms: int
    newest_date: str


class Chain(Struct):
    """How far HQ has a chain, and its sums."""

    device: str
    epoch: str
    branch: str
    store: str
    seq: int
    hash: str
    events: int
    money_fen: int
    points: int
    quantity: int
    shop_seq: int
    equality: str
    proved_ms: int


class Figures(Struct):
    """A day's sums, of one lane or of all. `money_fen` is what was taken less what was given back."""

    business_date: str
    lane: str
    sales: int
    returns: int
    cancelled: int
    items: int
    sales_fen: int
    discount_fen: int
    rounding_fen: int
    refunded_fen: int
    money_fen: int


class Tender(Struct):
    kind: str
    times: int
    taken_fen: int
    refunded_fen: int


class Tax(Struct):
    tax_code: str
    rate_bp: int
    net_fen: int
    tax_fen: int


class Shift(Struct):
    lane: str
    shift_no: int
    staff: str
    sales: int
    returns: int
    total_fen: int
    refunded_fen: int
    expected_fen: int
    counted_fen: int
    difference_fen: int


class Receipt(Struct):
    number: str
    kind: str
    lane: str
    items: int
    total_fen: int
    wall_ms: int


class Day(Struct):
    """One shop's day: all together, by lane, how it was paid, the newest receipts."""

    store: str
    name: str
    business_date: str
    total: Figures
    lanes: list[Figures]
    tenders: list[Tender]
    taxes: list[Tax]
    shifts: list[Shift]
    receipts: list[Receipt]
    receipts_in_all: int


class Exception_(Struct):
    """An open exception: `uid` names it for `pos hq quarantine`; `device` told of it, where one did."""

    store: str
    uid: str
    code: str
    detail: str
    kind: str
    owner: str
    since_ms: int
    age_ms: int
    device: str = ""


class Topic(Struct):
    topic: str
    rev: int
    rows: int
