"""`pos package …` as people run it: real files and stores, two languages, a code, exit codes, JSON."""

import io
import json
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pos_app.cli import main
from pos_app.demo.day import DayClock, SeededIds
from pos_app.package_command import ACTIONS
from pos_app.services.change_prices import apply_prices
from pos_app.services.packages import public_of, public_pem
from store_db import packages
from store_db.store import Store
from store_db.verify import verify_file
from tests.cli.test_commands import is_refused_with
from tests.cli.test_commands import pos as process
from tests.package_kit import SECRET, bare, install, offer, package, price, signed
from tests.shop_kit import make_store


@pytest.fixture(scope="module")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "shop.sqlite"
    make_store(path, DayClock(), SeededIds(1)).close()
    return path


@pytest.fixture
def shop(shop_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(shop_file, tmp_path / "shop.sqlite"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "hq.pem").write_bytes(public_pem(public_of(SECRET)))
    return folder


def written(folder: Path, data: bytes, name: str = "package.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def stored(shop: Path) -> list[str]:
    with Store.open(shop) as store:
        return [row.version for row in packages.rows(store.connection)]


def pos(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command within this process: a start costs more than everything it does."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())


def answer(*arguments: object) -> Any:
    done = pos(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_signed_package_is_checked_installed_and_listed(shop: Path, keys: Path, tmp_path: Path):
    file = written(tmp_path, signed(package("1", offer(), prices=[price("WATER", 180)])))
    checked = answer("package", "check", file, "--keys", keys, "--store", shop)
    assert (checked["ok"], checked["version"], checked["promotions"], checked["warnings"]) == (True, "1", 1, [])
    assert checked["signature"].startswith("signed by ")
    installed = process("package", "install", file, "--keys", keys, "--store", shop)
    assert installed.returncode == 0 and checked["digest"][:12] in installed.stdout
    (row,) = answer("package", "show", "--store", shop)
    assert (row["digest"], row["version"], row["holds"]) == (checked["digest"], "1", True)
    assert answer("package", "show", checked["digest"][:10], "--store", shop) == json.loads(signed_document(file))
    assert verify_file(shop).is_ok


def signed_document(file: Path) -> str:
    return json.dumps(json.loads(file.read_bytes())["package"])


def test_every_problem_is_printed_in_two_languages_and_listed_as_json(tmp_path: Path):
    file = written(tmp_path, bare(package("1", offer(percent=300), offer(id="b", mechanic="magic"), valid_to="2020-01-01 00:00")))
    done = pos("package", "check", file)
    assert is_refused_with(done, "POS-2201")
    for words in (
        "$.promotions[0].percent",
        "$.promotions[1].mechanic",
        "$.valid_to",
        "unknown mechanic: magic",
        "未知的促销方式",
    ):
        assert words in done.stderr
    listed = json.loads(pos("package", "check", file, "--json").stdout)
    assert (listed["ok"], listed["code"]) == (False, "POS-2201")
    assert {(p["path"], p["reason"]) for p in listed["problems"]} == {
        ("$.promotions[0].percent", "range"), ("$.promotions[1].mechanic", "unknown_mechanic"), ("$.valid_to", "past"),
    }  # fmt: skip


def test_50_000_promotions_are_one_line_and_not_50_000(tmp_path: Path):
    done = pos("package", "check", written(tmp_path, bare(package("1", *(offer(id=f"p{n}") for n in range(50_000))))))
    assert is_refused_with(done, "POS-2201") and "50000" in done.stderr and len(done.stderr) < 1_000


def test_what_is_not_trusted_is_not_installed_and_each_reason_has_its_code(shop: Path, keys: Path, tmp_path: Path):
    good = signed(package("1"))
    for data, code in (
        (good.replace(b'"version":"1"', b'"version":"2"'), "POS-2202"), (bare(package("1")), "POS-2203"),
        (signed(package("1", shop="S002")), "POS-2204"), (good[:80], "POS-2201"),
    ):  # fmt: skip
        assert is_refused_with(pos("package", "install", written(tmp_path, data), "--keys", keys, "--store", shop), code)
    assert is_refused_with(pos("package", "install", written(tmp_path, good), "--store", shop), "POS-2202")  # no key is trusted
    assert is_refused_with(pos("package", "install", tmp_path / "none.json", "--store", shop), "POS-2209")
    assert is_refused_with(
        pos("package", "install", written(tmp_path, good), "--keys", tmp_path / "x", "--store", shop), "POS-2207"
    )
    assert is_refused_with(pos("package", "show", "abc", "--store", shop), "POS-2206")
    assert stored(shop) == []


def test_a_single_shop_installs_its_own_file_unsigned_and_keys_may_stand_in_the_configuration(
    shop: Path, keys: Path, tmp_path: Path
):
    assert pos("package", "install", written(tmp_path, bare(package("1"))), "--unsigned", "--store", shop).returncode == 0
    config = tmp_path / "pos.toml"
    config.write_text(f'store_file = "{shop}"\npackage_keys = "{keys}"\n', encoding="utf-8")
    assert pos("package", "install", written(tmp_path, signed(package("2"))), "--config", config).returncode == 0
    assert stored(shop) == ["1", "2"]


def test_a_difference_names_what_came_what_went_and_what_changed(tmp_path: Path):
    before = written(tmp_path, bare(package("1", offer(), offer(id="gone"), prices=[price("A", 100), price("B", 100)])), "a.json")
    new = package("2", offer(percent=30), offer(id="new"), prices=[price("A", 90), price("B", 100)])
    after = written(tmp_path, signed(new), "b.json")
    changes = answer("package", "diff", before, after)
    assert set(changes["settings"]) == {"version"} and set(changes["prices"]) == {"A"}
    assert {key: (old is None, new is None) for key, (old, new) in changes["promotions"].items()} == {
        "cola-half": (False, False), "gone": (False, True), "new": (True, False)
    }  # fmt: skip
    lines = pos("package", "diff", before, after).stdout.splitlines()
    assert {"- promotions gone", "+ promotions new", "~ promotions cola-half", "~ prices A"} <= set(lines)
    assert pos("package", "diff", before, before).stdout == ""


def test_a_shelf_tag_is_listed_confirmed_and_gone(shop: Path, tmp_path: Path):
    with Store.open(shop) as store:
        apply_prices(store, install(store, package("1", prices=[price("MILK", 380)])).package)
    (task,) = answer("package", "tasks", "--store", shop)
    assert (task["sku"], task["was"]["price_fen"], task["now"]["price_fen"]) == ("MILK", 350, 380)
    assert "3.50 → 3.80" in pos("package", "tasks", "--store", shop).stdout
    assert "3.50 → 3.80" in pos("package", "confirm", "MILK", "--staff", "1001", "--store", shop).stdout
    assert answer("package", "tasks", "--store", shop) == []
    assert is_refused_with(pos("package", "confirm", "MILK", "--store", shop), "POS-2208")
    assert verify_file(shop).is_ok


def test_the_demo_calendar_is_published_and_installs_with_the_key_beside_it(shop: Path, tmp_path: Path):
    made = answer("package", "publish-demo", "--out", tmp_path / "out" / "demo.json")
    assert pos("package", "install", made["file"], "--keys", made["keys"], "--store", shop).returncode == 0
    assert stored(shop) == [made["version"]]


def test_every_action_has_help_with_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]):
    for action in ACTIONS:
        with pytest.raises(SystemExit):
            main(["package", action, "--help"])
        shown = capsys.readouterr().out
        assert f"example: pos package {action}" in shown and "exit codes: 0" in shown
