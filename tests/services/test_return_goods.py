"""Returns on a real store: one transaction, one unit once, and every figure proved by `verify` afterwards."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import StoreError
from pos_app.domain.events import Return
from pos_app.domain.lane.return_intents import RefundDone, ReturnDone, ReturnRefused
from pos_app.domain.plain import from_json
from pos_app.domain.pricing.mechanics.coupon_amount_off import CouponAmountOff
from pos_app.domain.pricing.mechanics.coupon_reward import CouponReward
from pos_app.domain.pricing.mechanics.gift import GiftRule
from pos_app.domain.pricing.mechanics.points_earn import PointsEarn
from pos_app.domain.pricing.mechanics.points_redeem import PointsRedeem
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import Package, Promotion, Who
from pos_app.domain.return_values import Queued, Returnable, ReturnLine, ReturnPlan, ReturnRequest, Wanted
from pos_app.services.find_receipt import find_receipt
from pos_app.services.members import Joining, join
from pos_app.services.return_goods import plan_goods, return_goods, settle_refund
from pos_app.services.shop import Shop
from store_db import coupons, members, print_jobs, stock
from store_db import points as ledger
from store_db.store import Store
from store_db.verify import verify
from tests.shop_kit import APPLES, CIGARETTES, COLA, MILK, ROOT, SUPERVISOR_PIN, WATER, WINE, Till, label, make_shop, make_store

PHONE = "13800138821"
MEMBER = Who(member=True)
PACKAGE = Package(
    digest="r" * 64,
    promotions=(
        Promotion("back", "满8返券", CouponReward("next"), min_spend_fen=800),
        Promotion("cup", "满8送铃铛", GiftRule("TINY", value_fen=150), min_spend_fen=800),
        Promotion("earn", "1元1分", PointsEarn(), who=MEMBER),
        Promotion("next", "下次1元券", CouponAmountOff(100), code="#NEXT"),
        Promotion("redeem", "积分抵现", PointsRedeem(1, 100), who=MEMBER),
        Promotion("save", "满6减1", SpendSaveTiers((SpendTier(600, 100),))),
    ),
)
Factory = Callable[..., Shop]


@pytest.fixture
def shop(shop_factory: Factory) -> Shop:
    return shop_factory(package=PACKAGE)


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop).open()


def found(shop: Shop, text: str) -> Returnable:
    answer = find_receipt(shop, text)
    assert isinstance(answer, Returnable), answer
    return answer


def asked(number: str, *lines: tuple[int, int], gifts: tuple[tuple[str, int], ...] = (), slip: str = "R1") -> ReturnRequest:
    wanted = Wanted(tuple(ReturnLine(n, units, "not_wanted") for n, units in lines), gifts, slip=slip)
    return ReturnRequest(number, wanted, "not_wanted", "1002")


def planned(till: Till, request: ReturnRequest) -> ReturnPlan:
    plan = plan_goods(till.shop, till.state, request)
    assert isinstance(plan, ReturnPlan), plan
    return plan


def give_back(till: Till, request: ReturnRequest) -> ReturnDone:
    done = return_goods(till.shop, till.state, request, planned(till, request))
    assert isinstance(done, ReturnDone), done
    return done


def last(till: Till) -> Return:
    (payload,) = till.shop.store.connection.execute(
        "SELECT payload FROM journal WHERE kind = 'return' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return from_json(Return, payload)


# ------------------------------------------------------------------ one return


def test_a_return_takes_the_next_number_of_the_series_and_everything_is_proved(till: Till) -> None:
    number = till.sell(WATER, WATER, MILK)
    done = give_back(till, asked(number, (0, 1)))
    assert done.number.endswith("-000002") and till.sell(WATER).endswith("-000003")
    assert [(refund.kind, refund.amount_fen) for refund in done.refunds] == [("cash", 180)]  # 7.50 - 1.00: 2.00 carries 0.27
    till.prove()


def test_goods_go_back_on_the_shelf_and_waste_does_not(till: Till) -> None:
    connection = till.shop.store.connection
    number = till.sell(WATER, WATER, label("22", APPLES, weight_g=846))
    before = stock.on_hand(connection, "WATER"), stock.on_hand(connection, "APPLES")
    give_back(till, asked(number, (0, 1), (1, 1)))
    assert (stock.on_hand(connection, "WATER"), stock.on_hand(connection, "APPLES")) == (before[0] + 1, before[1] + 846)
    waste = ReturnRequest(number, Wanted((ReturnLine(0, 1, "damaged", True),)), "damaged", "1002")
    give_back(till, waste)
    assert stock.on_hand(connection, "WATER") == before[0] + 1
    till.prove()


def test_partial_returns_in_any_order_give_back_what_was_paid_and_no_more(till: Till) -> None:
    number = till.sell(WATER, WATER, MILK, COLA)
    paid_fen = found(till.shop, number).sale.total_fen + found(till.shop, number).sale.rounding_fen
    dones = [give_back(till, asked(number, (n, 1), gifts=(("cup", 1),))) for n in (2, 0, 1, 0)]
    assert sum(refund.amount_fen for done in dones for refund in done.refunds) == paid_fen
    refused = plan_goods(till.shop, till.state, asked(number, (0, 1)))
    assert getattr(refused, "code", "") == "POS-3305"
    till.prove()


def test_the_drawer_is_expected_to_hold_what_was_taken_less_what_was_given_back(till: Till) -> None:
    """75.00 paid with a 100.00 note: 75.00 are in the drawer; 2.00 given back: 73.00."""
    number = till.sell(WATER, WATER)
    give_back(till, asked(number, (0, 1)))
    till.close(("5", *["0"] * 7))  # 500.00 counted
    figures = till.state.dialog.data if till.state.dialog else None
    assert figures is not None and figures.expected_cash_fen == 50_000 + 400 - 200
    assert (figures.returns, figures.refunded_fen, figures.total_fen) == (1, 200, 400)
    assert "退货单数" in till.paper.jobs[-1][1]
    till.prove()


def test_the_paper_of_a_return_says_so_and_names_the_sale(till: Till) -> None:
    number = till.sell(WATER)
    done = give_back(till, asked(number, (0, 1)))
    till.do()
    till.lane._print()
    job, text = till.paper.jobs[-1]
    assert job.startswith(done.number)
    assert "退货单" in text.splitlines()[0] and number in text and "购物小票" not in text


def test_a_card_refund_keeps_the_reference_and_a_terminal_that_is_cut_off_leaves_it_queued(till: Till) -> None:
    till.scan(WINE).press("pay").type("y").press("card").type("A77\n")
    number = till.state.last_sale.number if till.state.last_sale else ""
    request = asked(number, (0, 1), slip="")._replace()
    request = request._replace(wanted=request.wanted._replace(cut_off=("card_terminal",)))
    done = give_back(till, request)
    assert [(r.kind, r.state, r.reference) for r in done.refunds] == [("card_terminal", "queued", "A77")]
    waiting = find_receipt(till.shop, done.number)
    assert isinstance(waiting, Queued) and waiting.fen == done.refunds[0].amount_fen
    once, again = (settle_refund(till.shop, till.state, waiting, "R9") for _ in range(2))
    assert isinstance(once, RefundDone) and isinstance(again, ReturnRefused)
    till.prove()


# ------------------------------------------------------------------ what came with the sale


def member(till: Till) -> str:
    alias = join(till.shop.store, Joining("林小红", PHONE))
    assert isinstance(alias, str)
    return alias


def test_points_gift_and_coupon_follow_the_goods(till: Till) -> None:
    alias, connection = member(till), till.shop.store.connection
    till.press("member").type(PHONE + "\n")
    number = till.sell(WATER, WATER, WATER, MILK)
    sale = found(till.shop, number).sale
    assert sale.gifts and sale.issued and sale.points
    plan = planned(till, asked(number, (1, 1)))
    assert [(gift.missing, gift.withheld_fen) for gift in plan.gifts] == [(1, 150)]
    assert plan.coupons == (sale.issued[0].code,)
    give_back(till, asked(number, (1, 1), gifts=(("cup", 1),)))
    coupon = coupons.find(connection, sale.issued[0].code)
    assert coupon is not None and coupon.is_void
    assert sum(lot.points_left for lot in ledger.lots(connection, alias)) == plan_points(till, number)
    give_back(till, asked(number, (0, 3)))
    assert ledger.lots(connection, alias) == ()
    assert members.figures(connection, alias, "").amount_fen == 0
    till.prove()


def plan_points(till: Till, number: str) -> int:
    sale, before = found(till.shop, number).sale, found(till.shop, number).before
    kept = sum(line.net_fen for line in sale.lines) - before.owed_fen
    return kept // 100


def test_a_return_of_a_gift_that_is_kept_gives_back_less_and_never_below_zero(till: Till) -> None:
    number = till.sell(WATER, WATER, WATER, MILK)
    done = give_back(till, asked(number, (0, 1)))
    back = last(till)
    assert back.goods_fen - back.withheld_fen + back.rounding_fen == sum(refund.amount_fen for refund in done.refunds)
    assert back.withheld_fen == 150
    till.prove()


# ------------------------------------------------------------------ twice, and never half


def test_a_plan_that_is_no_longer_true_is_refused_and_nothing_is_given_back(till: Till) -> None:
    number = till.sell(WATER, WATER, WATER)
    request = asked(number, (0, 1))
    plan = planned(till, request)
    give_back(till, request)
    again = return_goods(till.shop, till.state, request, plan)  # units and amounts would do, but somebody was there before
    assert isinstance(again, ReturnRefused) and again.refusal.code == "POS-3306"
    assert found(till.shop, number).before.units == {0: 1}
    till.prove()


def test_of_two_lanes_that_return_the_same_unit_at_once_exactly_one_succeeds(shop: Shop, tmp_path: Path) -> None:
    one = Till(shop).open()
    number = one.sell(WATER)
    path = shop.store.path
    barrier, answers = threading.Barrier(2), []

    def lane(name: str) -> None:
        with Store.open(path, clock=shop.store.clock, ids=None) as store:
            till = Till(make_shop(store, lane=name, package=PACKAGE)).open()
            request = asked(number, (0, 1))
            plan = planned(till, request)
            barrier.wait()
            answers.append(return_goods(till.shop, till.state, request, plan))

    lanes = [threading.Thread(target=lane, args=(name,)) for name in ("02", "03")]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["ReturnDone", "ReturnRefused"]
    proof = verify(shop.store.connection)
    assert proof.is_ok, proof.problems


def test_a_return_that_fails_on_its_way_leaves_nothing_behind(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    from pos_app.services import return_goods as service

    number = till.sell(WATER)
    request = asked(number, (0, 1))
    plan = planned(till, request)
    head = till.shop.store.connection.execute("SELECT max(id) FROM journal").fetchone()[0]

    def broken(*_: object) -> None:
        raise StoreError("POS-1004", path="x", detail="full")

    with monkeypatch.context() as patch:
        patch.setattr(service.print_jobs, "add_job", broken)
        with pytest.raises(StoreError):
            return_goods(till.shop, till.state, request, plan)
    assert till.shop.store.connection.execute("SELECT max(id) FROM journal").fetchone()[0] == head
    give_back(till, request)
    till.prove()


@pytest.mark.kill
@pytest.mark.parametrize("told", [1, 5, 11])
def test_a_lane_killed_while_it_returns_has_returned_all_that_it_told_and_nothing_twice(tmp_path: Path, told: int) -> None:
    path = tmp_path / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    command = [sys.executable, "-m", "tests.services.return_many", str(path), "12", str(told)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as lane:
        assert lane.stdout is not None
        heard = [lane.stdout.readline().strip() for _ in range(told + 1)][1:]
        lane.kill()
    with Store.open(path, clock=DayClock(), ids=SeededIds(2)) as store:
        kept = [payload for (payload,) in store.connection.execute("SELECT payload FROM journal WHERE kind = 'return'")]
        assert set(heard) <= {from_json(Return, payload).number for payload in kept} and len(heard) == told
        proof = verify(store.connection)
        assert proof.is_ok, proof.problems


# ------------------------------------------------------------------ proved


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("'$.lines[0].units', 3", "units of line 0"),
        ("'$.lines[0].refund_fen', 199", "does not add up"),
        ("'$.refunds[0].amount_fen', 900, '$.rounding_fen', 700", "were given back"),
        ("'$.sale', 'ff'", "names a sale that is not there"),
        ("'$.taxes[0].tax_fen', 999", "tax S13"),
    ],
)
def test_verify_finds_a_return_that_says_something_else_than_the_truth(till: Till, change: str, words: str) -> None:
    give_back(till, asked(till.sell(WATER, WATER), (0, 1)))
    connection = till.shop.store.connection
    with till.shop.store.transaction():
        connection.execute(f"UPDATE journal SET payload = CAST(json_set(payload, {change}) AS BLOB) WHERE kind = 'return'")
    assert any(words in problem for problem in verify(connection).problems), verify(connection).problems


def test_points_that_an_exchange_takes_back_cannot_pay_for_the_new_basket(till: Till) -> None:
    """The return and the sale are one: points asked for and taken back with the goods are noticed, and nothing is done."""
    alias, connection = member(till), till.shop.store.connection
    card = members.by_alias(connection, alias)
    assert card is not None
    till.scan(card.card)
    number = till.sell(WATER, WATER)  # 4 points
    till.scan(card.card).scan(MILK, MILK).press("return").type(number + "\n\n").press("pay", "enter")
    till.type("x").type(SUPERVISOR_PIN).press("offers")
    till.lane.handle(*())
    state = till.state
    assert state.basket.exchange is not None
    from pos_app.domain.basket import SpendPoints
    from pos_app.domain.lane.state import change
    from pos_app.services.sell import sell

    spending, _ = change(state, SpendPoints(4))
    assert spending.priced.points_spent == 4
    head = connection.execute("SELECT max(id) FROM journal").fetchone()[0]
    answer = sell(till.shop, spending, (), None)
    assert type(answer).__name__ == "OffersChanged"
    assert connection.execute("SELECT max(id) FROM journal").fetchone()[0] == head
    till.prove()


def test_an_exchange_that_fails_after_its_return_leaves_neither_and_can_be_paid_again(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.sell(WATER)
    till.press("return").type("\n\n\n").press("pay", "enter").type("x").type(SUPERVISOR_PIN).scan(MILK).press("pay")
    connection = till.shop.store.connection
    head = connection.execute("SELECT max(id) FROM journal").fetchone()[0]
    add_job, calls = print_jobs.add_job, []

    def second_fails(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise StoreError("POS-1004", path="x", detail="full")
        add_job(*args)

    with monkeypatch.context() as patch:
        patch.setattr(print_jobs, "add_job", second_fails)
        till.press("pay")
    assert len(calls) == 2 and till.says == "POS-3006"
    assert connection.execute("SELECT max(id) FROM journal").fetchone()[0] == head
    till.press("pay")
    assert till.says == "banner.paid"
    kinds = [row[0] for row in connection.execute("SELECT kind FROM journal WHERE id > ? ORDER BY id", (head,))]
    assert kinds == ["return", "sale"]
    till.prove()


def test_a_spent_reward_coupon_is_taken_off_as_far_as_its_goods_are_kept(till: Till) -> None:
    first = till.sell(WATER, WATER, WATER, MILK)
    issued = found(till.shop, first).sale.issued
    assert issued
    till.scan(issued[0].code)
    second = till.sell(WATER, COLA)  # 4.50 less 1.00
    assert found(till.shop, second).sale.total_fen == 350
    assert planned(till, asked(first, (1, 1), gifts=(("cup", 1),))).coupons_withheld_fen == 100
    kept_fen = next(share.fen for share in found(till.shop, second).sale.lines[1].shares or () if share.promotion == "next")
    give_back(till, asked(second, (0, 1)))
    assert planned(till, asked(first, (1, 1), gifts=(("cup", 1),))).coupons_withheld_fen == kept_fen < 100
    give_back(till, asked(first, (1, 1), gifts=(("cup", 1),)))
    till.prove()


def test_goods_that_earned_no_points_take_none_back(till: Till) -> None:
    alias = member(till)
    till.press("member").type(PHONE + "\n").scan(WATER, WATER, CIGARETTES).press("pay").type("y").press("pay")
    number = till.state.last_sale.number if till.state.last_sale else ""
    assert [lot.points_left for lot in ledger.lots(till.shop.store.connection, alias)] == [4]
    give_back(till, asked(number, (1, 1)))
    assert [lot.points_left for lot in ledger.lots(till.shop.store.connection, alias)] == [4]
    till.prove()


def test_verify_finds_an_exchange_that_no_sale_was_paid_with(till: Till) -> None:
    till.sell(WATER)
    till.press("return").type("\n\n\n").press("pay", "enter").type("x").type(SUPERVISOR_PIN).scan(MILK).press("pay", "pay")
    till.prove()
    with till.shop.store.transaction() as connection:
        connection.execute(
            "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), '\"exchange\"', '\"voucher\"') AS BLOB) "
            "WHERE id = (SELECT max(id) FROM journal WHERE kind = 'sale')"
        )
    assert any("exchanged that no sale" in problem for problem in verify(connection).problems)


def test_verify_finds_cash_for_goods_that_were_paid_by_card(till: Till) -> None:
    """The payment behind the exchange is taken out of the journal, as if the goods had been paid in cash."""
    till.scan(WATER).press("pay", "card").type("A123\n")
    till.press("return").type("\n\n\n").press("pay", "enter").type("x").type(SUPERVISOR_PIN).scan(WATER).press("pay", "pay")
    till.prove()
    with till.shop.store.transaction() as connection:
        connection.execute(
            "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), ?, '') AS BLOB) WHERE kind IN ('sale', 'return')",
            ('"behind":{"kind":"card_terminal","reference":"A123"},',),
        )
    assert any("fen back by cash, 0 were paid" in problem for problem in verify(connection).problems)
