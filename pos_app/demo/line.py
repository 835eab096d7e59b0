"""The demo's telephone line: a forwarder between agent and HQ that one key cuts and mends. Both ends see a real cut."""

import contextlib
import selectors
import socket
import threading

HOST, READ_BYTES = "127.0.0.1", 1 << 16


class Line:
    """Listens on a free local port and forwards to `target` while it is up; cut, it drops every connection and takes none."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = free_port()
        self.is_up = False
        self._change = threading.Lock()
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def mend(self) -> None:
        """Listen again on the same port."""
        with self._change:
            if not self.is_up:
                self._listener = socket.create_server((HOST, self.port), reuse_port=False)
                self.is_up = True
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks where it is."""
        with self._change:
            self.is_up = False
            ends = [*self._open, *([self._listener] if self._listener else [])]
            self._listener = None
        for end in ends:
            _break(end)

    def toggle(self) -> bool:
        """Cut when up, mend when cut; whether it is up now."""
        if self.is_up:
            self.cut()
        else:
            self.mend()
        return self.is_up

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                listener.close()
                return
            threading.Thread(target=self._forward, args=(caller,), daemon=True).start()

    def _forward(self, caller: socket.socket) -> None:
        try:
            callee = socket.create_connection(self.target, timeout=5)
        except OSError:
            caller.close()
            return
        pair = {caller: callee, callee: caller}
        with self._change:
            self._open |= pair.keys()
            still_up = self.is_up
        with contextlib.suppress(OSError), selectors.DefaultSelector() as selector:
            for end in pair if still_up else ():
                selector.register(end, selectors.EVENT_READ)
            while still_up and _pass_on(selector, pair):
                pass
        with self._change:
            self._open -= pair.keys()
        caller.close()
        callee.close()


def _pass_on(selector: selectors.BaseSelector, pair: dict[socket.socket, socket.socket]) -> bool:
    """What can be read goes to the other end; False when one of them has ended."""
    for key, _ in selector.select():
        end: socket.socket = key.fileobj  # type: ignore[assignment]
        data = end.recv(READ_BYTES)
        if not data:
            return False
        pair[end].sendall(data)
    return True


def _break(end: socket.socket) -> None:
    """Wakes whoever waits in accept or select on it; the thread that owns it closes it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])
