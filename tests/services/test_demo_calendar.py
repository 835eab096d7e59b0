"""The demo shop's calendar shows everything that a package can say, and the README's walk through it is true."""

import re
from importlib.resources import files

import pytest

from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.demo import shop as demo_shop
from pos_app.domain.lane.intents import Char, Press, Scan
from pos_app.domain.lane.state import CASHIER
from pos_app.domain.money import parse_yuan
from pos_app.domain.pricing.mechanics import MECHANICS, mechanic_of
from pos_app.domain.pricing.model import ALWAYS, ANYONE, NO_LIMITS, Package, Promotion
from pos_app.domain.pricing.package_form import read_package
from pos_app.domain.pricing.rows import scopes_of
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db.store import Store
from tests.shop_kit import ROOT


@pytest.fixture(scope="module")
def package() -> Package:
    read = read_package((files("pos_app.demo") / "package.json").read_bytes())
    assert isinstance(read, Package), read
    return read


def test_every_mechanic_is_in_the_calendar(package: Package):
    assert {mechanic_of(promotion.rule) for promotion in package.promotions} == set(MECHANICS)
    assert len(package.promotions) >= 20


def test_every_kind_of_condition_is_in_the_calendar(package: Package):
    promotions = package.promotions
    whens = {name for p in promotions for name, value in p.when._asdict().items() if value != getattr(ALWAYS, name)}
    whos = {name for p in promotions for name, value in p.who._asdict().items() if value != getattr(ANYONE, name)}
    limits = {name for p in promotions for name, value in p.limits._asdict().items() if value != getattr(NO_LIMITS, name)}
    assert whens >= {"weekdays", "days_of_month", "hours", "holidays", "dates"}
    assert whos == {"member", "tiers", "groups", "nth_order", "birthday_week"}
    assert limits == {"max_applications", "per_member", "per_member_day", "total", "budget_fen"}
    assert any(p.code for p in promotions) and any(p.price_once for p in promotions) and any(p.exclusive for p in promotions)
    assert any(not p.counts_to_spend for p in promotions) and {p.funder for p in promotions} == {"own", "supplier", "voucher"}


def test_every_good_that_the_calendar_names_is_sold_by_the_shop(package: Package):
    goods = {row["sku"]: row for row in demo_shop.own_goods()}
    categories = {row["category"] for row in goods.values()}
    for promotion in package.promotions:
        for scope in scopes_of(promotion):
            assert set(scope.skus) <= set(goods) and set(scope.categories) <= categories, promotion.id
    named = {sku for promotion in package.promotions for sku in _gifts(promotion)}
    assert named <= set(goods) and not any(goods[sku]["weighed"] for sku in named)


def _gifts(promotion: Promotion) -> set[str]:
    rule = promotion.rule
    return {getattr(rule, "gift_sku", ""), getattr(rule, "instead_sku", "")} - {""}


def test_both_languages_name_every_promotion(package: Package):
    assert all(promotion.name and promotion.name_en for promotion in package.promotions)


STEP = re.compile(r"(F3|F8)? ?`([^`]+)`")


def test_the_walk_in_the_readme_ends_at_the_amounts_that_it_names(demo_store: Store):
    """Row by row as a newcomer does it: scan, attach, type a coupon; each basket is paid before the next begins."""
    lane = LaneRunner(Shop(demo_store, demo_shop.lane_config(CASHIER), NoPrinter(), NoDrawer(), LANGUAGES["zh"]))
    typed(lane, "1001\n1111\n500\n")
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## The demo's promotions")[1]
    rows = [row for row in re.findall(r"^\| (.+?) \| (.+?) \|", section, re.M) if "`" in row[0]]
    assert len(rows) >= 10
    for scans, amounts in rows:
        if not scans.startswith("…"):
            press(lane, "pay", "pay")
        for key, text in STEP.findall(scans):
            do(lane, key, text)
        named = [parse_yuan(amount) for amount in amounts.split(" → ")]
        assert lane.state.priced.total_fen == named[-1], scans
        assert len(named) == 1 or "F3" in scans or lane.state.priced.list_fen == named[0], scans


def do(lane: LaneRunner, key: str, text: str) -> None:
    if key:
        press(lane, "member" if key == "F3" else "offers")
        typed(lane, f"{text}\n")
        press(lane, *(["back"] if lane.state.dialog else []))
        return
    quantity, star, code = text.rpartition("*")
    typed(lane, quantity)
    press(lane, *(["multiply"] if star else []))
    lane.handle(Scan(code))


def press(lane: LaneRunner, *actions: str) -> None:
    for action in actions:
        lane.handle(Press(action))


def typed(lane: LaneRunner, text: str) -> None:
    for char in text:
        lane.handle(Press("enter") if char == "\n" else Char(char))
