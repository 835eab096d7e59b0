"""The demo shop's calendar shows everything that a package can say."""

from importlib.resources import files

import pytest

from pos_app.demo import shop as demo_shop
from pos_app.domain.pricing.mechanics import MECHANICS, mechanic_of
from pos_app.domain.pricing.model import ALWAYS, ANYONE, NO_LIMITS, Package, Promotion
from pos_app.domain.pricing.package_form import read_package
from pos_app.domain.pricing.rows import scopes_of


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
