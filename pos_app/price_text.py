"""What `pos price` prints for people: lines with their savings, what applied, what did not and why, and what is near."""

from collections.abc import Iterator

from pos_app.domain.basket import Line
from pos_app.domain.money import format_weight, format_yuan
from pos_app.domain.pricing.basket_form import Asked
from pos_app.domain.pricing.model import Hint, Package, Priced, PricedLine
from pos_app.i18n.explain import Speaker


def text_of(asked: Asked, package: Package, priced: Priced, near: tuple[Hint, ...], lang: str) -> str:
    """The whole text, with a line break at its end."""
    return "\n".join(_Text(asked, package, lang).rows(priced, near)) + "\n"


class _Text:
    def __init__(self, asked: Asked, package: Package, lang: str) -> None:
        self.asked, self.package, self.lang = asked, package, lang
        self.speaker = Speaker(lang, package)
        self.say, self.name = self.speaker.say, self.speaker.name

    def rows(self, priced: Priced, near: tuple[Hint, ...]) -> Iterator[str]:
        yield f"{self.package.version or self.package.digest[:12]}  {self.speaker.moment(self.asked.now_ms)}"
        for line, shown in zip(self.asked.basket.lines, priced.lines, strict=True):
            yield from self.line(line, shown)
        sums = {"list": priced.list_fen, "saved": priced.discount_fen, "total": priced.total_fen}
        yield self.say("price.total", **{name: format_yuan(fen) for name, fen in sums.items()})
        yield self.say("price.proved") if priced.proved else self.say("price.gap", gap=format_yuan(priced.gap_fen))
        yield from self.section("price.applied", (self.speaker.applied(one) for one in priced.applied))
        yield from self.section("price.after", self.after(priced))
        yield from self.section("price.hints", (self.speaker.hint(one) for one in near))
        yield from self.section("price.refused", (self.speaker.refused(one) for one in priced.refused if one.reason != "goods"))
        others = sum(one.reason == "goods" for one in priced.refused)
        if others:
            yield self.say("price.others", n=others)

    def section(self, key: str, rows: Iterator[str]) -> Iterator[str]:
        for n, row in enumerate(rows):
            if n == 0:
                yield self.say(key)
            yield f"  {row}"

    def line(self, line: Line, shown: PricedLine) -> Iterator[str]:
        good = line.item.name_en if self.lang == "en" and line.item.name_en else line.item.name
        count = f"{format_weight(line.weight_g)} kg" if line.weight_g is not None else f"x{line.quantity}"
        saved = f"  (-{format_yuan(shown.saving_fen)})" if shown.saving_fen else ""
        yield f"{shown.line_id:>3}  {good} {count}  {format_yuan(shown.net_fen)}{saved}"
        for share in shown.shares:
            yield f"       -{format_yuan(share.fen)}  {self.name(share.promotion)}"
        if shown.gift_units:
            yield f"       {self.say('mark.gift', n=shown.gift_units)}"

    def after(self, priced: Priced) -> Iterator[str]:
        """What the sale gives besides its price."""
        for gift in priced.gifts:
            value, instead = format_yuan(gift.value_fen), gift.instead_sku or "-"
            yield self.say("price.gift", sku=gift.sku, n=gift.quantity, value=value, instead=instead)
        for reward in priced.rewards:
            yield self.say("price.reward", coupon=self.name(reward.coupon), n=reward.quantity, days=reward.days)
        for raised in priced.raised:
            yield self.say("price.event", event=raised.event, hours=raised.after_h)
        for stamps in priced.stamps:
            yield self.say("price.stamps", card=self.name(stamps.card), n=stamps.stamps, full=stamps.full)
        if priced.points_spent or priced.points_earned:
            yield self.say("price.points", spent=priced.points_spent, earned=priced.points_earned)
