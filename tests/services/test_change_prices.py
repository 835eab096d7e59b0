"""A cut applies at once, a rise waits for its shelf tag, and the journal explains every price there ever was."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import BadInput
from pos_app.domain.events import PriceChange, PricesChanged, PriceTagConfirmed
from pos_app.domain.goods import Prices
from pos_app.domain.pricing.model import Package, PriceRow
from pos_app.services.change_prices import apply_prices, confirm_tag, price_tasks, price_warnings
from store_db import catalogue, journal, prices
from store_db.store import Store
from store_db.verify import verify
from tests.package_kit import DAY_MS, install, package, price
from tests.shop_kit import MILK, make_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "shop.sqlite", DayClock(), SeededIds(1)) as store:
        yield store


def take(store: Store, version: str, *rows: dict[str, Any]) -> Package:
    """A package installed and its prices taken."""
    taken = install(store, package(version, prices=list(rows))).package
    apply_prices(store, taken)
    return taken


def now(store: Store, sku: str) -> Prices:
    return prices.all_prices(store.connection)[sku]


def waiting(store: Store) -> dict[str, tuple[Prices, Prices]]:
    return {task.sku: (task.was, task.now) for task in price_tasks(store)}


def test_a_lower_price_holds_at_once_and_a_higher_one_when_its_tag_hangs(store: Store):
    take(store, "1", price("WATER", 180), price("MILK", 380, None, 300), price("COLA", 300))
    assert now(store, "WATER") == Prices(180)
    assert now(store, "MILK") == Prices(350, None, 300)  # the member price is lower, the list price waits
    assert now(store, "COLA") == Prices(300, 250)  # the end of a promotional price is a rise
    assert waiting(store) == {
        "MILK": (Prices(350, None, 300), Prices(380, None, 300)), "COLA": (Prices(300, 250), Prices(300))
    }  # fmt: skip
    confirm_tag(store, "MILK", "1001")
    assert now(store, "MILK") == Prices(380, None, 300) and set(waiting(store)) == {"COLA"}
    item = catalogue.find_by_code(store.connection, MILK, store.clock.wall_ms())
    assert item is not None and item.price_fen == 380


def test_prices_of_a_package_are_taken_once(store: Store):
    taken = take(store, "1", price("MILK", 380), price("WATER", 180))
    before, waits = journal.head(store.connection), price_tasks(store)
    store.clock.now_ms += DAY_MS  # type: ignore[attr-defined]
    assert apply_prices(store, taken) == 0
    assert (journal.head(store.connection), price_tasks(store)) == (before, waits) and waits


def test_a_newer_price_takes_the_place_of_one_that_waits(store: Store):
    take(store, "1", price("MILK", 380), price("WATER", 220))
    take(store, "2", price("MILK", 360), price("WATER", 200))
    assert {sku: wanted.price_fen for sku, (_, wanted) in waiting(store).items()} == {"MILK": 360}


def test_a_tag_that_nothing_waits_for_is_refused_and_changes_nothing(store: Store):
    take(store, "1", price("WATER", 180))
    before = journal.head(store.connection)
    for sku in ("WATER", "NONE"):
        with pytest.raises(BadInput, match="POS-2208"):
            confirm_tag(store, sku, "1001")
    assert journal.head(store.connection) == before


def test_goods_that_the_shop_does_not_have_are_left_out_and_named_in_a_warning(store: Store):
    taken = take(store, "1", price("NONE", 100), price("WATER", 180))
    assert "NONE" not in prices.all_prices(store.connection)
    assert [(w.path, w.reason) for w in price_warnings(store, taken, 0)] == [("$.prices[0].sku", "no_such_good")]


def test_a_change_that_fails_half_way_leaves_every_price_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch):
    taken = install(store, package("1", prices=[price("WATER", 180), price("MILK", 380)])).package
    before = prices.all_prices(store.connection)
    monkeypatch.setattr(store, "append", lambda *args: (_ for _ in ()).throw(RuntimeError("power")))
    with pytest.raises(RuntimeError):
        apply_prices(store, taken)
    assert prices.all_prices(store.connection) == before and not waiting(store)
    monkeypatch.undo()
    assert apply_prices(store, taken) == 2


def test_the_journal_explains_every_price(store: Store):
    """Random packages and tags: the events alone, from the first prices on, give the catalogue."""
    draw, explained = random.Random(11), prices.all_prices(store.connection)
    for n in range(40):
        store.clock.now_ms += DAY_MS // 3  # type: ignore[attr-defined]
        if waiting(store) and draw.random() < 0.5:
            confirm_tag(store, draw.choice(sorted(waiting(store))), "1001")
            continue
        skus = draw.sample(sorted(explained), 5)
        rows = [price(s, draw.randint(1, 500), *(draw.choice((None, draw.randint(1, 500))) for _ in range(2))) for s in skus]
        take(store, f"v{n}", *rows)
    for entry in journal.entries(store.connection):
        for change in changes_of(entry.event()):
            assert explained[change.sku] == change.was
            explained[change.sku] = change.now
    assert explained == prices.all_prices(store.connection)
    assert verify(store.connection).is_ok


def changes_of(event: object) -> tuple[PriceChange, ...]:
    if isinstance(event, PricesChanged):
        return event.changes
    return (event.change,) if isinstance(event, PriceTagConfirmed) else ()


def test_a_struck_through_price_above_the_last_seven_days_is_warned_of(store: Store):
    """Water costs 2.00, then 1.80 for a day, then 2.10: "was 2.10, now 1.50" misleads for seven days more."""
    take(store, "1", price("WATER", 180))
    store.clock.now_ms += DAY_MS  # type: ignore[attr-defined]
    take(store, "2", price("WATER", 210))
    confirm_tag(store, "WATER", "1001")
    raised_ms = store.clock.wall_ms()
    misleading, honest = (Package(prices=(prices_row("WATER", was, 150),)) for was in (210, 180))
    for later_ms, warned in ((0, True), (7 * DAY_MS - 1, True), (7 * DAY_MS, False)):
        assert [w.reason for w in price_warnings(store, misleading, raised_ms + later_ms)] == ["was_price"] * warned
        assert price_warnings(store, honest, raised_ms + later_ms) == ()
    (warning,) = price_warnings(store, misleading, raised_ms)
    assert dict(warning.args) == {"sku": "WATER", "was": "2.10", "lowest": "1.80"}


def test_a_promotional_price_that_goes_on_is_no_new_promise(store: Store):
    assert price_warnings(store, Package(prices=(prices_row("COLA", 300, 250),)), store.clock.wall_ms()) == ()


def test_a_shelf_offer_is_held_against_the_last_seven_days_too(store: Store):
    """Cola's list price is 3.00, but it costs 2.50: "was 3.00" misleads, where water, at 2.00 all the time, does not."""
    taken = install(store, package("1", {
        "id": "a", "mechanic": "shelf_percent_off", "percent": 30, "name": "七折", "scope": {"skus": ["WATER", "COLA", "NONE"]}
    })).package  # fmt: skip
    warnings = price_warnings(store, taken, store.clock.wall_ms())
    assert [(w.path, dict(w.args)["sku"]) for w in warnings] == [("$.promotions[0].scope", "COLA")]


def prices_row(sku: str, was_fen: int, promo_fen: int) -> PriceRow:
    return PriceRow(sku, was_fen, promo_fen)
