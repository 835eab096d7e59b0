"""The frame is painted in two parts, left and right of its split: no character may lie across it, or nobody sees it."""

import pytest

from hardware.paper import cells
from pos_app.tui.frame import Box, Frame, Row, two_panes

WIDTH, SPLIT = 80, 52


def framed(head: str, foot: str) -> Frame:
    left, right = Box(49), Box(24)
    left.put()
    right.put()
    full: list[Row] = [[(text + " " * (WIDTH - 4 - cells(text)), "text")] for text in (head, foot)]
    return two_panes(WIDTH, full[:1], left, right, full[1])


@pytest.mark.parametrize("before", range(44, 54))
def test_status_and_footer_keep_every_character_whole_at_the_split(before: int) -> None:
    text = "x" * before + "已连总部  今日 0 单"
    frame = framed(text, text)
    assert frame.split == SPLIT + 1
    for row in frame.rows:
        line = "".join(part for part, _ in row)
        assert cells(line) == WIDTH
        starts = [cells(line[:i]) for i in range(len(line))]
        assert frame.split in starts, line
    for row in (frame.rows[1], frame.rows[-2]):
        assert "".join(part for part, _ in row).replace(" ", "").strip("│") == text.replace(" ", "")


def test_a_row_without_a_gap_keeps_its_width() -> None:
    frame = framed("x" * 50 + "总" * 13, "")
    assert cells("".join(part for part, _ in frame.rows[1])) == WIDTH
