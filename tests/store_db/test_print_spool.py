"""The print spool: the sale never waits for paper, a job prints once, a copy says so."""

from hardware.paper import cells
from pos_app.services.print_paper import paper_of
from store_db import catalogue, print_jobs
from tests.shop_kit import APPLES, COLA, MILK, TINY, WATER, Till, good, label


def test_a_sale_prints_its_receipt_once(till: Till) -> None:
    number = till.sell(WATER)
    till.sell(MILK)
    assert len(till.paper.names("receipt")) == 2
    assert till.paper.jobs[0][0].startswith(number)


def test_a_printer_that_is_off_leaves_the_sale_whole_and_the_job_waiting(till: Till) -> None:
    till.paper.is_broken = True
    number = till.sell(WATER)
    assert (till.says, till.state.paper_waiting) == ("POS-6001", 1)
    assert till.state.last_sale is not None
    assert till.state.last_sale.number == number
    till.prove()


def test_when_paper_is_back_every_waiting_job_prints_once_in_order(till: Till) -> None:
    till.paper.is_broken = True
    sold = [till.sell(code) for code in (WATER, MILK)]
    till.paper.is_broken = False
    sold.append(till.sell(COLA))
    assert [job[: len(sold[0])] for job in till.paper.names("receipt")] == sold
    assert till.state.paper_waiting == 0
    till.sell(WATER)
    assert len(till.paper.jobs) == 4


def test_a_waiting_job_outlives_the_process(till: Till) -> None:
    till.paper.is_broken = True
    number = till.sell(WATER)
    again = till.reopened().open()
    assert again.state.paper_waiting == 1
    again.sell(MILK)
    assert again.paper.names("receipt")[0].startswith(number)
    assert again.state.paper_waiting == 0


def test_a_printer_that_fails_in_the_middle_of_the_spool_prints_the_rest_later(till: Till) -> None:
    till.paper.is_broken = True
    for code in (WATER, MILK, COLA):
        till.sell(code)
    printed = till.paper.print_text
    left = [1]

    def runs_out(job: str, text: str) -> None:
        if not left:
            raise OSError("paper out")
        left.pop()
        till.paper.is_broken = False
        printed(job, text)
        till.paper.is_broken = True

    till.paper.print_text = runs_out  # type: ignore[method-assign]
    till.press("reprint")
    assert len(till.paper.jobs) == 1
    till.paper.print_text = printed  # type: ignore[method-assign]
    till.paper.is_broken = False
    till.sell(TINY)
    names = [job for job, _ in till.paper.jobs]
    assert len(names) == len(set(names)) == 5


def test_a_reprint_says_copy_and_is_on_record(till: Till) -> None:
    number = till.sell(WATER)
    till.press("reprint")
    original, copy = (text for _, text in till.paper.jobs)
    assert "副本" in copy or "COPY" in copy or "复印" in copy or "补打" in copy
    assert len(copy.splitlines()) == len(original.splitlines()) + 1
    assert till.says == "banner.copy"
    row = till.shop.store.connection.execute("SELECT kind, payload FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    assert row[0] == "copy_printed"
    assert number.encode() in row[1]


def test_nothing_to_reprint_is_said(till: Till) -> None:
    assert till.press("reprint").says == "POS-3009"
    assert till.paper.jobs == []


def test_a_cancelled_sale_prints_no_receipt(till: Till) -> None:
    till.scan(WATER).press("cancel_sale").type("1002\n2222\n1")
    assert till.paper.jobs == []
    assert print_jobs.waiting(till.shop.store.connection, till.shop.lane) == []


def receipt(till: Till) -> str:
    return till.paper.jobs[-1][1]


def test_every_row_fits_the_paper_in_cells(till: Till) -> None:
    till.scan(WATER, COLA, TINY, label("22", APPLES, weight_g=846)).type("120").press("multiply").type("y").scan(MILK)
    till.press("pay").type("1").press("card").type("4711\n").press("pay")
    assert all(cells(row) <= till.shop.paper_width for row in receipt(till).splitlines())
    for figure in ("0.846", "120", "4711", "可乐"):
        assert figure in receipt(till)


def test_the_whole_name_of_a_good_stands_on_its_receipt(till: Till) -> None:
    """Names of any length, Chinese or not: the price beside them cuts nothing off."""
    names = ["冬" * width for width in range(1, 45)] + ["w" * width for width in range(30, 90)]
    with till.shop.store.transaction() as connection:
        rows = [good(f"N{n}", [f"N{n}"], 12_345, name=name) for n, name in enumerate(names)]
        catalogue.put_items(connection, rows, 1)
    till.sell(*(f"N{n}" for n in range(len(names))))
    text = receipt(till)
    for char in ("冬", "w"):
        assert text.count(char) == sum(name.count(char) for name in names)


def test_figures_of_a_receipt_are_the_figures_of_its_sale(till: Till) -> None:
    till.scan(WATER, TINY).press("pay").type("10\n")
    text = receipt(till)
    for figure in ("2.03", "-0.03", "10.00", "8.00", "0.23"):
        assert figure in text


def test_paper_of_what_is_no_receipt_is_a_programming_error(till: Till) -> None:
    import pytest

    with pytest.raises(RuntimeError):
        paper_of(till.shop, 1, print_jobs.RECEIPT)
