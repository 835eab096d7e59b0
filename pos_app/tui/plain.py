"""`--plain`: the same lane, one printed line per event, for screen readers and slow terminals.

A line is a code (or `n*code`) on the basket screen, an amount while paying, an answer in a dialog; `:name` is a key's
action, such as `:pay`, `:void`, `:hold`, `:help`. `:quit` ends.
"""

from collections.abc import Iterator
from typing import TextIO

from pos_app.domain.lane.intents import Char, Intent, Press, Scan, Tick
from pos_app.domain.lane.state import SELLING, LaneState
from pos_app.domain.money import format_yuan
from pos_app.i18n import text
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from pos_app.tui.dialog_view import question
from pos_app.tui.offer_view import savings
from pos_app.tui.view import text_of


def run_plain(shop: Shop, lang: str, lines: TextIO, out: TextIO) -> int:
    """Read lines until the end or `:quit`."""
    lane = LaneRunner(shop, lang=lang)
    _tell(lane.state, None, out)
    for line in lines:
        line = line.strip()
        if line == ":quit":
            break
        before = lane.state
        lane.handle(Tick(shop.now_ms()), *intents_of(line, before))
        _tell(lane.state, before, out)
    return 0


def intents_of(line: str, state: LaneState) -> Iterator[Intent]:
    """What a line means on this screen."""
    if line.startswith(":"):
        yield Press(line[1:])
    elif state.dialog is None and state.phase == SELLING and line:
        quantity, star, code = line.partition("*")
        if star and quantity.isdigit():
            yield from (Char(char) for char in quantity)
            yield Press("multiply")
            line = code
        if line:
            yield Scan(line)
    else:
        yield from (Char(char) for char in line)
        yield Press("enter")


def _tell(state: LaneState, before: LaneState | None, out: TextIO) -> None:
    """What changed, in words."""
    for words in _news(state, before):
        print(words, file=out, flush=True)


def _news(state: LaneState, before: LaneState | None) -> Iterator[str]:
    if before is None or state.basket.lines != before.basket.lines:
        line = state.highlighted()
        if line is not None and state.priced.lines:
            name = line.item.name_en if state.lang == "en" and line.item.name_en else line.item.name
            money = next(money for money in state.priced.lines if money.line_id == line.line_id)
            yield f"{name} x{line.quantity}  {text(state.lang, 'total.total')} {format_yuan(state.priced.total_fen)}"
            if money.gift_units:
                yield f"  {text(state.lang, 'mark.gift', (('n', str(money.gift_units)),))}"
            yield from (f"  {promotion} {format_yuan(-fen)}" for promotion, fen in savings(state, money))
    if state.banner is not None and (before is None or state.banner != before.banner):
        mark = f"[{state.banner.key}] " if state.banner.key.startswith("POS-") else ""
        yield mark + text_of(state, state.banner.key, state.banner.args)
    if before is not None and state.phase != before.phase and state.phase != SELLING:
        yield f"{text(state.lang, 'total.cash_due')} {format_yuan(state.cash_due_fen)}"
    if state.last_sale is not None and (before is None or state.last_sale != before.last_sale):
        yield f"{text(state.lang, 'idle.change')} {format_yuan(state.last_sale.change_fen)}"
    if state.dialog is not None and (before is None or state.dialog != before.dialog):
        yield f"? {question(state)}"
