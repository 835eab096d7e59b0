"""Which tables a sale's write-ahead log consists of: `python -m bench.where_wal_goes`. Reads the log's frames page by page.

Needs a sqlite3 with dbstat (Debian's Python has it) to tell which page is whose.
"""

import shutil
import sqlite3
import struct
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from bench import shops
from bench.run import default_folder
from bench.till import Till, around_commit, stop_checkpoints, wal_bytes
from store_db.store import Store

SALES = 50
WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24


def main() -> None:
    with shops.copied(shops.demo_file(default_folder())) as path, Store.open(path) as store:
        stop_checkpoints(store.connection)
        till = Till(store, shops.plain_codes())
        till.fill()
        till.pay()
        steps: dict[str, list[tuple[int, int]]] = {"ten scans": [], "the commit": [], "the paper": []}
        for _ in range(SALES):
            one_sale(till, path, steps)
        log = path.with_name(path.name + "-wal").read_bytes()
        owners = owners_of_pages(path)
        frame_bytes = FRAME_HEADER_BYTES + page_bytes(log)
        for step, spans in steps.items():
            print_step(step, frame_bytes, Counter(owners.get(page, "free") for span in spans for page in pages(log, *span)))


def one_sale(till: Till, path: Path, steps: dict[str, list[tuple[int, int]]]) -> None:
    """Where in the log each step begins and ends."""
    marks = [wal_bytes(path)]

    def marked(commit: Callable[[], object]) -> object:
        reply = commit()
        marks.append(wal_bytes(path))
        return reply

    till.fill()
    marks.append(wal_bytes(path))
    with around_commit(marked):
        shops.pay_exact(till.lane)
    marks.append(wal_bytes(path))
    for step, span in zip(steps.values(), pairwise(marks), strict=True):
        step.append(span)


def page_bytes(log: bytes) -> int:
    """A log's page size (sqlite.org/fileformat2.html, "WAL File Format")."""
    return int(struct.unpack(">I", log[8:12])[0])


def pages(log: bytes, start: int, end: int) -> list[int]:
    """The page numbers of the frames between two places of the log."""
    places = range(max(start, WAL_HEADER_BYTES), end, FRAME_HEADER_BYTES + page_bytes(log))
    return [struct.unpack(">I", log[at : at + 4])[0] for at in places]


def owners_of_pages(path: Path) -> dict[int, str]:
    """Asked of a copy: a second SQLite library in one process would break the first one's locks."""
    copy = path.with_name("owners.sqlite")
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    connection = sqlite3.connect(copy)
    owners = {page: name for name, page in connection.execute("SELECT name, pageno FROM dbstat")}
    connection.close()
    return owners | {1: "page 1 (header, free list)"}


def print_step(step: str, frame_bytes: int, counted: Counter[str]) -> None:
    frames = sum(counted.values()) / SALES
    print(f"{step}: {frames:.1f} pages, {frames * frame_bytes:,.0f} bytes of log")
    for name, count in counted.most_common():
        print(f"    {name:<30} {count / SALES:6.2f}")


if __name__ == "__main__":
    main()
