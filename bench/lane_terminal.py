"""The cashier's lane and the echo app in pseudo-terminals, scanned alike: what the figures of scan and memory share."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench import shops
from bench.apps.minimal import SHOWN
from bench.terminal import NotShownError, Terminal, opened
from store_db.store import Store

BASKET_LINES = 20


@dataclass(slots=True)
class Scans:
    """What scans of one program cost: milliseconds to paint for each, CPU and bytes for all; `lost`: what came instead."""

    paint_ms: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    written_bytes: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, other: "Scans") -> None:
        self.paint_ms += other.paint_ms
        self.cpu_ms += other.cpu_ms
        self.written_bytes += other.written_bytes
        self.lost += other.lost


@contextlib.contextmanager
def lane(folder: Path, prepare: Callable[[Store], None] = lambda store: None) -> Iterator[Terminal]:
    """The lane on a copy of the demo store (`prepare` may change it first), somebody logged in, ready to scan."""
    with shops.copied(shops.demo_file(folder)) as store:
        with Store.open(store) as opened_store:
            prepare(opened_store)
        arguments = ["-m", "pos_app", "lane", "--store", str(store), "--lang", "zh"]
        with opened(arguments, store.parent) as terminal:
            terminal.wait_for("└")
            terminal.type("1001\r1111\r")
            terminal.wait_for("王芳")
            terminal.drain(0.3)
            yield terminal


@contextlib.contextmanager
def echo(folder: Path) -> Iterator[Terminal]:
    with opened(["-m", "bench.apps.echo"], folder) as terminal:
        terminal.wait_for("echo app")
        terminal.drain(0.3)
        yield terminal


@contextlib.contextmanager
def minimal(folder: Path) -> Iterator[Terminal]:
    with opened(["-m", "bench.apps.minimal"], folder) as terminal:
        terminal.wait_for(SHOWN)
        terminal.drain(0.3)
        yield terminal


def scan_all(terminal: Terminal, codes: list[str], random: Random) -> Scans:
    """Scan code after code: each is sent at a chance moment after the last was painted, so that no timer is met in step."""
    found = Scans()
    terminal.drain(0.1)
    start_cpu_ns, start_bytes = terminal.cpu_ns(), len(terminal.seen)
    for code in codes:
        try:
            found.paint_ms.append(scan_ms(terminal, code))
        except NotShownError as error:
            found.lost.append(str(error))
        terminal.drain(random.uniform(0.015, 0.045))
    terminal.drain(0.1)
    found.cpu_ms = (terminal.cpu_ns() - start_cpu_ns) / 1e6
    found.written_bytes = len(terminal.seen) - start_bytes
    return found


def scan_ms(terminal: Terminal, code: str) -> float:
    """From the first byte of a scan to the painting that shows its code (with the line and the total, in one write)."""
    since = len(terminal.seen)
    start_ns = time.perf_counter_ns()
    terminal.send(code + "\r")
    return (terminal.paint_ns(code, since) - start_ns) / 1e6


def pay(terminal: Terminal) -> None:
    """F9 F9: exact cash; the basket is a sale, the lane is idle again."""
    since = len(terminal.seen)
    terminal.send("\x1b[20~")
    terminal.drain(0.12)
    terminal.send("\x1b[20~")
    terminal.wait_for("S001-01-", since)
    terminal.drain(0.1)
