"""event: something to happen after the sale (超500元邀请加入高端会员群; 24小时后回访; 公益捐积分; 活动报名)."""

from typing import NamedTuple


class EventRule(NamedTuple):
    """Stage 9. "Over 500.00" is strict: `min_spend_fen` 50001. `after_h` hours later, 0 at once."""

    event: str
    after_h: int = 0
