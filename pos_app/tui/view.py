"""What both skins share: status bar, banner, basket rows, texts. Pure: a state and a size in, rows out."""

from collections.abc import Callable
from dataclasses import dataclass

from hardware.paper import cells, cut, pad
from pos_app.domain.basket import Line
from pos_app.domain.calendar import local_stamp
from pos_app.domain.goods import ADULT_ONLY, Item
from pos_app.domain.lane.state import LaneState
from pos_app.domain.link import CONNECTED, LOCAL, NO_HQ, Link, clock_text
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.pricing.model import PricedLine
from pos_app.i18n import LANGUAGES, text
from pos_app.tui.frame import Row
from pos_app.tui.keys import KeyMap, key_for

ROOMY = 90  # cells of a status row that has room for everything
MARKS = {"ok": "✓", "info": "●", "warn": "!", "error": "✗"}


@dataclass(frozen=True, slots=True)
class View:
    """What a view needs besides the state: its size, the keys, the wall clock as text, a demo's hint."""

    width: int
    height: int
    keys: KeyMap
    clock: str = ""
    hint: str = ""
    link: Link = NO_HQ


def say(state: LaneState, key: str, **args: object) -> str:
    """A text in the lane's language."""
    return text(state.lang, key, tuple((k, str(v)) for k, v in args.items()))


def shop_time(state: LaneState, at_ms: int) -> str:
    """A moment in shop time, whatever zone the PC is in: `11-28 20:59`."""
    return local_stamp(at_ms, state.package.utc_offset_min)[5:16]


def item_name(state: LaneState, item: Item) -> str:
    return item.name_en if state.lang == "en" and item.name_en else item.name


def banner_row(state: LaneState, width: int) -> Row:
    """The one-line message; it replaces a blank line and pushes nothing."""
    banner = state.banner
    if banner is None:
        return [(" " * width, "text")]
    words, code = text_of(state, banner.key, banner.args), f"  [{banner.key}]" if banner.key.startswith("POS-") else ""
    return [(pad(shortened(f"{MARKS[banner.tone]} {words}", width - cells(code)) + code, width), banner.tone)]


def text_of(state: LaneState, key: str, args: tuple[tuple[str, str], ...]) -> str:
    """A banner's or refusal's text; at self-checkout the one for shoppers where a till's names keys that are not there."""
    for_shoppers = f"sco.{key}"
    return text(state.lang, for_shoppers if state.is_self_checkout and for_shoppers in LANGUAGES[state.lang] else key, args)


def shortened(words: str, width: int) -> str:
    """Words in so many cells, with a mark where they were cut."""
    return words if cells(words) <= width else cut(words, width - 1) + "…"


def status_row(state: LaneState, view: View, title: str, who: str) -> Row:
    """Who and where on the left; link, waiting things and the clock on the right."""
    width = view.width - 4
    parts = [_link_text(state, view.link)]
    if view.link.state in (LOCAL, CONNECTED) or width > ROOMY:
        parts.append(say(state, "status.sales", n=state.sales_today))
    if state.paper_waiting:
        parts.append("! " + say(state, "status.paper", n=state.paper_waiting))
    if state.waiting:
        parts.append("! " + say(state, "status.waiting", n=len(state.waiting)))
    right = "  ".join([*parts, view.clock])
    left = cut(f"{title}  {who}", max(0, width - cells(right) - 1))
    return [(pad(left, width - cells(right)), "head"), (right, "dim")]


def _link_text(state: LaneState, link: Link) -> str:
    """Connected; or since when not, with what waits: it is safe where it is."""
    mark = "●" if link.state == CONNECTED else "○"
    return f"{mark} {say(state, f'status.{link.state}', n=link.sales_waiting, time=clock_text(link.cut_off_ms))}"


def visible(lines: tuple[Line, ...], cursor: int, rows_of: Callable[[int], int], height: int) -> range:
    """The positions to show: the end of the basket, or the part from the highlighted line on when it is above."""
    first, left = len(lines), height
    while first > 0 and rows_of(first - 1) <= left:
        first -= 1
        left -= rows_of(first)
    position = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].line_id == cursor), len(lines) - 1)
    if position >= first:
        return range(first, len(lines))
    end, left = position, height
    while end < len(lines) and rows_of(end) <= left:
        left -= rows_of(end)
        end += 1
    return range(position, max(end, position + 1))


def line_text(state: LaneState, line: Line, money: PricedLine, width: int, form: Callable[[str], str] = str) -> str:
    """Name, weight and marks of a line in so many cells: a long name is cut, what follows it never is."""
    tail = form("".join(f" {part}" for part in _line_facts(state, line, money)))
    name = form(item_name(state, line.item))
    room = width - cells(tail)
    if cells(name) > room:
        name = cut(name, room - 1) + "…"
    return name + tail


def _line_facts(state: LaneState, line: Line, money: PricedLine) -> list[str]:
    parts = []
    if line.weight_g is not None:
        parts.append(f"{format_weight(line.weight_g)}kg×{format_yuan(money.unit_fen)}")
    if line.item.restricted in ADULT_ONLY:
        parts.append(say(state, "mark.age_done" if state.basket.is_approved(line) else "mark.age_open"))
    if money.gift_units:
        parts.append(say(state, "mark.gift", n=money.gift_units))
    if line.flagged:
        parts.append(f"{'✓' if state.basket.is_approved(line) else '!'} {say(state, 'mark.flagged')}")
    return parts


def footer(state: LaneState, view: View, context: str, actions: tuple[str, ...]) -> tuple[Row, list[tuple[int, int, str]]]:
    """The row of keys, each one a button, as many as fit."""
    gap = " " if state.lang == "en" else ""
    row: Row = []
    places: list[tuple[int, int, str]] = []
    used = 0
    for action in actions:
        key, label = key_for(view.keys, context, action), say(state, f"key.{action}")
        label = gap + label
        need = cells(key) + cells(label) + 1 + len(gap)
        if not key or used + need > view.width - 4:
            continue
        places.append((used, need - 1, action))
        row += [(key, "key"), (label, "text"), (" " + gap, "text")]
        used += need
    row.append((" " * (view.width - 4 - used), "text"))
    return row, places
