"""The commands as people run them: real processes, real files, two languages, a code, and no traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store_db.connection import sqlite


def pos(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pos_app", *(str(argument) for argument in arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, timeout=120)


def is_refused_with(done: subprocess.CompletedProcess[str], code: str) -> bool:
    """Exit 3, the code in two lines (one a language), no traceback."""
    said = done.stderr.count(f"[{code}]")
    return done.returncode == 3 and said == 2 and "Traceback" not in done.stderr + done.stdout


@pytest.fixture
def shop(demo_store_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(demo_store_file, tmp_path / "shop.sqlite"))


def test_the_same_seed_gives_the_same_chain_head_and_another_one_another(tmp_path: Path):
    days = [json.loads(pos("demo", "--orders", 12, "--seed", seed, "--json").stdout) for seed in (5, 5, 6)]
    assert days[0]["chain_head"] == days[1]["chain_head"] != days[2]["chain_head"]
    assert [day["verify"] for day in days] == ["ok"] * 3
    assert set(days[0]) == {
        "orders", "lines", "tenders", "journal_events", "chain_head", "seconds", "verify", "saved_fen", "promotions", "hq",
    }  # fmt: skip
    assert [day["hq"] for day in days] == [{"events": day["journal_events"], "equal": True} for day in days]


def test_a_day_shows_promotions_applied_and_what_they_saved(tmp_path: Path):
    day = json.loads(pos("demo", "--orders", 30, "--seed", 7, "--json").stdout)
    assert day["saved_fen"] == sum(one["saved_fen"] for one in day["promotions"].values()) > 0
    assert len(day["promotions"]) >= 10 and all(one["times"] > 0 for one in day["promotions"].values())


def test_without_a_terminal_the_demo_runs_its_day_and_says_how_it_ended(tmp_path: Path):
    done = pos("demo", "--orders", 3, "--store", tmp_path / "kept.sqlite")
    assert done.returncode == 0 and "ok" in done.stdout
    assert pos("verify", "--store", tmp_path / "kept.sqlite").returncode == 0


def test_a_missing_store_is_refused(tmp_path: Path):
    for command in ("lane", "sco", "verify", "backup"):
        assert is_refused_with(pos(command, "--store", tmp_path / "no.sqlite"), "POS-1008"), command


def test_a_store_of_a_newer_version_is_refused_and_left_alone(shop: Path):
    connection = sqlite.connect(str(shop))
    connection.execute("PRAGMA user_version=99")
    connection.close()
    before = shop.read_bytes()
    assert is_refused_with(pos("lane", "--plain", "--store", shop), "POS-1001")
    assert shop.read_bytes() == before


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "letter.sqlite"
    path.write_text("Dear shop,\n" * 500, encoding="utf-8")
    before = path.read_bytes()
    for command in (("lane", "--plain"), ("verify",)):
        assert is_refused_with(pos(*command, "--store", path), "POS-1002"), command
    assert path.read_bytes() == before


def test_verify_names_a_changed_sale_and_ends_with_1(tmp_path: Path):
    path = tmp_path / "day.sqlite"
    assert pos("demo", "--orders", 3, "--store", path).returncode == 0
    connection = sqlite.connect(str(path))
    connection.execute("UPDATE receipts SET total_fen = total_fen + 1 WHERE counter = 1")
    connection.commit()
    connection.close()
    done = pos("verify", "--json", "--store", path)
    assert done.returncode == 1 and "receipts" in " ".join(json.loads(done.stdout)["problems"])


def test_a_lane_that_is_open_is_not_opened_twice(shop: Path):
    command = [sys.executable, "-m", "pos_app", "lane", "--plain", "--lane", "01", "--store", str(shop)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdin is not None
        first.stdout.readline()
        assert is_refused_with(pos("lane", "--plain", "--lane", "01", "--store", shop), "POS-1009")
        assert pos("lane", "--plain", "--lane", "02", "--store", shop).returncode == 0
        first.stdin.close()
        first.wait()


def test_the_plain_lane_sells_over_the_same_machine(shop: Path):
    done = pos("lane", "--plain", "--lang", "en", "--store", shop, stdin=(
        "1001\n1111\n500\n6990000010106\n3*6990000010663\n4006381333931\n:pay\n100\n:quit\n"
    ))  # fmt: skip
    assert "[POS-2101]" in done.stdout and "Paid, sale saved" in done.stdout
    assert done.returncode == 0 and done.stderr == ""
    assert json.loads(pos("verify", "--json", "--store", shop).stdout)["sales"] == 1


def test_a_restored_backup_goes_on_under_numbers_of_its_own(tmp_path: Path):
    path, folder = tmp_path / "day.sqlite", tmp_path / "usb"
    pos("demo", "--orders", 3, "--store", path)
    copy = pos("backup", "--store", path, "--to", folder).stdout.strip()
    assert is_refused_with(pos("restore", copy, "--store", path), "POS-1010")
    restored = tmp_path / "new.sqlite"
    assert pos("restore", copy, "--store", restored).returncode == 0
    pos("lane", "--plain", "--store", restored, stdin="1001\n1111\n500\n6990000010106\n:pay\n10\n")
    connection = sqlite.connect(str(restored))
    assert connection.execute("SELECT count(DISTINCT series_no) FROM receipts WHERE state = 'paid'").fetchone()[0] >= 2
    assert json.loads(pos("verify", "--json", "--store", restored).stdout)["verify"] == "ok"


def test_an_unknown_key_in_the_configuration_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "pos.toml"
    path.write_text("lnag = 'zh'\n", encoding="utf-8")
    done = pos("lane", "--config", path)
    assert is_refused_with(done, "POS-5001") and "lnag" in done.stderr


def test_an_import_with_json_prints_the_counts(shop: Path, tmp_path: Path):
    goods = tmp_path / "goods.csv"
    goods.write_text("code,name,price_yuan\n6901234567892,新品,5.50\n6901234567893,错码,3.20\n", encoding="utf-8")
    first, second = (json.loads(pos("import", "goods", goods, "--store", shop, "--json").stdout) for _ in range(2))
    assert (first["rows"], first["added"], first["doubtful"]) == (2, 2, {"wrong_check_digit": 1})
    assert (second["added"], second["changed"], second["unchanged"]) == (0, 0, 2)


def test_every_command_has_help_with_an_example():
    for command in ("demo", "init", "price", "lane", "sco", "verify", "backup", "restore"):
        assert f"example: pos {command}" in pos(command, "--help").stdout
