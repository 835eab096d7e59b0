"""A program in a pseudo-terminal of 100x30: keys in, bytes out, with their times, and what the program used."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

COLUMNS, ROWS = 100, 30
WAIT_S = 10.0
SHOWN_AT_MOST = 400  # characters of evidence in a message
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
PERSON_GAP_S = 0.13  # over the wedge's 100 ms: a person's keys
HERE = Path(__file__).resolve().parent.parent


class NotShownError(RuntimeError):
    """What was waited for did not come; the first of what came instead is in the message."""


class Terminal:
    """One program. `seen` is everything that it has written; `paint_ns` waits for a text and says when it came."""

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self.seen = bytearray()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:  # pragma: no cover - the other process
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(folder)
            os.execvpe(sys.executable, [sys.executable, *arguments], environment(folder))

    # ------------------------------------------------------------ keys and bytes

    def send(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def type(self, text: str) -> None:
        """As a person types: one key after the other, each far enough from the last."""
        for char in text:
            self.send(char)
            self.drain(PERSON_GAP_S)

    def paint_ns(self, text: str, since: int) -> int:
        """When `text` came, in what was written after position `since`. Raises NotShownError after ten seconds."""
        wanted = text.encode()
        deadline = time.monotonic() + WAIT_S
        while self.seen.find(wanted, since) < 0:
            if not self._read(max(0.0, deadline - time.monotonic())):
                came = b" ".join(ESCAPES.sub(b" ", self.seen[since:]).split()).decode(errors="replace")
                raise NotShownError(f"{text!r} did not come, but {came[:SHOWN_AT_MOST]!r}")
        return time.perf_counter_ns()

    def wait_for(self, text: str, since: int = 0) -> None:
        self.paint_ns(text, since)

    def drain(self, seconds: float) -> None:
        """Take what comes for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def drain_to_end(self) -> None:
        """Take everything until the program has closed its terminal."""
        while self._read(WAIT_S):
            pass

    def _read(self, seconds: float) -> bool:
        """One piece of output; False when none came in time or the program has ended."""
        if not select.select([self.handle], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.handle, 1 << 16)
        except OSError:  # how a pseudo-terminal says that the other side is gone
            return False
        self.seen += data
        return bool(data)

    # ------------------------------------------------------------ what it used

    def cpu_ns(self) -> int:
        """User and system time of the program until now, threads and all (its CPU clock, as clock_getcpuclockid makes it)."""
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def peak_bytes(self) -> int:
        """The most memory it has had resident. Not ru_maxrss, which a child inherits from who forked it."""
        return self._status_bytes("VmHWM:")

    def resident_bytes(self) -> int:
        """The memory it has resident now."""
        return self._status_bytes("VmRSS:")

    def _status_bytes(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no {name} of process {self.pid}")

    def used_s(self) -> float:
        """CPU of the program that has ended (wait4's user + system), in seconds; releases the terminal."""
        self.drain_to_end()
        _, _, usage = os.wait4(self.pid, 0)
        os.close(self.handle)
        return usage.ru_utime + usage.ru_stime

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.handle)


@contextlib.contextmanager
def opened(arguments: Sequence[str], folder: Path) -> Iterator[Terminal]:
    """A program that is killed at the end of the block."""
    terminal = Terminal(arguments, folder)
    try:
        yield terminal
    finally:
        terminal.kill()


def environment(folder: Path) -> dict[str, str]:
    """The same for every program: true colour, UTF-8, no configuration of this machine's user."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(HERE),
        "TEXTUAL_ANIMATIONS": "none",
        "ESCDELAY": "25",
    }
