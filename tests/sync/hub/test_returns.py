"""Returns of another till's sale: one place decides, no unit comes back twice, whatever gets lost."""

from pathlib import Path

import pytest

from pos_app.domain.errors import Refusal
from pos_app.domain.events import HandedOver, Return
from pos_app.domain.lane.return_intents import ReturnDone, ReturnRefused
from pos_app.domain.plain import from_json
from pos_app.domain.pricing.mechanics.buy_x_get_y import BuyXGetY
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import REPRICE, Package, Promotion
from pos_app.domain.return_values import Returnable, ReturnLine, ReturnPlan, ReturnRequest, Wanted
from pos_app.services.find_receipt import find_receipt
from pos_app.services.return_goods import plan_goods, return_goods
from sync import protocol, push
from sync.hq_server import devices
from sync.run_agent import ShopHub
from tests.shop_kit import COLA, MILK, WATER
from tests.sync.hub.kit import HubTill, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def asked(number: str, *lines: tuple[int, int]) -> ReturnRequest:
    return ReturnRequest(number, Wanted(tuple(ReturnLine(n, units, "not_wanted") for n, units in lines)), "not_wanted", "1002")


def planned(till: HubTill, request: ReturnRequest) -> ReturnPlan | Refusal:
    return plan_goods(till.till.shop, till.till.state, request)


def give_back(till: HubTill, request: ReturnRequest) -> ReturnDone | ReturnRefused | Refusal:
    plan = planned(till, request)
    return plan if isinstance(plan, Refusal) else return_goods(till.till.shop, till.till.state, request, plan)


def code(answer: object) -> str:
    refusal = answer.refusal if isinstance(answer, ReturnRefused) else answer
    return refusal.code if isinstance(refusal, Refusal) else type(refusal).__name__


def units_back(world: World, number: str) -> int:
    """Units of a sale that came back, by the returns in the log of HQ."""
    sql = "SELECT payload FROM log WHERE kind = 'return'"
    with world.hq.hq.database.read() as connection:
        backs = [from_json(Return, bytes(row[0])) for row in connection.exec_driver_sql(sql)]
    return sum(line.units for back in backs if back.sale_number == number for line in back.lines)


def test_a_sale_of_another_till_comes_back_when_its_till_has_handed_it_over(world: World) -> None:
    number = world.a.till.sell(WATER, MILK)
    world.sync(world.a)
    assert isinstance(find_receipt(world.b.till.shop, number.lower()), Returnable)
    assert code(give_back(world.b, asked(number, (0, 1)))) == "POS-3310"
    world.sync(world.a)
    done = give_back(world.b, asked(number, (0, 1)))
    assert isinstance(done, ReturnDone), done
    assert done.refunds[0].amount_fen == 200
    world.sync()
    assert code(give_back(world.a, asked(number, (0, 1)))) == "POS-3302", "the till that sold asks the hub by now"
    assert code(give_back(world.a, asked(number, (1, 1)))) == "ReturnDone"
    world.sync()
    assert code(give_back(world.b, asked(number, (1, 1)))) == "POS-3305"
    world.relay_all()
    assert units_back(world, number) == 2
    world.a.till.prove()
    world.b.till.prove()


def handed_over(world: World, *goods: str) -> str:
    """A sale of till A that the hub decides on by now."""
    number = world.a.till.sell(*goods)
    world.sync(world.a)
    assert code(planned(world.b, asked(number, (0, 1)))) == "POS-3310"
    world.b.till.wait(1_000)  # the lane lets go of what it did not get
    world.sync()
    return number


def test_a_lost_answer_to_a_claim_does_no_harm(world: World) -> None:
    number = handed_over(world, WATER)
    world.b.lane_line.loses = [protocol.HUB_CLAIM]
    assert code(planned(world.b, asked(number, (0, 1)))) == "POS-3308"
    assert code(planned(world.b, asked(number, (0, 1)))) == "POS-3308", "a silent hub is not asked again at once"
    world.clock.now_ms += 6_000
    assert code(give_back(world.b, asked(number, (0, 1)))) == "ReturnDone"
    world.sync()
    world.relay_all()
    assert units_back(world, number) == 1


def test_a_hub_that_was_killed_between_claim_and_return_holds_the_claim(world: World) -> None:
    number = handed_over(world, WATER, WATER)
    request = asked(number, (0, 1))
    plan = planned(world.b, request)
    assert isinstance(plan, ReturnPlan)
    world.restart_hub()
    assert code(planned(world.a, request)) == "POS-3312"
    assert isinstance(return_goods(world.b.till.shop, world.b.till.state, request, plan), ReturnDone)
    world.a.till.wait(1)
    world.sync(world.a)
    assert code(planned(world.a, request)) == "POS-3312", "the return is not at the hub yet"
    world.sync()
    world.a.till.wait(1)
    world.sync()
    assert code(give_back(world.a, request)) == "ReturnDone"
    world.sync()
    assert code(give_back(world.a, request)) == "POS-3305"


def test_what_a_lane_claimed_before_its_power_went_is_free_when_it_is_back(world: World) -> None:
    number = handed_over(world, WATER)
    assert isinstance(planned(world.b, asked(number, (0, 1))), ReturnPlan)
    assert code(planned(world.a, asked(number, (0, 1)))) == "POS-3312"
    world.b.open()
    world.sync(world.b)
    world.a.till.wait(1)
    world.sync(world.a)
    assert code(give_back(world.a, asked(number, (0, 1)))) == "ReturnDone"
    assert code(planned(world.b, asked(number, (0, 1)))) == "POS-3312"


def test_a_hub_that_was_put_back_waits_for_every_till(world: World) -> None:
    number = handed_over(world, WATER)
    world.hub.back_up()
    request = asked(number, (0, 1))
    plan = planned(world.b, request)
    assert isinstance(plan, ReturnPlan)
    world.hub.put_back()
    assert code(planned(world.a, request)) == "POS-3308"
    world.a.till.wait(1)
    world.sync(world.a)
    assert code(planned(world.a, request)) == "POS-3308", "till B was not heard"
    world.a.till.wait(1)
    world.sync()
    assert code(planned(world.a, request)) == "POS-3312", "and holds the claim"
    assert isinstance(return_goods(world.b.till.shop, world.b.till.state, request, plan), ReturnDone)
    world.a.till.wait(1)
    world.sync()
    assert code(planned(world.a, request)) == "POS-3305"


def test_a_hub_that_was_put_back_untold_forgets_no_return(world: World) -> None:
    number = handed_over(world, WATER)
    request = asked(number, (0, 1))
    world.hub.back_up()
    assert code(give_back(world.b, request)) == "ReturnDone"
    world.sync(world.b)
    world.hub.put_back(is_told=False)
    world.a.till.wait(1)
    assert code(give_back(world.a, request)) == "POS-3308", "no agent has said hello"
    world.sync(world.a)
    assert code(give_back(world.a, request)) == "POS-3308", "till B was not heard"
    world.a.till.wait(1)
    world.sync()
    assert code(give_back(world.a, request)) == "POS-3305"
    world.sync()
    world.relay_all()
    assert units_back(world, number) == 1


def test_an_agent_greets_a_hub_that_has_started_at_once(world: World) -> None:
    agent = ShopHub(world.a.store)
    world.sync(world.a)
    assert [agent.has_started(), agent.has_started()] == [True, False]
    world.restart_hub()
    world.sync(world.a)
    assert [agent.has_started(), agent.has_started()] == [True, False]


def test_a_hub_that_started_waits_for_no_till_that_was_given_up_or_never_spoke(world: World) -> None:
    number = handed_over(world, WATER)
    HubTill(world, "03", 3)
    world.restart_hub()
    world.sync(world.a)
    request = asked(number, (0, 1))
    assert code(give_back(world.a, request)) == "POS-3308", "till B may hold what this file does not know"
    with world.hub.hq.database.write() as connection:
        devices.revoke(connection, world.b.store.device.device, 1)
    world.a.till.wait(1)
    assert code(give_back(world.a, request)) == "ReturnDone"


def test_a_till_that_is_off_holds_up_only_what_was_handed_over_before_the_hub_started(world: World) -> None:
    """A reserve till is off for weeks, and the hub's PC starts every morning."""
    reserve = HubTill(world, "03", 3)
    world.sync(reserve)
    old = handed_over(world, WATER)
    world.restart_hub()
    world.sync(world.a, world.b)
    assert code(give_back(world.b, asked(old, (0, 1)))) == "POS-3308", "the reserve till may hold it"
    new = handed_over(world, WATER)
    world.sync(world.a, world.b)
    assert code(give_back(world.b, asked(new, (0, 1)))) == "ReturnDone"
    world.b.till.wait(1)
    world.sync(reserve)
    assert code(give_back(world.b, asked(old, (0, 1)))) == "ReturnDone"


def test_a_till_that_tells_again_does_not_make_old_what_it_handed_over_since(world: World) -> None:
    reserve = HubTill(world, "03", 3)
    world.sync(reserve)
    world.restart_hub()
    world.sync(world.a, world.b)
    number = handed_over(world, WATER)
    world.a.told = b""
    world.sync(world.a)
    assert code(give_back(world.b, asked(number, (0, 1)))) == "ReturnDone"


def test_a_sale_that_a_revoked_till_tells_of_is_refunded_nowhere_and_what_it_took_back_stays_taken_back(world: World) -> None:
    """A stolen till makes up a sale and hands it over; before that it gave a unit back, as it might."""
    number = handed_over(world, WATER, WATER)
    assert code(give_back(world.a, asked(number, (0, 1)))) == "ReturnDone"
    made_up = world.a.till.sell(MILK)
    with world.a.store.transaction():
        world.a.store.append(HandedOver("sale", made_up, ""))
    with world.hub.hq.database.write() as connection:
        devices.revoke(connection, world.a.store.device.device, 1)
    while push.push_batch(world.a.store, world.a.link).done:
        pass
    assert code(find_receipt(world.b.till.shop, made_up)) == "POS-3308"
    found = find_receipt(world.b.till.shop, number)
    assert isinstance(found, Returnable)
    assert list(found.before.units.values()) == [1]


def test_a_claim_that_was_let_go_of_cannot_be_used(world: World) -> None:
    number = handed_over(world, WATER)
    request = asked(number, (0, 1))
    plan = planned(world.b, request)
    assert isinstance(plan, ReturnPlan)
    world.b.till.wait(1)  # the lane shows no return: it drops the claim
    assert code(return_goods(world.b.till.shop, world.b.till.state, request, plan)) == "POS-3308"
    assert [kind for _, kind in world.b.events() if kind == "return"] == []


def test_a_lane_that_is_cut_off_returns_its_own_sales_and_no_others(world: World) -> None:
    own, shared = world.a.till.sell(WATER), handed_over(world, MILK)
    others = world.b.till.sell(COLA)
    world.sync()
    world.a.cut()
    assert code(give_back(world.a, asked(own, (0, 1)))) == "ReturnDone"
    assert code(give_back(world.a, asked(shared, (0, 1)))) == "POS-3308"
    assert code(give_back(world.a, asked(others, (0, 1)))) == "POS-3308"
    assert code(give_back(world.b, asked(own, (0, 1)))) == "POS-3310", "A is asked for it"
    world.sync(world.b)
    assert code(give_back(world.b, asked(own, (0, 1)))) == "POS-3310", "and does not hear it"
    world.a.cut(False)
    world.sync()
    world.b.till.wait(1)
    assert code(give_back(world.b, asked(own, (0, 1)))) == "POS-3305"
    world.sync()
    world.relay_all()
    assert [units_back(world, number) for number in (own, shared, others)] == [1, 0, 0]


def test_what_only_the_till_that_sold_keeps_account_of_goes_back_there(world: World) -> None:
    from tests.offers_kit import card_of, joined

    card = card_of(world.a.store, joined(world.a.store))
    number = world.a.till.sell(card, MILK)
    world.sync()
    assert code(find_receipt(world.b.till.shop, number)) == "POS-3311"


def test_goods_of_another_till_do_not_pay_for_a_basket(world: World) -> None:
    number = handed_over(world, WATER)
    request = asked(number, (0, 1))
    request = request._replace(wanted=request.wanted._replace(exchange_fen=1_000))
    assert code(planned(world.b, request)) == "POS-3313"


def test_a_hand_over_by_another_device_than_the_one_that_sold_does_not_count(world: World) -> None:
    from pos_app.domain.events import HandedOver

    number = world.a.till.sell(WATER)
    world.b.store.record(HandedOver("sale", number))
    world.sync()
    assert code(planned(world.b, asked(number, (0, 1)))) == "POS-3308"
    assert code(give_back(world.a, asked(number, (0, 1)))) == "ReturnDone"


@pytest.mark.parametrize("order", ["bab", "bba", "aab", "baa"])
def test_what_is_kept_is_priced_again_at_whichever_till_it_comes_back(tmp_path: Path, order: str) -> None:
    """Three for two: nothing for the third, then 2.00 and 2.00, at tills A and B. HQ holds no VAT of it any more."""
    three = Promotion("b2g1", "买2送1", BuyXGetY(2, 1))
    world = World(tmp_path, Package(digest="three", returns=REPRICE, promotions=(three,)))
    number = handed_over(world, WATER, WATER, WATER)
    for till in (getattr(world, name) for name in order):
        world.a.till.wait(1)
        world.sync()
        assert code(give_back(till, asked(number, (0, 1)))) == "ReturnDone"
        world.sync()
    world.relay_all()
    assert refunds_and_reasons(world) == [(0, 133), (200, -67), (200, -66)]
    with world.hq.hq.database.read() as connection:
        assert connection.exec_driver_sql("SELECT sum(net_fen), sum(tax_fen) FROM day_taxes").one() == (0, 0)
        assert connection.exec_driver_sql("SELECT count(*) FROM quarantine").scalar() == 0
    world.a.till.prove()
    world.b.till.prove()


def test_vat_that_a_return_elsewhere_moved_to_another_rate_comes_back_here(tmp_path: Path) -> None:
    """Cola at 13 % and milk at 9 %, 2.00 less from 5.00 on: 4.00. Without the milk the cola costs 2.50, more than its share."""
    save = Promotion("save", "满5减2", SpendSaveTiers((SpendTier(500, 200),)))
    world = World(tmp_path, Package(digest="save", returns=REPRICE, promotions=(save,)))
    number = handed_over(world, COLA, MILK)
    for till, line in ((world.b, 1), (world.a, 0)):
        world.a.till.wait(1)
        world.sync()
        assert code(give_back(till, asked(number, (line, 1)))) == "ReturnDone"
        world.sync()
    world.relay_all()
    assert [fen for fen, _ in refunds_and_reasons(world)] == [150, 250]
    world.a.till.prove()
    world.b.till.prove()


def refunds_and_reasons(world: World) -> list[tuple[int, int]]:
    """(given back, of which priced again) of every return in the log of HQ, by their time."""
    with world.hq.hq.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT payload FROM log WHERE kind = 'return' ORDER BY wall_ms").fetchall()
    backs = [from_json(Return, bytes(row[0])) for row in rows]
    return [(sum(refund.amount_fen for refund in back.refunds), back.repriced_fen or 0) for back in backs]
