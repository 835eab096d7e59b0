"""What each line of a priced basket earned, so that a return can take back what is no longer due."""

from collections.abc import Mapping

from pos_app.domain.basket import Basket
from pos_app.domain.pricing.after_stages import earning_rules, points_rates
from pos_app.domain.pricing.conditions import moment_of, why_not
from pos_app.domain.pricing.mechanics import stage_of
from pos_app.domain.pricing.model import EARN, Customer, Package, Priced, Used
from pos_app.domain.pricing.rows import canonical_rows
from pos_app.domain.pricing.scanned_gifts import scanned_gifts, without


def line_rates(
    basket: Basket, customer: Customer, package: Package, now_ms: int, codes: frozenset[str], used: Mapping[str, Used],
    priced: Priced,
) -> tuple[int, ...]:  # fmt: skip
    """Points for 10,000 fen of each line, in basket order: their floor over all lines is what was earned.

    1 point a yuan and twice on fruit, 20.00 of fruit and 5.50 of bread: (200, 100), 45 points.
    """
    moment = moment_of(now_ms, package)
    may = [p for p in package.promotions if stage_of(p.rule) == EARN and why_not(p, moment, customer, codes, used) is None]
    rows = canonical_rows(without(basket.lines, scanned_gifts(priced)), customer.is_member)
    nets = {line.line_id: line.net_fen for line in priced.lines}
    left = [nets[row.line.line_id] for row in rows]
    paid = (row.line.line_id for row in rows)
    rates = dict(zip(paid, points_rates(rows, earning_rules(rows, left, may)), strict=True))
    return tuple(rates.get(line.line_id, 0) for line in basket.lines)
