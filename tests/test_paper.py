"""Rows of cells: the width of every character of the catalogue, and columns that stay straight."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from hardware.paper import cells, cut, pad, two_sides, wrap, wrap_words
from pos_app.demo import shop as demo_shop
from pos_app.i18n import LANGUAGES

TEXTS = st.text(st.sampled_from("aZ0 ￥¥,。苹果牛奶é×…▶✓─①"), max_size=60)


def test_our_cells_are_the_screen_s_cells_for_every_text_and_name_we_show():
    names = [row["name"] for rows in (demo_shop.own_goods(), demo_shop.open_food_facts()) for row in rows]
    texts = [text for table in LANGUAGES.values() for text in table.values()]
    assert [name for name in names + texts if cells(name) != cell_len(name)] == []


@given(TEXTS, st.integers(0, 50))
def test_padding_gives_exactly_the_width_and_cutting_never_half_a_character(text: str, width: int):
    assert cells(pad(text, width)) == width
    assert cells(cut(text, width)) <= width and text.startswith(cut(text, width))


@given(TEXTS, st.integers(2, 50))
def test_wrapping_loses_nothing(text: str, width: int):
    rows = wrap(text, width)
    assert "".join(rows) == text and all(cells(row) <= width for row in rows)


@pytest.mark.parametrize("width", range(9, 40))
def test_a_number_in_a_chinese_sentence_is_never_broken(width: int):
    text = "* 满100减20,满200减50:原价1,234.56,达到200.00,省-50.00;D0376×12"
    rows = wrap_words(text, width)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "") and all(cells(row) <= width for row in rows)
    numbers = re.findall(r"\d[\d.,]*", text)
    assert [number for row in rows for number in re.findall(r"\d[\d.,]*", row)] == numbers


@given(TEXTS, st.integers(2, 50))
def test_words_that_are_wrapped_lose_nothing_but_blanks(text: str, width: int):
    rows = wrap_words(text, width)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "") and all(cells(row) <= width for row in rows)


def test_the_figure_on_the_right_is_never_cut():
    assert two_sides("一个很长很长很长的商品名称", "1,234.50", 20).endswith(" 1,234.50")
