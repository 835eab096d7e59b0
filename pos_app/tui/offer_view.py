"""What offers look like: savings under a line, the member's row, the hint, and the dialogs about points, coupons and prices."""

from collections.abc import Iterator

from hardware.paper import cells, pad, wrap_words
from pos_app.domain.basket import AddCode, Line
from pos_app.domain.goods import Item
from pos_app.domain.lane import why
from pos_app.domain.lane.offers import PointsChoice, on_basket, saved_fen
from pos_app.domain.lane.state import Dialog, LaneState, LastSale
from pos_app.domain.money import format_yuan
from pos_app.domain.pricing.model import (
    COUPON,
    POINTS,
    Applied,
    Hint,
    LineShare,
    PricedLine,
    Refused,
)
from pos_app.i18n import LANGUAGES
from pos_app.i18n.explain import Speaker, explain
from pos_app.tui.frame import Box
from pos_app.tui.view import View, item_name, say, shortened

TAIL_MAX = 5
PAGE_KEY, SPARE_WITHOUT_INPUT = 8, 3
KEYPAD = ("123", "456", "789", "<0>")


def promotion_name(state: LaneState, promotion: str) -> str:
    """The promotion's name in the reader's language; its id where the package does not know it any more."""
    return Speaker(state.lang, state.package).name(promotion)


def explained(state: LaneState, entry: Applied | Refused | Hint, gifts: tuple[Item, ...]) -> str:
    """The sentence of an entry of the trace, with the goods of the basket and the gifts by their names."""
    items = (*gifts, *(line.item for line in state.basket.lines))
    goods = {item.sku: item_name(state, item) for item in items}
    return explain(state.lang, entry, state.package, goods)


# ------------------------------------------------------------------ savings


def savings(state: LaneState, money: PricedLine) -> list[tuple[str, int]]:
    """(name, fen) of what made a line's goods cheaper: the catalogue's price first, then the share of every promotion.

    What was taken off the basket as a whole stands below it (`tail`): its shares change with every scan.
    """
    shelf_fen = money.saving_fen - sum(share.fen for share in money.shares)
    return [
        (promotion_name(state, part.promotion), part.fen) if part else (say(state, f"source.{money.source}"), shelf_fen)
        for part in _parts(state, money)
    ]


def rows_a_line(state: LaneState, own: int, least: int, room: int) -> int:
    """Up to how many savings each line may show in rows of their own: as many as let the whole basket fit.

    A line takes `own` rows and, for its savings, `least` or more; one with more savings shows their sum.
    """
    lines = state.priced.lines
    if (own + least) * len(lines) > room:
        return 1
    parts = [len(_parts(state, money)) for money in lines]
    fits = (most for most in range(max(parts, default=1), 1, -1) if sum(_rows(n, own, least, most) for n in parts) <= room)
    return next(fits, 1)


def rows_of(state: LaneState, position: int, own: int, least: int, most: int) -> int:
    """The rows of one line with its savings."""
    return _rows(len(_parts(state, state.priced.lines[position])), own, least, most)


def _rows(parts: int, own: int, least: int, most: int) -> int:
    return own + max(least, parts if parts <= most else 1)


def _parts(state: LaneState, money: PricedLine) -> list[LineShare | None]:
    """The savings of a line's goods; None stands for the catalogue's price."""
    if not money.saving_fen:
        return []
    apart = {one.promotion for one in on_basket(state.priced.applied)}
    shares = [share for share in money.shares if share.fen and share.promotion not in apart]
    return [*([None] if money.saving_fen > sum(share.fen for share in money.shares) else []), *shares]


def saving_rows(state: LaneState, money: PricedLine, box: Box, indent: int, room: int) -> int:
    """One row a saving where there is room, else one with their sum; how many rows it took."""
    found, more = savings(state, money), ""
    if len(found) > room:
        largest = max(found, key=lambda one: one[1])
        found, more = [(largest[0], sum(fen for _, fen in found))], " " + say(state, "offer.more", n=len(found) - 1)
    for name, fen in found:
        amount = format_yuan(-fen)
        words = shortened(f"{' ' * indent}↳ {name}", box.width - cells(amount) - cells(more) - 1)
        box.sides(words + more, amount, "saving")
    return len(found)


def stage_rows(state: LaneState, box: Box) -> None:
    """What was saved in all: by prices and offers, by coupons, by points."""
    coupons_fen, points_fen = saved_fen(state, COUPON), saved_fen(state, POINTS)
    offers_fen = state.priced.discount_fen - coupons_fen - points_fen
    box.sides(say(state, "total.discount"), format_yuan(-offers_fen), "text", "saving")
    if coupons_fen:
        box.sides(say(state, "total.coupons"), format_yuan(-coupons_fen), "text", "saving")
    if points_fen:
        box.sides(say(state, "total.points"), format_yuan(-points_fen), "text", "saving")


def tail(state: LaneState) -> Iterator[tuple[str, str]]:
    """(text, amount) of what concerns the basket as a whole: savings, gifts, and coupons for next time."""
    for one in on_basket(state.priced.applied):
        yield f"- {promotion_name(state, one.promotion)}", format_yuan(-one.saving_fen)
    for gift in state.priced.gifts:
        yield f"+ {say(state, 'offer.gift')} ×{gift.quantity} {promotion_name(state, gift.promotion)}", format_yuan(0)
    for reward in state.priced.rewards:
        yield f"+ {say(state, 'offer.reward')} ×{reward.quantity} {promotion_name(state, reward.promotion)}", ""


def tail_row(box: Box, words: str, amount: str) -> None:
    box.sides(shortened(words, box.width - cells(amount) - 1), amount, "saving")


# ------------------------------------------------------------------ member and hint


def tier_name(state: LaneState, tier: str) -> str:
    return LANGUAGES[state.lang].get(f"tier.{tier}", tier)


def member_name(state: LaneState) -> str:
    """林* 8821 金卡; empty for a stranger."""
    member = state.basket.member
    return f"{member.label} {tier_name(state, member.customer.tier)}".strip() if member else ""


def member_rows(state: LaneState, box: Box) -> None:
    """Who is attached, the points of this sale and the balance."""
    member = state.basket.member
    if member is None:
        box.put(say(state, "total.member"), "dim")
        return
    box.put(f"{say(state, 'member.member')} {member_name(state)}", "head")
    earned = say(state, "member.earned", points=f"{state.priced.points_earned:,}")
    balance = say(state, "member.balance", points=f"{member.customer.points:,}")
    if cells(earned) + cells(balance) < box.width:
        box.sides(earned, balance)
    else:
        box.put(earned)
        box.put(balance)


def ceremony(state: LaneState, last: LastSale, box: Box) -> None:
    """A tier was reached with the last sale: said large, with the gift that waits."""
    if not last.tier:
        return
    gift = say(state, "tier.gift", name=item_name(state, last.gift)) if last.gift else ""
    for words in ("", f"▲ {say(state, 'tier.reached', tier=tier_name(state, last.tier))} ▲", gift, ""):
        box.put(shortened(words, box.width), "ok", "centre")
    box.put()


def hint_row(state: LaneState, box: Box) -> None:
    """The best near miss in one row; blank while there is none, so that nothing moves. The whole sentence is in `why`."""
    hint = why.hint(state)
    box.put(f"● {_hint_words(state, hint, box.width - 2)}" if hint else "", "head")


def _hint_words(state: LaneState, hint: Hint, width: int) -> str:
    """What to add and what it does to the price; the name of the good gives way to the figures."""
    pay, save = format_yuan(abs(hint.pay_fen)), format_yuan(hint.extra_saving_fen)
    if hint.loses or not hint.extra_saving_fen:
        key = "hint.row_keep" if hint.loses else "hint.row_gives"
        pay, good = pay if hint.loses else _hint_good(state, hint), promotion_name(state, hint.promotion)
    else:
        key = "hint.row" if hint.pay_fen > 0 else "hint.row_less" if hint.pay_fen else "hint.row_free"
        good = _hint_good(state, hint)
    room = width - cells(say(state, key, more="", pay=pay, save=save))
    return say(state, key, more=shortened(good, room), pay=pay, save=save)


def _hint_good(state: LaneState, hint: Hint) -> str:
    if not hint.need_units:
        return say(state, "hint.row_fen", amount=format_yuan(hint.need_fen))
    name = next((item_name(state, line.item) for line in state.basket.lines if line.item.sku == hint.sku), hint.sku)
    return say(state, "hint.row_units", n=hint.need_units, name=name)


# ------------------------------------------------------------------ dialogs


def offers(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """Whose points, then what can be chosen: points to spend, coupons to take out."""
    member = state.basket.member
    if member is None:
        box.put(say(state, "offer.no_member"), "dim")
    else:
        box.sides(member_name(state), say(state, "member.balance", points=f"{member.customer.points:,}"))
        if not member.may_spend:
            box.put(say(state, "offer.by_phone"), "dim")
    first = max(0, min(dialog.cursor - height + 4, len(dialog.rows) - height + 3))
    for i, row in list(enumerate(dialog.rows))[first : first + height - 3]:
        mark = "▶" if i == dialog.cursor else " "
        left, right = _points(state, row) if isinstance(row, PointsChoice) else _coupon(state, row)
        words = shortened(f"{mark} {left}", box.width - cells(right) - 1)
        box.sides(words, right, "cursor" if i == dialog.cursor else "text")
        box.touch(f"row_{i}")
        reason = _why_not(state, row)
        if reason:
            box.put(shortened(f"      {reason}", box.width), "dim")


def _points(state: LaneState, row: PointsChoice) -> tuple[str, str]:
    mark = "✓" if row.points == state.basket.points else " "
    if not row.points:
        return f"{mark} {say(state, 'offer.no_points')}", ""
    return f"{mark} {say(state, 'offer.points', points=f'{row.points:,}')}", format_yuan(-row.worth_fen)


def _coupon(state: LaneState, row: AddCode) -> tuple[str, str]:
    saved = sum(one.saving_fen for one in state.priced.applied if one.promotion == row.promotion)
    words = f"{row.code} {promotion_name(state, row.promotion)}"
    return f"{'✓' if saved else '✗'} {words}", format_yuan(-saved)


def _why_not(state: LaneState, row: PointsChoice | AddCode) -> str:
    """Why a coupon that was entered takes nothing off."""
    if isinstance(row, PointsChoice):
        return ""
    refused = next((one for one in state.priced.refused if one.promotion == row.promotion), None)
    return explained(state, refused, ()).removeprefix(f"{promotion_name(state, row.promotion)}: ") if refused else ""


def explanation(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """The rows from the cursor on, each wrapped, as many as fit."""
    box_rows, gifts = height + SPARE_WITHOUT_INPUT, dialog.data
    entries = dialog.rows[dialog.cursor :]
    rows = [row for entry in entries[:box_rows] for row in _explained_rows(state, entry, gifts, box.width)]
    for words, role in rows[:box_rows]:
        box.put(words, role)


def _explained_rows(state: LaneState, entry: why.Why, gifts: tuple[Item, ...], width: int) -> Iterator[tuple[str, str]]:
    if isinstance(entry, why.About):
        for words, role in _heading(state, entry.line):
            yield from ((row, role) for row in wrap_words(words, width))
        return
    mark, role = MARKS[type(entry)]
    for n, words in enumerate(wrap_words(explained(state, entry, gifts), width - 2)):
        yield f"{mark if n == 0 else ' '} {words}", role


def _heading(state: LaneState, line: Line | None) -> Iterator[tuple[str, str]]:
    """A line with its list and net amount, and what the catalogue's price took off; or the basket with its sums."""
    priced = state.priced
    if line is None:
        yield f"── {say(state, 'why.basket')}  {format_yuan(priced.list_fen)} → {format_yuan(priced.total_fen)}", "head"
        return
    money = next(money for money in priced.lines if money.line_id == line.line_id)
    name = f"{item_name(state, line.item)} ×{line.quantity}"
    yield f"── {name}  {format_yuan(money.list_fen)} → {format_yuan(money.net_fen)}", "head"
    shelf_fen = money.saving_fen - sum(share.fen for share in money.shares)
    if shelf_fen:
        yield f"✓ {say(state, f'source.{money.source}')} {format_yuan(-shelf_fen)}", "saving"


MARKS: dict[type, tuple[str, str]] = {Applied: ("✓", "saving"), Refused: ("✗", "text"), Hint: ("●", "head")}


def page_keys(state: LaneState, box: Box) -> None:
    """Up and down to touch, beside the key that closes."""
    room = box.width - 2 * PAGE_KEY - 2
    up, down = (pad(mark, PAGE_KEY, "centre") for mark in "▲▼")
    close = pad(say(state, "dialog.close"), room)
    box.rows[-1] = [(close, "key"), (" ", "text"), (up, "button"), (" ", "text"), (down, "button")]
    box.touch("page_up", room + 1, PAGE_KEY)
    box.touch("page_down", room + PAGE_KEY + 2, PAGE_KEY)


def usual(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """What a member often buys, with today's price, the stock and an offer that is open for it."""
    for i, row in enumerate(dialog.rows):
        box.put()
        role, amount = "cursor" if i == dialog.cursor else "strong", format_yuan(row.price_fen)
        name = f"{'▶' if i == dialog.cursor else ' '} {i + 1}  {item_name(state, row.item)}"
        box.sides(shortened(name, box.width - cells(amount) - 1), amount, role)
        box.touch(f"row_{i}")
        offer = f"↳ {promotion_name(state, row.promotion)}" if row.promotion else ""
        stock = say(state, "usual.stock", n=row.on_hand)
        box.sides(shortened(f"      {offer}", box.width - cells(stock) - 1), stock, "saving", "dim")
        box.touch(f"row_{i}")


def keypad(state: LaneState, view: View, box: Box, dialog: Dialog, height: int) -> None:
    """Digits to touch, where a shopper has no keyboard."""
    if not state.is_self_checkout:
        return
    for row in KEYPAD:
        box.put()
        spans = []
        for char in row:
            spans += [("  ", "text"), (pad({"<": "←", ">": "OK"}.get(char, char), 8, "centre"), "button")]
        box.spans(*spans, (" ", "text"))
        for n, char in enumerate(row):
            box.touch({"<": "backspace", ">": "enter"}.get(char, f"digit_{char}"), n * 10 + 2, 8)
