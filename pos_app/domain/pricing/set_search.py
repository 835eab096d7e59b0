"""The item sets that are worth most, with the proof: stage 1 as a packing problem.

Columns are the applications; rows are the units of each class, the limits and budgets of promotions, and the caller's caps.
Ties (larger saving, then fewer applications) are part of the value: each is a smaller digit of one integer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.packing import Problem, pack
from pos_app.domain.pricing.packing_effort import Effort
from pos_app.domain.pricing.packing_prices import Column
from pos_app.domain.pricing.set_alone import best_alone
from pos_app.domain.pricing.set_columns import Application, Chosen, Goods, SetOffer, Share, Source, UnitClass, chosen_of
from pos_app.domain.pricing.set_parts import Cap, Part, parts_of

__all__ = ["Cap", "Chosen", "SetOffer", "Sets", "Share", "UnitClass", "best_sets"]

GRAIN = 60  # prices of units come out as halves, thirds, quarters and fifths of a step: all of them whole in 60ths
SOME = 40  # of the applications of an offer whose best one only a bound knows
LISTED_MAX = 400  # applications of an offer over classes of several weights

Accept = Callable[[tuple[Chosen, ...]], int]


class Sets(NamedTuple):
    """A legal choice, its value, and the value that no legal choice exceeds (none that was not shown to `accept`)."""

    chosen: tuple[Chosen, ...]
    value: int
    bound: int
    steps: int

    @property
    def proved(self) -> bool:
        return self.value == self.bound


def best_sets(
    classes: Sequence[UnitClass],
    offers: Sequence[SetOffer],
    weights: Sequence[int],
    caps: Sequence[Cap],
    rounding: str,
    effort: int,
    wanted: int | None = None,
    accept: Accept | None = None,
    share: Share = share_fen,
) -> Sets:
    """The applications with the largest `sum(weights[class] * share)`; ties: larger saving, then fewer applications.

    With `wanted`, choices of that value or less are not looked for. `accept` is shown the best choice, then every other one that
    is worth more than is wanted; it answers what is wanted from then on. Second at half price on 59.00 and 59.00: 29.50.
    """
    counted = Effort(effort)
    parts = parts_of(classes, offers, weights, caps, accept is None)
    others = sum([_trivial_bound(part) for part in parts])
    chosen: list[Chosen] = []
    value = bound = 0
    for part in parts:
        others -= _trivial_bound(part)
        left = None if wanted is None else wanted - bound - others
        found = _best_of_part(part, rounding, counted, left, share, accept)
        value, bound = value + found.value, bound + found.bound
        chosen += [_in_whole(one, part) for one in found.chosen]
    return Sets(tuple(sorted(chosen)), value, bound, counted.used)


def _trivial_bound(part: Part) -> int:
    """No unit carries more than it costs."""
    return sum([weight * unit.count * unit.price_fen for weight, unit in zip(part.weights, part.classes, strict=True)])


def _best_of_part(part: Part, rounding: str, effort: Effort, wanted: int | None, share: Share, accept: Accept | None) -> Sets:
    if len(part.offers) == 1 and len(set(part.weights)) == 1 and not part.caps and accept is None:
        alone = best_alone(part.classes, part.offers[0], rounding, share)
        if alone is not None and effort.spend(1):
            value = part.weights[0] * sum([one.saving_fen * one.times for one in alone])
            return Sets(alone, value, value, 0)
    basket = _Basket(part, rounding, share)
    stock = _Stock(basket, part.offers, effort, accept is not None)
    show = None if accept is None else _shown(part, basket, stock, accept)
    packed = pack(Problem(stock, stock.capacities, len(part.classes), GRAIN, basket.floor(wanted), show), effort)
    found = stock.sets(packed.times, packed.bound)
    return found._replace(bound=min(found.bound, max(_trivial_bound(part), found.value)))


def _shown(part: Part, basket: "_Basket", stock: "_Stock", accept: Accept) -> Callable[[Mapping[Column, int]], int]:
    """The caller's question in the terms of the search."""

    def show(times: Mapping[Column, int]) -> int:
        return basket.floor(accept(tuple(sorted([_in_whole(one, part) for one in stock.sets(times, None).chosen]))))

    return show


def _in_whole(one: Chosen, part: Part) -> Chosen:
    """A choice in the numbers of the whole basket."""
    slots = tuple([tuple([(part.numbers[c], n) for c, n in slot]) for slot in one.slots])
    shares = tuple([(part.numbers[c], fen) for c, fen in one.shares])
    return one._replace(offer=part.of_offer[one.offer], slots=slots, shares=shares)


class _Stock:
    """The offers' applications as columns, asked for by price.

    Where an offer's classes all have one weight (in the value and in every cap) an application's worth follows from its
    saving alone; the applications of other offers are listed.
    """

    def __init__(self, basket: "_Basket", offers: Sequence[SetOffer], effort: Effort, is_told_apart: bool) -> None:
        self.basket, self.effort, self.is_told_apart = basket, effort, is_told_apart
        self.capacities = [unit.count for unit in basket.classes]
        self.owners: dict[Column, Application] = {}
        self.made: dict[tuple[int, tuple[tuple[int, ...], ...]], Column] = {}
        self.listed: list[Column] = []
        self.priced: list[_Priced] = []
        self.hot: list[_Priced] = []
        goods = basket.goods
        cap_rows = [(self._row(cap.cap), cap.weights) for cap in basket.caps]
        for number, offer in enumerate(offers):
            source = Source(number, offer, goods)
            priced = self._priced(source, offer, cap_rows)
            few, is_all = source.within(goods.nothing, 1, 0, LISTED_MAX) if priced.is_mixed else ([], False)
            if is_all:
                self.listed += [self._column(priced, one) for one in few]
            else:
                self.priced.append(priced)
        self.listed = [column for column in self.listed if self._fits(column)]

    def _row(self, capacity: int) -> int:
        self.capacities.append(max(0, capacity))
        return len(self.capacities) - 1

    def _priced(self, source: Source, offer: SetOffer, cap_rows: Sequence[tuple[int, tuple[int, ...]]]) -> "_Priced":
        weights = [self.basket.weights[c] for c in source.scope]
        is_mixed = len(set(weights)) > 1
        times_row = None if offer.max_applications is None else self._row(offer.max_applications)
        budget_row = None if offer.budget_fen is None else self._row(offer.budget_fen)
        fen_rows = [] if budget_row is None else [(budget_row, 1)]
        share_rows = []
        for row, counted in cap_rows:
            found = {counted[c] for c in source.scope}
            is_mixed = is_mixed or len(found) > 1
            if found != {0}:
                fen_rows.append((row, min(found)))
                share_rows.append((row, counted))
        return _Priced(
            source, self.basket.factor(max(weights)), times_row, budget_row, tuple(fen_rows), tuple(share_rows), is_mixed
        )

    def _column(self, priced: "_Priced", one: Application) -> Column:
        """The column of an application; the same one whenever it is asked for."""
        key = one.offer, one.slots
        column = self.made.get(key)
        if column is None:
            column = self.made[key] = self._made(priced, one)
            self.owners.setdefault(column, one)
        return column

    def _made(self, priced: "_Priced", one: Application) -> Column:
        tag = one.offer if self.is_told_apart else 0
        rows: dict[int, int] = {}
        for c in one.units:
            rows[c] = rows.get(c, 0) + 1
        if priced.times_row is not None:
            rows[priced.times_row] = 1
        if not priced.is_mixed:
            rows.update([(row, weight * one.saving_fen) for row, weight in priced.fen_rows])
            return Column(priced.factor * one.saving_fen - GRAIN, tuple(rows.items()), tag)
        shares = self.basket.shares(one)
        if priced.budget_row is not None:
            rows[priced.budget_row] = one.saving_fen
        for row, weights in priced.share_rows:
            amount = sum(weights[c] * fen for c, fen in shares)
            if amount:
                rows[row] = amount
        return Column(self.basket.worth(one, shares), tuple(rows.items()), tag)

    def sets(self, times: Mapping[Column, int], bound: int | None) -> Sets:
        return self.basket.sets({self.owners[column]: n for column, n in times.items()}, bound)

    def _fits(self, column: Column) -> bool:
        return all(amount <= self.capacities[row] for row, amount in column.rows)

    def worth(self, prices: Sequence[float], above: float) -> list[Column]:
        """The best column of each offer that had one the last time, or, where those have none now, of every offer."""
        found = self._worth(self.hot, prices, above) if self.hot else []
        if not found:
            found = self._worth(self.priced, prices, above)
            for column in self.listed:
                excess = -_loss(column, prices)
                if excess > above:
                    found.append((-excess, column, None))
            self.effort.spend(len(self.listed) // 8)
        found.sort(key=lambda entry: entry[:2])
        self.hot = [priced for _, _, priced in found if priced is not None]
        return [column for _, column, _ in found]

    def _worth(
        self, offers: Sequence["_Priced"], prices: Sequence[float], above: float
    ) -> list[tuple[float, Column, "_Priced | None"]]:
        self.effort.spend(len(offers))
        found: list[tuple[float, Column, _Priced | None]] = []
        for priced in offers:
            factor, cost = priced.at(prices)
            most, picked = priced.source.best(prices, factor)
            if most - cost > above:
                found += [(loss, column, priced) for loss, column in self._best_real(priced, tuple(picked), prices, above)]
        return found

    def _best_real(
        self, priced: "_Priced", picked: tuple[tuple[int, ...], ...], prices: Sequence[float], above: float
    ) -> list[tuple[float, Column]]:
        """The best application itself, unless it is one that only the bound knows."""
        source = priced.source
        saving_fen = source.saving_fen(picked)
        candidates = [Application(source.number, picked, saving_fen)] if saving_fen > 0 and source.fits(picked) else []
        found = self._excess(priced, candidates, prices, above)
        if found or (source.is_exact and not priced.is_mixed):
            return found
        factor, cost = priced.at(prices)
        more, _ = source.within(prices, factor, cost + above, SOME)
        self.effort.spend(len(more) // 4)
        return sorted(self._excess(priced, more, prices, above))[:1]

    def _excess(
        self, priced: "_Priced", candidates: Sequence[Application], prices: Sequence[float], above: float
    ) -> list[tuple[float, Column]]:
        found = []
        for one in candidates:
            column = self._column(priced, one)
            excess = column.value - sum([prices[row] * amount for row, amount in column.rows])
            if excess > above and self._fits(column):
                found.append((-excess, column))
        return found

    def within(self, prices: Sequence[int], loss_max: int, count_max: int) -> list[Column] | None:
        found = [column for column in self.listed if _loss(column, prices) <= loss_max]
        self.effort.spend(len(self.priced) + len(self.listed) // 8)
        for priced in self.priced:
            factor, cost = priced.at(prices)
            least = cost - loss_max
            if priced.source.best(prices, factor)[0] < least:
                continue
            some, is_all = priced.source.within(prices, factor, least, count_max - len(found))
            columns = [self._column(priced, one) for one in some]
            if not self.effort.spend(len(columns)) or not is_all:
                return None
            found += [column for column in columns if _loss(column, prices) <= loss_max and self._fits(column)]
        return list(dict.fromkeys(found))

    def surplus(self, prices: Sequence[int]) -> int:
        """Each offer's best application, as often as its units allow."""
        over = 0
        for priced in self.priced:
            factor, cost = priced.at(prices)
            over += max(0, priced.source.best(prices, factor)[0] - cost) * priced.source.times_max
        return over


class _Priced(NamedTuple):
    """A source and what its applications cost besides units: one of `times_row`, weight x saving of each of `fen_rows`.

    Where its classes differ in weight (`is_mixed`) both are the most and the least that it may come to.
    """

    source: Source
    factor: int
    times_row: int | None
    budget_row: int | None
    fen_rows: tuple[tuple[int, int], ...]
    share_rows: tuple[tuple[int, tuple[int, ...]], ...]
    is_mixed: bool

    def at(self, prices: Sequence[Any]) -> tuple[Any, Any]:
        """(what a fen of saving is worth, what an application costs) at these prices."""
        factor: Any = self.factor
        for row, weight in self.fen_rows:
            factor -= weight * prices[row]
        return factor, GRAIN if self.times_row is None else GRAIN + prices[self.times_row]


def _loss(column: Column, prices: Sequence[Any]) -> Any:
    return sum([prices[row] * amount for row, amount in column.rows]) - column.value


class _Basket:
    """How values, shares and rows are written in this basket."""

    def __init__(self, part: Part, rounding: str, share: Share) -> None:
        self.classes, self.weights, self.caps, self.share = part.classes, part.weights, part.caps, share
        self.goods = Goods(part.classes, rounding)
        self.is_plain = len(set(part.weights)) <= 1 and not part.caps
        self.weight = part.weights[0] if self.is_plain else 0
        self.most_units = sum([unit.count for unit in part.classes])
        self.total_fen = sum([unit.count * unit.price_fen for unit in part.classes])
        self.count_step = 1 << (2 * self.most_units).bit_length()
        self.saving_step = 1 if self.is_plain else 1 + self.total_fen

    def shares(self, one: Application) -> list[tuple[int, int]]:
        """(class, fen) of an application."""
        sums: dict[int, int] = {}
        units = one.units
        for c, fen in zip(units, self.share(one.saving_fen, [self.classes[c].price_fen for c in units]), strict=True):
            sums[c] = sums.get(c, 0) + fen
        return list(sums.items())

    def factor(self, weight: int) -> int:
        """What a fen of saving is worth in 60ths, at a weight."""
        return ((0 if self.is_plain else weight * self.saving_step) + 1) * self.count_step * GRAIN

    def worth(self, one: Application, shares: Sequence[tuple[int, int]]) -> int:
        weighed = sum(self.weights[c] * fen for c, fen in shares) if not self.is_plain else 0
        return ((weighed * self.saving_step + one.saving_fen) * self.count_step - 1) * GRAIN

    def plain_value(self, value: int) -> int:
        """The value in the caller's terms of one in 60ths; rounded down, no legal choice lies between."""
        savings = (value // GRAIN + self.most_units) // self.count_step
        return savings * self.weight if self.is_plain else savings // self.saving_step

    def floor(self, wanted: int | None) -> int:
        """The largest value in 60ths that is `wanted` at most."""
        if wanted is None or wanted < 0:
            return 0
        if self.is_plain:
            savings = wanted // self.weight + 1 if self.weight else 1 + self.total_fen
        else:
            savings = (wanted + 1) * self.saving_step
        return max(0, (savings * self.count_step - self.most_units - 1) * GRAIN)

    def sets(self, times: Mapping[Application, int], bound: int | None) -> Sets:
        """What was chosen, and its bound in 60ths (None: it is the best)."""
        chosen = tuple([self.chosen(one, n) for one, n in times.items()])
        value = sum([self.weights[c] * fen * one.times for one in chosen for c, fen in one.shares])
        return Sets(chosen, value, value if bound is None else self.plain_value(bound), 0)

    def chosen(self, one: Application, times: int) -> Chosen:
        return chosen_of(one.offer, one.slots, one.saving_fen, times, self.classes, self.share)
