"""The basket screen: what a scan adds, how lines join, quantities, voids, undo, repeat."""

import pytest

from pos_app.domain.basket import LINES_MAX, QUANTITY_MAX, AddLine, Approve, Line
from pos_app.domain.lane.intents import Char, Press, Scan
from pos_app.domain.lane.state import change
from pos_app.domain.tender import Tender, tender_cash
from pos_app.services.print_paper import sale_by_id
from pos_app.services.sell import decide
from store_db.sales import last_sale_id
from tests.shop_kit import (
    APPLES,
    BAG,
    BEER,
    CHEESE,
    COLA,
    FLOWERS,
    ITEMS,
    MILK,
    ODD,
    PLU_ITEM,
    WATER,
    WATER_2,
    Till,
    label,
)


def test_a_scan_adds_one_line_and_highlights_it(till: Till) -> None:
    till.scan(WATER, MILK)
    assert till.sold == [("WATER", 1), ("MILK", 1)]
    assert till.state.highlighted() == till.state.basket.lines[-1]
    assert till.beeps[-2:] == ["done", "done"]


def test_the_same_item_joins_the_last_line_and_only_the_last_one(till: Till) -> None:
    till.scan(WATER, WATER, MILK, WATER)
    assert till.sold == [("WATER", 2), ("MILK", 1), ("WATER", 1)]


def test_the_next_scan_after_a_paid_sale_starts_a_new_one(till: Till) -> None:
    till.sell(WATER)
    assert till.state.is_idle
    till.scan(MILK)
    assert till.sold == [("MILK", 1)]
    assert till.state.last_sale is None


def test_a_code_typed_by_hand_sells_like_a_scan(till: Till) -> None:
    till.type(f"{WATER}\n")
    assert till.sold == [("WATER", 1)]
    assert till.state.entry == ""


def test_n_times_takes_the_next_good_n_times_and_only_that_one(till: Till) -> None:
    till.type("3").press("multiply").scan(WATER, MILK)
    assert till.sold == [("WATER", 3), ("MILK", 1)]


def test_n_times_the_good_of_the_last_line_adds_n_to_it(till: Till) -> None:
    till.scan(WATER).type("4").press("multiply").scan(WATER)
    assert till.sold == [("WATER", 5)]


def test_above_99_a_question_comes_first(till: Till) -> None:
    till.type("100").press("multiply")
    assert till.kind == "confirm_quantity"
    till.type("y").scan(WATER)
    assert till.sold == [("WATER", 100)]


def test_a_large_quantity_that_is_not_confirmed_is_forgotten(till: Till) -> None:
    till.type("100").press("multiply", "back").scan(WATER)
    assert till.sold == [("WATER", 1)]


@pytest.mark.parametrize("typed", ["", "0", "000", str(QUANTITY_MAX + 1), "9" * 300, "A1", "1.5"])
def test_a_quantity_that_cannot_be_is_refused_and_sells_nothing(till: Till, typed: str) -> None:
    till.type(typed).press("multiply")
    assert till.says == "POS-2110"
    assert till.scan(WATER).sold == [("WATER", 1)]


@pytest.mark.parametrize("char", ["²", "①", "❷", "৩", "Ⅷ", "½"])
def test_a_digit_that_is_no_ascii_digit_is_a_refusal_and_no_traceback(till: Till, char: str) -> None:
    """`²` stands on French keyboards; `'²'.isdigit()` is true and `int('²')` raises."""
    till.do(Char(char)).press("multiply")
    assert till.says == "POS-2110" or till.state.quantity is not None
    till.press("back", "back", "shift").do(Char(char))
    assert till.kind


def test_a_line_never_grows_beyond_the_largest_quantity(till: Till) -> None:
    till.type(str(QUANTITY_MAX)).press("multiply").type("y").scan(WATER, WATER)
    assert till.sold == [("WATER", QUANTITY_MAX), ("WATER", 1)]


def test_a_full_basket_refuses_and_stays(till: Till) -> None:
    till.lane.state, _ = change(till.state, *(AddLine(Line(n, ITEMS["WATER"], WATER)) for n in range(1, LINES_MAX + 1)))
    till.scan(MILK)
    assert till.says == "POS-2110"
    assert len(till.state.basket.lines) == LINES_MAX


def test_stop_sale_is_refused_by_every_way_in(till: Till) -> None:
    till.scan("6990000152479")
    assert till.says == "POS-2104"
    till.press("find").type("旧款\n")
    assert till.says == "POS-2104"
    assert till.sold == []


def test_a_quantity_waits_for_its_own_good_and_goes_with_its_refusal(till: Till) -> None:
    till.type("7").press("multiply").scan("4006381333931").scan(WATER)
    assert till.sold == [("WATER", 1)]


@pytest.mark.parametrize("code", [FLOWERS, APPLES])
def test_a_quantity_given_for_a_good_that_was_then_given_up_is_not_the_next_goods(till: Till, code: str) -> None:
    """`3*`, flowers, Esc at the price: the water that follows is one bottle, not three."""
    till.type("3").press("multiply").scan(code).press("back").scan(WATER)
    assert till.sold == [("WATER", 1)]


# ------------------------------------------------------------------ asked prices and weights


def test_an_asked_price_is_per_unit(till: Till) -> None:
    till.type("2").press("multiply").scan(FLOWERS).type("12.50\n")
    assert till.state.priced.total_fen == 2_500


@pytest.mark.parametrize("typed", ["", "0", ".", "1.999", "9999999999"])
def test_a_price_that_cannot_be_is_asked_again(till: Till, typed: str) -> None:
    till.scan(FLOWERS).type(f"{typed}\n")
    assert (till.kind, till.says) == ("ask_price", "POS-2112")
    assert till.press("back").sold == []


@pytest.mark.parametrize(("typed", "weight_g"), [("846", 846), ("0.846", 846), ("1.2", 1_200), (".5", 500)])
def test_a_weight_is_grams_or_kilograms_with_a_point(till: Till, typed: str, weight_g: int) -> None:
    till.scan(APPLES).type(f"{typed}\n")
    assert till.state.basket.lines[0].weight_g == weight_g


@pytest.mark.parametrize("typed", ["", "0", ".", "1.2.3", "100000", "9" * 39])
def test_a_weight_that_cannot_be_is_asked_again(till: Till, typed: str) -> None:
    till.scan(APPLES).type(f"{typed}\n")
    assert (till.kind, till.says) == ("ask_weight", "POS-2111")


def test_weighed_lines_never_join(till: Till) -> None:
    till.scan(APPLES).type("500\n").scan(APPLES).type("500\n")
    assert till.sold == [("APPLES", 1), ("APPLES", 1)]


def test_a_label_by_weight_costs_weight_times_price(till: Till) -> None:
    till.scan(label("22", APPLES, weight_g=846))
    assert till.state.priced.total_fen == 838


def test_a_label_by_amount_costs_its_amount_and_moves_the_weight_behind_it(till: Till) -> None:
    till.scan(label("21", APPLES, amount_fen=838))
    assert till.state.priced.total_fen == 838
    assert till.state.basket.lines[0].weight_g == 847  # the smallest weight that costs no less


def test_a_label_whose_amount_and_weight_differ_is_flagged_and_the_lower_price_taken(till: Till) -> None:
    till.scan(label("23", APPLES, amount_fen=500, weight_g=846))
    assert (till.says, till.state.priced.total_fen) == ("banner.label_differs", 500)
    till.scan(label("23", APPLES, amount_fen=1_500, weight_g=846))
    assert till.state.priced.total_fen == 500 + 838
    assert [line.flagged for line in till.state.basket.lines] == [True, True]


@pytest.mark.parametrize(("rule", "plu"), [("21", APPLES), ("23", APPLES), ("21", PLU_ITEM)])
def test_a_label_of_zero_is_no_gift(till: Till, rule: str, plu: str) -> None:
    """A label of 0.00 is a scale's mistake or a shopper's own print: it is refused, not sold for nothing."""
    till.scan(label(rule, plu, amount_fen=0, weight_g=846))
    assert till.sold == []
    assert till.says.startswith("POS-")


def test_n_times_a_labelled_pack_is_n_labels(till: Till) -> None:
    till.type("3").press("multiply").scan(label("21", PLU_ITEM, amount_fen=500))
    assert till.state.priced.total_fen == 1_500


def test_n_times_a_weighed_good_is_refused(till: Till) -> None:
    till.type("3").press("multiply").scan(label("22", CHEESE, weight_g=300))
    assert (till.says, till.sold) == ("POS-2113", [])


# ------------------------------------------------------------------ voids, undo, repeat, moves


def test_void_takes_the_highlighted_line_and_undo_brings_it_back_to_its_place(till: Till) -> None:
    till.scan(WATER, MILK, COLA).press("up", "void")
    assert till.sold == [("WATER", 1), ("COLA", 1)]
    till.press("undo")
    assert till.sold == [("WATER", 1), ("MILK", 1), ("COLA", 1)]


def test_voided_lines_stand_in_the_sale_with_who_voided_them(till: Till) -> None:
    till.scan(WATER, MILK).press("void")
    till.press("pay", "pay")
    sale_id = last_sale_id(till.shop.store.connection, "01")
    assert sale_id is not None
    voided = sale_by_id(till.shop, sale_id).voided
    assert [(line.sku, line.staff) for line in voided] == [("MILK", "1001")]


def test_void_and_undo_on_nothing_are_refused(till: Till) -> None:
    assert till.press("void").says == "POS-3001"
    assert till.press("undo").says == "POS-3008"


def test_undo_takes_back_quantities_too(till: Till) -> None:
    till.scan(WATER).type("4").press("multiply").scan(WATER).press("undo")
    assert till.sold == [("WATER", 1)]


def test_repeat_sells_the_last_good_once_more(till: Till) -> None:
    till.scan(WATER_2).press("repeat")
    assert till.sold == [("WATER", 2)]
    assert till.press("pay", "pay", "repeat").says == "POS-3011"


def test_repeat_works_for_a_good_without_a_barcode(till: Till) -> None:
    till.press("find").type("现烤\n").press("repeat")
    assert till.sold == [("BREAD", 2)]


def test_find_sells_what_is_chosen_by_name_or_initials(till: Till) -> None:
    till.press("find").type("xkmb\n")
    till.press("find").type("可乐\n")
    assert till.sold == [("BREAD", 1), ("COLA", 1)]


def test_a_search_without_a_result_sells_nothing_on_enter(till: Till) -> None:
    till.press("find").type("没有这个\n")
    assert (till.kind, till.sold) == ("find", [])


def test_a_price_check_sells_nothing(till: Till) -> None:
    till.press("price_check").scan(WATER)
    assert till.kind == "price_check"
    assert till.state.dialog is not None
    assert till.state.dialog.data.item.sku == "WATER"
    assert till.press("back").sold == []


def test_the_highlight_stays_inside_the_basket(till: Till) -> None:
    till.press("up", "down").scan(WATER, MILK)
    for action in ("up", "page_up", "up", "page_down", "down", "down"):
        till.press(action)
        assert till.state.highlighted() in till.state.basket.lines


def test_a_bag_is_a_line_of_its_own_at_its_list_price(till: Till) -> None:
    till.scan(WATER, BAG)
    assert till.sold == [("WATER", 1), ("BAG", 1)]
    assert till.state.priced.lines[1].saving_fen == 0


def test_a_known_code_with_a_wrong_check_digit_sells(till: Till) -> None:
    assert till.scan(ODD).sold == [("ODD", 1)]


def test_each_line_names_who_saw_the_proof_of_age_for_it(till: Till) -> None:
    """A second approval by another person must not be written down under the first one's number."""
    state, _ = change(
        till.scan(BEER).state, Approve("1001", ("alcohol",)), AddLine(Line(2, ITEMS["WINE"], "w")), Approve("1002", ("alcohol",))
    )
    cash = tender_cash(state.left_fen, state.cash_due_fen, 10)
    assert isinstance(cash, Tender)
    assert [line.approved_by for line in decide(state, (cash,), (1, 1, "n")).lines] == ["1001", "1002"]


def test_a_burst_of_scans_in_one_batch_is_kept_in_order(till: Till) -> None:
    till.do(Scan(WATER), Scan(MILK), Scan("4006381333931"), Scan(COLA), Scan(COLA))
    assert till.sold == [("WATER", 1), ("MILK", 1), ("COLA", 2)]
    assert till.reopened().sold == till.sold


def test_goods_scanned_and_paid_in_one_batch_are_one_sale(till: Till) -> None:
    till.do(Scan(WATER), Press("pay"), Press("pay"))
    assert till.state.last_sale is not None
    till.prove()
