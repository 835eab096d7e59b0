"""CPU of a whole process until its first frame is on the terminal: the cashier's lane against the smallest Textual app."""

from pathlib import Path

from bench import shops
from bench.apps.minimal import SHOWN
from bench.figures import Figure, Options, in_turns, median
from bench.terminal import Terminal

LAST_ROW_OF_LANE = "└"


def measure(options: Options) -> list[Figure]:
    with shops.copied(shops.demo_file(options.folder)) as store:
        folder = store.parent
        lane = ("pos", "lane", "--store", str(store), "--lang", "zh")
        until_frame_ms(folder, LAST_ROW_OF_LANE, *lane)  # writes the .pyc files
        until_frame_ms(folder, SHOWN, "minimal")
        ours, baseline = in_turns(
            options.pick(25, 5),
            lambda: until_frame_ms(folder, LAST_ROW_OF_LANE, *lane),
            lambda: until_frame_ms(folder, SHOWN, "minimal"),
        )
    return [Figure("first frame, CPU", "ms", median(ours), median(baseline), ratio_max=1.15)]


def until_frame_ms(folder: Path, text: str, *program: str) -> float:
    """User and system milliseconds until a painting with `text` has been written."""
    terminal = Terminal(["-m", "bench.apps.first_frame", text, *program], folder)
    terminal.wait_for(text)
    return terminal.used_s() * 1000
