"""`python -m tests.store_db.sell_many FILE LANE COUNT SEED`: sell from a process of its own, telling every number."""

import random
import sys
from pathlib import Path

from pos_app.demo.day import DayClock, SeededIds
from store_db.store import Store
from tests.shop_kit import SELLABLE, Till, make_shop


def main(path: str, lane: str, count: str, seed: str) -> None:
    draw = random.Random(seed)
    with Store.open(Path(path), clock=DayClock(), ids=SeededIds(int(seed))) as store:
        till = Till(make_shop(store, lane=lane)).open()
        for _ in range(int(count)):
            print(till.sell(*draw.choices(SELLABLE, k=draw.randint(1, 4))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
