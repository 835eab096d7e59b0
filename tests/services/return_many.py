"""`python -m tests.services.return_many FILE SALES SEED`: sell, then return unit by unit, telling every return's number."""

import random
import sys
from pathlib import Path

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.lane.intents import ReturnDone
from pos_app.domain.return_values import ReturnLine, ReturnPlan, ReturnRequest, Wanted
from pos_app.services.return_goods import plan_goods, return_goods
from store_db.store import Store
from tests.shop_kit import SELLABLE, Till, make_shop


def main(path: str, sales: str, seed: str) -> None:
    draw = random.Random(seed)
    with Store.open(Path(path), clock=DayClock(), ids=SeededIds(int(seed))) as store:
        till = Till(make_shop(store)).open()
        numbers = [till.sell(*draw.choices(SELLABLE, k=draw.randint(2, 5))) for _ in range(int(sales))]
        print("ready", flush=True)
        while numbers:
            number = draw.choice(numbers)
            request = ReturnRequest(number, Wanted((ReturnLine(0, 1, "not_wanted"),)), "not_wanted", "1002")
            plan = plan_goods(till.shop, till.state, request)
            if not isinstance(plan, ReturnPlan):
                numbers.remove(number)
                continue
            done = return_goods(till.shop, till.state, request, plan)
            assert isinstance(done, ReturnDone)
            print(done.number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
