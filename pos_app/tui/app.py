"""The Textual app: it takes keys, assembles scans, hands intents to the lane and paints what changed.

Nothing on the scan path asks for layout: one widget draws rows, and only the cells that changed are drawn again.
"""

import asyncio
import gc
import select
import time
from collections.abc import Callable, Mapping

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pos_app.domain.calendar import local_clock
from pos_app.domain.lane.intents import Char, CutScan, Intent, Press, Reply, Scan, Tick
from pos_app.domain.link import NO_HQ
from pos_app.services.fold_stock import fold_when_many
from pos_app.services.hear_hq import hear_hq
from pos_app.services.run_lane import LaneRunner
from pos_app.tui import theme
from pos_app.tui.cashier_view import cashier_frame
from pos_app.tui.frame import Frame, Row
from pos_app.tui.help import context_of
from pos_app.tui.keys import KeyMap, action_for
from pos_app.tui.sco_view import self_checkout_frame
from pos_app.tui.terminal import LaneTerminal
from pos_app.tui.view import View
from scanner.wedge import Code, Cut, Output, Typed, Wedge

TERMINATORS = frozenset({"enter", "ctrl+j", "ctrl+m", "tab"})
LOOK_S = 0.005  # between two trial prices, for whatever comes
ECHO_S = 0.09  # the rule needs 30 ms; a busy PC may hold back the second character of a scan for longer


class Canvas(Widget):
    """Some columns of the screen. `put` draws a row again only from its first to its last changed segment."""

    DEFAULT_CSS = "Canvas { height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self.strips: list[Strip] = []

    def start(self, strips: list[Strip]) -> None:
        """A whole new picture."""
        self.strips = strips
        self.refresh()

    def put(self, y: int, strip: Strip) -> None:
        old = self.strips[y]
        if old != strip:
            self.strips[y] = strip
            self.refresh(_changed(y, old, strip))

    def render_line(self, y: int) -> Strip:
        return self.strips[y] if y < len(self.strips) else Strip.blank(self.size.width)


class Picture:
    """A frame on two canvases, left and right of its split: Textual draws changes from a widget's left edge on."""

    def __init__(self, left: Canvas, right: Canvas) -> None:
        self.left, self.right = left, right
        self.rows: list[Row] = []
        self.look: tuple[int, int, str] = (0, 0, "")

    def show(self, frame: Frame, theme_name: str) -> None:
        styles = theme.styles(theme_name)
        look = (frame.split, len(frame.rows), theme_name)
        if look != self.look:
            self.look = look
            self.left.styles.width = frame.split
            strips = [_strip(row, styles) for row in frame.rows]
            self.left.start([strip.crop(0, frame.split) for strip in strips])
            self.right.start([strip.crop(frame.split) for strip in strips])
        else:
            for y, (old, new) in enumerate(zip(self.rows, frame.rows, strict=True)):
                if old != new:
                    strip = _strip(new, styles)
                    self.left.put(y, strip.crop(0, frame.split))
                    self.right.put(y, strip.crop(frame.split))
        self.rows = frame.rows


def _strip(row: Row, styles: dict[str, Style]) -> Strip:
    return Strip([Segment(text, styles[role]) for text, role in row if text])


def _changed(y: int, old: Strip, new: Strip) -> Region:
    """From the first to the last segment that differs."""
    width = max(old.cell_length, new.cell_length)
    left = right = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        left += b.cell_length
    for a, b in zip(reversed(list(old)), reversed(list(new)), strict=False):
        if a != b or left + right + b.cell_length > width:
            break
        right += b.cell_length
    return Region(left, y, max(1, width - left - right), 1)


class LaneApp(App[int]):
    """One or more lanes in one terminal (the demo shows two, one key apart)."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { layout: horizontal; overflow: hidden; } #right { width: 1fr; }"

    def __init__(
        self,
        open_lanes: Callable[["LaneApp"], list[LaneRunner]],
        *,
        keys: KeyMap,
        theme_name: str = "pos-dark",
        hint: str = "",
        own_keys: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        super().__init__(driver_class=LaneTerminal)
        self.keys = keys
        self.theme_name = theme_name
        self.hint = hint
        self.own_keys = own_keys or {}  # the demo's, beside those of a lane
        self.link = NO_HQ
        self.lanes = open_lanes(self)
        self.at = 0
        self.wedge = Wedge()
        self.pending: list[Intent | Reply] = []
        self.is_draining = False
        self.is_waiting = False
        self.error: BaseException | None = None

    @property
    def lane(self) -> LaneRunner:
        return self.lanes[self.at]

    def compose(self) -> ComposeResult:
        left, right = Canvas(), Canvas()
        right.id = "right"
        self.picture = Picture(left, right)
        yield left
        yield right

    def on_mount(self) -> None:
        self._hear()
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(gc.enable)
        self._paint()

    def on_resize(self, event: events.Resize) -> None:
        self._paint()

    # -------------------------------------------------------------- intake

    async def on_event(self, event: events.Event) -> None:
        """Every key goes through here and no further: no widget ever sees one, so no scan presses a button."""
        if isinstance(event, events.Key):
            self._key(event)
        elif isinstance(event, events.Paste):
            self._take(self.wedge.paste(event.text, _ms(event.time)))
        else:
            await super().on_event(event)

    def _key(self, event: events.Key) -> None:
        at_ms = _ms(event.time)
        if event.key in TERMINATORS:
            self._take(self.wedge.end(event.key, at_ms))
        elif event.is_printable and event.character:
            self._take(self.wedge.feed(event.character, at_ms))
            self._wait_for_more()
        else:
            self._take(self.wedge.other_key(at_ms))
            self._press_key(event.key)

    def _wait_for_more(self) -> None:
        """A lone character is a person's after a while. Asked twice, so that characters still on their way come first."""
        if not self.is_waiting:
            self.is_waiting = True
            self.set_timer(ECHO_S, self._idle_soon)

    def _input_waits(self) -> bool:
        terminal = self._driver
        if not isinstance(terminal, LaneTerminal):
            return False
        unread = terminal.is_reading or select.select([terminal.fileno], [], [], 0)[0]
        return bool(unread) or not self._message_queue.empty()

    def _idle_soon(self) -> None:
        self.set_timer(0.01, self._idle)

    def _idle(self) -> None:
        """What was read late is not late: while anything waits to be read or handled, nobody was silent."""
        self.is_waiting = False
        if self._input_waits():
            self._wait_for_more()
            return
        self._take(self.wedge.idle(_ms(time.monotonic())))
        if self.wedge.deadline_ms is not None:
            self._wait_for_more()

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Code):
                self._queue(Scan(output.text))
            elif isinstance(output, Cut):
                self._queue(CutScan(output.text))
            elif isinstance(output, Typed):
                self._typed(output.char)
            else:
                self._queue(Press("enter"))

    def _typed(self, char: str) -> None:
        key = "space" if char == " " else char.lower()
        action = self.keys[context_of(self.lane.state)].get(key, "")
        if action in ("theme", "switch", "quit"):
            self._own(action)
        else:
            self._queue(Char(char, action))

    def _press_key(self, key: str) -> None:
        if key in self.own_keys:
            self.own_keys[key]()
            return
        in_dialog = self.lane.state.dialog is not None
        context = context_of(self.lane.state)
        action = (action_for(self.keys, "dialog", key) if in_dialog else "") or action_for(self.keys, context, key)
        if in_dialog and action == "undo" and key == "backspace":
            action = "backspace"
        if action in ("theme", "switch", "quit"):
            self._own(action)
        elif action:
            self._queue(Press(action))

    def on_click(self, event: events.Click) -> None:
        """A touch or a mouse click, by what stands there."""
        action = self._frame().action_at(int(event.screen_x), int(event.screen_y))
        if action:
            self._queue(Press(action))
        elif self.lane.state.is_self_checkout:
            self._queue(Press("touch"))

    def _own(self, action: str) -> None:
        """What concerns the window and not the lane."""
        if action == "theme":
            names = theme.NAMES
            self.theme_name = names[(names.index(self.theme_name) + 1) % len(names)]
        elif action == "switch":
            self._drain()
            self.at = (self.at + 1) % len(self.lanes)
        elif action == "quit":
            self.exit(0)
            return
        self._paint()

    # -------------------------------------------------------------- lane

    def _queue(self, intent: Intent | Reply) -> None:
        self.pending.append(intent)
        if not self.is_draining:
            self.is_draining = True
            self.call_later(self._drain)

    def _drain(self) -> None:
        """Everything that has come until now: one commit, one painting."""
        self.is_draining = False
        intents, self.pending = self.pending, []
        if intents:
            self.lane.handle(Tick(self.lane.shop.now_ms()), *intents)
            self._paint()

    def _tick(self) -> None:
        at_rest = not self.pending and not self._input_waits()
        for lane in self.lanes:
            lane.handle(Tick(lane.shop.now_ms(), at_rest))
        if at_rest:
            self._hear()
            fold_when_many(self.lane.shop.store)
        self._paint()
        self._look_further()

    def _hear(self) -> None:
        self.link = hear_hq(self.lane.shop.store)

    def _look_further(self) -> None:
        """Hints take some trial prices: one at a time, while nothing waits; else the next tick goes on."""
        if self.lane.state.is_looking and not self.pending and not self._input_waits():
            self.set_timer(LOOK_S, self._look)

    def _look(self) -> None:
        if not self.pending and not self._input_waits():
            self.lane.handle(Tick(self.lane.shop.now_ms(), at_rest=True))
            if not self.lane.state.is_looking:
                self._paint()
            self._look_further()

    def later(self, work: Callable[[], Reply]) -> None:
        """Run a slow check in a thread; its reply goes to the lane that asked."""
        lane = self.lane

        async def run() -> None:
            reply = await asyncio.to_thread(work)
            lane.handle(reply)
            self._paint()

        self.run_worker(run())

    # -------------------------------------------------------------- painting

    def _frame(self) -> Frame:
        lane = self.lane
        width, height = max(60, self.size.width), max(20, self.size.height)
        clock = local_clock(lane.shop.now_ms(), lane.shop.store.device.utc_offset_min)
        view = View(width, height, self.keys, clock, self.hint, self.link)
        make = self_checkout_frame if lane.state.is_self_checkout else cashier_frame
        return make(lane.state, view)

    def _paint(self) -> None:
        if self.is_running and self.size.width:
            self.picture.show(self._frame(), self.theme_name)

    def beep(self, kind: str) -> None:
        """One bell for done, more for the others; every sound has a word and a colour too."""
        if kind != "done":
            self.bell()

    def _handle_exception(self, error: Exception) -> None:
        """No traceback reaches a cashier: the lane ends, its words come after the screen is restored."""
        self.error = error
        self._exit_renderables.clear()
        self.exit(70)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
