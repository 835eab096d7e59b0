"""First-N offers (前100名): the number split from HQ to shops to lanes, no lane that is cut off gives one too many."""

from collections.abc import Mapping, Sequence

from pos_app.domain.money import share_fen
from pos_app.domain.pricing.model import SETS, Applied, Limits, Used


def split_allowance(total: int, lanes: Sequence[str], weights: Sequence[int] = ()) -> tuple[tuple[str, int], ...]:
    """A number split over lanes (or shops), evenly or by weight; the parts sum to it. 100 over three: 34, 33, 33."""
    if total < 0 or not lanes or len(set(lanes)) != len(lanes):
        raise ValueError("an allowance needs lanes, each once, and is not below zero")
    return tuple(zip(lanes, share_fen(total, weights or [1] * len(lanes)), strict=True))


def with_allowance(used: Used, limits: Limits, allowance: int | None, used_here: int) -> Used:
    """What a lane with an allowance of its own has to count as used: so much that no more is left than it may give.

    100 in all, 34 for this lane, 30 given here: 96 count as used, 4 are left.
    """
    if allowance is None or limits.total is None:
        return used
    return used._replace(times=max(used.times, limits.total - max(0, allowance - used_here)))


def why_not_give(limits: Limits, used: Used, times: int, fen: int) -> str | None:
    """The limit that `times` more applications worth `fen` would break, or None."""
    kept = (
        ("limit_total", limits.total, used.times + times),
        ("budget", limits.budget_fen, used.fen + fen),
        ("limit_member", limits.per_member, used.member_times + times),
        ("limit_member_day", limits.per_member_day, used.member_day_times + times),
    )
    return next((name for name, most, would in kept if most is not None and would > most), None)


def given_by(applied: Sequence[Applied]) -> Mapping[str, tuple[int, int]]:
    """promotion -> (applications, fen) of a priced basket."""
    given: dict[str, tuple[int, int]] = {}
    for one in applied:
        times, fen = given.get(one.promotion, (0, 0))
        given[one.promotion] = (times + applications(one.stage, one.times), fen + one.saving_fen)
    return given


def applications(stage: int, times: int) -> int:
    """What limits count of an entry of the trace: its times in stages 0 and 1, one a basket later (repeated tiers are one)."""
    return times if stage <= SETS else 1
