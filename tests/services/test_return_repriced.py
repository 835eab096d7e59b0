"""Returns that price again, on a real store: what a sale keeps for it is enough, and `verify` holds the sums."""

import random
from collections.abc import Callable

import pytest

from pos_app.domain.events import Return, Sale
from pos_app.domain.plain import from_json
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.member_percent_off import MemberPercentOff
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.shelf_percent_off import ShelfPercentOff
from pos_app.domain.pricing.model import REPRICE, Limits, Package, Promotion, Scope, Who
from pos_app.services.shop import Shop
from store_db.verify import verify
from tests.offers_kit import card_of, grant, joined, spend_points
from tests.package_kit import install, package
from tests.services.test_return_goods import asked, found, give_back, planned
from tests.shop_kit import APPLES, CHEESE, COLA, MILK, TINY, WATER, Till, label

MEMBER = Who(member=True)
EVERYTHING = Package(
    digest="e" * 64,
    returns=REPRICE,
    promotions=(
        Promotion("b2g1", "水买2送1", BuyXGetY(2, 1), scope=Scope(("WATER",))),
        Promotion("code", "1元券", CouponAmountOff(100), code="ONE"),
        Promotion("cup", "满5送铃铛", GiftRule("TINY", value_fen=150), min_spend_fen=500),
        Promotion("day", "每人一件半价", ShelfPercentOff(50), scope=Scope(("COLA",)), who=MEMBER, limits=Limits(per_member=1)),
        Promotion("nine", "会员9折", MemberPercentOff(10), scope=Scope(("APPLES", "MILK")), who=MEMBER),
        Promotion("redeem", "积分抵现", PointsRedeem(1, 100), who=MEMBER),
    ),
)
Factory = Callable[..., Shop]


@pytest.fixture
def till(shop_factory: Factory) -> Till:
    return Till(shop_factory(package=EVERYTHING)).open()


def events(till: Till, kind: str) -> list[bytes]:
    sql = "SELECT payload FROM journal WHERE kind = ? ORDER BY id"
    return [payload for (payload,) in till.shop.store.connection.execute(sql, (kind,))]


def backs(till: Till) -> list[Return]:
    return [from_json(Return, payload) for payload in events(till, "return")]


def test_the_third_bottle_of_three_for_two_gives_nothing_back(till: Till) -> None:
    number = till.sell(WATER, WATER, WATER)
    for _ in range(3):
        give_back(till, asked(number, (0, 1)))
    assert [sum(refund.amount_fen for refund in back.refunds) for back in backs(till)] == [0, 200, 200]
    assert [(back.kept_fen, back.repriced_fen) for back in backs(till)] == [(400, 133), (200, -67), (None, -66)]
    till.prove()


@pytest.mark.parametrize("seed", range(6))
def test_what_a_sale_keeps_gives_its_price_again_whatever_made_it(till: Till, seed: int) -> None:
    """Labels, weights, a scanned gift, a code, points, limits of a member, prices for members: none falls back to shares."""
    alias = joined(till.shop.store)
    grant(till.shop.store, alias, 50)
    apples, cheese = label("22", APPLES, weight_g=846), label("21", CHEESE, amount_fen=700)
    till.scan(card_of(till.shop.store, alias), WATER, WATER, WATER, COLA, COLA, MILK, TINY, apples, cheese)
    spend_points(till.press("offers").type("ONE\n").press("back"))
    till.press("pay", "pay")
    sold = from_json(Sale, events(till, "sale")[-1])
    assert sold.priced_for and sold.priced_for.codes == ("ONE",) and sold.points and sold.gifts and sold.gifts[0].scanned
    units = [n for n, line in enumerate(sold.lines) for _ in range(line.quantity)]
    random.Random(seed).shuffle(units)
    for line in units:
        give_back(till, asked(sold.number, (line, 1), gifts=(("cup", 1),)))
    assert all(back.by_shares is None for back in backs(till))
    assert all(back.kept_fen is not None for back in backs(till)[:-1])
    assert sum(refund.amount_fen for back in backs(till) for refund in back.refunds) == sold.total_fen + sold.rounding_fen
    till.prove()


def test_a_limited_offer_that_others_used_meanwhile_is_still_the_one_of_the_sale(till: Till) -> None:
    """The member's one cola at half price goes to the first sale; what is kept of each is priced as then, not as now."""
    card = card_of(till.shop.store, joined(till.shop.store))
    number = till.scan(card).sell(COLA, COLA)
    assert found(till.shop, number).sale.total_fen == 400  # 1.50 and the 2.50 anybody pays
    later = till.scan(card).sell(COLA, COLA)
    plans = [planned(till, asked(one, (0, 1))) for one in (number, later)]
    assert [(plan.by_shares, plan.kept_fen) for plan in plans] == [("", 150), ("", 250)]


# ------------------------------------------------------------------ the package


def test_the_package_of_the_sale_is_found_by_its_digest_when_another_holds_by_now(till: Till) -> None:
    store = till.shop.store
    three = {"id": "b2g1", "mechanic": "buy_x_get_y", "name": "买2送1", "buy_units": 2, "get_units": 1}
    install(store, package("1", three, valid_from=till.clock.now_ms + 60_000, returns="reprice"))
    number = till.wait(60_000).sell(WATER, WATER, WATER)
    install(store, package("2", valid_from=till.clock.now_ms + 60_000))
    till.wait(60_000)
    assert till.state.package.version == "2" and till.state.package.returns == "shares"
    plan = planned(till, asked(number, (0, 1)))
    assert (plan.kept_fen, plan.refund_fen) == (400, 0)
    assert from_json(Sale, events(till, "sale")[-1]).priced_for is not None
    till.sell(WATER)
    assert from_json(Sale, events(till, "sale")[-1]).priced_for is None
    till.prove()


def test_a_package_that_is_not_here_leaves_the_shares_and_the_return_says_so(till: Till, shop_factory: Factory) -> None:
    number = till.sell(WATER, WATER, WATER)
    other = Till(shop_factory(lane="02", package=Package())).open()
    give_back(other, asked(number, (0, 1)))
    assert [(back.kept_fen, back.by_shares) for back in backs(other)] == [(None, "no_package")]
    give_back(till, asked(number, (0, 1)))
    assert backs(till)[-1].kept_fen == 200
    other.prove()


# ------------------------------------------------------------------ proved, on paper, at HQ


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("json_set(payload, '$.kept_fen', 300)", "100 are due"),
        ("json_set(payload, '$.repriced_fen', 33, '$.withheld_fen', 33)", "does not add up"),
        ("json_remove(payload, '$.kept_fen')", "133 are due"),
        ("json_remove(payload, '$.kept_fen', '$.repriced_fen')", "does not add up"),
    ],
)
def test_verify_finds_a_price_of_what_is_kept_that_does_not_fit(till: Till, change: str, words: str) -> None:
    give_back(till, asked(till.sell(WATER, WATER, WATER), (0, 1)))
    connection = till.shop.store.connection
    with till.shop.store.transaction():
        connection.execute(f"UPDATE journal SET payload = CAST({change} AS BLOB) WHERE kind = 'return'")
    assert any(words in problem for problem in verify(connection).problems), verify(connection).problems


def test_verify_asks_why_shares_went_back(till: Till, shop_factory: Factory) -> None:
    number = till.sell(WATER, WATER, WATER)
    give_back(Till(shop_factory(lane="02", package=Package())).open(), asked(number, (0, 1)))
    connection = till.shop.store.connection
    with till.shop.store.transaction():
        connection.execute("UPDATE journal SET payload = CAST(json_remove(payload, '$.by_shares') AS BLOB) WHERE kind = 'return'")
    assert any("and not why" in problem for problem in verify(connection).problems)


def test_the_paper_says_what_the_goods_kept_cost_and_later_that_it_is_given_now(till: Till) -> None:
    number = till.sell(WATER, WATER, WATER)
    give_back(till, asked(number, (0, 1)))
    give_back(till, asked(number, (0, 2)))
    till.do()
    till.lane._print()
    first, second = (text for _, text in till.paper.jobs[-2:])
    assert "留下商品单独计价 4.00" in first and "-1.33" in first and "扣除赠品或券" not in first
    assert "补退前次少退部分" in second and "1.33" in second
