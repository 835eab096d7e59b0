"""A real lane in a pseudo-terminal: the `pos` process, its keyboard and its screen."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

PERSON_S = 0.13
F1, F2, F9, F10, ESC = b"\x1bOP", b"\x1bOQ", b"\x1b[20~", b"\x1b[21~", b"\x1b[27u"  # Esc as kitty-protocol terminals send it


class PtyLane:
    """Keys in, bytes out. Reading goes on while waiting, as a terminal's does."""

    def __init__(self, pid: int, handle: int) -> None:
        self.pid, self.handle = pid, handle
        self.seen = bytearray()

    def read(self, for_s: float) -> None:
        end_s = time.monotonic() + for_s
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([self.handle], [], [], left_s)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.handle, 65536)

    def wait_for(self, text: str, patience_s: float = 30.0) -> None:
        """Until a text has been painted since the last `forget`."""
        end_s = time.monotonic() + patience_s
        while text.encode() not in self.seen:
            assert time.monotonic() < end_s, f"{text!r} was not painted: {bytes(self.seen[-2000:])!r}"
            self.read(0.05)

    def forget(self) -> None:
        self.seen.clear()

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.handle, data) :]
            self.read(0.0001)

    def type(self, text: str) -> None:
        """As a person types."""
        for char in text:
            self.send(char.encode())
            self.read(PERSON_S)

    def log_in(self) -> None:
        self.wait_for("工号")
        self.type("1001\r")
        self.wait_for("密码")
        self.type("1111\r")
        self.wait_for("备用金")
        self.type("500\r")
        self.wait_for("已开班")


@contextlib.contextmanager
def pty_lane(store: Path, *, columns: int = 100, rows: int = 30) -> Iterator[PtyLane]:
    """`pos demo` on a store file, in a terminal of this size; killed at the end."""
    pid, handle = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-m", "pos_app", "demo", "--store", str(store)])
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    try:
        yield PtyLane(pid, handle)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(handle)
