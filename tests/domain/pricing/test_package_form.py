"""Package files: what is read back, and what is refused with its path and reason."""

import json
import random
from typing import Any

import pytest

from pos_app.domain.plain import to_json
from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.model import Package, Promotion
from pos_app.domain.pricing.package_form import digest_of, read_package, unwrapped, write_package
from pos_app.domain.pricing.package_spec import (
    BYTES_MAX,
    FORMAT,
    PROMOTIONS_MAX,
    Choice,
    Day,
    Flag,
    Many,
    Moment,
    Offers,
    Record,
    Text,
    Whole,
    Window,
    offers,
    package_record,
)


def promotion(**changes: Any) -> dict[str, Any]:
    return {"id": "half", "mechanic": "nth_unit_percent_off", "name": "第二件半价", "n": 2, "percent": 50} | changes


def document(*promotions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    head = {"format": FORMAT, "version": "2026-10", "shop": "S001", "valid_from": "2026-10-01 00:00"}
    return {**head, "promotions": list(promotions)} | changes


def coupon(name: str, code: str = "") -> dict[str, Any]:
    return {"id": name, "mechanic": "coupon_amount_off", "name": name, "amount_fen": 500} | ({"code": code} if code else {})


def reward(name: str, opens: str, code: str = "") -> dict[str, Any]:
    return {"id": name, "mechanic": "coupon_reward", "name": name, "coupon": opens} | ({"code": code} if code else {})


def problems(of: object, now_ms: int | None = None) -> set[tuple[str, str]]:
    """(path, reason) of everything that is wrong."""
    found = read_package(of, now_ms=now_ms)
    return set() if isinstance(found, Package) else {(problem.path, problem.reason) for problem in found}


# ------------------------------------------------------------------ documents at random, from the specification itself


def some(spec: Any, random: random.Random) -> Any:
    """A value that the specification allows; every kind of field is drawn sooner or later."""
    if isinstance(spec, Record):
        return some_fields(spec, random)
    if isinstance(spec, Offers):
        name = random.choice(sorted(spec.rules))
        return {"mechanic": name} | some_fields(spec.common, random) | some_fields(spec.rules[name], random)
    if isinstance(spec, Many):
        return [some(spec.item, random) for _ in range(random.randint(spec.least, 3))]
    return {
        Whole: lambda: random.choice((spec.least, spec.most, random.randint(spec.least, spec.most))),
        Text: lambda: f"x{random.randrange(10**9)}" if spec.pattern else f"苏打 水{random.randrange(10**9)}",
        Choice: lambda: random.choice(spec.values),
        Flag: lambda: random.random() < 0.5,
        Moment: lambda: random.choice(("2026-10-01 08:00", "2026-10-01T08:00:09", 1_790_000_000_123)),
        Day: lambda: "2028-02-29",
        Window: lambda: random.choice((["00:00", "24:00"], ["18:30", "22:00"])),
    }[type(spec)]()


def some_fields(record: Record, random: random.Random) -> dict[str, Any]:
    given = [f for f in record.fields.values() if f.key in record.required or random.random() < 0.5]
    return {field.key: some(field.spec, random) for field in given}


def valid_documents(count: int, seed: int) -> list[Any]:
    """Random documents whose objects also agree with one another."""
    draw, made = random.Random(seed), []
    while len(made) < count:
        drawn = {"format": FORMAT} | some_fields(package_record(), draw)
        for reward in [one for one in drawn.get("promotions", ()) if "coupon" in one]:
            drawn["promotions"].append(coupon(reward["coupon"]))
        if isinstance(read_package(drawn), Package):
            made.append(drawn)
    return made


def test_a_package_that_is_written_is_read_back_the_same():
    seen: set[str] = set()
    for drawn in valid_documents(150, seed=1):
        package = read_package(drawn)
        assert isinstance(package, Package)
        written = write_package(package)
        again = read_package(json.dumps(written).encode())
        assert again == package._replace(digest=digest_of(to_json(written)))
        assert isinstance(again, Package) and write_package(again) == written
        seen |= {p["mechanic"] for p in written.get("promotions", ())}
    assert len(seen) > 15


def test_every_field_of_every_mechanic_has_its_place_and_none_stands_in_anothers_way():
    common = set(offers().common.fields)
    assert set(offers().rules) == set(MECHANICS)
    for name, (rule, _) in MECHANICS.items():
        assert {field.name for field in offers().rules[name].fields.values()} == set(rule._fields)  # type: ignore[attr-defined]
        assert not common & set(offers().rules[name].fields), name
    assert {field.name for field in offers().common.fields.values()} == set(Promotion._fields) - {"rule"}
    assert {field.name for field in package_record().fields.values()} == set(Package._fields) - {"digest"}


def test_the_digest_names_the_content_and_not_how_its_bytes_are_laid_out():
    one = document(promotion())
    other = json.dumps(dict(reversed(one.items())), indent=4, ensure_ascii=True).encode()
    assert read_package(one) == read_package(other)
    changed = read_package(document(promotion(percent=51)))
    package = read_package(one)
    assert isinstance(package, Package) and isinstance(changed, Package)
    assert package.digest == digest_of(other) != changed.digest and len(package.digest) == 64


def test_times_are_read_as_shop_time():
    for offset_min, wall_ms in ((480, 1_790_784_000_000), (0, 1_790_784_000_000 + 8 * 3_600_000)):
        package = read_package(document(utc_offset_min=offset_min))
        assert isinstance(package, Package) and package.valid_from_ms == wall_ms


def test_an_envelope_is_taken_off_and_a_bare_package_left_alone():
    bare = document(promotion())
    assert unwrapped({"package": bare, "signature": "00", "key": "k"}) == bare == unwrapped(bare)


# ------------------------------------------------------------------ what is refused

AT = "$.promotions[0]"
WRONG_PROMOTIONS = (
    (promotion(price=3), f"{AT}.price", "unknown_key"),
    (promotion(mechanic="half_price"), f"{AT}.mechanic", "unknown_mechanic"),
    (promotion(mechanic=["x"]), f"{AT}.mechanic", "unknown_mechanic"),
    ({"id": "a", "name": "a"}, f"{AT}.mechanic", "missing"),
    ({"id": "a", "name": "a", "mechanic": "shelf_price"}, f"{AT}.price_fen", "missing"),
    ({"id": "a", "name": "a", "mechanic": "shelf_price", "price_fen": -1}, f"{AT}.price_fen", "range"),
    ({"id": "a", "name": "a", "mechanic": "shelf_price", "price_fen": 1.5}, f"{AT}.price_fen", "float"),
    ({"id": "a", "name": "a", "mechanic": "shelf_price", "price_fen": True}, f"{AT}.price_fen", "type"),
    ({"id": "a", "name": "a", "mechanic": "shelf_price", "price_fen": "100"}, f"{AT}.price_fen", "type"),
    (promotion(percent=101), f"{AT}.percent", "range"),
    (promotion(percent=-1), f"{AT}.percent", "range"),
    (promotion(n=0), f"{AT}.n", "range"),
    (promotion(n=10**100), f"{AT}.n", "range"),
    (promotion(id="第一"), f"{AT}.id", "shape"),
    (promotion(id=""), f"{AT}.id", "empty"),
    (promotion(name="a\nb"), f"{AT}.name", "text"),
    (promotion(name="\ud800"), f"{AT}.name", "text"),
    (promotion(name="x" * 201), f"{AT}.name", "text"),
    (promotion(funder="bank"), f"{AT}.funder", "choice"),
    (promotion(exclusive=1), f"{AT}.exclusive", "type"),
    (promotion(scope=[]), f"{AT}.scope", "type"),
    (promotion(scope={"skus": "A"}), f"{AT}.scope.skus", "type"),
    (promotion(scope={"skus": ["A", 7]}), f"{AT}.scope.skus[1]", "type"),
    (promotion(scope={"sku": ["A"]}), f"{AT}.scope.sku", "unknown_key"),
    (promotion(limits={"total": 0}), f"{AT}.limits.total", "range"),
    (promotion(limits={"total": None}), f"{AT}.limits.total", "type"),
    (promotion(when={"weekdays": [0]}), f"{AT}.when.weekdays[0]", "range"),
    (promotion(when={"days_of_month": [32]}), f"{AT}.when.days_of_month[0]", "range"),
    (promotion(when={"dates": ["2026-02-30"]}), f"{AT}.when.dates[0]", "date"),
    (promotion(when={"from": "2026-13-01 00:00"}), f"{AT}.when.from", "moment"),
    (promotion(when={"from": "1969-12-31 00:00"}), f"{AT}.when.from", "moment"),
    (promotion(when={"hours": [["22:00", "18:00"]]}), f"{AT}.when.hours[0]", "ends_before"),
    (promotion(when={"hours": [["22:00", "25:00"]]}), f"{AT}.when.hours[0]", "hours"),
    (promotion(when={"from": "2026-10-02 00:00", "to": "2026-10-02 00:00"}), f"{AT}.when.to", "ends_before"),
    ({"id": "a", "name": "a", "mechanic": "cheapest_free", "n": 3, "free": 3}, f"{AT}.free", "all_free"),
    ({"id": "a", "name": "a", "mechanic": "fixed_price_bundle", "price_fen": 1, "components": []}, f"{AT}.components", "empty"),
    ({"id": "a", "name": "a", "mechanic": "combo_amount_off", "amount_fen": 1, "components": [{"scope": {}, "units": 0}]},
     f"{AT}.components[0].units", "range"),
    ({"id": "a", "name": "a", "mechanic": "points_redeem", "block_points": 100, "block_fen": 0}, f"{AT}.block_fen", "range"),
    ({"id": "a", "name": "a", "mechanic": "spend_save_tiers", "tiers": [{"spend_fen": 200}, {"spend_fen": 200}]},
     f"{AT}.tiers", "not_ascending"),
    ({"id": "a", "name": "a", "mechanic": "quantity_percent_tiers",
      "tiers": [{"units": 5, "percent": 1}, {"units": 3, "percent": 2}]}, f"{AT}.tiers", "not_ascending"),
    (reward("a", "nowhere"), f"{AT}.coupon", "no_such_coupon"),
    ("half", AT, "type"),
)  # fmt: skip


@pytest.mark.parametrize(("wrong", "path", "reason"), WRONG_PROMOTIONS, ids=[f"{p}-{r}" for _, p, r in WRONG_PROMOTIONS])
def test_a_wrong_promotion_is_refused_with_its_path_and_reason(wrong: Any, path: str, reason: str):
    assert problems(document(wrong)) == {(path, reason)}


WRONG_DOCUMENTS = (
    ([], "$", "type"),
    (7.5, "$", "float"),
    (b"{", "$", "not_json"),
    (b"\xff\xfe", "$", "not_json"),
    (b"[" * 100_000, "$", "not_json"),
    (b'{"n": ' + b"9" * 5000 + b"}", "$", "not_json"),
    (b'{"a": 1, "a": 2}', "$", "duplicate_key"),
    (b" " * (BYTES_MAX + 1), "$", "too_large"),
    (document(format="lanewise-package/2"), "$.format", "format"),
    (document(rounding="up"), "$.rounding", "choice"),
    (document(digest="00"), "$.digest", "unknown_key"),
    (document(cash_step_fen=0), "$.cash_step_fen", "range"),
    (document(utc_offset_min=9_999), "$.utc_offset_min", "range"),
    (document(promotions={}), "$.promotions", "type"),
    (document(valid_to="2026-10-01 00:00"), "$.valid_to", "ends_before"),
    (document(prices=[{"sku": "A", "price_fen": -100}]), "$.prices[0].price_fen", "range"),
    (document(prices=[{"sku": "A", "price_fen": 1}, {"sku": "A", "price_fen": 2}]), "$.prices[1].sku", "duplicate"),
    (document(tiers=[{"tier": "gold"}, {"tier": "gold"}]), "$.tiers[1].tier", "duplicate"),
    (document(promotion(), promotion()), "$.promotions[1].id", "duplicate"),
    (document(reward("a", "half"), promotion()), "$.promotions[0].coupon", "not_a_coupon"),
    (document(reward("a", "c", "VIP"), coupon("c", "VIP")), "$.promotions[0].coupon", "cycle"),
)


@pytest.mark.parametrize(("wrong", "path", "reason"), WRONG_DOCUMENTS, ids=[f"{p}-{r}" for _, p, r in WRONG_DOCUMENTS])
def test_a_wrong_document_is_refused_with_its_path_and_reason(wrong: object, path: str, reason: str):
    assert problems(wrong) == {(path, reason)}


def test_every_problem_is_named_and_not_only_the_first():
    one, two = promotion(percent=300, colour="red"), {"id": "b", "mechanic": "nope", "name": 5}
    found = problems(document(one, two, promotion(), valid_to="2020-01-01 00:00", policy="dearest", extra=1))
    assert found == {
        ("$.promotions[0].percent", "range"), ("$.promotions[0].colour", "unknown_key"), ("$.promotions[1].name", "type"),
        ("$.promotions[1].mechanic", "unknown_mechanic"), ("$.promotions[2].id", "duplicate"), ("$.valid_to", "ends_before"),
        ("$.policy", "choice"), ("$.extra", "unknown_key"),
    }  # fmt: skip


def test_a_package_that_has_ended_is_refused_only_where_the_time_is_known():
    ended = document(valid_to="2026-11-01 00:00")
    end_ms = 1_793_462_400_000
    assert problems(ended) == problems(ended, now_ms=end_ms - 1) == set()
    assert problems(ended, now_ms=end_ms) == {("$.valid_to", "past")}


def test_50_000_promotions_are_one_clear_problem_and_20_000_are_not_too_many():
    many = [promotion(id=f"p{n}") for n in range(50_000)]
    assert problems(document(*many)) == {("$.promotions", "too_many")}
    assert problems(document(*many[:PROMOTIONS_MAX])) == set()


def test_rewards_that_lead_back_to_themselves_are_refused_however_long_the_way():
    ring = [reward(f"r{n}", f"c{n}", f"code{n}") for n in range(3_000)]
    coupons = [coupon(f"c{n}", f"code{(n + 1) % 3_000}") for n in range(3_000)]
    assert {reason for _, reason in problems(document(*ring, *coupons))} == {"cycle"}
    coupons[-1].pop("code")
    assert problems(document(*ring, *coupons)) == set()


def test_rewards_that_name_one_another_are_a_cycle_too():
    found = problems(document(reward("a", "b"), reward("b", "a")))
    assert {reason for _, reason in found} == {"cycle", "not_a_coupon"}


def test_no_value_in_any_place_raises():
    """Every leaf of a rich document is replaced by every odd value: an answer comes, never an exception."""
    odd = (None, True, -1, 10**40, 1.5, "", "x" * 300, "\ud800", "\x00", [], {}, [[]], {"a": []}, [None], ["\ud800"])
    for drawn in valid_documents(8, seed=5):
        for holder, key in _places(drawn):
            kept = holder[key]
            for value in odd:
                holder[key] = value
                for problem in () if isinstance(found := read_package(drawn, now_ms=0), Package) else found:
                    assert problem.path.startswith("$") and problem.path.isprintable()
                    assert all(text.isprintable() for _, text in problem.args), problem
            holder[key] = kept


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]
