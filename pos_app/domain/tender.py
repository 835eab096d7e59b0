"""Tenders: what was given against what is due, cash rounding, change, and the keys that suggest notes."""

from dataclasses import dataclass

from pos_app.domain.errors import Refusal, refuse
from pos_app.domain.money import cash_rounding_fen, format_yuan

CASH, CARD_TERMINAL = "cash", "card_terminal"
NOTES_FEN = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10)
CASH_MAX_FEN = 10_000_000


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment outside, by its kind and reference: where money goes back to."""

    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Tender:
    """One way of paying. `amount_fen` counts towards the sale; `tendered_fen - change_fen == amount_fen`.

    `behind`: goods that were exchanged had been paid so, and what is given back of this sale goes back there.
    """

    kind: str
    amount_fen: int
    tendered_fen: int
    change_fen: int = 0
    reference: str = ""
    behind: Payment | None = None


def left_to_pay_fen(total_fen: int, tenders: tuple[Tender, ...]) -> int:
    """What is still due before cash rounding."""
    return total_fen - sum(tender.amount_fen for tender in tenders)


def cash_due_fen(left_fen: int, step_fen: int) -> int:
    """What is due if the rest is paid in cash: rounded down to the cash step. 70.83 becomes 70.80."""
    return left_fen + cash_rounding_fen(left_fen, step_fen)


def tender_cash(left_fen: int, tendered_fen: int, step_fen: int) -> Tender | Refusal:
    """Cash for the rest of a sale. 70.83 due, 100.00 given: amount 70.80, change 29.20."""
    due_fen = cash_due_fen(left_fen, step_fen)
    if tendered_fen < due_fen:
        return refuse("POS-3002", due=format_yuan(due_fen), given=format_yuan(tendered_fen))
    if tendered_fen > CASH_MAX_FEN or tendered_fen - due_fen > max(NOTES_FEN):
        return refuse("POS-3007", given=format_yuan(tendered_fen), due=format_yuan(due_fen))
    return Tender(CASH, due_fen, tendered_fen, tendered_fen - due_fen)


def tender_card(left_fen: int, amount_fen: int, reference: str) -> Tender | Refusal:
    """An amount taken on the external card terminal, with the reference from its slip; never more than is due."""
    if not reference.strip():
        return refuse("POS-3003")
    if not 0 < amount_fen <= left_fen:
        return refuse("POS-2112", amount=format_yuan(amount_fen))
    return Tender(CARD_TERMINAL, amount_fen, amount_fen, 0, reference.strip()[:32])


def rounding_fen(total_fen: int, tenders: tuple[Tender, ...]) -> int:
    """The rounding line of a finished sale: tenders minus total; zero, or below zero when cash was rounded down."""
    return sum(tender.amount_fen for tender in tenders) - total_fen


def suggested_notes_fen(due_fen: int) -> tuple[int, ...]:
    """Up to four likely amounts above what is due, smallest first. 70.80: 71, 75, 80, 100."""
    found = []
    for note_fen in (100, 500, 1_000, 2_000, 5_000, 10_000):
        amount_fen = -(-due_fen // note_fen) * note_fen
        if amount_fen > due_fen and amount_fen not in found:
            found.append(amount_fen)
    return tuple(found[:4])
