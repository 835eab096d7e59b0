"""Sell baskets of ten: `python -m bench.apps.sell STORE SALES`. A getppid before and after each commit marks it for strace."""

import os
import sys
from pathlib import Path
from typing import Any

from bench import shops
from bench.till import Till, around_commit
from store_db.store import Store


def main(path: str, sales: str) -> None:
    with Store.open(Path(path)) as store:
        till = Till(store, shops.plain_codes())
        with around_commit(marked):
            for _ in range(int(sales)):
                till.fill()
                shops.pay_exact(till.lane)


def marked(commit: Any) -> Any:
    os.getppid()
    reply = commit()
    os.getppid()
    return reply


if __name__ == "__main__":
    main(*sys.argv[1:])
