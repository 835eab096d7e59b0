"""What offers put on a receipt: each line's savings by name, gifts with value and discount, coupons, member, points, and why."""

from collections.abc import Iterator

from hardware.paper import rule, two_sides, wrap_words
from pos_app.domain.events import Sale, SaleLine
from pos_app.domain.lane.offers import on_basket
from pos_app.domain.members import member_label
from pos_app.domain.money import format_yuan
from pos_app.domain.pricing.model import Gift, Package
from pos_app.services.packages import package_by_digest
from pos_app.services.shop import Shop
from store_db import catalogue, members
from store_db import points as ledger
from store_db.journal import Entry

DIGEST_SHOWN = 12


class Offers:
    """The words of one receipt, under the package that its sale names."""

    def __init__(self, shop: Shop, sale: Sale) -> None:
        self.shop, self.sale, self.t, self.width = shop, sale, shop.texts, shop.paper_width
        self.package = _package_of(shop, sale) if sale.offers or sale.issued else None
        self.promotions = {promotion.id: promotion for promotion in self.package.promotions} if self.package else {}

    def name(self, promotion: str) -> str:
        """A promotion's name; its id where the store has the package no more."""
        found = self.promotions.get(promotion)
        if found is None:
            return promotion
        return found.name_en if self.t["lang"] == "en" and found.name_en else found.name

    def sides(self, left: str, fen: int) -> str:
        return two_sides(left, format_yuan(fen), self.width)

    def line_rows(self, line: SaleLine) -> Iterator[str]:
        """What made its goods cheaper: the catalogue's or label's price first, then the share of each promotion."""
        shares, apart = line.shares or (), {one.promotion for one in on_basket(self.sale.offers)}
        shelf_fen = line.list_fen - line.net_fen - sum(share.fen for share in shares)
        if shelf_fen:
            yield self.sides(f"  {self.t['source.' + line.source]}", -shelf_fen)
        for share in shares:
            if share.promotion not in apart:
                yield self.sides(f"  {self.name(share.promotion)}", -share.fen)

    def basket_rows(self) -> Iterator[str]:
        """What was taken off the basket as a whole."""
        for one in on_basket(self.sale.offers):
            yield self.sides(self.name(one.promotion), -one.saving_fen)

    def gift_rows(self, now_ms: int) -> Iterator[str]:
        """A gift is printed with its value and its discount."""
        for gift in self.sale.gifts or ():
            value_fen = gift.quantity * gift.value_fen
            yield self.sides(f"{self.t['offer.gift']} {self._good(gift, now_ms)} x{gift.quantity}", value_fen)
            yield self.sides(f"  {self.name(gift.promotion)}", -value_fen)

    def _good(self, gift: Gift, now_ms: int) -> str:
        item = catalogue.find_by_sku(self.shop.store.connection, gift.sku, now_ms)
        if item is None:
            return gift.sku
        return item.name_en if self.t["lang"] == "en" and item.name_en else item.name

    def foot_rows(self, entry: Entry) -> list[str]:
        """Everything below the taxes; nothing for a sale without member and offers."""
        rows = [*self._member(entry), *self._stamps(), *self._coupons(), *self._why()]
        if not rows and self.package is None:
            return []
        return [rule(self.width), *rows, two_sides(self.t["receipt.package"], self.sale.package[:DIGEST_SHOWN], self.width)]

    def _member(self, entry: Entry) -> Iterator[str]:
        alias, connection = self.sale.customer, self.shop.store.connection
        row = members.by_alias(connection, alias) if alias else None
        if alias is None:
            return
        yield two_sides(self.t["member.member"], member_label(row.name, row.phone_masked) if row else alias, self.width)
        moves = self.sale.points or ()
        earned, spent = (sum(abs(m.points) for m in moves if m.rule == kind) for kind in ("earn", "redeem"))
        yield two_sides(self.t["receipt.points"], f"+{earned:,} -{spent:,}", self.width)
        balance = ledger.balance_after(connection, alias, entry.id, entry.header.business_date)
        yield two_sides(self.t["receipt.balance"], f"{balance:,}", self.width)

    def _stamps(self) -> Iterator[str]:
        for stamps in self.sale.stamps or ():
            yield two_sides(f"{self.t['receipt.stamps']} {self.name(stamps.promotion)}", f"+{stamps.stamps}", self.width)

    def _coupons(self) -> Iterator[str]:
        for issued in self.sale.issued or ():
            yield two_sides(f"{self.t['offer.reward']} {self.name(issued.promotion)}", issued.expires, self.width)
            yield f"  {issued.code}"

    def _why(self) -> Iterator[str]:
        """A short sentence for everything that lowered the price."""
        if self.shop.explain is None or self.package is None:
            return
        for one in self.sale.offers or ():
            if one.saving_fen:
                yield from wrap_words(f"* {self.shop.explain(one, self.package)}", self.width)


def _package_of(shop: Shop, sale: Sale) -> Package | None:
    """The package of a sale: from the store, or what this lane was given while the store has none."""
    given = shop.config.package
    return given if given.digest == sale.package else package_by_digest(shop.store, sale.package)
