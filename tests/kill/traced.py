"""The seller under strace: count its file operations, kill it at one of them, or record them all."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE_OPERATIONS = ("pwrite64", "fsync", "fdatasync", "ftruncate", "unlink")
RECORDED = (*FILE_OPERATIONS, "openat", "write", "rename", "close")
CALL = re.compile(r"^\d+ +(\w+)\(")
STRING_MAX = 70_000


@functools.cache
def quick() -> tuple[str, ...]:
    """The option with which strace stops the process at the traced calls only, where strace and kernel have it.

    Not for kills: with it strace 6.1 counts the call and leaves its signal out.
    """
    return ("--seccomp-bpf",) if not _refusal("--seccomp-bpf") else ()


@functools.cache
def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    return "strace is not installed" if shutil.which("strace") is None else _refusal()


def _refusal(*options: str) -> str:
    """What strace says against tracing anything with these options; empty when nothing."""
    command = ["strace", "-f", "-qq", *options, "-e", "trace=fsync", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and not done.stderr else f"strace cannot trace here: {done.stderr.strip()}"


def run(
    store: Path, log: Path, options: list[str], *, module: str = "tests.kill.seller", **arguments: Any
) -> tuple[int, list[str]]:
    """Run the seller under strace; (return code, the lines it told). `arguments` are those of the module's `main`."""
    asked = {"path": str(store), "seed": 1, "orders": [0], "pragmas": {}} | arguments
    command = [sys.executable, "-m", module, json.dumps(asked)]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(log), *options, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=False,
    )
    return done.returncode, done.stdout.decode().splitlines()


# ------------------------------------------------------------------ kill at one operation


@dataclass(frozen=True, slots=True)
class Point:
    """The n-th call of a name, counted from the start of the process; `told` is the word of the line told before it."""

    call: str
    n: int
    told: str


def points(store: Path, log: Path, **arguments: Any) -> list[Point]:
    """Every file operation of an undisturbed run, from the open store to its closing. The store is changed by it."""
    code, lines = run(store, log, [*quick(), "-e", f"trace={','.join((*FILE_OPERATIONS, 'write'))}"], **arguments)
    assert code == 0 and lines[-1] == "closed", lines[-3:]
    found: list[Point] = []
    count = dict.fromkeys(FILE_OPERATIONS, 0)
    told = ""
    for row in log.read_text().splitlines():
        called = CALL.match(row)
        assert called is not None and "unfinished" not in row, row
        if called[1] == "write":
            told = _told(row) or told
            continue
        count[called[1]] += 1
        if told:
            found.append(Point(called[1], count[called[1]], told))
    return found


def _told(row: str) -> str:
    """The first words of a line on the pipe: `open`, `commit -`, `commit S001`, `kept`, …"""
    found = re.match(r'^\d+ +write\(1, "(commit -|commit S|\w+)', row)
    return found[1] if found else ""


def kill_at(store: Path, log: Path, point: Point, **arguments: Any) -> list[str]:
    """Run until the point, die there before the call is carried out; the lines told.

    Raises AssertionError when the injection did not fire at exactly this call.
    """
    inject = ["-e", f"trace={point.call}", "-e", f"inject={point.call}:signal=SIGKILL:when={point.n}"]
    code, lines = run(store, log, inject, **arguments)
    calls = [row for row in log.read_text().splitlines() if CALL.match(row)]
    has_fired = code in (-signal.SIGKILL, 128 + signal.SIGKILL) and len(calls) == point.n and "closed" not in lines
    assert has_fired, f"{point}: the injection did not fire: code {code}, {len(calls)} calls, told {lines[-1:]}"
    return lines


# ------------------------------------------------------------------ record everything


def record(store: Path, log: Path, **arguments: Any) -> str:
    """A whole run's file operations with their bytes, as strace writes them."""
    options = [*quick(), "-xx", "-s", str(STRING_MAX), "-e", f"trace={','.join(RECORDED)}"]
    code, lines = run(store, log, options, **arguments)
    assert code == 0 and lines[-1] == "closed", lines[-3:]
    recorded = log.read_text(encoding="ascii")
    log.unlink()  # tens of megabytes
    return recorded
