"""A PostgreSQL of our own for tests: Debian's binaries, a temporary folder, a unix socket, a random port, fsync on."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

    def start(self) -> None:
        options = " ".join(
            f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={self.folder}", f"port={self.port}")
        )
        as_postgres("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.folder / "log", "-o", options, "start")

    def stop(self) -> None:
        """Lines are cut, as in a crash; what was committed is there after the next start."""
        as_postgres("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def back_up(self) -> None:
        self.stop()
        subprocess.run(["cp", "-a", self.data, self.copy], check=True, timeout=60)
        self.start()

    def put_back(self) -> None:
        self.stop()
        shutil.rmtree(self.data)
        subprocess.run(["cp", "-a", self.copy, self.data], check=True, timeout=60)
        self.start()

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
        as_postgres(
            "initdb", "-D", cluster.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions",
            "--no-sync",
        )  # fmt: skip
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_postgres(program: str, *arguments: object) -> None:
    """Run one of the binaries; PostgreSQL refuses to be run by root."""
    folder = binaries()
    assert folder is not None
    who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*who, str(folder / program), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
