"""Tiers: what a member reached within the window. Upgraded at once, downgraded only at HQ; benefits from the next basket."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from pos_app.domain.points import DONATE, SIGN_UP
from pos_app.domain.pricing.model import TierRule

LOWEST_TIER = "silver"
INTERACTIONS = frozenset({DONATE, SIGN_UP})


class Figures(NamedTuple):
    """A member's amount, orders and interactions (sign-ups, donations, claims) within the window."""

    amount_fen: int = 0
    orders: int = 0
    interactions: int = 0


def tier_for(figures: Figures, tiers: Sequence[TierRule]) -> str:
    """The highest tier whose listed conditions all hold, else silver. Tiers stand lowest first, as in a package.

    2,500.00 in 7 orders with 2 interactions, gold from 2,000.00, 6 and 3: silver.
    """
    reached = [rule.tier for rule in tiers if _holds(rule, figures)]
    return reached[-1] if reached else LOWEST_TIER


def _holds(rule: TierRule, figures: Figures) -> bool:
    needs = ((rule.amount_fen, figures.amount_fen), (rule.orders, figures.orders), (rule.interactions, figures.interactions))
    return all(need is None or have >= need for need, have in needs)


def upgrade(current: str, figures: Figures, tiers: Sequence[TierRule]) -> TierRule | None:
    """The tier that a member has just risen to, with its gift to collect; None when it is not above the current one."""
    ranks = {rule.tier: rank for rank, rule in enumerate(tiers)}
    reached = tier_for(figures, tiers)
    return tiers[ranks[reached]] if ranks.get(reached, -1) > ranks.get(current, -1) else None


def window_from(on: str, window_days: int) -> str:
    """The first day of the window that ends on a day. 365 days to 31 December: from 1 January."""
    return (datetime.date.fromisoformat(on) - datetime.timedelta(days=window_days - 1)).isoformat()


def is_interaction(reason: str) -> bool:
    """Whether points that moved for this reason count as an interaction with the shop."""
    return reason in INTERACTIONS
