"""The demo's line: forwards while it is up; cut, connections break and new ones are refused."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from pos_app.demo.line import Line


@pytest.fixture
def line() -> Iterator[Line]:
    """A line to a server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        line = Line(server.getsockname())
        line.mend()
        yield line
        line.cut()


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = server.accept()
            threading.Thread(target=_say_back, args=(caller,), daemon=True).start()


def _say_back(caller: socket.socket) -> None:
    with caller, contextlib.suppress(OSError):
        while data := caller.recv(1024):
            caller.sendall(data)


def _ask(line: Line) -> bytes:
    with socket.create_connection(("127.0.0.1", line.port), timeout=10) as caller:
        caller.sendall(b"one sale")
        return caller.recv(1024)


def test_it_forwards_both_ways(line: Line) -> None:
    assert _ask(line) == b"one sale"


def test_a_cut_breaks_what_is_open_and_refuses_what_comes(line: Line) -> None:
    with socket.create_connection(("127.0.0.1", line.port), timeout=10) as caller:
        caller.sendall(b"half")
        assert caller.recv(1024) == b"half"
        line.cut()
        assert caller.recv(1024) == b""
    with pytest.raises(OSError, match=r"refused|reset"):
        _ask(line)


def test_one_key_cuts_and_mends(line: Line) -> None:
    assert line.toggle() is False
    assert line.toggle() is True
    assert _ask(line) == b"one sale"
