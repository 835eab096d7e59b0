"""Pictures of both lanes, in both languages and both sizes. `pytest -m snapshot --snapshot-update` takes them anew."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.basket import AttachMember
from pos_app.domain.codes import check_digit
from pos_app.domain.events import PointsMove, PointsMoved
from pos_app.domain.lane.intents import Char, MemberFound, Press, SaleDone, Scan, Tick, Usual
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.domain.pricing.model import REPRICE
from pos_app.domain.tender import Tender
from pos_app.i18n import LANGUAGES
from pos_app.services.members import find_by_card
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from pos_app.tui.app import LaneApp
from pos_app.tui.keys import key_map
from store_db import catalogue, sync_state
from store_db.store import Store
from store_db.sync_state import HqState

pytestmark = pytest.mark.snapshot
SIZES = [(80, 24), (100, 30)]
LANGS = ["zh", "en"]
WATER, COLA, BEER, CAKE = "6990000010106", "6990000010663", "6990000130422", "6990000030916"
ICED_TEA = "6990000011363"
Lane = Callable[..., LaneRunner]


@pytest.fixture
def lane(demo_store_file: Path, tmp_path: Path) -> Lane:
    """A demo lane at a fixed moment, already logged in."""

    def make(skin: str, lang: str) -> LaneRunner:
        path = Path(shutil.copyfile(demo_store_file, tmp_path / "shop.sqlite"))
        store = Store.open(path, clock=DayClock(), ids=SeededIds(1))
        runner = LaneRunner(Shop(store, demo_shop.lane_config(skin), NoPrinter(), NoDrawer(), LANGUAGES[lang]), lang=lang)
        if skin == CASHIER:
            write(runner, "1001\n1111\n500\n")
        return runner

    return make


def write(lane: LaneRunner, text: str) -> None:
    for char in text:
        lane.handle(Press("enter") if char == "\n" else Char(char))


def label(plu: str, weight_g: int) -> str:
    body = f"22{plu}{weight_g:05d}"
    return f"{body}{check_digit(body)}"


def fill(lane: LaneRunner) -> None:
    """A basket with an offer, a weighed good, an age check and a quantity."""
    saving = next(g for g in demo_shop.own_goods() if g["promo_price_fen"] and not g["weighed"])["codes"][0]
    lane.handle(Scan(WATER), Scan(WATER), Scan(saving), Scan(label("00102", 846)), Scan(CAKE))
    lane.handle(Scan(BEER))


def fill_with_offers(lane: LaneRunner, *, member: bool = True) -> None:
    """Goods that fifteen offers look at, with a gold member, at rest."""
    goods = {good["sku"]: good["codes"][0] for good in demo_shop.own_goods()}
    lane.handle(*(Scan(goods[sku]) for sku in ("D0050", "D0051", "D0041", "D0041", "D0098", "D0084", "D0122", "D0360")))
    if member:
        lane.handle(Scan(card(lane, "0001")))
    rest(lane)


def card(lane: LaneRunner, phone_end: str) -> str:
    sql = "SELECT card FROM members WHERE phone_masked LIKE ?"
    return str(lane.shop.store.connection.execute(sql, (f"%{phone_end}",)).fetchone()[0])


def rest(lane: LaneRunner) -> None:
    clock = lane.shop.store.clock
    assert isinstance(clock, DayClock)
    clock.now_ms += 1_000
    lane.handle(Tick(clock.now_ms, at_rest=True))
    while lane.state.is_looking:
        lane.handle(Tick(clock.now_ms, at_rest=True))


def app(lane: LaneRunner) -> LaneApp:
    return LaneApp(lambda app: [lane], keys=key_map("chinese-till", {}))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_basket(lane: Lane, snap_compare, skin: str, size: tuple[int, int], lang: str):
    runner = lane(skin, lang)
    fill(runner)
    assert snap_compare(app(runner), terminal_size=size)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES)
def test_payment(lane: Lane, snap_compare, size: tuple[int, int], lang: str):
    runner = lane(CASHIER, lang)
    fill(runner)
    runner.handle(Press("pay"), Char("y"))
    write(runner, "100")
    assert snap_compare(app(runner), terminal_size=size)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES)
def test_a_cut_line_says_since_when_and_what_waits(lane: Lane, snap_compare, size: tuple[int, int], lang: str):
    runner = lane(CASHIER, lang)
    runner.handle(Scan(WATER), Press("pay"))
    write(runner, "10\n")
    runner.handle(Scan(WATER))
    store, cut_ms = runner.shop.store, runner.shop.now_ms() - 760_000
    with store.transaction() as connection:
        sync_state.put_hq(connection, HqState("http://hq", bytes(32), bytes(8), cut_ms, cut_ms, frozen=0))
        sync_state.note_run(connection, sync_state.LINE, cut_ms + 5_000, "SYNC-UNREACHABLE")
    assert snap_compare(app(runner), terminal_size=size)


@pytest.mark.parametrize("lang", LANGS)
def test_the_idle_screen_shows_the_last_sale(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    runner.handle(Scan(WATER), Press("pay"))
    write(runner, "10\n")
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_find_by_pinyin_initials(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    runner.handle(Scan(WATER), Press("find"))
    write(runner, "pg")
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_an_unknown_code_is_refused_in_words(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    runner.handle(Scan(WATER), Scan("4006381333931"))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_self_checkout_in_large_text(lane: Lane, snap_compare, lang: str):
    runner = lane(SELF_CHECKOUT, lang)
    fill(runner)
    runner.handle(Press("big_text"))
    assert snap_compare(app(runner), terminal_size=(100, 30))


@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_a_small_terminal_survives(lane: Lane, snap_compare, skin: str):
    runner = lane(skin, "zh")
    fill(runner)
    assert snap_compare(app(runner), terminal_size=(60, 20))


# ------------------------------------------------------------------ members and offers


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_basket_with_offers(lane: Lane, snap_compare, skin: str, size: tuple[int, int], lang: str):
    runner = lane(skin, lang)
    fill_with_offers(runner)
    assert snap_compare(app(runner), terminal_size=size)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_why_this_price(lane: Lane, snap_compare, skin: str, lang: str):
    runner = lane(skin, lang)
    fill_with_offers(runner)
    runner.handle(Press("why"))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_points_and_coupons(lane: Lane, snap_compare, skin: str, lang: str):
    """A member who has bought before spends points; a coupon is in, a wrong one is refused."""
    runner = lane(skin, lang)
    earn(runner)
    fill_with_offers(runner)
    runner.handle(Scan("WELCOME20"), Press("offers"), Press("row_1"))
    write(runner, "nope\n")
    assert snap_compare(app(runner), terminal_size=(80, 24))


def earn(lane: LaneRunner) -> None:
    """Four hundred points for the gold member of the demo."""
    give = PointsMoved(alias_of(lane, "0001"), "correction", (PointsMove("correction", "start", 400, "2027-12-31"),))
    with lane.shop.store.transaction():
        lane.shop.store.append(give)


def alias_of(lane: LaneRunner, phone_end: str) -> str:
    sql = "SELECT alias FROM members WHERE phone_masked LIKE ?"
    return str(lane.shop.store.connection.execute(sql, (f"%{phone_end}",)).fetchone()[0])


@pytest.mark.parametrize("lang", LANGS)
def test_payment_with_points_and_coupon(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    earn(runner)
    fill_with_offers(runner)
    runner.handle(Scan("WELCOME20"), Press("offers"), Press("row_2"), Press("back"), Press("pay"))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_a_shopper_types_a_phone_number_by_touch(lane: Lane, snap_compare, lang: str):
    runner = lane(SELF_CHECKOUT, lang)
    runner.handle(Press("member"), *(Press(f"digit_{char}") for char in "1380000"))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_usual_goods_of_a_member_who_agreed(lane: Lane, snap_compare, lang: str):
    runner = lane(SELF_CHECKOUT, lang)
    goods = [good for good in demo_shop.own_goods() if good["sku"] in ("D0050", "D0084", "D0360")]
    items = [catalogue.find_by_sku(runner.shop.store.connection, good["sku"], 0) for good in goods]
    usual = tuple(
        Usual(item, 40 + n, item.price_fen, ("second-yogurt", "coffee-cake", "off-laundry")[n])
        for n, item in enumerate(items)
        if item
    )
    attach = find_by_card(runner.shop.store, card(runner, "0002"), runner.shop.now_ms())
    assert isinstance(attach, AttachMember) and len(usual) == 3
    runner.handle(MemberFound(attach, usual))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_the_idle_screen_celebrates_a_new_tier(lane: Lane, snap_compare, skin: str, lang: str):
    runner = lane(skin, lang)
    gift = catalogue.find_by_sku(runner.shop.store.connection, "D0376", 0)
    tender = Tender("cash", 9_000, 10_000, 1_000)
    runner.handle(SaleDone("S001-01-7K2Q-000123", 9_000, (tender,), 7, "platinum", "D0376", gift))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("skin", [CASHIER, SELF_CHECKOUT])
def test_a_scanned_gift_stands_at_its_line_and_costs_nothing(lane: Lane, snap_compare, skin: str, lang: str):
    """Two cartons of milk bring a bun; two buns were scanned, so one of them is paid for."""
    runner = lane(skin, lang)
    goods = {good["sku"]: good["codes"][0] for good in demo_shop.own_goods()}
    runner.handle(*(Scan(goods[sku]) for sku in ("D0041", "D0041", "D0063", "D0063")))
    assert snap_compare(app(runner), terminal_size=(80, 24))


# ------------------------------------------------------------------ returns


def sold(runner: LaneRunner) -> None:
    """A sale to return something of: a gift and a saving came with it."""
    fill(runner)
    runner.handle(Press("pay"), Char("y"), Press("pay"))


@pytest.mark.parametrize("lang", LANGS)
def test_units_of_a_receipt_are_chosen_line_by_line(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    sold(runner)
    runner.handle(Press("return"))
    write(runner, "\n\n\n")
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES)
def test_the_plan_of_a_return_says_all_that_will_be_done(lane: Lane, snap_compare, size: tuple[int, int], lang: str):
    runner = lane(CASHIER, lang)
    sold(runner)
    runner.handle(Press("return"))
    write(runner, "\n\n\n")
    runner.handle(Press("pay"), Press("enter"))
    assert snap_compare(app(runner), terminal_size=size)


@pytest.mark.parametrize("lang", LANGS)
def test_a_return_that_priced_again_says_why_less_goes_back(lane: Lane, snap_compare, lang: str):
    """Three iced teas for 9.00, two are kept: 7.00 alone."""
    runner = lane(CASHIER, lang)
    runner.state = replace(runner.state, package=runner.state.package._replace(returns=REPRICE))
    write(runner, "3")
    runner.handle(Press("multiply"), Scan(ICED_TEA), Press("pay"), Press("pay"), Press("return"))
    write(runner, "\n\n1\n")
    runner.handle(Press("pay"), Press("enter"))
    assert snap_compare(app(runner), terminal_size=(80, 24))


@pytest.mark.parametrize("lang", LANGS)
def test_what_an_exchange_pays_is_in_sight(lane: Lane, snap_compare, lang: str):
    runner = lane(CASHIER, lang)
    sold(runner)
    runner.handle(Press("return"))
    write(runner, "\n\n\n")
    runner.handle(Press("pay"), Press("enter"), Char("x"))
    write(runner, "1002\n2222\n")
    runner.handle(Scan(WATER), Press("pay"))
    assert snap_compare(app(runner), terminal_size=(80, 24))
