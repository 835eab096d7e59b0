"""One promotion that nothing else touches: the dearest units of every slot together, then the next dearest, is the best choice.

For sets of n with the cheapest k reduced: the r-th largest reduced unit has `r + ceil(r / k) x (n - k)` units from it up at
least, and these groups reach that rank for every r. For a set at a fixed price savings are `max(0, sum - price)`, convex in the
sum, and no grouping spreads the sums further. For an amount off every set saves the same. Savings fall from group to group, so
the first groups are also the best ones under a limit, and no choice worth the same has fewer.
"""

from collections.abc import Sequence

from pos_app.domain.pricing.set_columns import Chosen, SetOffer, Share, UnitClass, chosen_of


def best_alone(classes: Sequence[UnitClass], offer: SetOffer, rounding: str, share: Share) -> tuple[Chosen, ...] | None:
    """The best choice of the only offer; None where the simple answer may not be the best one.

    That is: a budget that may run out, slots with common goods, an amount that is cut.
    """
    shape, prices = offer.shape, [unit.price_fen for unit in classes]
    members = [sorted(slot, key=lambda c: (-prices[c], c)) if len(slot) > 1 else slot for slot in offer.slots]
    units = [[c for c in slot for _ in range(classes[c].count)] for slot in members]
    if len(members) > 1 and len({c for slot in members for c in slot}) < sum(map(len, members)):
        return None
    if offer.budget_fen is not None and offer.budget_fen < sum([prices[c] for slot in units for c in slot]):
        return None
    takes = [slot.units for slot in shape.slots]
    if shape.amount_fen is not None:
        cheapest = [c for slot, take in zip(units, takes, strict=True) for c in slot[-take:]]
        if shape.amount_fen > sum([prices[c] for c in cheapest]):
            return None
    times = min([len(slot) // take for slot, take in zip(units, takes, strict=True)])
    if offer.max_applications is not None:
        times = min(times, offer.max_applications)
    found: dict[tuple[tuple[int, ...], ...], int] = {}
    for n in range(times):
        one = tuple([tuple(slot[n * take : (n + 1) * take]) for slot, take in zip(units, takes, strict=True)])
        found[one] = found.get(one, 0) + 1
    chosen = []
    for slots, count in found.items():
        saving_fen = shape.saving_fen([[prices[c] for c in slot] for slot in slots], rounding)
        if saving_fen > 0:
            chosen.append(chosen_of(0, slots, saving_fen, count, classes, share))
    return tuple(sorted(chosen))
