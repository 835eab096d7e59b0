"""The sentences of a trace: why a promotion applied, why it did not, what is near. One set of data, two languages.

`explain("en", Refused("half", 1, "units", "2", "1"), package) == "Second half: needs 2 units, there are 1"`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pos_app.domain.calendar import local_stamp
from pos_app.domain.money import format_yuan
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers
from pos_app.domain.pricing.model import GIFT, POINTS, SETS, Applied, Hint, Package, Promotion, Refused
from pos_app.i18n import text

FEN_REASONS, MOMENT_REASONS = frozenset({"spend", "budget"}), frozenset({"not_yet", "over"})

UNNAMED: Mapping[str, str] = MappingProxyType({})


def explain(lang: str, entry: Applied | Refused | Hint, package: Package, goods: Mapping[str, str] = UNNAMED) -> str:
    """One sentence for one entry; `goods` are names by SKU in the language, where the reader should not see SKUs."""
    speaker = Speaker(lang, package, goods)
    if isinstance(entry, Applied):
        return speaker.applied(entry)
    return speaker.refused(entry) if isinstance(entry, Refused) else speaker.hint(entry)


_known: tuple[Package | None, Mapping[str, Promotion]] = (None, {})


def _by_id(package: Package) -> Mapping[str, Promotion]:
    """Made once, as a lane speaks about one package for hours."""
    global _known
    if _known[0] is not package:
        _known = package, {promotion.id: promotion for promotion in package.promotions}
    return _known[1]


class Speaker:
    """A language and the package that the entries are about."""

    def __init__(self, lang: str, package: Package, goods: Mapping[str, str] = UNNAMED) -> None:
        self.lang, self.package, self.goods = lang, package, goods
        self.promotions = _by_id(package)

    def say(self, key: str, **values: object) -> str:
        return text(self.lang, key, tuple((name, str(value)) for name, value in values.items()))

    def name(self, promotion: str) -> str:
        """The promotion's name in the language; its id where the package does not know it."""
        found = self.promotions.get(promotion)
        if found is None:
            return promotion
        return found.name_en if self.lang == "en" and found.name_en else found.name

    def applied(self, one: Applied) -> str:
        """The units or the amount it was measured on, and what it took off or gives."""
        often = one.times if one.stage == SETS else 1  # a set's units and price are those of one application
        values = {"before": format_yuan(one.before_fen * often), "saved": format_yuan(one.saving_fen), "times": one.times}
        name, units = self.name(one.promotion), sum(use.units for use in one.uses) * often
        if one.stage == GIFT:
            return self.say("applied.gift", name=name, gift=self.good(one.value), **values)
        if not one.saving_fen:
            return self._raised(one, name)
        reached_fen = 0 if units or one.stage == POINTS else self._reached_fen(one)
        if reached_fen:
            return self.say("applied.reached", name=name, reached=format_yuan(reached_fen), **values)
        key = "applied.units" if units else "applied.points" if one.stage == POINTS else "applied.amount"
        return self.say(key, name=name, units=units, **values)

    def _raised(self, one: Applied, name: str) -> str:
        """What stage 9 gives: a coupon, stamps; an event has no more than its name."""
        promotion = self.promotions.get(one.promotion)
        if promotion is not None and isinstance(promotion.rule, CouponReward):
            return self.say("applied.reward", name=name, coupon=self.name(one.value), times=one.times)
        if promotion is not None and isinstance(promotion.rule, PunchCard):
            return self.say("applied.stamps", name=name, times=one.times)
        return name

    def _reached_fen(self, one: Applied) -> int:
        """The threshold that was reached: 230.00 with (100, 20), (200, 50) reached 200.00."""
        promotion = self.promotions.get(one.promotion)
        if promotion is None:
            return 0
        tiers = promotion.rule.tiers if isinstance(promotion.rule, SpendSaveTiers) else ()
        return tiers[one.tier - 1].spend_fen * one.times if 0 < one.tier <= len(tiers) else promotion.min_spend_fen

    def refused(self, one: Refused) -> str:
        """The first condition that failed, with what it needs and what there is."""
        need, have = self._value(one.reason, one.need), self._value(one.reason, one.have)
        return f"{self.name(one.promotion)}: {self.say(f'refused.{one.reason}', need=need, have=have or '-')}"

    def hint(self, one: Hint) -> str:
        """What to add, what it costs, what it saves; or the gift that a lower price would lose."""
        name, save = self.name(one.promotion), format_yuan(one.extra_saving_fen)
        if one.loses:
            return self.say("hint.loses", name=name, pay=format_yuan(one.pay_fen), gift=self.good(one.loses))
        more = self.say("hint.units", n=one.need_units, sku=self.good(one.sku)) if one.need_units else format_yuan(one.need_fen)
        if not one.extra_saving_fen:
            return self.say("hint.gives", name=name, more=more)
        key = "hint.more" if one.pay_fen > 0 else "hint.free" if one.pay_fen else "hint.nothing"
        return self.say(key, name=name, more=more, pay=format_yuan(abs(one.pay_fen)), save=save)

    def good(self, sku: str) -> str:
        return self.goods.get(sku, sku)

    def moment(self, at_ms: int) -> str:
        return local_stamp(at_ms, self.package.utc_offset_min)[:16]

    def _value(self, reason: str, value: str) -> str:
        if value and reason in FEN_REASONS:
            return format_yuan(int(value))
        if value and reason in MOMENT_REASONS:
            return self.moment(int(value))
        if value and reason == "weekday":
            return ", ".join(self.say(f"weekday.{day}") for day in value.split(", "))
        return self.name(value) if reason == "stacking" else value
