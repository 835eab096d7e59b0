"""A PostgreSQL of our own for tests: Debian's binaries, a temporary folder, a unix socket, a random port, fsync on."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

VERSIONS = Path("/usr/lib/postgresql")
SETTINGS = ("listen_addresses=", "max_connections=60", "shared_buffers=64MB", "fsync=on", "synchronous_commit=on")


def binaries() -> Path | None:
    """The folder of the newest installed version."""
    found = sorted(VERSIONS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A server of its own. What it holds can be put back to an older copy while those who use it go on."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.data, self.copy = folder / "data", folder / "copy"
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it takes connections; after a crash it recovers first."""
        settings = (*SETTINGS, f"unix_socket_directories={self.folder}", f"port={self.port}")
        options = [word for setting in settings for word in ("-c", setting)]
        who: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": ()} if os.geteuid() == 0 else {}
        with (self.folder / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [_program("postgres"), "-D", self.data, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True, **who,
            )  # fmt: skip
        until = time.monotonic() + 60
        while not self._answers():
            assert self.server.poll() is None and time.monotonic() < until, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def crash(self) -> None:
        """SIGKILL to the server and everything that it started, none of which finishes anything."""
        assert self.server is not None
        self.server.send_signal(signal.SIGSTOP)  # nothing more is started
        started = _children(self.server.pid)
        for pid in (self.server.pid, *started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.wait()
        while any(map(_is_alive, started)):
            time.sleep(0.01)

    def stop(self) -> None:
        """At once, without a checkpoint."""
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(60)

    def back_up(self) -> None:
        self.stop()
        subprocess.run(["cp", "-a", self.data, self.copy], check=True, timeout=60)
        self.start()

    def put_back(self) -> None:
        self.stop()
        shutil.rmtree(self.data)
        subprocess.run(["cp", "-a", self.copy, self.data], check=True, timeout=60)
        self.start()

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def new_database(self) -> str:
        """An empty database; its URL for SQLAlchemy."""
        name = f"hq_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}&port={self.port}"

    def execute(self, statement: str) -> None:
        place = f"host={self.folder} port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running() -> Iterator[Cluster]:
    """A fresh cluster; gone with its folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lanewise-pg-"))
    cluster = Cluster(folder, _free_port())
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    try:
        _init(cluster.data)
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _init(data: Path) -> None:
    options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions", "--no-sync")
    as_postgres("initdb", "-D", data, *options)


def as_postgres(program: str, *arguments: object) -> None:
    """Run one of the binaries; PostgreSQL refuses to be run by root."""
    who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*who, _program(program), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _program(name: str) -> str:
    folder = binaries()
    assert folder is not None
    return str(folder / name)


def _children(parent: int) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _stat(int(path.name))[1:2] == [str(parent)]]


def _is_alive(pid: int) -> bool:
    return _stat(pid)[:1] not in ([], ["Z"])


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
