"""Priced answers with one thing changed: what a checker must not accept.

A mutant differs from its original in one number, name or text, or has one row dropped, doubled or in another place. None is
equal to the original; none merely tells the same applications in an order that makes no difference.
"""

import random
from collections.abc import Iterator
from typing import Any

from pos_app.domain.pricing.model import COUPON, Applied, Priced

FREE = {"refused", "proved", "gap_fen"}  # not part of the sum: what did not happen, and how far the search went
STEPS = (1, -1, 1, -1, 10, -10, 100, 1_000_000)


def mutations(priced: Priced, rng: random.Random) -> Iterator[Priced]:
    """Mutants without end, each with one change somewhere in the fields that count."""
    names = [name for name in Priced._fields if name not in FREE]
    weighted = [name for name in names for _ in range(1 + 4 * bool(getattr(priced, name)))]
    weighted += ["applied"] * 8 + ["lines"] * 4
    while True:
        name = rng.choice(weighted)
        changed = _changed(getattr(priced, name), rng)
        if changed is not None:
            mutant = priced._replace(**{name: changed})
            if repr(mutant) != repr(priced) and not _same_coupons(mutant, priced):
                yield mutant


def _changed(value: Any, rng: random.Random) -> Any:
    """A value with one change in it, or None where there is nothing to change."""
    if isinstance(value, int):
        return value + rng.choice(STEPS)
    if isinstance(value, str):
        return rng.choice((value + "x", value[:-1], value.swapcase(), ""))
    if hasattr(value, "_fields"):
        name = rng.choice(value._fields)
        changed = _changed(getattr(value, name), rng)
        return None if changed is None else value._replace(**{name: changed})
    return _changed_rows(value, rng)


def _changed_rows(rows: tuple[Any, ...], rng: random.Random) -> tuple[Any, ...] | None:
    if not rows:
        return None
    n, how = rng.randrange(len(rows)), rng.randrange(8)
    if how == 0:
        return rows[:n] + rows[n + 1 :]
    if how == 1:
        return (*rows[: n + 1], *rows[n:])
    if how == 2:
        other = rng.randrange(len(rows))
        swapped = list(rows)
        swapped[n], swapped[other] = swapped[other], swapped[n]
        return tuple(swapped)
    if how == 3 and len(rows) > 1:
        return _borrowed(rows, n, rng)
    changed = _changed(rows[n], rng)
    return None if changed is None else (*rows[:n], changed, *rows[n + 1 :])


def _borrowed(rows: tuple[Any, ...], n: int, rng: random.Random) -> tuple[Any, ...] | None:
    """One field of a row taken from another row: another promotion's name, another line's units."""
    other = rows[rng.randrange(len(rows))]
    if not hasattr(other, "_fields"):
        return None
    name = rng.choice(other._fields)
    return (*rows[:n], rows[n]._replace(**{name: getattr(other, name)}), *rows[n + 1 :])


def _same_coupons(mutant: Priced, priced: Priced) -> bool:
    """Whether only coupons changed places that share no line: the order tells nothing then."""
    if sorted(map(repr, mutant.applied)) != sorted(map(repr, priced.applied)):
        return False
    moved = [(a, b) for a, b in zip(mutant.applied, priced.applied, strict=True) if a != b]
    return bool(moved) and _only_apart([a for a, _ in moved], mutant.applied, priced.applied)


def _only_apart(moved: list[Applied], new: tuple[Applied, ...], old: tuple[Applied, ...]) -> bool:
    """Whether every pair of applications that changed their order are coupons on different lines."""
    for one in moved:
        for other in new:
            turned = (new.index(one) < new.index(other)) != (old.index(one) < old.index(other))
            if one != other and turned and not _apart(one, other):
                return False
    return True


def _apart(one: Applied, other: Applied) -> bool:
    lines = {share.line_id for share in one.shares} & {share.line_id for share in other.shares}
    return one.stage == other.stage == COUPON and not lines
