"""Import boundaries as executable tests: who may know whom, and what a start may cost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shop_kit import ROOT

HEAVY = {
    "textual",
    "rich",
    "cv2",
    "sqlite_utils",
    "numpy",
    "httpx",
    "apscheduler",
    "cryptography",
    "jsonschema",
    "pyarrow",
    "pandas",
    "PIL",
    "hypothesis",
    "pytest",
}


def loaded(script: str, *args: str, stdin: str = "") -> set[str]:
    """The names of all modules that a fresh interpreter has after a script, minus those it starts with."""
    tell = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    found = []
    for code in ("", script):
        done = subprocess.run(
            [sys.executable, "-c", code + tell, *args], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found.append(set(json.loads(done.stdout.splitlines()[-1])))
    return found[1] - found[0]


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def foreign(modules: set[str]) -> set[str]:
    """Packages that are neither ours nor the standard library's."""
    return roots(modules) - set(sys.stdlib_module_names) - {"pos_app", "store_db", "hardware", "scanner", "sync"}


MAIN = "import sys\nfrom pos_app.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"


def test_every_import_contract_holds() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool), "--config", "pyproject.toml"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3_000:]
    assert " 0 broken" in done.stdout


def test_the_domain_loads_the_standard_library_alone() -> None:
    script = (
        "import importlib, pkgutil, pos_app.domain\n"
        "for module in pkgutil.walk_packages(pos_app.domain.__path__, 'pos_app.domain.'):\n"
        "    importlib.import_module(module.name)\n"
    )
    modules = loaded(script)
    ours = {name for name in modules if name.startswith("pos_app")}
    assert len(ours) > 25
    assert foreign(modules) == set()
    assert not roots(modules) & {"store_db", "hardware", "scanner", "sync", "sqlite3"}
    assert {name for name in ours if not name.startswith("pos_app.domain")} == {"pos_app"}


def test_the_version_is_told_without_loading_screens_cameras_or_stores() -> None:
    modules = loaded(MAIN, "--version")
    assert foreign(modules) == set()
    assert not roots(modules) & {"store_db", "hardware", "scanner", "sqlite3", "asyncio"}


def test_verify_loads_neither_screens_nor_migrations(demo_store_file: Path) -> None:
    modules = loaded(MAIN, "verify", "--store", str(demo_store_file))
    assert "store_db.verify" in modules
    assert foreign(modules) <= {"pysqlite3"}


@pytest.mark.parametrize("package", ["store_db", "hardware", "scanner", "pos_app.services"])
def test_no_layer_below_the_screens_loads_textual_or_a_language(package: str) -> None:
    script = (
        f"import importlib, pkgutil, {package} as package\n"
        f"for module in pkgutil.walk_packages(package.__path__, '{package}.'):\n"
        "    importlib.import_module(module.name)\n"
    )
    modules = loaded(script)
    assert not roots(modules) & (HEAVY - {"sqlite_utils", "numpy"})
    assert not {name for name in modules if name.startswith(("pos_app.i18n", "pos_app.config", "pos_app.tui", "pos_app.demo"))}


LANE = """
import sys
from pathlib import Path
from pos_app.tui.app import LaneApp
from pos_app.demo.shop import lane_config
from hardware.file_devices import NoDrawer, NoPrinter
from pos_app.i18n import LANGUAGES
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from pos_app.tui.keys import key_map
from pos_app.domain.lane.intents import Char, Press, Scan
from store_db.store import Store
store = Store.open(Path(sys.argv[1]))
shop = Shop(store, lane_config("self_checkout"), NoPrinter(), NoDrawer(), LANGUAGES["zh"])
app = LaneApp(lambda app: [LaneRunner(shop)], keys=key_map("chinese-till", {}))
app.lane.handle(Scan("6990000010106"), Press("find"), Char("k"), Press("back"))
assert len(app.lane.state.basket.lines) == 1, app.lane.state.banner
"""


def test_a_lane_starts_and_sells_without_the_heavy_libraries(demo_store_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    path.write_bytes(demo_store_file.read_bytes())
    modules = loaded(LANE, str(path))
    assert "textual" in modules
    assert not roots(modules) & (HEAVY - {"textual", "rich"})


def test_a_plain_lane_starts_without_the_screens(demo_store_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    path.write_bytes(demo_store_file.read_bytes())
    modules = loaded(MAIN, "sco", "--plain", "--store", str(path), stdin="6990000010106\n:quit\n")
    assert "pos_app.tui.plain" in modules
    assert not roots(modules) & HEAVY
