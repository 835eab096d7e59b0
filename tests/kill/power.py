"""Cut the power at seeded points of a recorded run, and judge what is left like any other crash."""

import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store_db.store import Store
from tests.kill import traced
from tests.kill.disk import MODES, Disk, Op, Reader, Sync, Told
from tests.kill.harness import Tally, fresh_copy, judge, listen, look

CHECKPOINT_PAGES = "60"
ORDERS = [13, 12]  # the store is closed and opened again between them


@dataclass(frozen=True, slots=True)
class Recording:
    """What was on the disk, what was done to it, and what was there at the end."""

    name: str
    before: dict[str, bytes]
    ops: list[Op]
    after: dict[str, bytes]

    @property
    def first(self) -> int:
        """From here on the store was open."""
        return next(n for n, op in enumerate(self.ops) if isinstance(op, Told)) + 1

    @property
    def checkpoints(self) -> int:
        """How often the pages of the log reached the store file itself (the first file) while it sold."""
        return sum(op == Sync(0) for op in self.ops[self.first :])

    def told(self, at: int) -> list[str]:
        return [op.line for op in self.ops[:at] if isinstance(op, Told)]

    def disk(self, at: int) -> Disk:
        disk = Disk(self.before)
        for op in self.ops[:at]:
            disk.carry_out(op)
        return disk


def record(
    built: Path,
    folder: Path,
    *,
    orders: list[int] = ORDERS,
    synchronous: str = "",
    seed: int = 1,
    is_early: bool = False,
    **more: Any,
) -> Recording:
    """Sell on a copy of the store, with checkpoints on the way, and keep every operation; an order of 0 is the one sale.

    Without `synchronous` the store syncs as the product has it. `more`: another module that sells, and what it takes.
    """
    folder.mkdir()
    store = fresh_copy(built, folder / "store.db")
    before = {store.name: store.read_bytes()}
    pragmas = {"wal_autocheckpoint": CHECKPOINT_PAGES} | ({"synchronous": synchronous} if synchronous else {})
    arguments = {"seed": seed, "orders": orders, "pragmas": pragmas, "is_early": is_early} | more
    log = traced.record(store, folder.with_suffix(".strace"), **arguments)
    ops = list(Reader(folder, list(before)).read(log))
    after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(("-shm", ".head"))}
    name = f"recording {seed}{f', {synchronous}' if synchronous else ''}{', early' if is_early else ''}"
    return Recording(name, before, ops, after)


def cut_often(recording: Recording, folder: Path, seeds: Iterable[int]) -> Tally:
    """One cut a seed, anywhere in the recording."""
    tally = Tally()
    for seed in seeds:
        at = random.Random(f"at:{seed}").randint(recording.first, len(recording.ops))
        cut(tally, recording, folder, at, MODES[seed % len(MODES)], seed)
    return tally


def cut_everywhere(recording: Recording, folder: Path) -> Tally:
    """A cut after every file operation, in every mode."""
    tally = Tally()
    for at in range(recording.first, len(recording.ops) + 1):
        if not isinstance(recording.ops[at - 1], Told):
            for mode in MODES:
                cut(tally, recording, folder, at, mode, seed=at)
    return tally


def cut(tally: Tally, recording: Recording, folder: Path, at: int, mode: str, seed: int) -> None:
    """Cut after the first `at` operations. The till is started again as a shop would, before anything is compared."""
    path = put(recording.disk(at).after_cut(mode, random.Random(f"cut:{seed}")), folder)
    Store.open(path).close()
    name = f"{recording.name}, seed {seed}: {mode} after operation {at}"
    judge(tally, name, listen(recording.told(at)), look(path), set())


def put(files: dict[str, bytes], folder: Path) -> Path:
    """Write the files that are left, and nothing else, into the folder."""
    for leftover in folder.iterdir():
        leftover.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "store.db"


def quick_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: what is replayed needs no disk of its own."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="lanewise-power-", dir=memory if memory.is_dir() else None)
