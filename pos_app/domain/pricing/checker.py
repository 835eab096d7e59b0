"""Whether a priced basket is right: the answer is built again from basket, package and trace, and must come out the same.

A trace says what was chosen; all else follows from the rules' fields. What is not legal is left out, and so does not come out.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice
from typing import Any

from pos_app.domain.basket import Basket, Line
from pos_app.domain.goods import Restricted, may_be_discounted
from pos_app.domain.money import share_fen, tax_included_fen, weighed_amount_fen
from pos_app.domain.pricing import model as m
from pos_app.domain.pricing.model import COUPON, EARN, EVENT, GIFT, GROUP, POINTS, SETS, SHELF, SPEND, Applied, Priced, Promotion

STAGES = {
    "ShelfPrice": SHELF, "ShelfPercentOff": SHELF, "ShelfAmountOff": SHELF, "QuantityPercentTiers": SHELF,
    "NthUnitPercentOff": SETS, "BuyXGetY": SETS, "CheapestFree": SETS, "FixedPriceBundle": SETS, "ComboAmountOff": SETS,
    "MemberPercentOff": GROUP, "SpendSaveTiers": SPEND, "CouponAmountOff": COUPON, "CouponPercentOff": COUPON,
    "PointsRedeem": POINTS, "PointsEarn": EARN, "GiftRule": GIFT, "EventRule": EVENT, "CouponReward": EVENT, "PunchCard": EVENT,
}  # fmt: skip
CHECKED = [name for name in Priced._fields if name not in ("refused", "proved", "gap_fen")]  # what did not happen has no sum
ANY, NO_SPEND, NEVER, NO_LIMIT = 0, 1, 2, 1 << 60  # the first three: what stages 1 to 4 may still do with a part of a line
Cell = tuple[int, int]  # row, ANY | NO_SPEND | NEVER
Parts = dict[tuple[int, int, str], tuple[int, int, int, int]]  # (row, unit price, promotion): units, fen, fen before it, ANY …
Uses = Mapping[str, m.Used]


def check(
    basket: Basket, customer: m.Customer, package: m.Package, now_ms: int, codes: frozenset[str], used: Uses, priced: Priced
) -> tuple[str, ...]:  # fmt: skip
    """What is wrong with an answer, by its fields; nothing when it is accepted. One fen more to pay: `("total_fen: …",)`."""
    modes = (True,) if package.policy == m.PRIORITY else (True, False)  # with audience prices, or as for anyone
    found = [_Answer(mode, priced.applied, basket.lines, customer, package, now_ms, codes, used).rebuilt() for mode in modes]
    pairs = [[(name, getattr(priced, name), getattr(right, name)) for name in CHECKED] for right in found]
    return min((tuple(f"{name}: {a}, not {b}" for name, a, b in some if repr(a) != repr(b)) for some in pairs), key=len)


class _Row:
    """A line; `base_fen` is the lower of list and label, of one unit (per kg when weighed); a weighed line has no unit."""

    def __init__(self, line: Line) -> None:
        self.line, self.name, self.item, self.is_open = line, line.line_id, line.item, may_be_discounted(line.item)
        self.units = 0 if line.weight_g is not None else line.quantity
        self.list_fen, _, _, source = self.catalogue(False)
        self.base_fen, self.is_labelled = self.list_fen // self.units if self.units else line.item.price_fen, source == "label"

    def of(self, unit_fen: int) -> int:
        return unit_fen * self.units if self.line.weight_g is None else weighed_amount_fen(unit_fen, self.line.weight_g)

    def catalogue(self, as_member: bool) -> tuple[int, int, int, str]:
        """(list, price, unit price, source) without promotions. Ties: the label, then list, promotional, member price."""
        item, label_fen = self.item, NO_LIMIT if self.line.label_fen is None else self.line.label_fen * self.line.quantity
        if item.ask_price:
            return label_fen % NO_LIMIT, label_fen % NO_LIMIT, self.line.label_fen or 0, "asked"
        member_fen = item.member_price_fen if as_member else None
        prices = (item.price_fen, "list"), (item.promo_price_fen, "promo"), (member_fen, "member")
        unit_fen, _, source = min((fen, n, s) for n, (fen, s) in enumerate(prices) if fen is not None and (not n or self.is_open))
        list_fen, net_fen = self.of(item.price_fen), self.of(unit_fen)
        if label_fen < list_fen and label_fen <= net_fen:
            return label_fen, label_fen, label_fen // self.units if self.units else unit_fen, "label"
        return min(label_fen, list_fen), net_fen, unit_fen, source

    def is_in(self, p: Promotion, scope: m.Scope) -> bool:
        """Whether a promotion looks at this line as one of a scope, if the line may be discounted at all."""
        named = scope.is_all or self.item.sku in scope.skus or any(c in scope.categories for c in self.item.category.split(";"))
        return named and self.item.sku not in scope.without_skus and not (p.price_once and self.is_labelled)


class _Answer:
    """The answer that the legal choices of a trace make: `cells` are fen left, `lists` the list amounts of the same goods."""

    def __init__(self, *asked: Any) -> None:
        self.with_audience, self.trace, self.lines, self.customer, self.package, self.now_ms, self.codes, self.used = asked
        self.rows = sorted(map(_Row, self.lines), key=lambda row: (row.item.sku, row.base_fen, row.name))
        self.may = {p.id: p for p in sorted(self.package.promotions, key=lambda p: p.id) if self._may(p)}
        self.of = {n: [p for p in self.may.values() if STAGES[type(p.rule).__name__] == n] for n in range(EVENT + 1)}
        self.kinds = Counter({p.id: NEVER if p.exclusive else ANY if p.counts_to_spend else NO_SPEND for p in self.may.values()})
        self.as_member, self.aside = self.with_audience and self.customer.is_member, {p.id: self._gone(p) for p in self.of[GIFT]}
        self.cells, self.lists, self.shares, self.spent = Counter[Cell](), Counter[Cell](), [Counter[str]() for _ in self.rows], 0

    def rebuilt(self) -> Priced:
        parts, applied = self._shelf()
        applied += [*self._sets(parts), *(row for stage in (GROUP, SPEND, COUPON) for row in self._later(stage))]
        coupons = tuple(sorted({self.may[row.promotion].code for row in applied if row.stage == COUPON} & self.codes))
        self.cells = Counter({(n, ANY): sum(self.cells[n, kind] for kind in range(3)) for n in range(len(self.rows))})
        self.lists = Counter({(n, ANY): row.list_fen for n, row in enumerate(self.rows)})
        after_four_fen, given, nets, points = self.cells.total(), self._given(), Counter[tuple[str, int]](), 0
        applied += self._later(POINTS)
        earning = [p for p in self.of[EARN] if self._scope(p, self.cells)[1] >= p.min_spend_fen]
        gone = Counter(use.line_id for uses in self.aside.values() for use in uses for _ in range(use.units))
        lines = {one.line_id: m.PricedLine(one.line_id, 0, 0, 0, "list", (), gone[one.line_id]) for one in self.lines}
        for n, row in enumerate(self.rows):
            unit_fen, net_fen = min(fen for k, fen, _ in parts if k == n), self.cells[n, ANY]
            shares = tuple(m.LineShare(name, fen) for name, fen in self.shares[n].items() if fen)
            source = "promotion" if any(name for k, _, name in parts if k == n) else row.catalogue(self.as_member)[3]
            lines[row.name] = m.PricedLine(row.name, unit_fen, row.list_fen, net_fen, source, shares, gone[row.name])
            nets[row.item.tax_code, row.item.tax_bp] += net_fen
            rates = [(p.rule.adds, p.rule.points_per_yuan * p.rule.multiplier_percent) for p in earning if row.is_in(p, p.scope)]
            rate = max((rate for adds, rate in rates if not adds), default=0) + sum(rate for adds, rate in rates if adds)
            points += net_fen * rate if row.item.earns_points and row.item.restricted != Restricted.TOBACCO else 0
        return given._replace(
            lines=tuple(lines.values()), item_count=sum(row.line.quantity for row in self.rows), list_fen=self.lists.total(),
            taxes=tuple(m.TaxShare(*key, fen, tax_included_fen(fen, key[1])) for key, fen in sorted(nets.items())),
            discount_fen=self.lists.total() - self.cells.total(), total_fen=self.cells.total(), after_coupons_fen=after_four_fen,
            points_spent=self.spent, points_earned=points // 10_000, applied=(*applied, *given.applied), coupons=coupons,
        )  # fmt: skip

    def _gone(self, p: Promotion) -> tuple[m.Use, ...]:
        """Scanned units that become a gift leave their lines, the cheapest first; the trace says how many."""
        units = sum(use.units for one in self.trace if (one.stage, one.promotion) == (GIFT, p.id) for use in one.uses)
        here = (row for row in self.rows if row.item.sku == p.rule.gift_sku and row.is_open for _ in range(row.units))
        gone = Counter(islice(here, max(0, units)))
        self.rows = [_Row(replace(row.line, quantity=n)) for row in self.rows if (n := row.line.quantity - gone[row])]
        return tuple(m.Use(row.name, n, row.base_fen, n) for row, n in gone.items())

    def _may(self, p: Promotion) -> bool:
        when, who, customer, (times, money_fen), minutes = p.when, p.who, self.customer, self._left(p), self.now_ms // 60_000
        now = datetime.datetime(1970, 1, 1) + datetime.timedelta(minutes=minutes + self.package.utc_offset_min)
        return all((
            when.from_ms is None or minutes * 60_000 >= when.from_ms, when.to_ms is None or minutes * 60_000 < when.to_ms,
            not when.weekdays or now.isoweekday() in when.weekdays, not when.days_of_month or now.day in when.days_of_month,
            not when.dates or f"{now:%Y-%m-%d}" in when.dates, not when.holidays or f"{now:%Y-%m-%d}" in self.package.holidays,
            not when.hours or any(start <= now.hour * 60 + now.minute < end for start, end in when.hours),
            customer.is_member or not (who.member or p.limits.per_member is not None or p.limits.per_member_day is not None),
            not who.tiers or customer.tier in who.tiers, not who.groups or set(who.groups) & set(customer.groups),
            who.nth_order is None or customer.orders_completed == who.nth_order - 1, times > 0 and money_fen > 0,
            customer.birthday_week or not who.birthday_week, not p.code or p.code in self.codes,
        ))  # fmt: skip

    def _left(self, p: Promotion) -> tuple[int, int]:  # applications and fen that its limits leave
        had = self.used.get(p.id, m.Used())
        gone = (0, had.member_times, had.member_day_times, had.times, had.fen)  # in the order of `Limits`
        *times, money_fen = [NO_LIMIT if most is None else most - n for most, n in zip(p.limits, gone, strict=True)]
        return min(times), money_fen

    def _off(self, fen: int, percent: int) -> int:
        return fen - (fen * (100 - percent) + {m.NET_HALF_UP: 50, m.NET_DOWN: 0, m.NET_UP: 99}[self.package.rounding]) // 100

    def _shared(self, fen: int, weights: Sequence[int]) -> list[int]:
        if self.package.leftover == m.LARGEST_FRACTION or not sum(weights):
            return share_fen(fen, weights) if weights else []
        shares = [fen * weight // sum(weights) for weight in weights]
        for n in range(len(shares))[:: 1 if self.package.leftover == m.FIRST_LINE else -1]:
            shares[n] += min(fen - sum(shares), weights[n] - shares[n])
        return shares

    def _scope(self, p: Promotion, left: Mapping[Cell, int], kind_max: int = NO_SPEND) -> tuple[list[Cell], int]:
        """The parts of lines that a promotion looks at, and what its threshold is held against."""
        reach = [(n, k) for n, k in sorted(left) if k <= kind_max and self.rows[n].is_open and self.rows[n].is_in(p, p.scope)]
        return reach, sum((self.lists if p.threshold_on == m.ON_LIST else left)[cell] for cell in reach)

    def _take(self, applied: Applied, fens: Iterable[tuple[Cell, int, int]]) -> Applied:  # what each had before, and loses
        for (n, kind), before_fen, fen in fens:
            self.cells[n, kind] -= fen
            self.shares[n][applied.promotion] += fen
            share = m.StageShare(self.rows[n].name, before_fen, fen)
            applied = applied._replace(saving_fen=applied.saving_fen + fen, shares=(*applied.shares, share))
        return applied

    def _shelf(self) -> tuple[Parts, list[Applied]]:
        """Stage 0 leaves no choice: the best unlimited price, then those with a number where a unit saves most."""
        offers = [p for p in self.of[SHELF] if self.with_audience or p.is_for_anyone]
        limits = {p.id: [*self._left(p), NO_LIMIT if p.rule.max_units is None else p.rule.max_units] for p in offers}
        reach = {p.id: [row for row in self.rows if row.is_open and row.is_in(p, p.scope)] for p in offers}
        offers = [p for p in offers if sum(row.list_fen for row in reach[p.id]) >= p.min_spend_fen]
        limits[""], units_left, wishes, parts = [NO_LIMIT] * 3, [row.units or 1 for row in self.rows], [], Parts()
        for n, row in enumerate(self.rows):
            _, fen, unit_fen, _ = row.catalogue(self.as_member)
            here: list[tuple[int, int, str]] = []  # price of a unit or of the whole weighed line, price of a unit or kilogram, id
            for p in (p for p in offers if row in reach[p.id] and not row.item.ask_price):
                units = sum(row.units for row in reach[p.id] if not row.item.ask_price)
                percent = max((tier.percent for tier in getattr(p.rule, "tiers", ()) if units >= tier.units), default=0)
                off_fen = getattr(p.rule, "amount_fen", 0) + self._off(row.base_fen, getattr(p.rule, "percent", percent))
                due_fen = getattr(p.rule, "price_fen", max(0, row.base_fen - off_fen))
                here.append((due_fen if row.units else min(row.of(due_fen), row.list_fen), due_fen, p.id))
            free = [one for one in here if min(limits[one[2]]) == NO_LIMIT]
            best = min([(fen // (row.units or 1), unit_fen, ""), *free], key=lambda one: one[0])
            limited = [one for one in here if one not in free and one[0] < best[0] and row.units]
            wishes += [(one[0] - best[0], one[2], n, one) for one in (best, *limited)]
        for _, name, n, (fen, unit_fen, _) in sorted(wishes):
            row, (times, money_fen, most), off_fen = self.rows[n], limits[name], self.rows[n].base_fen - fen
            units = min(units_left[n], times, most, money_fen // max(1, off_fen))
            units_left[n], limits[name] = units_left[n] - units, [times - units, money_fen - units * off_fen, most - units]
            base_fen, kind = units * row.base_fen if row.units else row.list_fen, self.kinds[name] if row.is_open else NEVER
            parts |= {(n, unit_fen, name): (units * bool(row.units), units * fen, base_fen, kind)} if units else {}
        parts, applied = dict(sorted(parts.items(), key=lambda item: (item[0][0], -item[0][1], item[0][2]))), []
        for (n, _, name), (_, fen, base_fen, kind) in parts.items():
            self.cells[n, kind] += base_fen if name else fen
            self.lists[n, kind] += base_fen
        for owner in sorted({name for _, _, name in parts} - {""}):
            mine = [(n, self.rows[n], *numbers) for (n, _, name), numbers in parts.items() if name == owner]
            uses = tuple(m.Use(row.name, units, row.base_fen, units) for _, row, units, *_ in mine)
            off = [((n, kind), base_fen, base_fen - fen) for n, _, _, fen, base_fen, kind in mine]
            before_fen, times = sum(base_fen for _, base_fen, _ in off), sum(use.units for use in uses) or 1
            applied.append(self._take(Applied(SHELF, owner, 0, before_fen, times, uses=uses), off))
        return parts, applied

    def _sets(self, parts: Parts) -> list[Applied]:
        limits = {p.id: self._left(p) for p in self.of[SETS] if self._scope(p, self.cells)[1] >= p.min_spend_fen}
        names = {(self.rows[part[0]].name, *part[1:]): part for part in parts}
        left = Counter({part: units for part, (units, _, _, kind) in parts.items() if part[1] and kind != NEVER})
        applied: dict[tuple[str, tuple[m.Use, ...]], Applied] = {}
        for name, uses, n in [(row.promotion, row.uses, row.times) for row in self.trace if row.promotion in limits]:
            taken = [(use, names.get((use.line_id, use.unit_fen, use.promotion), (0, 0, "-"))) for use in uses]
            are_there = all(0 < use.units * n <= left[part] and n > 0 and 0 <= use.reduced <= use.units for use, part in taken)
            in_order = [part for _, part in taken] == [part for part in parts if part in {part for _, part in taken}]
            saving_fen = self._set_saving(self.may[name], taken) if are_there and in_order else 0
            times, money_fen = limits[name][0] - n, limits[name][1] - saving_fen * n
            if saving_fen > 0 and min(times, money_fen) >= 0:
                limits[name] = times, money_fen
                left.subtract({part: use.units * n for use, part in taken})
                off, fens = iter(self._shared(saving_fen, [use.unit_fen for use in uses for _ in range(use.units)])), []
                for use, part in taken:
                    old, new = (part[0], parts[part][3]), (part[0], max(parts[part][3], self.kinds[name]))
                    before_fen, list_fen = use.units * use.unit_fen * n, use.units * n * self.rows[part[0]].base_fen
                    self.cells.update({old: -before_fen, new: before_fen} if old != new else {})
                    self.lists.update({old: -list_fen, new: list_fen} if old != new else {})
                    fens.append((new, before_fen, n * sum(next(off) for _ in range(use.units))))
                one = Applied(SETS, name, 0, sum(before_fen for _, before_fen, _ in fens) // n, n, uses=uses)
                applied[name, uses] = self._take(one, fens)
        return [applied[key] for key in sorted(applied)]

    def _set_saving(self, p: Promotion, taken: Sequence[tuple[m.Use, tuple[int, int, str]]]) -> int:
        """What the units of one application save; 0 where they are not what the rule asks for."""
        rule, name = p.rule, type(p.rule).__name__
        units = [(use.unit_fen, n) for n, (use, _) in enumerate(taken) for _ in range(use.units)]
        reduced = [(use.unit_fen, n) for n, (use, _) in enumerate(taken) for _ in range(use.reduced)]

        def fill(slots: Sequence[tuple[m.Scope, int]], some: Sequence[tuple[int, int]]) -> bool:
            """Any slots together find as many units as they need: then each unit has its place (Hall)."""
            fits = [[self.rows[taken[n][1][0]].is_in(p, scope) for _, n in some] for scope, _ in slots]
            groups = [g for size in range(1, len(slots) + 1) for g in combinations(range(len(slots)), size)]
            enough = all(sum(map(any, zip(*(fits[i] for i in g), strict=True))) >= sum(slots[i][1] for i in g) for g in groups)
            return enough and len(some) == sum(size for _, size in slots)

        if name in ("FixedPriceBundle", "ComboAmountOff"):
            whole_fen = sum(fen for fen, _ in units) if fill(rule.components, units) and reduced == units else 0
            return int(whole_fen - rule.price_fen if name == "FixedPriceBundle" else min(rule.amount_fen, whole_fen))
        off_fen = sum(self._off(fen, 100 if name == "CheapestFree" else rule.percent) for fen, _ in reduced)
        buy, n, k = p.scope, getattr(rule, "n", 0), getattr(rule, "free", 1)
        if name == "BuyXGetY":
            buy, n, k = rule.buy or p.scope, rule.buy_units + rule.get_units, rule.get_units
            if (rule.get or buy) != buy:
                bought = [*(Counter(units) - Counter(reduced)).elements()]
                return off_fen if fill([(rule.get, k)], reduced) and fill([(buy, n - k)], bought) else 0
        return off_fen if fill([(buy, n)], units) and sorted(reduced) == sorted(units)[:k] else 0

    def _later(self, stage: int) -> list[Applied]:
        """Stages 2 to 5: what was chosen, in order of id, coupons in their own. By priority, and for points, each that can."""
        by_priority, shut = self.package.policy == m.PRIORITY and stage != POINTS, set[tuple[str, Cell]]()
        begin, names, applied = dict(self.cells), [one.promotion for one in self.trace if one.stage == stage], list[Applied]()
        here = [p for p in self.of[stage] if by_priority or stage == POINTS or p.id in names]
        for p in sorted(here, key=lambda p: p.priority if by_priority else names.index(p.id) if stage == COUPON else 0):
            reach, measured_fen = self._scope(p, begin, ANY if stage == SPEND else NO_SPEND)
            cells, begin_fen = [cell for cell in reach if self.cells[cell]], sum(begin[cell] for cell in reach)
            held, rule, name, tier, times = [self.cells[cell] for cell in cells], p.rule, type(p.rule).__name__, 0, 1
            fen = getattr(rule, "amount_fen", 0) + self._off(sum(held), getattr(rule, "percent", 0))
            if name == "SpendSaveTiers":
                tier = max((n for n, t in enumerate(rule.tiers, 1) if measured_fen >= t.spend_fen), default=0)
                reached = rule.tiers[tier - 1]
                times = measured_fen // reached.spend_fen if tier and rule.repeat else 1
                fen = times * reached.save_fen + self._off(begin_fen, reached.save_percent) if tier else 0
            if name == "PointsRedeem":
                most = NO_LIMIT if rule.blocks_max is None else rule.blocks_max
                times = min((self.customer.points - self.spent) // rule.block_points, sum(held) // rule.block_fen, most)
                fen = times * rule.block_fen
            most_fen = sum(held) if getattr(rule, "save_max_fen", None) is None else min(rule.save_max_fen, sum(held))
            fens = [self._off(b, rule.percent) for b in held] if stage == GROUP else self._shared(min(fen, most_fen), held)
            is_legal = measured_fen >= p.min_spend_fen and not shut & {(p.group, cell) for cell in reach}
            if is_legal and 0 < sum(fens) <= self._left(p)[1]:
                applied += [self._take(Applied(stage, p.id, 0, measured_fen, times, tier), zip(cells, held, fens, strict=True))]
                if stage in (GROUP, SPEND) or (stage == COUPON and p.group != "basket"):
                    shut |= {(p.group, cell) for cell in reach if begin[cell]}
                self.spent += rule.block_points * times if stage == POINTS else 0
        return applied

    def _given(self) -> Priced:  # stages 8 and 9, in an answer that holds nothing else
        given, had = Priced(), dict(self.customer.stamps)
        for p in (*self.of[GIFT], *self.of[EVENT]):
            (reach, fen), rule, name, rows = self._scope(p, self.cells), p.rule, type(p.rule).__name__, dict[str, object]()
            units, times, value, aside = sum(self.rows[n].units for n, _ in reach), 1, p.id, self.aside.get(p.id, ())
            if name == "GiftRule":
                times, value = units // rule.per_units * rule.quantity if rule.per_units else rule.quantity, rule.gift_sku
                rows["gifts"] = m.Gift(p.id, value, times, rule.value_fen, rule.instead_sku, sum(use.units for use in aside))
            elif name == "EventRule":
                value, rows["raised"] = rule.event, m.Raised(p.id, rule.event, rule.after_h)
            elif name == "CouponReward":
                times, value, rows["rewards"] = rule.quantity, rule.coupon, m.Reward(p.id, rule.coupon, rule.quantity, rule.days)
            else:
                times, full = units, (had.get(p.id, 0) + units) // rule.stamps
                rows = {"stamps": m.Stamps(p.id, p.id, units, full)}
                rows |= {"rewards": m.Reward(p.id, rule.coupon, full)} if full else {}
            if reach and times >= max(1, sum(use.units for use in aside)) and fen >= p.min_spend_fen:
                rows["applied"] = Applied(GIFT if name == "GiftRule" else EVENT, p.id, 0, fen, times, uses=aside, value=value)
                given = Priced(**given._asdict() | {key: (*getattr(given, key), row) for key, row in rows.items()})
        return given
