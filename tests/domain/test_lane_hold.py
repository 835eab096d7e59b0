"""Hold and recall: a basket is in exactly one place, and a number belongs to the sale that prints it."""

from collections.abc import Callable

from pos_app.domain.lane.intents import Press, Scan
from pos_app.domain.shift import Report
from pos_app.services.shop import Shop
from pos_app.services.work_shift import make_report
from store_db.drafts import held_drafts
from tests.shop_kit import BEER, COLA, MILK, WATER, Till

Factory = Callable[..., Shop]


def two_tills(shop_factory: Factory) -> tuple[Till, Till]:
    return Till(shop_factory(lane="01")).open(), Till(shop_factory(lane="02")).open()


def report_of(till: Till) -> Report:
    return make_report(till.shop, till.state)


def test_a_held_basket_comes_back_line_for_line(till: Till) -> None:
    till.scan(WATER, MILK, BEER).press("void", "hold")
    assert (till.sold, till.says) == ([], "banner.held")
    till.press("hold", "enter")
    assert till.sold == [("WATER", 1), ("MILK", 1)]
    till.press("undo")
    assert till.sold == [("WATER", 1), ("MILK", 1), ("BEER", 1)]


def test_a_held_basket_outlives_the_process_and_the_shift(till: Till) -> None:
    till.scan(WATER).press("hold").close().press("back")
    again = till.reopened().open()
    again.press("hold", "enter")
    assert again.sold == [("WATER", 1)]
    again.press("pay", "pay").prove()


def test_an_open_basket_outlives_the_process_line_for_line(till: Till) -> None:
    till.scan(WATER, WATER, MILK).press("up", "void").scan(COLA)
    again = till.reopened()
    assert again.sold == till.sold == [("MILK", 1), ("COLA", 1)]
    assert again.says == "banner.restored"


def test_nothing_held_is_said(till: Till) -> None:
    assert till.press("hold").says == "POS-3005"


def test_held_baskets_are_listed_oldest_first_with_their_totals(till: Till) -> None:
    till.scan(WATER).press("hold").scan(MILK, COLA).press("hold", "hold")
    assert till.state.dialog is not None
    assert [(row.lines, row.total_fen) for row in till.state.dialog.rows] == [(1, 200), (2, 600)]


def test_another_lane_fetches_the_basket_and_it_is_gone_here(shop_factory: Factory) -> None:
    one, two = two_tills(shop_factory)
    one.scan(WATER).press("hold", "hold")
    two.press("hold", "enter")
    assert two.sold == [("WATER", 1)]
    one.press("enter")
    assert (one.sold, one.says) == ([], "POS-3010")


def test_a_list_that_has_grown_old_never_fetches_another_basket_than_it_shows(shop_factory: Factory) -> None:
    """Lane 01 looks at a list; lane 02 fetches and sells that basket and holds another: the row is gone, not exchanged."""
    one, two = two_tills(shop_factory)
    one.scan(WATER).press("hold", "hold")
    two.press("hold", "enter", "pay", "pay")
    two.scan(MILK).press("hold")
    one.press("enter")
    assert (one.sold, one.says) == ([], "POS-3010")


def test_an_emptied_basket_is_whole_after_a_recall_that_came_too_late(shop_factory: Factory) -> None:
    """The card failed, every line was voided, F4: but lane 02 was quicker. What lane 01 sells next is an ordinary sale."""
    one, two = two_tills(shop_factory)
    two.scan(WATER).press("hold")
    one.scan(MILK).press("pay", "card", "back", "back", "void", "hold")
    two.press("hold", "enter", "pay", "pay")
    one.press("enter")
    assert (one.sold, one.says) == ([], "POS-3010")
    one.press("back").scan(COLA).press("pay", "pay")
    assert one.state.last_sale is not None
    assert one.reopened().sold == []
    two.prove()


def test_a_held_basket_is_sold_once(shop_factory: Factory) -> None:
    one, two = two_tills(shop_factory)
    one.scan(WATER).press("hold")
    two.press("hold", "enter", "pay", "pay")
    assert two.state.last_sale is not None
    assert not held_drafts(one.shop.store.connection)
    assert one.reopened().sold == two.reopened().sold == []


def test_a_recalled_basket_stays_one_basket_when_another_was_begun_before(till: Till) -> None:
    """Hold A; scan and void a good, which leaves an open draft without lines; recall A and pay it. A is sold, once."""
    till.scan(MILK).press("hold").scan(WATER).press("void", "hold", "enter")
    assert till.sold == [("MILK", 1)]
    till.press("pay", "pay")
    assert till.state.last_sale is not None
    assert till.reopened().sold == []


def test_what_is_scanned_after_a_recall_belongs_to_the_recalled_basket(till: Till) -> None:
    till.scan(MILK).press("hold").scan(WATER).press("void", "hold", "enter").scan(COLA)
    assert till.reopened().sold == [("MILK", 1), ("COLA", 1)]


def test_lines_voided_before_a_recall_are_in_some_record(till: Till) -> None:
    """A void of a line is on record even when its basket was left for a held one."""
    till.scan(MILK).press("hold").scan(WATER).press("void", "hold", "enter", "pay", "pay")
    again = till.reopened().open()
    again.scan(COLA).press("pay", "pay")
    payloads = again.shop.store.connection.execute("SELECT payload FROM journal WHERE kind LIKE 'sale%'").fetchall()
    open_ops = again.shop.store.connection.execute("SELECT op FROM draft_ops WHERE kind = 'VoidLine'").fetchall()
    assert open_ops or any(b'"voided":[{' in row[0] for row in payloads)


def test_a_basket_with_a_number_that_is_paid_at_another_lane_is_in_that_lanes_report(shop_factory: Factory) -> None:
    """The card failed at lane 01, the basket went to lane 02 and was paid in cash there: the cash is in drawer 02."""
    one, two = two_tills(shop_factory)
    one.scan(MILK).press("pay", "card", "back", "back", "hold")
    two.press("hold", "enter", "pay", "pay")
    assert two.state.last_sale is not None
    assert (report_of(one).sales, report_of(two).sales) == (0, 1)
    assert report_of(two).expected_cash_fen == 50_000 + 350
    assert report_of(one).expected_cash_fen == 50_000
    two.prove()


def test_a_sale_that_keeps_an_old_number_is_in_the_shift_that_took_the_money(till: Till) -> None:
    """Number 1 is taken by a card that fails; numbers 2 and 3 are sold; the shift changes; then number 1 is paid in cash."""
    till.scan(MILK).press("pay", "card", "back", "back", "hold")
    till.sell(WATER)
    till.sell(WATER)
    assert report_of(till).sales == 2
    till.close().press("back", "lock").open("100")
    till.press("hold", "enter", "pay", "pay")
    assert till.state.last_sale is not None
    report = report_of(till)
    assert (report.sales, report.expected_cash_fen) == (1, 10_000 + 350)


def test_every_sale_of_a_shift_is_in_its_report_whatever_order_the_numbers_were_paid_in(till: Till) -> None:
    till.scan(MILK).press("pay", "card", "back", "back", "hold")
    till.sell(WATER)
    till.press("hold", "enter", "pay", "pay")
    assert (report_of(till).sales, report_of(till).expected_cash_fen) == (2, 50_000 + 550)


def test_a_reprint_is_the_last_sale_and_not_the_highest_number(till: Till) -> None:
    till.scan(MILK).press("pay", "card", "back", "back", "hold")
    till.sell(WATER)
    till.press("hold", "enter", "pay", "pay")
    assert till.state.last_sale is not None
    number = till.state.last_sale.number
    till.press("reprint")
    assert [job for job in till.paper.names("copy") if number in job]


def test_a_basket_is_not_held_while_money_counts_towards_it(till: Till) -> None:
    till.scan(MILK).press("pay").type("1").press("card").type("1\n")
    till.press("back", "hold")
    assert not held_drafts(till.shop.store.connection)


def test_goods_scanned_and_held_in_one_batch_are_held(till: Till) -> None:
    till.do(Scan(WATER), Scan(MILK), Press("hold"))
    assert till.says == "banner.held"
    till.press("hold", "enter")
    assert till.sold == [("WATER", 1), ("MILK", 1)]
