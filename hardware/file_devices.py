"""Devices that write files: paper as text and as a picture (SVG, cell by cell), drawer pulses as lines of a log."""

import os
from pathlib import Path

from hardware.paper import cells, char_cells

CELL_WIDTH, ROW_HEIGHT = 9, 20


class FilePrinter:
    """One pair of files a job in a folder; a job that is printed again replaces its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def print_text(self, job: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in ((".txt", text), (".svg", svg(text))):
            path = self.folder / f"{job}{suffix}"
            part = path.with_suffix(suffix + ".part")
            part.write_text(content, encoding="utf-8")
            os.replace(part, path)


class FileDrawer:
    """Every pulse is a line; a drawer cannot be asked whether it opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pulse(self, why: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(f"pulse {why}\n")


class NoPrinter:
    """A lane without paper: jobs count as done."""

    def print_text(self, job: str, text: str) -> None:
        pass


class NoDrawer:
    def pulse(self, why: str) -> None:
        pass


def svg(text: str) -> str:
    """The rows of a text as a picture; every character stands in its own cell, so columns stay straight in any font."""
    rows = text.splitlines() or [""]
    width = max((cells(row) for row in rows), default=1)
    marks = [mark for y, row in enumerate(rows) for mark in _marks(row, y)]
    w, h = width * CELL_WIDTH + 40, len(rows) * ROW_HEIGHT + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="monospace" font-size="15">'
        f'<rect width="{w}" height="{h}" fill="#fff"/>{"".join(marks)}</svg>\n'
    )


def escape(char: str) -> str:
    """A character as XML text."""
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(char, char)


def _marks(row: str, y: int) -> list[str]:
    x, marks = 0, []
    for char in row:
        if char != " ":
            marks.append(f'<text x="{20 + x * CELL_WIDTH}" y="{35 + y * ROW_HEIGHT}">{escape(char)}</text>')
        x += char_cells(char)
    return marks
