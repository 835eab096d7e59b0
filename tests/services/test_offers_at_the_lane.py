"""Members, coupons and savings through a real store: scanned or typed, priced, paid, and printed."""

from collections.abc import Callable

import pytest

from pos_app.domain.coupons import HQ_LANE, Issue, make_code
from pos_app.domain.errors import Refusal
from pos_app.domain.events import StockMove, StockMoved
from pos_app.domain.lane.state import SELF_CHECKOUT
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.model import Package, Promotion, Scope, TierRule, Who
from pos_app.services.coupons import coupon_key
from pos_app.services.members import Joining, join
from pos_app.services.print_paper import paper_of
from pos_app.services.shop import Shop
from store_db import print_jobs
from store_db.sales import last_sale_id
from store_db.store import Store
from tests.shop_kit import COLA, MILK, WATER, Till

PHONE, UNKNOWN_PHONE = "13800138821", "13900000000"
MEMBER = Who(member=True)
PACKAGE = Package(
    digest="p" * 64,
    promotions=(
        Promotion("half", "第二件半价", NthUnitPercentOff(2, 50), "Second at half price", scope=Scope(skus=("MILK",))),
        Promotion("one-off", "1元券", CouponAmountOff(100), "1.00 off", code="ONE1"),
        Promotion("next", "下次1元券", CouponAmountOff(100), "1.00 off next time", code="NEXT"),
        Promotion("earn", "1元1分", PointsEarn(), who=MEMBER),
        Promotion("redeem", "积分抵现", PointsRedeem(1, 100), who=MEMBER),
        Promotion("cup", "满4送铃铛", GiftRule("TINY", value_fen=3), "From 4.00: a bell", min_spend_fen=400),
        Promotion("back", "满4返券", CouponReward("next"), min_spend_fen=400, who=MEMBER),
    ),
    tiers=(TierRule("silver"), TierRule("gold", amount_fen=500, gift_sku="BREAD")),
)
Factory = Callable[..., Shop]


@pytest.fixture
def shop(shop_factory: Factory) -> Shop:
    return shop_factory(package=PACKAGE)


@pytest.fixture
def till(shop: Shop) -> Till:
    new_member(shop.store)
    return Till(shop).open()


def new_member(store: Store, phone: str = PHONE, *, shows_usual: bool = True) -> str:
    alias = join(store, Joining("林小红", phone, shows_usual=shows_usual))
    assert not isinstance(alias, Refusal)
    return alias


def card_of(shop: Shop, phone_end: str = "8821") -> str:
    row = shop.store.connection.execute("SELECT card FROM members WHERE phone_masked LIKE ?", (f"%{phone_end}",)).fetchone()
    return str(row[0])


def hq_coupon(shop: Shop, promotion: str = "one-off", counter: int = 1) -> str:
    """A single coupon that HQ sent out."""
    with shop.store.transaction() as connection:
        key = coupon_key(shop.store, connection)
    return make_code(key, shop.store.device.store, promotion, Issue(HQ_LANE, "AAAA", counter, 0, "2099-12-31"))


def paper(till: Till) -> str:
    return till.paper.jobs[-1][1]


# ------------------------------------------------------------------ members


def test_a_member_by_phone_earns_and_does_not_spend(till: Till) -> None:
    till.press("member").type(f"{PHONE}\n")
    member = till.state.basket.member
    assert member is not None and (member.label, member.may_spend) == ("林* 8821", False)


def test_a_card_scanned_anywhere_on_the_basket_screen_attaches_and_may_spend(till: Till) -> None:
    till.scan(MILK, card_of(till.shop))
    assert till.state.basket.member is not None and till.state.basket.member.may_spend
    assert till.state.priced.total_fen == 320


@pytest.mark.parametrize(("phone", "code"), [(UNKNOWN_PHONE, "POS-4301"), ("123", "POS-4302")])
def test_a_number_nobody_has_is_refused_in_the_question(till: Till, phone: str, code: str) -> None:
    till.scan(WATER).press("member").type(f"{phone}\n")
    assert (till.says, till.kind, till.sold) == (code, "member", [("WATER", 1)])


def test_no_phone_number_is_kept_in_the_journal_or_the_basket(till: Till) -> None:
    till.press("member").type(f"{PHONE}\n").sell(WATER)
    connection = till.shop.store.connection
    stored = [bytes(row[0]) for row in connection.execute("SELECT payload FROM journal")]
    stored += [str(row[0]).encode() for row in connection.execute("SELECT op FROM draft_ops")]
    assert stored and not [row for row in stored if PHONE.encode() in row]


def test_an_attached_member_outlives_a_power_cut(till: Till) -> None:
    before = till.scan(MILK, card_of(till.shop)).state.basket
    assert till.reopened().state.basket == before


def test_quantity_times_price_on_paper_is_the_amount_beside_it(till: Till) -> None:
    till.scan(card_of(till.shop)).sell(MILK, MILK, MILK)
    line = next(row for row in paper(till).splitlines() if row.strip().startswith("3 x"))
    unit, amount = line.split()[2], line.split()[3]
    assert 3 * float(unit) == float(amount) and till.state.last_sale is not None


def test_a_coupon_at_the_payment_screen_outlives_a_power_cut_and_counts_once(till: Till) -> None:
    code = hq_coupon(till.shop)
    due_fen = till.scan(WATER, WATER, code).press("pay").state.priced.total_fen
    again = till.reopened().open()
    again.press("pay")
    assert again.state.priced.total_fen == due_fen and again.state.priced.coupons
    again.press("pay")
    assert again.state.last_sale is not None and again.state.last_sale.total_fen == due_fen
    again.scan(WATER, WATER, code)
    assert again.says == "POS-2303" and not again.state.priced.coupons
    again.prove()


def test_a_tier_reached_is_told_with_its_gift_when_the_sale_is_done(till: Till) -> None:
    till.scan(card_of(till.shop), MILK, MILK, MILK).press("pay", "pay")
    last = till.state.last_sale
    assert last is not None and last.gift is not None
    assert (last.tier, last.gift.sku) == ("gold", "BREAD")


# ------------------------------------------------------------------ coupons and points


def test_a_coupon_counts_once_and_a_second_time_is_a_clear_refusal(till: Till) -> None:
    code = hq_coupon(till.shop)
    till.scan(WATER, code)
    assert till.state.priced.total_fen == 100
    till.scan(code)
    assert (till.says, till.state.priced.total_fen) == ("POS-3201", 100)
    till.press("pay", "pay").scan(WATER, code)
    assert (till.says, till.state.priced.total_fen, till.sold) == ("POS-2303", 200, [("WATER", 1)])
    till.prove()


def test_a_public_code_is_typed_or_scanned(till: Till) -> None:
    till.scan(WATER, "one1")
    assert till.state.priced.total_fen == 100
    till.press("offers", "enter", "back")
    assert till.state.priced.total_fen == 200
    till.press("offers").type("ONE1\n")
    assert till.state.priced.total_fen == 100


@pytest.mark.parametrize("code", ["NOPE", "QHQAAAAAAAABAZZZAAAAAA7"])
def test_a_code_that_is_no_coupon_is_refused_and_the_sale_goes_on(till: Till, code: str) -> None:
    till.scan(WATER).press("offers").type(f"{code}\n")
    assert till.says.startswith("POS-23")
    assert till.press("back").sell() and till.state.last_sale is not None


def test_a_coupon_that_another_lane_used_comes_out_at_the_payment_and_the_sale_goes_on(shop_factory: Factory, till: Till) -> None:
    code = hq_coupon(till.shop)
    till.scan(WATER, code)
    other = Till(shop_factory(lane="02", path=till.shop.store.path, package=PACKAGE)).open()
    other.sell(WATER, code)
    till.press("pay")
    assert (till.says, till.state.basket.codes, till.state.priced.total_fen) == ("POS-2303", (), 200)
    till.press("pay")
    assert till.state.last_sale is not None and till.state.last_sale.total_fen == 200
    till.prove()


def test_points_are_spent_at_the_payment_screen_and_booked(till: Till) -> None:
    till.scan(card_of(till.shop), MILK).press("pay", "pay")
    till.scan(card_of(till.shop), COLA).press("pay", "offers", "row_1", "back")
    assert till.state.priced.points_spent == 1
    before = till.state.priced.total_fen
    till.press("pay")
    assert till.state.last_sale is not None and till.state.last_sale.total_fen == before == 250 - 100
    till.prove()


# ------------------------------------------------------------------ usual goods


def test_a_shopper_who_agreed_sees_up_to_three_usual_goods_with_stock_and_offer(shop_factory: Factory, till: Till) -> None:
    till.shop.store.record(StockMoved("opening", (StockMove("MILK", 40), StockMove("WATER", 9))))
    for _ in range(2):
        till.scan(card_of(till.shop), MILK, WATER).press("pay", "pay")
    sco = Till(shop_factory(SELF_CHECKOUT, path=till.shop.store.path, package=PACKAGE))
    sco.press("member").type(f"{PHONE}\n")
    rows = sco.state.dialog.rows if sco.state.dialog else ()
    assert [(row.item.sku, row.on_hand, row.price_fen, row.promotion) for row in rows] == [
        ("MILK", 38, 320, "half"), ("WATER", 7, 200, ""),
    ]  # fmt: skip
    assert sco.press("row_0").sold == [("MILK", 1)]


def test_a_shopper_who_did_not_agree_is_shown_nothing(shop_factory: Factory, till: Till) -> None:
    new_member(till.shop.store, "13700000001", shows_usual=False)
    for _ in range(2):
        till.press("member").type("13700000001\n").sell(MILK)
    sco = Till(shop_factory(SELF_CHECKOUT, path=till.shop.store.path, package=PACKAGE))
    assert sco.press("member").type("13700000001\n").kind == ""


# ------------------------------------------------------------------ the receipt


def test_a_receipt_names_savings_gift_coupon_member_points_and_package(till: Till) -> None:
    till.shop.explain = lambda one, package: f"explained {one.promotion} {one.saving_fen}"
    till.scan(card_of(till.shop), MILK, MILK).press("pay", "pay")
    text = paper(till)
    issued = till.shop.store.connection.execute("SELECT code FROM coupons").fetchone()[0]
    for words in (
        "第二件半价",
        "会员价",
        "赠品 小铃铛 x1",
        issued,
        "林* 8821",
        "+4 -0",
        PACKAGE.digest[:12],
        "explained half 160",
    ):
        assert words in text, text
    assert PHONE not in text


def test_the_savings_on_a_receipt_add_up_to_its_discount(till: Till) -> None:
    """2 x 3.50: 0.60 by the member's price, 1.60 by the second at half price."""
    till.scan(card_of(till.shop), MILK, MILK).press("pay", "pay")
    rows = [row.split() for row in paper(till).splitlines()]
    amounts = {row[0]: row[-1] for row in rows if len(row) > 1}
    assert (amounts["会员价"], amounts["第二件半价"], amounts["优惠"]) == ("-0.60", "-1.60", "-2.20")


def test_a_stranger_s_receipt_without_offers_is_as_short_as_before(till: Till) -> None:
    till.sell(WATER)
    assert PACKAGE.digest[:12] not in paper(till)


def test_a_copy_printed_later_tells_the_points_of_its_own_day(till: Till) -> None:
    till.scan(card_of(till.shop), MILK, MILK).press("pay", "pay")
    balance = next(row for row in paper(till).splitlines() if row.startswith("积分余额"))
    first = last_sale_id(till.shop.store.connection, till.shop.lane) or 0
    till.scan(card_of(till.shop), MILK, MILK).press("pay", "pay")
    assert balance not in paper(till).splitlines()
    _, copy = paper_of(till.shop, first, print_jobs.COPY)
    assert balance in copy.splitlines()
