"""The basket is the fold of its operations; undo takes exactly the latest line action back."""

from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.basket import (
    OPS,
    UNDO_MAX,
    AddLine,
    AddTender,
    Approve,
    Basket,
    DropTender,
    Line,
    Op,
    RestoreLine,
    SetQuantity,
    TakeNumber,
    Undo,
    VoidLine,
    apply,
    fold,
)
from pos_app.domain.plain import from_json, to_json
from pos_app.domain.tender import Tender
from tests.shop_kit import ITEMS

ITEM = st.sampled_from([ITEMS["WATER"], ITEMS["BEER"], ITEMS["APPLES"], ITEMS["CIGARETTES"]])
SMALL = st.integers(1, 9)


@st.composite
def histories(draw: st.DrawFn) -> list[Op]:
    """Operations as a lane makes them: lines get rising ids, the others name any line, also one that is gone."""
    ops: list[Op] = []
    for _ in range(draw(st.integers(0, 25))):
        kind = draw(st.sampled_from("aaaqvrpntdu"))
        line_id = draw(st.integers(1, 12))
        match kind:
            case "a":
                item = draw(ITEM)
                ops.append(AddLine(Line(1 + sum(isinstance(op, AddLine) for op in ops), item, "c", draw(SMALL))))
            case "q":
                ops.append(SetQuantity(line_id, draw(SMALL)))
            case "v":
                ops.append(VoidLine(line_id, "1001"))
            case "r":
                ops.append(RestoreLine(line_id))
            case "p":
                ops.append(Approve("1002", ("alcohol", "tobacco")))
            case "n":
                ops.append(TakeNumber(1, draw(SMALL)))
            case "t":
                ops.append(AddTender(Tender("card_terminal", 100, 100, 0, "1")))
            case "d":
                ops.append(DropTender("1001"))
            case "u":
                ops.append(Undo())
    return ops


LINE_ACTIONS = (AddLine, SetQuantity, VoidLine, RestoreLine)


@given(histories())
def test_folding_is_the_same_as_applying_one_by_one_from_any_point(ops: list[Op]) -> None:
    for cut in range(len(ops) + 1):
        basket = fold(ops[:cut])
        for op in ops[cut:]:
            basket = apply(basket, op)
        assert basket == fold(ops)


@given(histories())
def test_operations_come_back_from_the_drafts_table_as_they_were(ops: list[Op]) -> None:
    stored = [(type(op).__name__, to_json(op)) for op in ops]
    assert fold([from_json(OPS[kind], data) for kind, data in stored]) == fold(ops)


@given(histories())
def test_undo_takes_back_exactly_the_latest_line_action(ops: list[Op]) -> None:
    for n, op in enumerate(ops):
        before, after = fold(ops[:n]), fold(ops[: n + 1])
        if isinstance(op, LINE_ACTIONS) and after != before:
            undone = apply(after, Undo())
            assert undone.lines == before.lines
            assert undone.undo == before.undo[-UNDO_MAX + 1 :]


@given(st.integers(1, UNDO_MAX))
def test_undoing_everything_leaves_no_line_and_loses_none_from_the_record(count: int) -> None:
    basket = fold([AddLine(Line(n, ITEMS["WATER"], "c")) for n in range(1, count + 1)] + [Undo()] * count)
    assert basket.lines == ()
    assert len(basket.voided) == count
    assert apply(basket, Undo()) == basket


@given(histories())
def test_a_line_is_in_the_basket_or_among_the_voided_and_never_in_both(ops: list[Op]) -> None:
    basket = fold(ops)
    here = [line.line_id for line in basket.lines]
    gone = [voided.line.line_id for voided in basket.voided]
    assert len(set(here)) == len(here)
    assert not set(here) & set(gone)
    assert len(here) + len(gone) == sum(isinstance(op, AddLine) for op in ops)


@given(histories())
def test_an_approval_covers_the_lines_there_are_and_none_that_comes_later(ops: list[Op]) -> None:
    basket = apply(fold(ops), Approve("1002", ("alcohol",)))
    later = Line(basket.next_line_id, ITEMS["BEER"], "c")
    assert all(basket.is_approved(line) for line in basket.lines if line.item.restricted == "alcohol")
    assert not apply(basket, AddLine(later)).is_approved(later)


@given(histories(), st.integers(100, 120))
def test_an_operation_on_a_line_that_is_not_there_changes_nothing(ops: list[Op], line_id: int) -> None:
    basket = fold(ops)
    for op in (SetQuantity(line_id, 3), VoidLine(line_id), RestoreLine(line_id)):
        assert apply(basket, op) == basket


def test_a_line_that_was_voided_when_somebody_looked_was_not_seen() -> None:
    """It was not on the belt: taken back by undo, it needs a look of its own."""
    wine, beer = Line(1, ITEMS["WINE"], "w"), Line(2, ITEMS["BEER"], "b")
    basket = fold([AddLine(wine), AddLine(beer), VoidLine(1, "1002"), Approve("1002", ("alcohol",)), Undo()])
    assert basket.is_approved(beer)
    assert wine in basket.lines
    assert not basket.is_approved(wine)


def test_a_voided_line_comes_back_to_its_place() -> None:
    lines = [Line(n, ITEMS["WATER"], "c") for n in (1, 2, 3)]
    basket = fold([*map(AddLine, lines), VoidLine(2, "1001")])
    assert [line.line_id for line in basket.lines] == [1, 3]
    assert apply(basket, Undo()).lines == tuple(lines)


def test_tenders_and_the_number_survive_undo() -> None:
    tender = Tender("card_terminal", 100, 100, 0, "1")
    basket = fold([AddLine(Line(1, ITEMS["WATER"], "c")), TakeNumber(1, 7), AddTender(tender), Undo()])
    assert (basket.number, basket.tenders) == ((1, 7), (tender,))
    assert fold([TakeNumber(1, 7), AddTender(tender), DropTender("1001")]).tenders == ()


def test_an_empty_history_is_an_empty_basket() -> None:
    assert fold([]) == Basket()
