"""One promotion that nothing else touches: the dearest units of every slot together, then the next dearest, is the best choice.

For sets of n with the cheapest k reduced: the r-th largest reduced unit has `r + ceil(r / k) x (n - k)` units from it up at
least, and these groups reach that rank for every r. For a set at a fixed price savings are `max(0, sum - price)`, convex in the
sum, and no grouping spreads the sums further. For an amount off every set saves the same. Savings fall from group to group, so
the first groups are also the best ones under a limit, and no choice worth the same has fewer.
"""

from collections.abc import Iterator, Sequence

from pos_app.domain.pricing.set_columns import Application, Goods, SetOffer, Source


def is_alone(source: Source, offer: SetOffer, weights: Sequence[int]) -> bool:
    """Whether the simple answer is the best one: equal weights, no budget, slots without common goods, no amount that is cut."""
    return source.is_exact and offer.budget_fen is None and len({weights[c] for c in source.scope}) == 1


def in_groups(source: Source, offer: SetOffer, goods: Goods) -> Iterator[Application]:
    """The applications, the one that saves most first."""
    columns = []
    for members, slot in zip(offer.slots, offer.shape.slots, strict=True):
        units = [c for c in sorted(members, key=goods.rank.__getitem__) for _ in range(goods.counts[c])]
        columns.append([tuple(units[n : n + slot.units]) for n in range(0, len(units) - slot.units + 1, slot.units)])
    for number, picked in enumerate(zip(*columns, strict=False)):
        saving_fen = source.saving_fen(picked)
        if saving_fen <= 0 or number == offer.max_applications:
            return
        yield Application(source.number, picked, saving_fen)
