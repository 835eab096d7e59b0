"""member_percent_off: so many percent off what is left of each line (铂金卡促销价再9折; 会员日; 周一生鲜日; 工坊参与者8折)."""

from typing import NamedTuple

from pos_app.domain.pricing.mechanics.rounding import off_fen


class MemberPercentOff(NamedTuple):
    """Stage 2. 10 percent off 150.00: 15.00; the price that remains is rounded line by line."""

    percent: int

    def saving_fen(self, amount_fen: int, rounding: str) -> int:
        return off_fen(amount_fen, self.percent, rounding)
