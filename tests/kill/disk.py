"""A disk that loses power: a recording of file operations, and what may be left of them after any one.

What a sync has returned for is there. Of the writes and truncations after a file's last sync any subset may be, each of them
torn at sectors of 512 bytes; of the names after the folder's last sync any first few. A sector keeps what it held before (the
"powersafe overwrite" that SQLite assumes by default). The -shm file is an index in memory and is never there.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MODES = ("dropped", "first", "partly", "torn")
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)(?: .*)?$")
QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


# ------------------------------------------------------------------ operations


@dataclass(frozen=True, slots=True)
class Told:
    """A line on the pipe: the moment it was heard."""

    line: str


@dataclass(frozen=True, slots=True)
class Create:
    file: int
    name: str


@dataclass(frozen=True, slots=True)
class Unlink:
    name: str


@dataclass(frozen=True, slots=True)
class Write:
    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: int


@dataclass(frozen=True, slots=True)
class SyncFolder:
    pass


Op = Told | Create | Unlink | Write | Truncate | Sync | SyncFolder


class Reader:
    """strace's lines (-f -xx, uncut) to operations on the files of one folder."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder = folder
        self.files = {name: n for n, name in enumerate(names)}
        self.fds: dict[int, int | None] = {}  # None: the folder itself
        self.count = len(names)

    def read(self, log: str) -> Iterator[Op]:
        for row in log.splitlines():
            called = CALL.match(row)
            if called is None or "unfinished" in row or '"...' in row:
                raise ValueError(f"not a whole call: {row[:200]}")
            if int(called[3]) >= 0:
                yield from getattr(self, f"_{called[1]}")(called[2], int(called[3]))

    def _openat(self, arguments: str, fd: int) -> Iterator[Op]:
        path = Path(_text(arguments))
        self.fds.pop(fd, None)
        if path == self.folder:
            self.fds[fd] = None
        if path.parent != self.folder or path.name.endswith(("-shm", ".head")):  # .head: a mark beside the store, best effort
            return
        if path.name not in self.files:
            assert "O_CREAT" in arguments, arguments
            self.files[path.name] = self.count
            self.count += 1
            yield Create(self.files[path.name], path.name)
        assert "O_TRUNC" not in arguments, arguments
        self.fds[fd] = self.files[path.name]

    def _close(self, arguments: str, result: int) -> Iterator[Op]:
        self.fds.pop(int(arguments), None)
        return iter(())

    def _pwrite64(self, arguments: str, result: int) -> Iterator[Op]:
        file = self._file(arguments)
        if file is not None:
            data = _bytes(arguments)
            assert len(data) == result, arguments[-80:]
            yield Write(file, int(arguments.rsplit(", ", 1)[1]), data)

    def _write(self, arguments: str, result: int) -> Iterator[Op]:
        assert self._file(arguments) is None, "a plain write to the store is not modelled"
        if arguments.startswith("1, "):
            yield Told(_text(arguments).rstrip("\n"))

    def _ftruncate(self, arguments: str, result: int) -> Iterator[Op]:
        file = self._file(arguments)
        if file is not None:
            yield Truncate(file, int(arguments.split(", ")[1]))

    def _fsync(self, arguments: str, result: int) -> Iterator[Op]:
        fd = int(arguments)
        if fd in self.fds:
            file = self.fds[fd]
            yield SyncFolder() if file is None else Sync(file)

    _fdatasync = _fsync

    def _unlink(self, arguments: str, result: int) -> Iterator[Op]:
        path = Path(_text(arguments))
        if path.parent == self.folder and self.files.pop(path.name, None) is not None:
            yield Unlink(path.name)

    def _rename(self, arguments: str, result: int) -> Iterator[Op]:
        raise ValueError(f"a rename is not modelled: {arguments}")

    def _file(self, arguments: str) -> int | None:
        return self.fds.get(int(arguments.split(", ", 1)[0]))


def _bytes(arguments: str) -> bytes:
    found = QUOTED.search(arguments)
    assert found is not None, arguments[:80]
    return bytes.fromhex(found[1].replace("\\x", ""))


def _text(arguments: str) -> str:
    return _bytes(arguments).decode()


# ------------------------------------------------------------------ the disk


class Disk:
    """Files by number, with what is safe and what is only on its way; names the same."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.safe = {n: bytearray(content) for n, content in enumerate(files.values())}
        self.safe_names = {name: n for n, name in enumerate(files)}
        self.waiting: dict[int, list[Write | Truncate]] = {n: [] for n in self.safe}
        self.waiting_names: list[Create | Unlink] = []

    def carry_out(self, op: Op) -> None:
        match op:
            case Create(file, _):
                self.safe[file], self.waiting[file] = bytearray(), []
                self.waiting_names.append(op)
            case Unlink():
                self.waiting_names.append(op)
            case Write(file) | Truncate(file):
                self.waiting[file].append(op)
            case Sync(file):
                _apply(self.safe[file], self.waiting[file])
                self.waiting[file].clear()
            case SyncFolder():
                _rename(self.safe_names, self.waiting_names)
                self.waiting_names.clear()

    def whole(self) -> dict[str, bytes]:
        """The files as the running system sees them."""
        names = _rename(dict(self.safe_names), self.waiting_names)
        return {name: bytes(_apply(bytearray(self.safe[n]), self.waiting[n])) for name, n in names.items()}

    def after_cut(self, mode: str, chance: random.Random) -> dict[str, bytes]:
        """The files that power comes back to."""
        kept_names = self.waiting_names[: chance.randint(0, len(self.waiting_names))]
        names = _rename(dict(self.safe_names), kept_names)
        left = {n: _survivors(self.waiting[n], mode, chance) for n in sorted(names.values())}
        return {name: bytes(_apply(bytearray(self.safe[n]), left[n])) for name, n in names.items()}


def _survivors(waiting: list[Write | Truncate], mode: str, chance: random.Random) -> list[Write | Truncate]:
    """Of the operations that no sync has covered, those that reached the disk."""
    if mode == "dropped":
        return []
    if mode == "first":
        return waiting[: chance.randint(0, len(waiting))]
    kept = [op for op in waiting if chance.random() < 0.5]
    if mode == "partly":
        return kept
    return [piece for op in kept for piece in _sectors(op) if chance.random() < 0.5]


def _sectors(op: Write | Truncate) -> Iterator[Write | Truncate]:
    """A write in the pieces that a disk writes at once."""
    if isinstance(op, Truncate):
        yield op
        return
    start = 0
    while start < len(op.data):
        end = start + SECTOR - (op.offset + start) % SECTOR
        yield Write(op.file, op.offset + start, op.data[start:end])
        start = end


def _apply(image: bytearray, ops: list[Write | Truncate]) -> bytearray:
    for op in ops:
        size = op.size if isinstance(op, Truncate) else op.offset
        if len(image) < size:
            image.extend(bytes(size - len(image)))
        if isinstance(op, Truncate):
            del image[size:]
        else:
            image[size : size + len(op.data)] = op.data
    return image


def _rename(names: dict[str, int], ops: list[Create | Unlink]) -> dict[str, int]:
    for op in ops:
        if isinstance(op, Create):
            names[op.name] = op.file
        else:
            names.pop(op.name, None)
    return names
