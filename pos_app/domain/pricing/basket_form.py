"""Basket files: JSON in, what `price` is asked out; or every problem with its path.

    {"format": "lanewise-basket/1", "now": "2026-09-21 19:30", "lines": [{"sku": "D0050", "quantity": 2, "price_fen": 750}]}

Two yogurts at 7.50 on a Monday evening. A line whose good the package prices needs no price of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pos_app.domain.basket import LINES_MAX, QUANTITY_MAX, WEIGHT_MAX_G, Basket, Line
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.pricing.model import STRANGER, Customer, Package, PriceRow, Used
from pos_app.domain.pricing.package_checks import Path, Problem, shown
from pos_app.domain.pricing.package_form import parse
from pos_app.domain.pricing.package_reader import Reading
from pos_app.domain.pricing.package_spec import COUNT_MAX, Choice, Record, Whole, record_of

FORMAT = "lanewise-basket/1"
EFFORT = 10_000


class BasketLine(NamedTuple):
    """A line of the file. `sku` or `code` names the good; `weight_g` makes the prices those of a kilogram."""

    sku: str = ""
    code: str = ""
    quantity: int = 1
    weight_g: int | None = None
    name: str = ""
    name_en: str = ""
    categories: tuple[str, ...] = ()
    price_fen: int | None = None
    promo_price_fen: int | None = None
    member_price_fen: int | None = None
    label_fen: int | None = None
    tax_code: str = "S13"
    tax_bp: int = 1300
    restricted: str = ""
    earns_points: bool = True
    discount_allowed: bool = True


class StampsHeld(NamedTuple):
    card: str
    stamps: int = 0


class BasketMember(NamedTuple):
    """Who buys. `orders_completed` is left out when nobody knows."""

    alias: str = "member"
    tier: str = ""
    groups: tuple[str, ...] = ()
    orders_completed: int | None = None
    birthday_week: bool = False
    points: int = 0
    stamps: tuple[StampsHeld, ...] = ()


class UsedBefore(NamedTuple):
    """What a promotion gave before this basket."""

    promotion: str
    times: int = 0
    fen: int = 0
    member_times: int = 0
    member_day_times: int = 0


class BasketFile(NamedTuple):
    """The whole file but its `format`. Without `now` it is the moment the package begins."""

    lines: tuple[BasketLine, ...]
    member: BasketMember | None = None
    codes: tuple[str, ...] = ()
    used: tuple[UsedBefore, ...] = ()
    now_ms: int | None = None
    effort: int = EFFORT


class Asked(NamedTuple):
    """The arguments of `price`, but the package."""

    basket: Basket
    customer: Customer
    now_ms: int
    codes: frozenset[str]
    used: Mapping[str, Used]
    effort: int


def read_basket(document: object, package: Package) -> Asked | tuple[Problem, ...]:
    """What a document (or its bytes) asks under a package, or every problem of it."""
    if isinstance(document, bytes | bytearray):
        document = parse(bytes(document))
        if isinstance(document, Problem):
            return (document,)
    reading = Reading()
    reading.offset_min = package.utc_offset_min
    if not isinstance(document, dict):
        reading.kind(None, document, "object")
        return tuple(reading.problems)
    if document.get("format") != FORMAT:
        reading.wrong((None, "format"), "format", need=FORMAT, have=shown(document.get("format")))
    values = reading.values(basket_record(), {key: document[key] for key in document if key != "format"}, None)
    prices = {row.sku: row for row in package.prices}
    for path, reason, args in _doubts(values.get("lines", ()), prices):
        reading.wrong(path, reason, **args)
    return tuple(reading.problems) or _asked(BasketFile(**values), prices, package)


def basket_record() -> Record:
    """What a basket file may hold; the ranges that a package's fields have not."""
    line = _with(record_of(BasketLine), weight_g=Whole(1, WEIGHT_MAX_G), quantity=Whole(1, QUANTITY_MAX), tax_bp=Whole(0, 10_000))
    line = _with(line, restricted=Choice(tuple(Restricted)))
    member = _with(record_of(BasketMember), orders_completed=Whole(0, COUNT_MAX))
    whole = record_of(BasketFile)
    return _with(whole, lines=whole.fields["lines"].spec._replace(item=line, most=LINES_MAX), member=member)


def _with(record: Record, **specs: Any) -> Record:
    fields = {key: field._replace(spec=specs.get(key, field.spec)) for key, field in record.fields.items()}
    return record._replace(fields=fields)


def _doubts(lines: tuple[BasketLine, ...], prices: Mapping[str, PriceRow]) -> Iterator[tuple[Path, str, dict[str, object]]]:
    """Lines that are well formed and still cannot be priced."""
    for n, line in enumerate(lines):
        path = ((None, "lines"), n)
        if not line.sku and not line.code:
            yield (path, "sku"), "missing", {}
        elif line.price_fen is None and (line.sku or line.code) not in prices:
            yield (path, "price_fen"), "missing", {}
        if line.weight_g is not None and line.quantity != 1:
            yield (path, "quantity"), "range", {"have": line.quantity, "least": 1, "most": 1}


# ------------------------------------------------------------------ what it means


def _asked(file: BasketFile, prices: Mapping[str, PriceRow], package: Package) -> Asked:
    lines = tuple(_line(n, line, prices) for n, line in enumerate(file.lines, 1))
    return Asked(
        basket=Basket(lines=lines, next_line_id=len(lines) + 1),
        customer=STRANGER if file.member is None else _customer(file.member),
        now_ms=package.valid_from_ms if file.now_ms is None else file.now_ms,
        codes=frozenset(file.codes),
        used={used.promotion: Used(*used[1:]) for used in file.used},
        effort=file.effort,
    )


def _customer(member: BasketMember) -> Customer:
    stamps = tuple((held.card, held.stamps) for held in member.stamps)
    return Customer(**member._replace(stamps=())._asdict())._replace(stamps=stamps)


def _line(line_id: int, line: BasketLine, prices: Mapping[str, PriceRow]) -> Line:
    """The file's price comes before the package's."""
    sku = line.sku or line.code
    row = prices.get(sku) if line.price_fen is None else None
    own = PriceRow(sku, line.price_fen or 0, line.promo_price_fen, line.member_price_fen)
    priced = row or own
    item = Item(
        sku=sku,
        name=line.name or sku,
        name_en=line.name_en,
        price_fen=priced.price_fen,
        promo_price_fen=priced.promo_price_fen,
        member_price_fen=priced.member_price_fen,
        category=";".join(line.categories),
        tax_code=line.tax_code,
        tax_bp=line.tax_bp,
        weighed=line.weight_g is not None,
        restricted=line.restricted,
        earns_points=line.earns_points,
        discount_allowed=line.discount_allowed,
    )
    return Line(line_id, item, line.code or sku, line.quantity, line.weight_g, line.label_fen)
