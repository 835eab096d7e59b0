"""What `pos price` prints for people: lines with their savings, what applied, what did not and why, and what is near."""

from collections.abc import Iterator, Mapping

from pos_app.domain.basket import Line
from pos_app.domain.calendar import local_stamp
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.pricing.basket_form import Asked
from pos_app.domain.pricing.model import Applied, Hint, Package, Priced, PricedLine, Promotion, Refused
from pos_app.i18n import text

FEN_REASONS, MOMENT_REASONS, PROMOTION_REASONS = {"spend", "budget"}, {"not_yet", "over"}, {"stacking"}


def text_of(asked: Asked, package: Package, priced: Priced, near: tuple[Hint, ...], lang: str) -> str:
    """The whole text, with a line break at its end."""
    return "\n".join(_Text(asked, package, lang).rows(priced, near)) + "\n"


class _Text:
    def __init__(self, asked: Asked, package: Package, lang: str) -> None:
        self.asked, self.package, self.lang = asked, package, lang
        self.promotions: Mapping[str, Promotion] = {promotion.id: promotion for promotion in package.promotions}

    def say(self, key: str, **values: object) -> str:
        return text(self.lang, key, tuple((name, str(value)) for name, value in values.items()))

    def name(self, promotion: str) -> str:
        found = self.promotions.get(promotion)
        if found is None:
            return promotion
        return found.name_en if self.lang == "en" and found.name_en else found.name

    def good(self, line: Line) -> str:
        return line.item.name_en if self.lang == "en" and line.item.name_en else line.item.name

    def rows(self, priced: Priced, near: tuple[Hint, ...]) -> Iterator[str]:
        yield f"{self.package.version or self.package.digest[:12]}  {self.moment(self.asked.now_ms)}"
        for line, shown in zip(self.asked.basket.lines, priced.lines, strict=True):
            yield from self.line(line, shown)
        yield self.say(
            "price.total",
            list=format_yuan(priced.list_fen),
            saved=format_yuan(priced.discount_fen),
            total=format_yuan(priced.total_fen),
        )
        yield self.say("price.proved") if priced.proved else self.say("price.gap", gap=format_yuan(priced.gap_fen))
        yield from self.section("price.applied", (self.applied(one) for one in priced.applied))
        yield from self.section("price.after", self.after(priced))
        yield from self.section("price.hints", (self.hint(one) for one in near))
        yield from self.section("price.refused", (self.refused(one) for one in priced.refused if one.reason != "goods"))
        others = sum(one.reason == "goods" for one in priced.refused)
        if others:
            yield self.say("price.others", n=others)

    def section(self, key: str, rows: Iterator[str]) -> Iterator[str]:
        for n, row in enumerate(rows):
            if n == 0:
                yield self.say(key)
            yield f"  {row}"

    def line(self, line: Line, shown: PricedLine) -> Iterator[str]:
        count = f"{format_weight(line.weight_g)} kg" if line.weight_g is not None else f"x{line.quantity}"
        saved = f"  (-{format_yuan(shown.saving_fen)})" if shown.saving_fen else ""
        yield f"{shown.line_id:>3}  {self.good(line)} {count}  {format_yuan(shown.net_fen)}{saved}"
        for share in shown.shares:
            yield f"       -{format_yuan(share.fen)}  {self.name(share.promotion)}"

    def applied(self, one: Applied) -> str:
        saved = f"-{format_yuan(one.saving_fen)}" if one.saving_fen else ""
        times = f" x{one.times}" if one.times > 1 else ""
        return f"{saved:>8}  {self.name(one.promotion)}{times}"

    def after(self, priced: Priced) -> Iterator[str]:
        """What the sale gives besides its price."""
        for gift in priced.gifts:
            values = {
                "sku": gift.sku,
                "n": gift.quantity,
                "value": format_yuan(gift.value_fen),
                "instead": gift.instead_sku or "-",
            }
            yield self.say("price.gift", **values)
        for reward in priced.rewards:
            yield self.say("price.reward", coupon=self.name(reward.coupon), n=reward.quantity, days=reward.days)
        for raised in priced.raised:
            yield self.say("price.event", event=raised.event, hours=raised.after_h)
        for stamps in priced.stamps:
            yield self.say("price.stamps", card=self.name(stamps.card), n=stamps.stamps, full=stamps.full)
        if priced.points_spent or priced.points_earned:
            yield self.say("price.points", spent=priced.points_spent, earned=priced.points_earned)

    def hint(self, one: Hint) -> str:
        if one.loses:
            return self.say(
                "price.hint_loses", name=self.name(one.promotion), save=format_yuan(one.extra_saving_fen), gift=one.loses
            )
        more = self.say("price.more_units", n=one.need_units, sku=one.sku) if one.need_units else format_yuan(one.need_fen)
        pay, save = format_yuan(one.pay_fen), format_yuan(one.extra_saving_fen)
        return self.say("price.hint", name=self.name(one.promotion), more=more, pay=pay, save=save)

    def refused(self, one: Refused) -> str:
        need, have = self.value(one.reason, one.need), self.value(one.reason, one.have)
        return f"{self.name(one.promotion)}: {self.say(f'refused.{one.reason}', need=need, have=have or '-')}"

    def value(self, reason: str, value: str) -> str:
        if value and reason in FEN_REASONS:
            return format_yuan(int(value))
        if value and reason in MOMENT_REASONS:
            return self.moment(int(value))
        return self.name(value) if reason in PROMOTION_REASONS else value

    def moment(self, at_ms: int) -> str:
        return local_stamp(at_ms, self.package.utc_offset_min)[:16]
