"""Whether a promotion may apply at all: time, audience, code, limits. The first condition that fails is the reason."""

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.model import NO_LIMITS, Customer, Limits, Package, Promotion, Refused, Used, When, Who

MINUTE_MS = 60_000
NOT_USED = Used()


class Moment(NamedTuple):
    """A minute in shop time: `at_ms` is its beginning, `weekday` 1 (Monday) to 7, `minute` that of the day."""

    at_ms: int
    date: str
    day: int
    weekday: int
    minute: int
    is_holiday: bool


def moment_of(now_ms: int, package: Package) -> Moment:
    """The shop's minute. 10 May 2026, a Sunday, 09:30 there: day 10, weekday 7, minute 570."""
    at_ms = now_ms // MINUTE_MS * MINUTE_MS
    days, minute = divmod(at_ms // MINUTE_MS + package.utc_offset_min, 1440)
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    text = date.isoformat()
    return Moment(at_ms, text, date.day, date.isoweekday(), minute, text in package.holidays)


def why_not(
    promotion: Promotion, moment: Moment, customer: Customer, codes: frozenset[str], used: Mapping[str, Used]
) -> Refused | None:
    """The first condition that fails, with what it needs and what there is; None when all of them hold."""
    failed = (
        _time(promotion.when, moment)
        or _audience(promotion.who, customer)
        or (("code", promotion.code, "") if promotion.code and promotion.code not in codes else None)
        or (_limits(promotion.limits, customer, used.get(promotion.id, NOT_USED)) if promotion.limits != NO_LIMITS else None)
    )
    return Refused(promotion.id, stage_of(promotion.rule), *failed) if failed else None


Failed = tuple[str, str, str] | None


def _time(when: When, moment: Moment) -> Failed:
    if when.from_ms is not None and moment.at_ms < when.from_ms:
        return "not_yet", str(when.from_ms), str(moment.at_ms)
    if when.to_ms is not None and moment.at_ms >= when.to_ms:
        return "over", str(when.to_ms), str(moment.at_ms)
    if when.weekdays and moment.weekday not in when.weekdays:
        return "weekday", _listed(when.weekdays), str(moment.weekday)
    if when.days_of_month and moment.day not in when.days_of_month:
        return "day_of_month", _listed(when.days_of_month), str(moment.day)
    if when.dates and moment.date not in when.dates:
        return "date", _listed(when.dates), moment.date
    if when.holidays and not moment.is_holiday:
        return "holiday", "", moment.date
    if when.hours and not any(start <= moment.minute < end for start, end in when.hours):
        return "hour", _listed(f"{_clock(start)}-{_clock(end)}" for start, end in when.hours), _clock(moment.minute)
    return None


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _audience(who: Who, customer: Customer) -> Failed:
    if who.member and not customer.is_member:
        return "member", "", ""
    if who.tiers and customer.tier not in who.tiers:
        return "tier", _listed(who.tiers), customer.tier
    if who.groups and not set(who.groups) & set(customer.groups):
        return "group", _listed(who.groups), _listed(customer.groups)
    if who.nth_order is not None and customer.orders_completed != who.nth_order - 1:
        have = "" if customer.orders_completed is None else str(customer.orders_completed + 1)
        return "nth_order", str(who.nth_order), have
    if who.birthday_week and not customer.birthday_week:
        return "birthday_week", "", ""
    return None


def _limits(limits: Limits, customer: Customer, used: Used) -> Failed:
    if (limits.per_member is not None or limits.per_member_day is not None) and not customer.is_member:
        return "member", "", ""
    if limits.per_member is not None and used.member_times >= limits.per_member:
        return "limit_member", str(limits.per_member), str(used.member_times)
    if limits.per_member_day is not None and used.member_day_times >= limits.per_member_day:
        return "limit_member_day", str(limits.per_member_day), str(used.member_day_times)
    if limits.total is not None and used.times >= limits.total:
        return "limit_total", str(limits.total), str(used.times)
    if limits.budget_fen is not None and used.fen >= limits.budget_fen:
        return "budget", str(limits.budget_fen), str(used.fen)
    return None


def _listed(values: object) -> str:
    return ", ".join(str(value) for value in values)  # type: ignore[attr-defined]


def times_left(promotion: Promotion, used: Used) -> int | None:
    """How many applications the limits leave in this basket; None for any number."""
    limits = promotion.limits
    if limits == NO_LIMITS:
        return None
    left = [
        most - had
        for most, had in (
            (limits.max_applications, 0),
            (limits.per_member, used.member_times),
            (limits.per_member_day, used.member_day_times),
            (limits.total, used.times),
        )
        if most is not None
    ]
    return max(0, min(left)) if left else None


def budget_left_fen(promotion: Promotion, used: Used) -> int | None:
    """The money the budget leaves; None for any amount."""
    budget_fen = promotion.limits.budget_fen
    return None if budget_fen is None else max(0, budget_fen - used.fen)
