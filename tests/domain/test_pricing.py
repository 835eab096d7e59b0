"""`price(...)`: pure, whole fen, the same for every order; a line never over its label; what may not be discounted is not."""

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Item, Restricted
from pos_app.domain.money import tax_included_fen, weighed_amount_fen
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import STRANGER, Customer, Package
from tests.shop_kit import ITEMS

MEMBER = Customer(alias="m")

TAXES = (("S13", 1_300), ("R9", 900), ("E0", 0))
PRICES = st.integers(0, 50_000)


@st.composite
def items(draw: st.DrawFn) -> Item:
    code, bp = draw(st.sampled_from(TAXES))
    weighed = draw(st.booleans())
    return Item(
        draw(st.sampled_from("ABCDE")), "n", draw(PRICES), tax_code=code, tax_bp=bp, weighed=weighed,
        member_price_fen=draw(st.none() | PRICES), promo_price_fen=draw(st.none() | PRICES),
        restricted=draw(st.sampled_from(list(Restricted))), discount_allowed=draw(st.booleans()),
        ask_price=not weighed and draw(st.booleans()),
    )  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> Line:
    item = draw(items())
    if item.weighed:
        return Line(0, item, "c", weight_g=draw(st.integers(1, 99_999)), label_fen=draw(st.none() | PRICES))
    label = draw(PRICES) if item.ask_price else None
    return Line(0, item, "c", quantity=draw(st.integers(1, 9_999)), label_fen=label)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    found = draw(st.lists(lines(), max_size=8))
    return Basket(lines=tuple(dataclasses.replace(line, line_id=n) for n, line in enumerate(found, 1)))


def of(*found: Line) -> Basket:
    return Basket(lines=found)


@given(baskets(), st.booleans(), st.integers())
def test_shuffling_the_lines_changes_no_line_no_total_and_no_tax(basket: Basket, is_member: bool, seed: int) -> None:
    shuffled = list(basket.lines)
    random.Random(seed).shuffle(shuffled)
    customer = MEMBER if is_member else STRANGER
    one, other = price(basket, customer, Package(), 0), price(of(*shuffled), customer, Package(), 0)
    assert {line.line_id: line for line in one.lines} == {line.line_id: line for line in other.lines}
    assert one._replace(lines=()) == other._replace(lines=())


@given(baskets())
def test_a_member_never_pays_more(basket: Basket) -> None:
    member, nobody = price(basket, MEMBER, Package(), 0), price(basket, STRANGER, Package(), 0)
    assert all(m.net_fen <= n.net_fen for m, n in zip(member.lines, nobody.lines, strict=True))


@given(baskets(), st.booleans())
def test_every_saving_is_between_nothing_and_the_line(basket: Basket, is_member: bool) -> None:
    priced = price(basket, MEMBER if is_member else STRANGER, Package(), 0)
    assert all(0 <= line.saving_fen <= line.list_fen for line in priced.lines)
    assert priced.list_fen - priced.discount_fen == priced.total_fen == sum(line.net_fen for line in priced.lines)
    assert priced.item_count == sum(line.quantity for line in basket.lines)


@given(baskets())
def test_bags_tobacco_and_goods_without_discount_cost_their_list_price(basket: Basket) -> None:
    priced = price(basket, MEMBER, Package(), 0)
    for line, money in zip(basket.lines, priced.lines, strict=True):
        closed = line.item.restricted in (Restricted.BAG, Restricted.TOBACCO) or not line.item.discount_allowed
        if closed and line.label_fen is None:
            assert money.saving_fen == 0
            assert money.source == "list"


@given(baskets(), st.booleans())
def test_a_labelled_line_never_costs_more_than_its_label(basket: Basket, is_member: bool) -> None:
    priced = price(basket, MEMBER if is_member else STRANGER, Package(), 0)
    for line, money in zip(basket.lines, priced.lines, strict=True):
        if line.label_fen is not None:
            assert money.net_fen <= line.label_fen * line.quantity


@given(st.integers(2, 99), st.integers(1, 800))
def test_n_labelled_units_cost_n_labels(quantity: int, label_fen: int) -> None:
    """`3*` and a label of 5.00 is 15.00: the label is on each unit."""
    line = Line(1, ITEMS["PACK"], "c", quantity=quantity, label_fen=label_fen)
    assert price(of(line), STRANGER, Package(), 0).total_fen == quantity * label_fen


@given(baskets())
def test_vat_is_computed_once_per_rate_on_the_sum_of_its_nets(basket: Basket) -> None:
    priced = price(basket, STRANGER, Package(), 0)
    assert len({(share.tax_code, share.rate_bp) for share in priced.taxes}) == len(priced.taxes)
    for share in priced.taxes:
        nets = [m.net_fen for line, m in zip(basket.lines, priced.lines, strict=True) if line.item.tax_code == share.tax_code]
        assert share.net_fen == sum(nets)
        assert share.tax_fen == tax_included_fen(share.net_fen, share.rate_bp)


def test_two_times_3_50_at_13_percent_is_7_00_with_0_81_vat_inside() -> None:
    item = Item("A", "A", 350)
    priced = price(of(Line(1, item, "c", quantity=2)), STRANGER, Package(), 0)
    assert (priced.total_fen, priced.taxes[0].tax_fen) == (700, 81)


@pytest.mark.parametrize(
    ("promo", "member", "is_member", "unit", "source"),
    [
        (None, None, True, 350, "list"), (300, 320, True, 300, "promo"), (330, 320, True, 320, "member"),
        (330, 320, False, 330, "promo"), (350, 350, True, 350, "list"),
        (320, 320, True, 320, "promo"), (400, 500, True, 350, "list"),
    ],
)  # fmt: skip
def test_the_lowest_price_wins_and_a_tie_names_the_plainer_one(
    promo: int | None, member: int | None, is_member: bool, unit: int, source: str
) -> None:
    item = Item("A", "A", 350, promo_price_fen=promo, member_price_fen=member)
    line = price(of(Line(1, item, "c", quantity=2)), MEMBER if is_member else STRANGER, Package(), 0).lines[0]
    assert (line.unit_fen, line.net_fen, line.source) == (unit, 2 * unit, source)


@given(st.integers(1, 99_999), st.integers(1, 20_000))
def test_a_weighed_good_costs_price_times_weight_half_up(weight_g: int, price_fen: int) -> None:
    item = Item("A", "A", price_fen, weighed=True)
    assert price(of(Line(1, item, "c", weight_g=weight_g)), STRANGER, Package(), 0).total_fen == weighed_amount_fen(
        price_fen, weight_g
    )


def test_the_empty_basket_costs_nothing() -> None:
    priced = price(Basket(), MEMBER, Package(), 0)
    assert (priced.total_fen, priced.lines, priced.taxes) == (0, (), ())
