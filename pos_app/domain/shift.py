"""A shift at one lane: float, X report, blind count, close and Z. Sums only; where the figures come from is not its matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.tender import CASH, Tender

DIFFERENCE_REASON_ABOVE_FEN = 1_000


@dataclass(frozen=True, slots=True)
class SaleFigures:
    """What a report needs of one receipt; a cancelled one has its state and nothing else that counts."""

    state: str
    list_fen: int
    discount_fen: int
    rounding_fen: int
    total_fen: int
    item_count: int
    taxes: tuple[TaxShare, ...]
    tenders: tuple[Tender, ...]


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """What a report needs of one return: `refunds` are (kind, amount)."""

    units: int
    taxes: tuple[TaxShare, ...]
    refunds: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class TenderTotal:
    kind: str
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Report:
    """Totals of a shift. `expected_cash_fen` = float + net cash of sales (cash given minus change) - cash refunds.

    What came back stands by itself: `refunds` by tender and `taxes_back` are in no figure of the sales.
    """

    sales: int = 0
    cancelled: int = 0
    items: int = 0
    list_fen: int = 0
    discount_fen: int = 0
    total_fen: int = 0
    rounding_fen: int = 0
    float_fen: int = 0
    expected_cash_fen: int = 0
    tenders: tuple[TenderTotal, ...] = ()
    taxes: tuple[TaxShare, ...] = ()
    returns: int = 0
    refunded_fen: int = 0
    refunds: tuple[TenderTotal, ...] = ()
    taxes_back: tuple[TaxShare, ...] = ()


def report(float_fen: int, figures: Iterable[SaleFigures], returns: Sequence[ReturnFigures] = ()) -> Report:
    """The X or Z of a shift. 75.00 paid with a 100.00 note adds 75.00 to the expected cash, not 100.00."""
    sales = cancelled = items = list_fen = discount_fen = total_fen = rounding = 0
    tenders, taxes = _Tenders(), _Taxes()
    for sale in figures:
        if sale.state != "paid":
            cancelled += sale.state == "cancelled"
            continue
        sales += 1
        items += sale.item_count
        list_fen += sale.list_fen
        discount_fen += sale.discount_fen
        total_fen += sale.total_fen
        rounding += sale.rounding_fen
        tenders.add((tender.kind, tender.amount_fen) for tender in sale.tenders)
        taxes.add(sale.taxes)
    refunds, taxes_back = _Tenders(), _Taxes()
    for back in returns:
        refunds.add(back.refunds)
        taxes_back.add(back.taxes)
    return Report(
        sales=sales,
        cancelled=cancelled,
        items=items,
        list_fen=list_fen,
        discount_fen=discount_fen,
        total_fen=total_fen,
        rounding_fen=rounding,
        float_fen=float_fen,
        expected_cash_fen=float_fen + tenders.fen(CASH) - refunds.fen(CASH),
        tenders=tenders.totals(),
        taxes=taxes.totals(),
        returns=len(returns),
        refunded_fen=sum(total.amount_fen for total in refunds.totals()),
        refunds=refunds.totals(),
        taxes_back=taxes_back.totals(),
    )


class _Tenders(dict[str, tuple[int, int]]):
    """Kind -> (how often, how much)."""

    def add(self, amounts: Iterable[tuple[str, int]]) -> None:
        for kind, fen in amounts:
            count, amount_fen = self.get(kind, (0, 0))
            self[kind] = (count + 1, amount_fen + fen)

    def fen(self, kind: str) -> int:
        return self.get(kind, (0, 0))[1]

    def totals(self) -> tuple[TenderTotal, ...]:
        return tuple(TenderTotal(kind, *self[kind]) for kind in sorted(self))


class _Taxes(dict[tuple[str, int], tuple[int, int]]):
    """(Code, rate) -> (net, tax)."""

    def add(self, shares: Iterable[TaxShare]) -> None:
        for share in shares:
            net_fen, tax_fen = self.get((share.tax_code, share.rate_bp), (0, 0))
            self[share.tax_code, share.rate_bp] = (net_fen + share.net_fen, tax_fen + share.tax_fen)

    def totals(self) -> tuple[TaxShare, ...]:
        return tuple(TaxShare(*key, *self[key]) for key in sorted(self))


def counted_fen(counts: Iterable[tuple[int, int]]) -> int:
    """Cash counted: the sum of denomination times pieces. 3 x 100.00 and 4 x 5.00 is 320.00."""
    return sum(note_fen * pieces for note_fen, pieces in counts)


def needs_reason(difference_fen: int) -> bool:
    """Whether a drawer difference has to be explained; any difference is accepted."""
    return abs(difference_fen) > DIFFERENCE_REASON_ABOVE_FEN
