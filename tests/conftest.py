"""What every test may ask for; where the seconds went; and no silent skip in CI.

Hypothesis profiles: `ci` (the default: derandomized, so a failure is the same everywhere) and `soak` (HYPOTHESIS_PROFILE=soak).
"""

import fcntl
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.lane.state import CASHIER
from pos_app.services.run_lane import LaneRunner
from pos_app.services.shop import Shop
from store_db.store import Store
from tests.shop_kit import ROOT, Till, make_shop, make_store

MARKERS = ("kill", "power", "pty", "wheel", "snapshot", "sim", "processes", "slow")
NO_DATA = "no data folder"

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("soak", deadline=None, max_examples=3_000, suppress_health_check=_SLOW_IS_FINE, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# ------------------------------------------------------------------ data and stores


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public data sets: $LANEWISE_DATA, or `../shared/data` beside the project."""
    path = Path(os.environ.get("LANEWISE_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"{NO_DATA}: {path}")
    return path


@pytest.fixture(scope="session")
def demo_store_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo shop's store, built once for all workers and closed; copy it before writing to it."""
    from pos_app.demo import shop as demo_shop

    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    path = folder / "demo-shop.sqlite"
    with (folder / "demo-shop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_suffix(".part")
            demo_shop.build(part, clock=DayClock(), ids=SeededIds(7)).close()
            part.rename(path)
    return path


@pytest.fixture
def demo_store(demo_store_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A copy of the demo shop's store, open; being a copy it has opened an epoch of its own."""
    path = tmp_path / "demo.sqlite"
    shutil.copyfile(demo_store_file, path)
    with Store.open(path, clock=DayClock(), ids=SeededIds(8)) as store:
        yield store


@pytest.fixture
def shop_factory(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Makes lanes: `shop_factory(skin, lane, path=…, demo_file=…)`. Lanes on one path share its file only."""
    stores: list[Store] = []

    def make(
        skin: str = CASHIER, lane: str = "", *, path: Path | None = None, demo_file: Path | None = None, **config: Any
    ) -> Shop:
        path = path or tmp_path / "shop.sqlite"
        clock, ids = (stores[0].clock if stores else DayClock()), SeededIds(len(stores))
        if demo_file is not None and not path.exists():
            shutil.copyfile(demo_file, path)
        store = Store.open(path, clock=clock, ids=ids) if path.exists() else make_store(path, clock, ids)  # type: ignore[arg-type]
        stores.append(store)
        return make_shop(store, skin, lane or ("01" if skin == CASHIER else "S1"), **config)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def till(shop_factory: Callable[..., Shop]) -> Till:
    """A cashier's lane on the small shop: logged in, shift open, float 500.00."""
    return Till(shop_factory()).open()


@pytest.fixture(scope="module")
def walk_till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """One cashier's lane for all examples of a property, logged in, shift open."""
    store = make_store(tmp_path_factory.mktemp("walk") / "shop.sqlite", DayClock(), SeededIds(3))
    with store:
        yield Till(make_shop(store)).open()


@pytest.fixture
def runner(till: Till) -> LaneRunner:
    """The bare runner of `till`."""
    return till.lane


# ------------------------------------------------------------------ where the seconds went


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each report carries its group; a keyword would not do, as folders are keywords too."""
    for item in items:
        group = next((name for name in MARKERS if item.get_closest_marker(name)), "fast")
        item.user_properties.append(("group", group))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, set[str]] = defaultdict(set)
    for reports in terminalreporter.stats.values():
        for report in reports:
            group = dict(getattr(report, "user_properties", ())).get("group")
            if group and hasattr(report, "duration"):  # deselected items are in the statistics too
                seconds[group] += report.duration
                tests[group].add(report.nodeid)
    if seconds:
        terminalreporter.section("seconds by marker")
    for group in ("fast", *MARKERS):
        if group in seconds:
            terminalreporter.write_line(f"{group:>10} {len(tests[group]):5} tests {seconds[group]:9.1f} s")
    for nodeid, reason in _unwanted_skips(terminalreporter):
        terminalreporter.write_line(f"CI refuses this skip: {nodeid}: {reason}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true a test that was skipped is a test that failed, unless only the data folder is missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or reporter is None:
        return
    if _unwanted_skips(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unwanted_skips(reporter: Any) -> list[tuple[str, str]]:
    if os.environ.get("CI") != "true":
        return []
    skipped = [(report.nodeid, str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr))
               for report in reporter.stats.get("skipped", ())]  # fmt: skip
    return [(nodeid, reason) for nodeid, reason in skipped if NO_DATA not in reason]
