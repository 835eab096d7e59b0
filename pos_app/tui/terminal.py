"""Textual's Linux terminal with one change: characters carry the time they were read, not the time they were parsed.

A busy PC may parse the second character of a scan 50 ms after the first although both came in one read; by its own times the
scan would then look like a person's typing. All characters of one read share its time, and bytes that were already waiting
when they were asked for count as having come with the ones before.
"""

import os
import selectors
import time
from codecs import getincrementaldecoder

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

READ_MAX = 4096


class LaneTerminal(LinuxDriver):
    """`is_reading` is true from the moment bytes are there until all of them have been handed on."""

    is_reading = False

    def run_input_thread(self) -> None:
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        at_s = time.monotonic()
        try:
            while not self.exit_event.is_set():
                ready = selector.select(0)
                if not ready:
                    ready = selector.select(0.1)
                    at_s = time.monotonic()
                self.is_reading = bool(ready)
                if ready:
                    data = os.read(self.fileno, READ_MAX)
                    if not data:
                        break
                    self._hand_on(parser, decode(data), at_s)
                for event in parser.tick():
                    self.process_message(event)
                self.is_reading = False
        except OSError:  # the terminal is gone; the app ends by itself
            return
        finally:
            selector.close()

    def _hand_on(self, parser: XTermParser, text: str, at_s: float) -> None:
        for event in parser.feed(text):
            event.time = at_s
            self.process_message(event)
