"""Stage 0, the shelf price: the lowest of list, promotional and member price; a weighed line never over its label."""

from typing import NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.goods import may_be_discounted
from pos_app.domain.money import weighed_amount_fen

LIST, PROMO, MEMBER, LABEL, ASKED = "list", "promo", "member", "label", "asked"


class ShelfPrice(NamedTuple):
    """`list_fen` before and `net_fen` after this stage for the whole line; `source` names the price that won."""

    unit_fen: int
    list_fen: int
    net_fen: int
    source: str


def shelf_price(line: Line, is_member: bool) -> ShelfPrice:
    """The stage for one line. Member price 3.20, list 3.50, two units: `ShelfPrice(320, 700, 640, "member")`.

    Ties go to list, then promotional, then member: a price that saves nothing is not named. Where a label wins, it is the unit
    price; a weighed line keeps its price per kg.
    """
    item = line.item
    is_plain = line.label_fen is None and item.promo_price_fen is None and not item.ask_price
    if is_plain and not (is_member and item.member_price_fen is not None):
        price_fen = item.price_fen
        list_fen = price_fen * line.quantity if line.weight_g is None else _amount(line, price_fen)
        return ShelfPrice(price_fen, list_fen, list_fen, LIST)
    if item.ask_price:
        asked_fen = (line.label_fen or 0) * line.quantity
        return ShelfPrice(line.label_fen or 0, asked_fen, asked_fen, ASKED)
    offers = [(item.price_fen, 0, LIST)]
    if may_be_discounted(item):
        if item.promo_price_fen is not None:
            offers.append((item.promo_price_fen, 1, PROMO))
        if is_member and item.member_price_fen is not None:
            offers.append((item.member_price_fen, 2, MEMBER))
    unit_fen, _, source = min(offers)
    list_fen, net_fen = _amount(line, item.price_fen), _amount(line, unit_fen)
    if line.label_fen is not None and line.label_fen * line.quantity < list_fen:
        list_fen = line.label_fen * line.quantity
        net_fen, source = min((list_fen, LABEL), (net_fen, source))
        if source == LABEL and line.weight_g is None:
            unit_fen = line.label_fen
    return ShelfPrice(unit_fen, list_fen, net_fen, source)


def _amount(line: Line, unit_fen: int) -> int:
    if line.weight_g is not None:
        return weighed_amount_fen(unit_fen, line.weight_g)
    return unit_fen * line.quantity
