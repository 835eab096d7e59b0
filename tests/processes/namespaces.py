"""Two network namespaces and a cable between them: a shop and HQ on one machine. Needs root and iproute2."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

HQ_HOST, SHOP_HOST = "10.77.0.1", "10.77.0.2"


def is_possible() -> bool:
    """Whether this process may make namespaces; in a container without the right, the proxy alone is the bad line."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None:
        return False
    name = f"lw{os.getpid()}-try"
    return _try("ip", "netns", "add", name) and _try("ip", "netns", "del", name)


@dataclass(frozen=True, slots=True)
class Cable:
    """A virtual cable from namespace `shop` to namespace `hq`."""

    shop: str
    hq: str

    def in_shop(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.shop, *command]

    def in_hq(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.hq, *command]

    def pull(self) -> None:
        _run(*self.in_shop("ip", "link", "set", "wan0", "down"))

    def plug(self) -> None:
        _run(*self.in_shop("ip", "link", "set", "wan0", "up"))

    def narrow(self) -> None:
        """64 kbit/s both ways."""
        for where, name in ((self.in_shop, "wan0"), (self.in_hq, "wan1")):
            _run(*where("tc", "qdisc", "replace", "dev", name, "root", "tbf", "rate", "64kbit", "burst", "4kb", "latency", "2s"))

    def widen(self) -> None:
        for where, name in ((self.in_shop, "wan0"), (self.in_hq, "wan1")):
            _try(*where("tc", "qdisc", "del", "dev", name, "root"))


@contextlib.contextmanager
def cable(name: str) -> Iterator[Cable]:
    """Two namespaces joined; both are gone at the end, and with them whatever still runs in them."""
    made = Cable(f"{name}-shop", f"{name}-hq")
    try:
        for space in (made.shop, made.hq):
            _run("ip", "netns", "add", space)
            _run("ip", "-n", space, "link", "set", "lo", "up")
        _run("ip", "-n", made.shop, "link", "add", "wan0", "type", "veth", "peer", "name", "wan1", "netns", made.hq)
        _run("ip", "-n", made.shop, "addr", "add", f"{SHOP_HOST}/24", "dev", "wan0")
        _run("ip", "-n", made.hq, "addr", "add", f"{HQ_HOST}/24", "dev", "wan1")
        _run("ip", "-n", made.shop, "link", "set", "wan0", "up")
        _run("ip", "-n", made.hq, "link", "set", "wan1", "up")
        yield made
    finally:
        for space in (made.shop, made.hq):
            _try("ip", "netns", "del", space)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _try(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0
