"""Rows of cells: the small language in which views are written. A row is a list of (text, role), exactly as wide as its box."""

from dataclasses import dataclass, field

from hardware.paper import cells, cut, pad

Span = tuple[str, str]
Row = list[Span]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that can be touched, and the action it stands for."""

    y: int
    x: int
    width: int
    action: str


@dataclass(slots=True)
class Box:
    """Rows of one width. `put` adds one, cut and filled to the width; `spare` fills up to a height."""

    width: int
    rows: list[Row] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)

    def put(self, text: str = "", role: str = "text", align: str = "left") -> None:
        self.rows.append([(pad(text, self.width, align), role)])

    def spans(self, *spans: Span) -> None:
        """A row of several spans; the last one is filled or the row is cut."""
        row, used = [], 0
        for text, role in spans:
            text = cut(text, self.width - used)
            row.append((text, role))
            used += cells(text)
        if used < self.width:
            row.append((" " * (self.width - used), row[-1][1] if row and row[-1][1] in GROUNDS else "text"))
        self.rows.append(row)

    def sides(self, left: str, right: str, role: str = "text", right_role: str | None = None) -> None:
        """Left text and a right-hand figure that is never cut."""
        room = max(0, self.width - cells(right) - 1)
        self.rows.append([(pad(left, room) + " ", role), (pad(right, self.width - room - 1), right_role or role)])

    def touch(self, action: str, x: int = 0, width: int | None = None) -> None:
        """Make the last row, or a part of it, a button."""
        self.hits.append(Hit(len(self.rows) - 1, x, width or self.width, action))

    def rule(self) -> None:
        self.put("─" * self.width, "frame")

    def spare(self, height: int) -> None:
        """Exactly `height` rows: filled with blank ones, or cut."""
        while len(self.rows) < height:
            self.put()
        del self.rows[height:]


GROUNDS = frozenset({"cursor", "button", "ok", "info", "warn", "error"})


@dataclass(slots=True)
class Frame:
    """A whole screen."""

    rows: list[Row]
    hits: list[Hit]
    split: int = 0  # where the right pane begins

    def action_at(self, x: int, y: int) -> str:
        """What a touch means; later places lie over earlier ones."""
        for hit in reversed(self.hits):
            if hit.y == y and hit.x <= x < hit.x + hit.width:
                return hit.action
        return ""

    def text(self) -> str:
        return "\n".join("".join(text for text, _ in row) for row in self.rows)


def two_panes(width: int, head: list[Row], left: Box, right: Box, foot: Row) -> Frame:
    """The house's screen: status and banner, two panes, footer, in a frame."""
    split = left.width + 2
    lines: list[Row] = [[("┌" + "─" * (width - 2) + "┐", "frame")]]
    lines += [_whole_at(split + 2, [("│ ", "frame"), *row, (" │", "frame")]) for row in head]
    lines.append([("├" + "─" * split + "┬" + "─" * (width - split - 3) + "┤", "frame")])
    top = len(lines)
    for a, b in zip(left.rows, right.rows, strict=True):
        lines.append([("│ ", "frame"), *a, (" │ ", "frame"), *b, (" │", "frame")])
    lines.append(_whole_at(split + 2, [("│ ", "frame"), *foot, (" │", "frame")]))
    lines.append([("└" + "─" * (width - 2) + "┘", "frame")])
    hits = [Hit(h.y + top, h.x + 2, h.width, h.action) for h in left.hits]
    hits += [Hit(h.y + top, h.x + left.width + 5, h.width, h.action) for h in right.hits]
    return Frame(lines, hits, split + 2)


def _whole_at(column: int, row: Row) -> Row:
    """The row with no wide character across a column: it moves on by one, and a gap after it is one narrower."""
    row, at = list(row), 0
    for n, (text, _) in enumerate(row):
        for i, char in enumerate(text):
            if at < column < at + cells(char):
                return _moved_on(row, n, i)
            at += cells(char)
    return row


def _moved_on(row: Row, n: int, i: int) -> Row:
    """The row with a space before character i of span n; as it was where no gap after it can give way."""
    text, role = row[n]
    rest: Row = [(text[i:], role), *row[n + 1 :]]
    for k, (after, its) in enumerate(rest):
        gap = after.rfind("  ")
        if gap >= 0:
            rest[k] = (after[:gap] + after[gap + 1 :], its)
            return [*row[:n], (text[:i] + " ", role), *rest]
    return row


DIGITS = {
    "0": ("╭─╮", "│ │", "╰─╯"),
    "1": (" ╷ ", " │ ", " ╵ "),
    "2": ("╶─╮", "╭─╯", "╰─╴"),
    "3": ("╶─╮", " ─┤", "╶─╯"),
    "4": ("╷ ╷", "╰─┤", "  ╵"),
    "5": ("╭─╴", "╰─╮", "╶─╯"),
    "6": ("╭─╴", "├─╮", "╰─╯"),
    "7": ("╶─╮", "  │", "  ╵"),
    "8": ("╭─╮", "├─┤", "╰─╯"),
    "9": ("╭─╮", "╰─┤", "╶─╯"),
    ".": (" ", " ", "•"),
    ",": (" ", " ", ","),
    "-": ("  ", "╶╴", "  "),
}


def digits(text: str, width: int) -> list[str]:
    """A figure in three rows; plain in the middle row where it would not fit."""
    if any(char not in DIGITS for char in text):
        return ["", text, ""]
    rows = ["".join(DIGITS[char][i] for char in text) for i in range(3)]
    return rows if len(rows[0]) <= width else ["", text, ""]


def wide(text: str) -> str:
    """ASCII as full-width forms: large text where a terminal has one size only."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "　" if c == " " else c for c in text)
