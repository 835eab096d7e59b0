"""`pos price`: two files in, the price and its reasons out; nothing else is read, and nothing wrong goes unnamed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = {
    "format": "lanewise-package/1",
    "version": "t-1",
    "shop": "S001",
    "valid_from": "2026-01-01 00:00",
    "prices": [{"sku": "A", "price_fen": 1000}, {"sku": "B", "price_fen": 9900, "member_price_fen": 9000}],
    "promotions": [
        {"id": "half", "mechanic": "nth_unit_percent_off", "name": "第二件半价", "name_en": "Second half", "n": 2, "percent": 50,
         "scope": {"skus": ["A"]}},
        {"id": "spend", "mechanic": "spend_save_tiers", "name": "满100减20", "tiers": [{"spend_fen": 10000, "save_fen": 2000}]},
        {"id": "monday", "mechanic": "member_percent_off", "name": "周一", "percent": 10, "when": {"weekdays": [1]}},
        {"id": "cup", "mechanic": "gift", "name": "满200送杯", "gift_sku": "CUP", "min_spend_fen": 20000},
        {"id": "earn", "mechanic": "points_earn", "name": "积分", "who": {"member": True}},
    ],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with a home of its own, where there is nothing but what a test puts there."""
    (tmp_path / "home").mkdir()
    return tmp_path


def price(folder: Path, basket: Any, *more: str, package: Any = PACKAGE) -> subprocess.CompletedProcess[str]:
    for name, document in (("package.json", package), ("basket.json", basket)):
        text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pos_app", "price", "--package", "package.json", "--basket", "basket.json", *more]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def basket(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": "lanewise-basket/1", "now": "2026-09-22T10:00", "lines": list(lines), **more}


def test_the_answer_holds_sums_shares_reasons_hints_and_the_proof(folder: Path):
    done = price(folder, basket({"sku": "A", "quantity": 2}, {"code": "B"}), "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (found["list_fen"], found["discount_fen"], found["total_fen"], found["proved"]) == (11900, 2500, 9400, True)
    assert [(one["promotion"], one["saving_fen"]) for one in found["applied"]] == [("half", 500), ("spend", 2000)]
    assert [sum(share["fen"] for share in one["shares"]) for one in found["applied"]] == [500, 2000]
    refused = {one["promotion"]: (one["reason"], one["need"], one["have"]) for one in found["refused"]}
    assert refused["monday"] == ("weekday", "1", "2") and refused["cup"] == ("spend", "20000", "9400")
    assert [(line["sku"], line["list_fen"] - line["net_fen"]) for line in found["lines"]] == [("A", 763), ("B", 1737)]
    assert sum(share["fen"] for line in found["lines"] for share in line["shares"]) == 2500
    assert any(hint["promotion"] == "half" and hint["sku"] == "A" for hint in json.loads(
        price(folder, basket({"sku": "A"}), "--json").stdout)["hints"])  # fmt: skip


def test_a_member_takes_member_prices_and_earns_points(folder: Path):
    lines = {"sku": "B"}, {"sku": "A"}
    stranger = json.loads(price(folder, basket(*lines), "--json").stdout)
    member = json.loads(price(folder, basket(*lines, member={"tier": "gold"}), "--json").stdout)
    assert stranger["total_fen"] == 8900 and stranger["points_earned"] == 0
    assert member["total_fen"] == 8000 and member["points_earned"] == 80


def test_grams_are_priced_by_the_kilogram(folder: Path):
    found = json.loads(price(folder, basket({"sku": "T", "price_fen": 896, "weight_g": 800}), "--json").stdout)
    assert found["total_fen"] == 717 and found["lines"][0]["weight_g"] == 800


def test_the_moment_is_shop_time(folder: Path):
    line = {"sku": "A"}
    monday, tuesday = ({**basket(line), "now": now} for now in ("2026-09-21T23:59", "2026-09-22T00:00"))
    totals = [json.loads(price(folder, one, "--json").stdout)["total_fen"] for one in (monday, tuesday)]
    assert totals == [900, 1000]


WATCHED = """
import sys
seen, kinds = [], {"open", "sqlite3.connect", "socket.connect"}
sys.addaudithook(lambda kind, args: seen.append(str(args[0])) if kind in kinds else None)
from pos_app.cli import main
code = main(sys.argv[1:])
print(*seen, sep="\\n", file=sys.stderr)
sys.exit(code)
"""


def test_it_reads_nothing_but_its_files(folder: Path):
    """Python's own audit hook lists what was opened: its modules, the two files, and no configuration, store or home."""
    first = price(folder, basket({"sku": "A", "quantity": 2}), "--json")
    command = [sys.executable, "-c", WATCHED, "price", "--package", "package.json", "--basket", "basket.json", "--json"]
    env = {"HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    modules = (str(ROOT), sys.prefix, sys.base_prefix)
    opened = {name for name in done.stderr.split("\n") if name and not name.startswith(modules)}
    assert opened == {"package.json", "basket.json"} and done.stdout == first.stdout
    assert sorted(path.name for path in folder.rglob("*")) == ["basket.json", "home", "package.json"]


def test_text_comes_in_both_languages(folder: Path):
    asked = basket({"sku": "A", "quantity": 2})
    zh, en = price(folder, asked).stdout, price(folder, asked, "--lang", "en").stdout
    assert "第二件半价" in zh and "应付 15.00" in zh and "仅周" in zh
    assert "Second half" in en and "to pay 15.00" in en and "today is Tue" in en


def test_every_problem_of_a_basket_is_named_with_its_path(folder: Path):
    wrong = {"format": "?", "now": "yesterday", "colour": 1, "lines": [
        {"sku": "A", "quantity": 0}, {}, {"sku": "Z"}, {"sku": "A", "price_fen": 9.5}, {"sku": "A", "weight_g": 5, "quantity": 2},
    ]}  # fmt: skip
    done = price(folder, wrong, "--json")
    found = json.loads(done.stdout)
    paths = {(one["path"], one["reason"]) for one in found["problems"]}
    assert done.returncode == 3 and found["code"] == "POS-5006" and "Traceback" not in done.stderr
    assert paths == {
        ("$.format", "format"), ("$.now", "moment"), ("$.colour", "unknown_key"), ("$.lines[0].quantity", "range"),
        ("$.lines[3].price_fen", "float"),
    }  # fmt: skip
    whole = {**wrong, "format": "lanewise-basket/1", "now": 0, "lines": [wrong["lines"][n] for n in (1, 2, 4)]}  # type: ignore[index]
    del whole["colour"]
    paths = {(one["path"], one["reason"]) for one in json.loads(price(folder, whole, "--json").stdout)["problems"]}
    assert paths == {("$.lines[0].sku", "missing"), ("$.lines[1].price_fen", "missing"), ("$.lines[2].quantity", "range")}


def test_problems_are_told_to_people_with_the_code_in_both_languages(folder: Path):
    done = price(folder, basket({"sku": "Z"}))
    assert done.returncode == 3 and done.stderr.count("[POS-5006]") == 2 and done.stderr.count("$.lines[0].price_fen") == 2
    assert done.stdout == ""


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1, "a": 2}', "\ufeff{}", "[" * 100_000])
def test_what_is_no_json_object_is_refused_without_a_traceback(folder: Path, text: str):
    for done in (price(folder, text), price(folder, basket({"sku": "A"}), package=text)):
        assert done.returncode == 3 and "POS-5006" in done.stderr and "Traceback" not in done.stderr


def test_a_package_with_a_problem_prices_nothing(folder: Path):
    package = {**PACKAGE, "promotions": [{"id": "x", "mechanic": "magic", "name": "x"}]}
    done = price(folder, basket({"sku": "A"}), "--json", package=package)
    assert done.returncode == 3 and json.loads(done.stdout)["problems"][0]["reason"] == "unknown_mechanic"


def test_a_signed_envelope_is_read_as_the_package_in_it(folder: Path):
    envelope = {"package": PACKAGE, "signature": "00", "key": "k"}
    plain, signed = (price(folder, basket({"sku": "A"}), "--json", package=one) for one in (PACKAGE, envelope))
    assert signed.returncode == 0 and plain.stdout == signed.stdout


def test_a_missing_file_is_refused_by_name(folder: Path):
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    command = [sys.executable, "-m", "pos_app", "price", "--package", "package.json", "--basket", "no.json"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.count("[POS-5002]") == 2 and "no.json" in done.stderr
