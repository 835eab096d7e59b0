"""A card was taken, its amount was saved, then the power went: the next day finishes that sale and goes on."""

from pathlib import Path

import pytest

from pos_app.demo import shop as demo_shop
from pos_app.demo.day import Day, DayClock, SeededIds
from pos_app.domain.errors import StoreError
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.services import run_lane
from store_db.store import Store
from store_db.verify import verify


@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_a_basket_paid_outside_before_the_end_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skin: str
):
    path, clock = tmp_path / "shop.sqlite", DayClock()
    with demo_shop.build(path, clock=clock, ids=SeededIds(1)) as store:
        day = Day(store, clock, 1)
        day.open()
        with monkeypatch.context() as broken:
            broken.setattr(run_lane, "sell", no_sale)
            with pytest.raises(RuntimeError, match="did not end"):
                pay_by_card(day, skin)
    heard: list[str] = []
    with Store.open(path, clock=clock, ids=SeededIds(2)) as store:
        day = Day(store, clock, 2, heard.append)
        day.open()
        assert len(heard) == 1
        day.sell()
        assert len(heard) == 2 and verify(store.connection).is_ok


def no_sale(*arguments: object) -> None:
    raise StoreError("POS-1004", path="shop")


def pay_by_card(day: Day, skin: str) -> None:
    if skin == SELF_CHECKOUT:
        day._self_checkout_order()
        return
    lane = day.cashier
    day.scan(lane, day._packed_code(sober=True))
    day.press(lane, "pay", "card")
    day.type(lane, "004711\n")
    day._heard(lane)
