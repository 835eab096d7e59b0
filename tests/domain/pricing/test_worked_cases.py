"""The worked cases: every figure of all of them, from the project's own data and from the public file."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pos_app.domain import points
from pos_app.domain.points import Lot
from pos_app.domain.pricing.basket_form import Asked
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.hints import hints
from pos_app.domain.pricing.model import EARN, Package, TierRule
from pos_app.domain.return_values import Before, ReturnLine, ReturnPlan, Wanted
from pos_app.domain.returns import plan_return
from pos_app.domain.tiers import Figures, tier_for
from tests.domain.pricing import oracle, oracle_after
from tests.domain.pricing.worked import asked, from_shared, own_cases
from tests.domain.pricing.worlds import World
from tests.domain.test_returns import sold

FILE = "promotions/worked-cases.json"
BASKETS = own_cases("baskets")


def named(case: dict[str, Any]) -> str:
    return f"{case['id']} {case['title']}"


# ------------------------------------------------------------------ baskets


@pytest.mark.parametrize("case", BASKETS, ids=named)
def test_a_worked_basket_costs_and_gives_what_was_worked_out(case: dict[str, Any]) -> None:
    assert figures_of(case) == case["expect"]


@pytest.mark.parametrize("case", BASKETS, ids=named)
def test_enumeration_finds_the_worked_total(case: dict[str, Any]) -> None:
    package, a = asked(case)
    question = World(a.basket, a.customer, package, a.now_ms, a.codes, a.used)
    found = oracle.every_price(question)
    totals = {oracle_after.after(question, amounts).total_fen for amounts in found.amounts}
    assert totals == {case["expect"]["total_fen"]}


def test_every_case_of_the_public_file_comes_out(data_dir: Path) -> None:
    cases = shared_cases(data_dir, "cases")
    wrong = {case["id"]: (figures_of(case), case["expect"]) for case in map(from_shared, cases)}
    assert len(cases) >= 43 and {name: pair for name, pair in wrong.items() if pair[0] != pair[1]} == {}


def test_the_projects_own_cases_have_the_figures_of_the_public_file(data_dir: Path) -> None:
    shared = {case["id"]: case["expect"] for case in map(from_shared, shared_cases(data_dir, "cases"))}
    assert {case["id"]: case["expect"] for case in BASKETS} == shared


def shared_cases(data_dir: Path, kind: str) -> list[dict[str, Any]]:
    path = data_dir / FILE
    if not path.is_file():
        pytest.skip(f"no data folder: {path}")
    return list(json.loads(path.read_text(encoding="utf-8"))[kind])


def figures_of(case: dict[str, Any]) -> dict[str, Any]:
    """What the engine says to every key of `expect`."""
    package, a = asked(case)
    priced = price(a.basket, a.customer, package, a.now_ms, a.codes, a.effort, a.used)
    assert priced.proved
    figures = {
        "total_fen": priced.total_fen,
        "discount_fen": priced.discount_fen,
        "applied": sorted({one.promotion for one in priced.applied if one.stage != EARN}),
        "lines_fen": [line.net_fen for line in priced.lines],
        "points_spent": priced.points_spent,
        "points_earned": priced.points_earned,
        "gifts": {gift.sku: gift.quantity for gift in priced.gifts},
        "events": [raised.event for raised in priced.raised],
    }
    if "hints" in case["expect"]:
        figures["hints"] = hints_of(package, a)
    if case.get("returns"):
        figures["refund_fen"], figures["points_back"] = given_back(package, a, case["returns"])
    return {key: value for key, value in figures.items() if key in case["expect"]}


def hints_of(package: Package, a: Asked) -> list[dict[str, Any]]:
    """Near misses in the terms of the cases: what is not asked of the shopper is left out."""
    found = hints(a.basket, a.customer, package, a.now_ms, a.codes, a.used, a.effort)
    keys = ("promotion", "need_fen", "need_units", "extra_saving_fen")
    return [{key: getattr(hint, key) for key in keys if getattr(hint, key)} for hint in found]


def given_back(package: Package, a: Asked, returns: Iterable[dict[str, int]]) -> tuple[int, int]:
    """Refund and points taken back by the plan of a return (rule 10)."""
    goods = [(line.item.sku, line.quantity, line.item.price_fen) for line in a.basket.lines]
    sale = sold(*goods, promotions=package.promotions, customer=a.customer)
    lines = tuple(ReturnLine(back["line"] - 1, back["quantity"], "not_wanted") for back in returns)
    plan = plan_return(sale, Before(), Wanted(lines))
    assert isinstance(plan, ReturnPlan)
    return plan.goods_fen, plan.points_taken


# ------------------------------------------------------------------ points and tiers


@pytest.mark.parametrize("case", own_cases("ledger"), ids=named)
def test_a_worked_ledger_spends_and_lapses_as_worked_out(case: dict[str, Any]) -> None:
    found = ledger(case)
    assert {key: found[key] for key in case["expect"]} == case["expect"]


def ledger(case: dict[str, Any]) -> dict[str, Any]:
    """The actions of a case, and what they took, gave back, lost, and left."""
    lots = tuple(Lot(**lot) for lot in case["lots"])
    taken: Counter[str] = Counter()
    found: dict[str, Any] = {"taken": taken, "given_back": {}, "stay_lost": {}}
    moves: points.Moves = ()
    for action in case["actions"]:
        on = action["on"]
        if action["do"] in ("redeem", "donate"):
            got = points.redeem(lots, action["points"], on, action["do"])
            assert isinstance(got, tuple)
            moves = got
            taken.update({move.lot: -move.points for move in moves})
        elif action["do"] == "undo":
            moves = points.undo(moves, action["points"])
            for move in moves:
                found["given_back" if on <= move.expires else "stay_lost"][move.lot] = move.points
        else:
            lapsed = {lot.lot: lot.points_left for lot in points.lapsed(lots, on)}
            return found | {"balance": points.balance(lots, on), "lapsed": lapsed}
        lots = points.after(lots, moves)
    raise AssertionError("a case ends with its balance")


@pytest.mark.parametrize("case", own_cases("tiers"), ids=named)
def test_a_worked_member_reaches_the_tier_worked_out(case: dict[str, Any]) -> None:
    rules = [TierRule(**rule) for rule in case["tiers"]]
    assert tier_for(Figures(**case["member"]), rules) == case["expect"]["tier"]


def test_there_are_fifty_worked_cases_each_with_its_own_id() -> None:
    ids = [case["id"] for kind in ("baskets", "ledger", "tiers") for case in own_cases(kind)]
    assert len(ids) == 50 and all(one < other for group in "WGT" for one, other in pairwise(i for i in ids if i[0] == group))
