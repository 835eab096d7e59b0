"""First plain version: depth-first over applications. To be replaced."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.mechanics.sets import SetShape


class UnitClass(NamedTuple):
    price_fen: int
    count: int


class SetOffer(NamedTuple):
    shape: SetShape
    slots: tuple[tuple[int, ...], ...]
    max_applications: int | None = None
    budget_fen: int | None = None


class Cap(NamedTuple):
    weights: tuple[int, ...]
    cap: int


class Chosen(NamedTuple):
    offer: int
    slots: tuple[tuple[tuple[int, int], ...], ...]
    saving_fen: int
    shares: tuple[tuple[int, int], ...]
    times: int


class Sets(NamedTuple):
    chosen: tuple[Chosen, ...]
    value: int
    bound: int
    steps: int

    @property
    def proved(self) -> bool:
        return self.value == self.bound


def _columns(classes, offers, rounding) -> Iterator[Chosen]:  # type: ignore[no-untyped-def]
    for n, offer in enumerate(offers):

        def fill(i, slots):  # type: ignore[no-untyped-def]
            if i == len(offer.slots):
                yield tuple(slots)
                return
            for combo in combinations_with_replacement(offer.slots[i], offer.shape.slots[i].units):
                yield from fill(i + 1, [*slots, combo])

        for slots in fill(0, []):
            use: dict[int, int] = {}
            for c in (c for s in slots for c in s):
                use[c] = use.get(c, 0) + 1
            if any(k > classes[c].count for c, k in use.items()):
                continue
            saving = offer.shape.saving_fen([[classes[c].price_fen for c in s] for s in slots], rounding)
            if saving <= 0:
                continue
            units = sorted(c for s in slots for c in s)
            shares: dict[int, int] = {}
            for c, fen in zip(units, share_fen(saving, [classes[c].price_fen for c in units]), strict=True):
                shares[c] = shares.get(c, 0) + fen
            packed = tuple(tuple((c, s.count(c)) for c in sorted(set(s))) for s in slots)
            yield Chosen(n, packed, saving, tuple(sorted(shares.items())), 1)


def best_sets(
    classes: Sequence[UnitClass],
    offers: Sequence[SetOffer],
    weights: Sequence[int],
    caps: Sequence[Cap],
    rounding: str,
    effort: int,
    wanted: int | None = None,
    accept: Callable[[tuple[Chosen, ...]], int] | None = None,
) -> Sets:
    columns = list(_columns(classes, offers, rounding))
    values = [sum(weights[c] * fen for c, fen in col.shares) for col in columns]
    order = sorted(range(len(columns)), key=lambda i: -values[i])
    left = [c.count for c in classes]
    times = [o.max_applications if o.max_applications is not None else 1 << 30 for o in offers]
    budget = [o.budget_fen if o.budget_fen is not None else 1 << 60 for o in offers]
    room = [cap.cap for cap in caps]
    state = {"best": (0, ()), "steps": 0, "wanted": wanted, "cut": False}

    def dfs(i, value, picked):  # type: ignore[no-untyped-def]
        state["steps"] += 1
        if state["steps"] > 200000:
            state["cut"] = True
            return
        if accept and state["wanted"] is not None and value > state["wanted"] and picked:
            state["wanted"] = accept(tuple(picked))
        if value > state["best"][0]:
            state["best"] = (value, tuple(picked))
        if i == len(order):
            return
        col = columns[order[i]]
        units: dict[int, int] = {}
        for s in col.slots:
            for c, k in s:
                units[c] = units.get(c, 0) + k
        land = [sum(cap.weights[c] * f for c, f in col.shares) for cap in caps]
        most = min(
            [left[c] // k for c, k in units.items()]
            + [times[col.offer], budget[col.offer] // col.saving_fen]
            + [r // x for r, x in zip(room, land) if x]
        )
        for n in range(most, -1, -1):
            for c, k in units.items():
                left[c] -= n * k
            times[col.offer] -= n
            budget[col.offer] -= n * col.saving_fen
            for j, x in enumerate(land):
                room[j] -= n * x
            dfs(i + 1, value + n * values[order[i]], [*picked, col._replace(times=n)] if n else picked)
            for c, k in units.items():
                left[c] += n * k
            times[col.offer] += n
            budget[col.offer] += n * col.saving_fen
            for j, x in enumerate(land):
                room[j] += n * x

    dfs(0, 0, [])
    value, chosen = state["best"]
    bound = max(value, state["wanted"] or 0) if accept else value
    if state["cut"]:
        bound = sum(sum(sorted(values)[-50:]) for _ in [0])
    return Sets(chosen, value, bound, min(effort, state["steps"]))
