"""Draw the README's pictures: both lanes, both sizes, both languages, cell by cell, into docs/pictures/*.svg."""

import tempfile
from html import escape
from pathlib import Path

from hardware.file_devices import NoDrawer, NoPrinter
from hardware.paper import cells, char_cells
from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.codes import check_digit
from pos_app.domain.lane.intents import Char, Press, Scan
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from pos_app.tui.cashier_view import cashier_frame
from pos_app.tui.frame import Frame
from pos_app.tui.keys import key_map
from pos_app.tui.sco_view import self_checkout_frame
from pos_app.tui.theme import THEMES
from pos_app.tui.view import View
from store_db.store import Store

CELL, ROW, EDGE = 9, 20, 12
TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        store = demo_shop.build(Path(folder) / "shop.sqlite", clock=DayClock(), ids=SeededIds(1))
        for skin, make in ((CASHIER, cashier_frame), (SELF_CHECKOUT, self_checkout_frame)):
            lane = _lane(store, skin)
            for lang in LANGUAGES:
                if lane.state.lang != lang:
                    lane.handle(Press("language"))
                for width, height in ((80, 24), (100, 30)):
                    view = View(width, height, key_map("chinese-till", {}), "18:42:07")
                    path = TARGET / f"{skin.replace('_', '-')}-{width}x{height}-{lang}.svg"
                    path.write_text(svg(make(lane.state, view), "pos-dark"), encoding="utf-8")


def _lane(store: Store, skin: str) -> LaneRunner:
    lane = LaneRunner(Shop(store, demo_shop.lane_config(skin), NoPrinter(), NoDrawer(), LANGUAGES["zh"]))
    for char in "1001\n1111\n500\n" if skin == CASHIER else "":
        lane.handle(Press("enter") if char == "\n" else Char(char))
    offer = next(g for g in demo_shop.own_goods() if g["promo_price_fen"] and not g["weighed"])["codes"][0]
    body = "2200102" + "00846"
    codes = ("6990000010106", "6990000010106", offer, f"{body}{check_digit(body)}", "6990000030916", "6990000130422")
    lane.handle(*(Scan(code) for code in codes))
    return lane


def svg(frame: Frame, theme: str) -> str:
    """A frame as a picture: every character in its own cell, so that columns stand straight in any font."""
    roles, marks = THEMES[theme], []
    for y, row in enumerate(frame.rows):
        x = 0
        for text, role in row:
            front, back, bold = roles[role]
            width = cells(text)
            marks.append(
                f'<rect x="{EDGE + x * CELL}" y="{EDGE + y * ROW}" width="{width * CELL}" height="{ROW}" fill="{back}"/>'
            )
            for char in text:
                if char != " ":
                    weight = ' font-weight="bold"' if bold else ""
                    weight += ' font-size="17"' if char_cells(char) == 2 else ""
                    at = f'x="{EDGE + x * CELL}" y="{EDGE + y * ROW + 15}"'
                    marks.append(f'<text {at} fill="{front}"{weight}>{escape(char)}</text>')
                x += char_cells(char)
    columns = sum(cells(text) for text, _ in frame.rows[0])
    w, h = columns * CELL + 2 * EDGE, len(frame.rows) * ROW + 2 * EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="monospace" font-size="15">'
        f'<rect width="{w}" height="{h}" rx="6" fill="{roles["text"][1]}"/>{"".join(marks)}</svg>\n'
    )


if __name__ == "__main__":
    main()
