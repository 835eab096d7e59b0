"""Text on paper: rows of cells. A Chinese character is two cells wide; nothing here counts characters."""

import unicodedata
from functools import cache
from string import ascii_letters, digits

NUMBERS = ascii_letters + digits + ".,:-+%/*"


@cache
def char_cells(char: str) -> int:
    """Cells of one character: 2 for wide and full-width forms, 0 for marks and controls, else 1 (Unicode's UAX 11)."""
    if unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cells(text: str) -> int:
    """How many cells a text takes; control characters take none."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(char_cells, text))


def cut(text: str, width: int) -> str:
    """The longest beginning that fits; never half a character."""
    if cells(text) <= width:
        return text
    used = 0
    for i, char in enumerate(text):
        used += char_cells(char)
        if used > width:
            return text[:i]
    return text


def pad(text: str, width: int, align: str = "left") -> str:
    """Exactly `width` cells: cut or filled. `pad("苹果", 6) == "苹果  "`."""
    text = cut(text, width)
    blank = width - cells(text)
    if align == "right":
        return " " * blank + text
    if align == "centre":
        return " " * (blank // 2) + text + " " * (blank - blank // 2)
    return text + " " * blank


def wrap(text: str, width: int) -> list[str]:
    """Rows of at most `width` cells."""
    rows = []
    while text:
        row = cut(text, width)
        if not row:
            break
        rows.append(row)
        text = text[len(row) :]
    return rows or [""]


def wrap_words(text: str, width: int) -> list[str]:
    """Rows of at most `width` cells, broken at blanks; a run without blanks (Chinese) where it is full, but not in a number."""
    rows, row, width = [], "", max(2, width)
    for word in text.split(" "):
        while cells(row) + bool(row) + cells(word) > width:
            room = width - cells(row) - bool(row)
            head = _beginning(word, room, bool(row)) if cells(word) > width or not word.isascii() else ""
            rows.append(f"{row} {head}".strip())
            row, word = "", word[len(head) :]
        row = f"{row} {word}".strip() if row else word
    return [*rows, row] if row else rows


def _beginning(word: str, room: int, may_be_empty: bool) -> str:
    """As much of a word as fits, without a number that would go on in the next row."""
    head = cut(word, room)
    if not head or word[len(head)] not in NUMBERS:
        return head
    shorter = head.rstrip(NUMBERS)
    return shorter if shorter or may_be_empty else head


def two_sides(left: str, right: str, width: int) -> str:
    """Left and right in one row; the right side, a figure, is never cut."""
    room = max(0, width - cells(right) - 1)
    return pad(left, room) + " " + right if room else pad(right, width, "right")


def rule(width: int) -> str:
    return "-" * width
