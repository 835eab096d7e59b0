"""coupon_reward: a coupon for next time, issued with the sale (满100返20元券; 邀请3人注册送20元无门槛券)."""

from typing import NamedTuple


class CouponReward(NamedTuple):
    """Stage 9. `coupon` is the id of the coupon promotion that the issued code opens, for `days` days.

    `shared`: the code may be handed on, it counts once for each of two people.
    """

    coupon: str
    quantity: int = 1
    days: int = 30
    shared: bool = False
