"""The oracle's lines, conditions and stage 0, in plain arithmetic: docs/pricing.md once more, unit by unit.

Nothing of the engine is used. 10 % off 8.85 leaves 7.97: `remains(885, 10, "net_half_up") == 797`.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pos_app.domain.basket import Line
from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.mechanics.quantity_percent_tiers import QuantityPercentTiers
from pos_app.domain.pricing.mechanics.shelf_amount_off import ShelfAmountOff
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.mechanics.shelf_price import ShelfPrice
from pos_app.domain.pricing.model import Customer, Package, Promotion, Scope, Used, When
from tests.domain.pricing.worlds import World

OPEN, OUT_OF_SPEND, SHUT = 0, 1, 2  # what later stages may do with a unit
PLENTY = 1 << 60
NEVER = ("tobacco", "bag")
STAGES = dict(MECHANICS.values())


def remains(fen: int, percent_off: int, rounding: str) -> int:
    """The price that remains, rounded by name."""
    whole, rest = divmod(fen * (100 - percent_off), 100)
    if rounding == "net_half_up":
        return whole + (rest >= 50)
    return whole + (rest > 0 and rounding == "net_up")


def share(fen: int, weights: Sequence[int], leftover: str) -> list[int]:
    """Whole parts, then the fen left: one each to the largest fractions, or all to the first or the last as far as it goes."""
    total = sum(weights)
    parts = [divmod(fen * weight, total) for weight in weights]
    shares = [whole for whole, _ in parts]
    rest = fen - sum(shares)
    if leftover == "largest_fraction":
        for n in sorted(range(len(parts)), key=lambda n: (-parts[n][1], n))[:rest]:
            shares[n] += 1
        return shares
    order = list(range(len(weights)))
    for n in order if leftover == "first_line" else order[::-1]:
        while rest and shares[n] < weights[n]:
            shares[n], rest = shares[n] + 1, rest - 1
    return shares


def weigh(fen_per_kg: int, weight_g: int) -> int:
    whole, rest = divmod(fen_per_kg * weight_g, 1000)
    return whole + (rest >= 500)


class Goods(NamedTuple):
    """One line: `unit_fen` a unit (a kilogram when weighed) and `list_fen` in all, before any lower price than a label's."""

    line: Line
    units: int
    unit_fen: int
    list_fen: int
    is_open: bool
    is_labelled: bool  # the label is below list, and no catalogue price for anybody is below the label

    @property
    def sku(self) -> str:
        return self.line.item.sku

    def amount(self, unit_fen: int) -> int:
        """What the line costs at a price: a weighed one never more than its label."""
        return min(weigh(unit_fen, self.line.weight_g or 0), self.list_fen) if not self.units else unit_fen * self.units


def goods_of(lines: Sequence[Line]) -> list[Goods]:
    """The lines in canonical order: SKU, unit price, line id."""
    return sorted(map(_goods, lines), key=lambda one: (one.sku, one.unit_fen, one.line.line_id))


def _goods(line: Line) -> Goods:
    item, label_fen = line.item, line.label_fen
    is_open = item.discount_allowed and item.restricted not in NEVER
    units = 0 if line.weight_g is not None else line.quantity
    if item.ask_price:
        return Goods(line, units, label_fen or 0, (label_fen or 0) * units, is_open, False)
    list_fen = item.price_fen if units else weigh(item.price_fen, line.weight_g or 0)
    promo_fen = PLENTY if item.promo_price_fen is None or not is_open else item.promo_price_fen
    promo_fen = promo_fen if units or promo_fen == PLENTY else weigh(promo_fen, line.weight_g or 0)
    low_fen = list_fen if label_fen is None else min(list_fen, label_fen)
    is_labelled = low_fen < list_fen and low_fen <= promo_fen
    return Goods(line, units, low_fen if units else item.price_fen, low_fen * max(1, units), is_open, is_labelled)


def named(scope: Scope, one: Goods) -> bool:
    """Whether a scope means a line; one that names nothing means all."""
    if one.sku in scope.without_skus:
        return False
    everything = not scope.skus and not scope.categories
    return everything or one.sku in scope.skus or bool(set(one.line.item.category.split(";")) & set(scope.categories))


def reaches(promotion: Promotion, one: Goods) -> bool:
    """Whether a promotion may look at a line at all."""
    return one.is_open and named(promotion.scope, one) and not (promotion.price_once and one.is_labelled)


# ------------------------------------------------------------------ conditions


def of_stage(world: World, stage: int) -> list[Promotion]:
    """The promotions of a stage whose conditions hold, by id."""
    rest = (world.customer, world.package, world.now_ms, world.codes)
    here = [p for p in world.package.promotions if STAGES[type(p.rule)] == stage]
    return sorted((p for p in here if holds(p, *rest, world.used.get(p.id, Used()))), key=lambda p: p.id)


def holds(p: Promotion, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], used: Used) -> bool:
    """Whether every condition but thresholds holds (rule 12)."""
    if p.code and p.code not in codes:
        return False
    who, is_member = p.who, bool(customer.alias or customer.tier)
    needs_member = who.member or p.limits.per_member is not None or p.limits.per_member_day is not None
    if (needs_member and not is_member) or (who.tiers and customer.tier not in who.tiers):
        return False
    if who.groups and not set(who.groups) & set(customer.groups):
        return False
    if who.nth_order is not None and (customer.orders_completed is None or customer.orders_completed + 1 != who.nth_order):
        return False
    if who.birthday_week and not customer.birthday_week:
        return False
    return times_left(p, used) > 0 and budget_left(p, used) > 0 and _is_time(p.when, package, now_ms)


def _is_time(when: When, package: Package, now_ms: int) -> bool:
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=now_ms, minutes=package.utc_offset_min)
    date = at.date().isoformat()
    return (
        (when.from_ms is None or when.from_ms <= now_ms)
        and (when.to_ms is None or now_ms < when.to_ms)
        and (not when.weekdays or at.isoweekday() in when.weekdays)
        and (not when.days_of_month or at.day in when.days_of_month)
        and (not when.dates or date in when.dates)
        and (not when.holidays or date in package.holidays)
        and (not when.hours or any(start <= at.hour * 60 + at.minute < end for start, end in when.hours))
    )


def times_left(p: Promotion, used: Used) -> int:
    had = (0, used.member_times, used.member_day_times, used.times)
    most = (p.limits.max_applications, p.limits.per_member, p.limits.per_member_day, p.limits.total)
    return min([PLENTY, *(n - before for n, before in zip(most, had, strict=True) if n is not None)])


def budget_left(p: Promotion, used: Used) -> int:
    return PLENTY if p.limits.budget_fen is None else p.limits.budget_fen - used.fen


def is_for_anybody(p: Promotion) -> bool:
    """No audience, and no limit that asks for a member."""
    return not any(p.who) and p.limits.per_member is None and p.limits.per_member_day is None


# ------------------------------------------------------------------ stage 0


class Units(NamedTuple):
    """Equal units of a line (none: the whole weighed line) after stage 0, `fen` each (in all), `list_fen` likewise."""

    goods: int
    pieces: int
    fen: int
    list_fen: int
    kind: int = OPEN
    owner: str = ""


def kind_of(p: Promotion) -> int:
    return SHUT if p.exclusive else OPEN if p.counts_to_spend else OUT_OF_SPEND


def shelf(
    goods: Sequence[Goods], promotions: Sequence[Promotion], package: Package, used: Mapping[str, Used], prices_of_members: bool
) -> list[Units]:
    """Stage 0: the lowest price for each unit; promotions with a number go to the units where they save most."""
    best: list[tuple[int, str, Promotion | None]] = [_catalogue(one, prices_of_members) for one in goods]
    numbered: list[tuple[Promotion, int]] = []
    for p in sorted(promotions, key=lambda p: p.id):
        if sum(one.list_fen for one in goods if reaches(p, one)) < p.min_spend_fen:
            continue
        had = used.get(p.id, Used())
        most = min(times_left(p, had), PLENTY if p.rule.max_units is None else p.rule.max_units)
        if most < PLENTY or budget_left(p, had) < PLENTY:
            numbered.append((p, most))
            continue
        for n, one in enumerate(goods):
            best[n] = min(best[n], (_promoted(p, one, goods, package), p.id, p), key=lambda price: price[:2])
    found = _give_numbered(goods, best, numbered, package, used)
    for n, one in enumerate(goods):
        fen, owner, made_by = best[n]
        kind = OPEN if made_by is None else kind_of(made_by)
        rest = one.units - sum(units.pieces for units in found if units.goods == n)
        if rest or not one.units:
            found.append(Units(n, rest, fen, one.unit_fen if one.units else one.list_fen, kind if one.is_open else SHUT, owner))
    return sorted(found, key=lambda units: (units.goods, -units.fen, units.owner))


def _catalogue(one: Goods, prices_of_members: bool) -> tuple[int, str, None]:
    item = one.line.item
    prices = [one.unit_fen]
    if one.is_open and not item.ask_price:
        member_fen = item.member_price_fen if prices_of_members else None
        prices += [fen for fen in (item.promo_price_fen, member_fen) if fen is not None]
    return (min(prices) if one.units else one.amount(min(prices))), "", None


def _promoted(p: Promotion, one: Goods, goods: Sequence[Goods], package: Package) -> int:
    """What a promotion makes of a unit, or of a whole weighed line."""
    if not reaches(p, one) or one.line.item.ask_price:
        return PLENTY
    units = sum(other.units for other in goods if reaches(p, other) and not other.line.item.ask_price)
    fen = _unit_price(p.rule, one.unit_fen, units, package.rounding)
    return fen if one.units else one.amount(fen)


def _unit_price(rule: Any, fen: int, units: int, rounding: str) -> int:
    if isinstance(rule, ShelfPrice):
        return rule.price_fen
    if isinstance(rule, ShelfAmountOff):
        return max(0, fen - rule.amount_fen)
    if isinstance(rule, ShelfPercentOff):
        return remains(fen, rule.percent, rounding)
    assert isinstance(rule, QuantityPercentTiers)
    return remains(fen, max([0, *(tier.percent for tier in rule.tiers if tier.units <= units)]), rounding)


def _give_numbered(
    goods: Sequence[Goods], best: Sequence[tuple[int, str, Promotion | None]], numbered: Sequence[tuple[Promotion, int]],
    package: Package, used: Mapping[str, Used],
) -> list[Units]:  # fmt: skip
    """One unit, one application: largest saving against the best unlimited price, then promotion id, then line."""
    wishes = []
    for p, _ in numbered:
        for n, one in enumerate(goods):
            fen = _promoted(p, one, goods, package)
            if one.units and fen < best[n][0]:
                wishes.append((fen - best[n][0], p.id, n, fen, p))
    times, budgets = {p.id: most for p, most in numbered}, {p.id: budget_left(p, used.get(p.id, Used())) for p, _ in numbered}
    rest, found = [one.units for one in goods], []
    for _, name, n, fen, p in sorted(wishes, key=lambda wish: wish[:3]):
        count, saving_fen = 0, goods[n].unit_fen - fen
        while rest[n] and times[name] and budgets[name] >= saving_fen:
            rest[n], times[name], budgets[name], count = rest[n] - 1, times[name] - 1, budgets[name] - saving_fen, count + 1
        if count:
            found.append(Units(n, count, fen, goods[n].unit_fen, kind_of(p), name))
    return found
