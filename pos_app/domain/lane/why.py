"""Why this price, why not that offer: the trace as rows to read, and the best hint, looked for while the lane rests."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.lane.intents import ItemFound, LookUpSku
from pos_app.domain.lane.state import PAYMENT, Dialog, LaneState, Step, codes_of, reprice
from pos_app.domain.pricing.hints import advanced, search
from pos_app.domain.pricing.model import GIFT, Applied, Hint, Refused
from pos_app.domain.pricing.rows import Rows, row_of, scopes_of

REST_EFFORT = 6_000  # steps: some tens of milliseconds
HINT_EFFORT = 100  # steps a trial price
REST_MS = 400  # no key and no scan for so long
HINTS_MAX = 3


class About(NamedTuple):
    """A heading: the rows that follow are about this line, or (None) about the other goods of the basket."""

    line: Line | None


Why = About | Applied | Refused | Hint


def press(state: LaneState, action: str) -> Step:
    """Open the explanation; the goods that it names and the basket does not hold are asked for."""
    found = tuple(rows(state))
    known = {line.item.sku for line in state.basket.lines}
    gifts = {entry.value for entry in found if isinstance(entry, Applied) and entry.stage == GIFT}
    gifts |= {entry.loses for entry in found if isinstance(entry, Hint) and entry.loses}
    looks = tuple(LookUpSku(sku, "name") for sku in sorted(gifts - known))
    return replace(state, dialog=Dialog("why", rows=found, data=())), looks


def named(state: LaneState, reply: ItemFound) -> Step:
    """The name of a good that the explanation speaks of."""
    if state.dialog is None or state.dialog.kind != "why":
        return state, ()
    return replace(state, dialog=replace(state.dialog, data=(*state.dialog.data, reply.item))), ()


def rows(state: LaneState) -> Iterator[Why]:
    """The highlighted line first, then the rest; what applied before what did not, and what is near."""
    line, priced = state.highlighted(), state.priced
    names = _promotions_of(state, line) if line else frozenset()
    here = [one for one in priced.applied if line and _touches(one, line)]
    if line is not None:
        yield About(line)
        yield from here
        yield from _near_first(one for one in priced.refused if one.promotion in names)
    yield About(None)
    yield from (one for one in priced.applied if one not in here)
    yield from _near_first(one for one in priced.refused if one.promotion not in names)
    if state.hints_for is state.basket:
        yield from state.hints[:HINTS_MAX]


def _near_first(refused: Iterable[Refused]) -> list[Refused]:
    """Those whose goods are in the basket before those whose goods are not; no code that nobody entered is given away."""
    return sorted((one for one in refused if one.reason != "code"), key=lambda one: one.reason == "goods")


def _promotions_of(state: LaneState, line: Line) -> frozenset[str]:
    """The promotions that name this good; those for all goods belong to the basket."""
    alone = Rows([row_of(line, False)])
    return frozenset(
        promotion.id
        for promotion in state.package.promotions
        if any(not scope.is_all and alone.named(scope) for scope in scopes_of(promotion))
    )


def _touches(applied: Applied, line: Line) -> bool:
    ids = {use.line_id for use in applied.uses} | {share.line_id for share in applied.shares}
    return line.line_id in ids


def rested(state: LaneState) -> LaneState:
    """Nobody pressed or scanned anything for a moment: the price with more effort where a scan could not prove it, then one

    trial price at a time towards the hints. A scan waits for one of them at most.
    """
    basket = state.basket
    if not basket.lines or state.now_ms - state.touched_ms < REST_MS:
        return state
    if basket is not state.hints_for:
        if state.phase != PAYMENT and not state.priced.proved:  # what is asked for at the payment screen was looked for harder
            state = reprice(state, REST_EFFORT)
        near = search(basket, basket.customer, state.package, state.price_ms, codes_of(state), state.used, HINT_EFFORT)
    elif state.near.trials:
        near = advanced(state.near)
    else:
        return state
    return replace(state, near=near, hints_for=basket, hints=() if near.trials else near.found)


def hint(state: LaneState) -> Hint | None:
    """The best hint about the basket as it is now."""
    return state.hints[0] if state.hints and state.hints_for is state.basket else None
