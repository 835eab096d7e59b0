"""Every fault is a named option with a probability; a seed turns on some of them, so that rare pairs meet too."""

import random
from collections import Counter

# on the wire, for each request
WIRE = {
    "request_lost": 0.08,
    "answer_lost": 0.08,
    "doubled": 0.05,
    "delayed": 0.06,  # the caller gives up; the request arrives some steps later, behind newer ones
    "truncated": 0.04,
    "status_500": 0.03,
    "status_502": 0.03,
    "status_429": 0.03,
    "redirect": 0.03,
    "captive_portal": 0.05,
    "impostor": 0.02,  # an answer that says yes in the right form, and is not HQ's
    "stale_answer": 0.03,  # a proxy gives an answer of HQ's to an earlier request of this machine
    "hq_killed_before_commit": 0.04,
    "hq_killed_before_answer": 0.04,
    "hq_busy": 0.04,
    "meanwhile": 0.08,  # while a request travels the lane sells, a second agent runs, HQ publishes, another till pushes
    "killed_at_request": 0.03,
    "killed_at_answer": 0.03,
}
# at the till's own transactions, for each
TILL = {"killed_at_transaction": 0.01, "killed_inside_transaction": 0.01}
# of the world, as weights beside those of ordinary steps
STEPS = {
    "power_cut": 2.0,
    "clock_jump": 2.0,
    "wan_cut": 2.0,
    "till_backed_up": 2.0,
    "till_restored_detected": 2.0,
    "till_restored_undetected": 3.0,
    "till_cloned_undetected": 1.5,
    "till_cloned_detected": 1.0,
    "two_agents": 2.0,
    "poison": 1.5,
    "unknown_kind": 1.5,
    "same_basket": 1.5,  # a basket that a restored or copied file has too is sold again under its uid
    "coupon_twice": 1.0,
    "points_spent_cut_off": 2.0,
    "day_closed": 1.0,
    "hq_backed_up": 1.5,
    "hq_restored_told": 1.5,
    "hq_restored_untold": 1.5,
}
ALL = {**WIRE, **TILL, **STEPS}
# where the shop has a hub: its own line has the faults of the wire too
HUB_FAULTS = {
    "hub_killed_at_transaction": 0.01,  # before, inside or after any of its transactions
    "hub_killed": 1.0,
    "hub_cut_off": 3.0,  # from HQ, while its tills reach it
    "hub_backed_up": 1.5,
    "hub_put_back_told": 1.5,
    "hub_put_back_untold": 1.5,
    "till_joins_hub": 4.0,  # the tills of the shop have spoken to HQ itself until then
}


class Faults:
    """What may go wrong in one seed, and what did. Off: nothing goes wrong any more."""

    def __init__(self, luck: random.Random, options: dict[str, float] | None = None) -> None:
        self._luck = luck
        self.is_on = True
        self.counts: Counter[str] = Counter()
        if options is None:
            share = luck.choice((0.2, 0.5, 0.9))
            strength = luck.choice((0.5, 1.0, 2.5))
            options = {name: p * strength for name, p in ALL.items() if luck.random() < share}
        self.options = options

    def happens(self, name: str) -> bool:
        """Whether a fault strikes now."""
        probability = self.options.get(name, 0.0)
        if not self.is_on or not probability or self._luck.random() >= probability:
            return False
        self.counts[name] += 1
        return True

    def on_wire(self) -> str:
        """The fault of one request; an empty name for none."""
        return next((name for name in WIRE if name != "meanwhile" and self.happens(name)), "")
