"""Packages in a shop: signed, checked whole, stored whole or not at all, found again by time and by digest."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_app.demo.day import DayClock, SeededIds
from pos_app.domain.errors import BadInput, StoreError
from pos_app.domain.events import PackageInstalled
from pos_app.domain.pricing.model import Package
from pos_app.i18n import text
from pos_app.services import packages
from pos_app.services.packages import (
    CheckedPackage,
    Rejected,
    check_package,
    install_package,
    key_id,
    package_at,
    package_by_digest,
    public_of,
    public_pem,
    read_keys,
)
from store_db import journal
from store_db import packages as package_table
from store_db.packages import version_order
from store_db.store import Store
from store_db.verify import verify
from tests.package_kit import DAY_MS, KEYS, SECRET, bare, install, offer, package, signed
from tests.shop_kit import COLA, Till, make_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "shop.sqlite", DayClock(), SeededIds(1)) as store:
        yield store


def everything(store: Store) -> list[Any]:
    """All that an install could change."""
    tables = ("packages", "price_state", "price_tasks", "journal", "items")
    return [tuple(row) for table in tables for row in store.connection.execute(f"SELECT * FROM {table} ORDER BY 1")]


# ------------------------------------------------------------------ signatures


def test_a_signed_file_is_accepted_and_one_with_any_value_changed_is_not():
    document = package("1", offer(), prices=[{"sku": "COLA", "price_fen": 300}])
    data = signed(document)
    assert isinstance(check_package(data, KEYS, 0), CheckedPackage)
    for place in (("version", "2"), ("shop", "S002"), ("valid_from", 2), ("prices", []), ("promotions", [])):
        changed = json.loads(data)
        changed["package"][place[0]] = place[1]
        assert refused(check_package(bare(changed), KEYS, 0)) == "POS-2202", place


def test_a_signature_that_is_cut_strange_or_of_another_key_is_refused():
    envelope = json.loads(signed(package("1")))
    other = json.loads(packages.sign_package(package("1"), bytes(32)))
    cut = envelope["signature"][:-2]
    for changes in ({"signature": cut}, {"signature": "zz"}, {"signature": 7}, {"signature": other["signature"]},
                    {"key": "0" * 16}, {"key": ["\ud800"]}, other):  # fmt: skip
        assert refused(check_package(json.dumps(envelope | changes).encode(), KEYS, 0)) == "POS-2202", changes


def test_a_bare_package_is_refused_unless_it_is_asked_for():
    assert refused(check_package(bare(package("1")), KEYS, 0)) == "POS-2203"
    taken = check_package(bare(package("1")), {}, 0, unsigned=True)
    assert isinstance(taken, CheckedPackage) and (taken.key, taken.signature) == ("", "")


def test_the_layout_of_the_file_does_not_touch_the_signature():
    envelope = json.loads(signed(package("1", offer())))
    turned = {key: dict(reversed(value.items())) if isinstance(value, dict) else value for key, value in envelope.items()}
    assert isinstance(check_package(json.dumps(turned, indent=3).encode(), KEYS, 0), CheckedPackage)


def test_keys_are_the_pem_files_of_a_folder(tmp_path: Path):
    public = public_of(SECRET)
    (tmp_path / "hq.pem").write_bytes(public_pem(public))
    assert read_keys(tmp_path) == {key_id(public): public}
    (tmp_path / "zz.pem").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", encoding="ascii")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput, match="POS-2207"):
            read_keys(folder)


def refused(answer: CheckedPackage | Rejected) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.refusal.code


# ------------------------------------------------------------------ installing


def test_an_installed_package_is_found_by_its_digest_for_ever_and_the_journal_names_it(store: Store):
    checked = install(store, package("1", offer()))
    later = install(store, package("2", offer(percent=30)))
    assert package_by_digest(store, checked.package.digest) == checked.package
    assert package_by_digest(store, later.package.digest) == later.package
    assert package_by_digest(store, "0" * 64) is None
    events = [entry.event() for entry in journal.entries(store.connection) if entry.header.kind == "package_installed"]
    key = next(iter(KEYS))
    assert events == [PackageInstalled(c.package.digest, c.package.version, 1, None, key) for c in (checked, later)]
    assert verify(store.connection).is_ok


def test_an_unsigned_package_is_recorded_as_such(store: Store):
    assert isinstance(install_package(store, bare(package("1")), {}, unsigned=True, staff="9001"), CheckedPackage)
    event = [entry.event() for entry in journal.entries(store.connection)][-1]
    assert isinstance(event, PackageInstalled) and (event.key, event.staff) == ("", "9001")


def test_the_same_package_again_changes_nothing(store: Store):
    install(store, package("1"))
    before = everything(store)
    install(store, package("1"))
    assert everything(store) == before


NO_GOOD: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "another shop": (lambda: signed(package("9", shop="S002")), "POS-2204", ""),
    "a version that is there with other content": (lambda: signed(package("1", offer())), "POS-2205", ""),
    "a broken signature": (lambda: signed(package("9")).replace(b'"version":"9"', b'"version":"8"'), "POS-2202", ""),
    "no signature": (lambda: bare(package("9")), "POS-2203", ""),
    "a negative price": (lambda: signed(package("9", prices=[{"sku": "COLA", "price_fen": -1}])), "POS-2201", "range"),
    "an unknown mechanic": (lambda: signed(package("9", offer(mechanic="magic"))), "POS-2201", "unknown_mechanic"),
    "a cycle": (lambda: signed(package("9",
        {"id": "r", "mechanic": "coupon_reward", "name": "r", "coupon": "c", "code": "X"},
        {"id": "c", "mechanic": "coupon_amount_off", "name": "c", "amount_fen": 1, "code": "X"})), "POS-2201", "cycle"),
    "50,000 promotions": (
        lambda: signed(package("9", *(offer(id=f"p{n}") for n in range(50_000)))), "POS-2201", "too_many"),
    "dates in the past": (lambda: signed(package("9", valid_to="2020-01-01 00:00")), "POS-2201", "past"),
    "a decimal price": (
        lambda: bare({"package": package("9", offer(percent=0.5)), "signature": "", "key": ""}), "POS-2201", "float"),
    "no version": (lambda: signed(package("")), "POS-2201", "missing"),
    "half a file": (lambda: signed(package("9"))[:99], "POS-2201", "not_json"),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_GOOD)
def test_a_bad_package_is_refused_in_two_languages_the_old_one_stays_and_the_sale_goes_on(till: Till, what: str):
    make, code, reason = NO_GOOD[what]
    store = till.shop.store
    old = install(store, package("1", offer(scope={"skus": ["COLA"]}))).package
    till.scan(COLA)
    before = everything(store)
    answer = install_package(store, make(), KEYS)
    assert refused(answer) == code and everything(store) == before
    assert isinstance(answer, Rejected)
    assert reason in {problem.reason for problem in answer.problems} | {""}
    for lang in ("zh", "en"):
        assert text(lang, code, answer.refusal.args)
        assert all(text(lang, f"package.{problem.reason}", problem.args) for problem in answer.problems)
    till.wait(2_000).scan(COLA).press("pay", "pay")
    assert till.state.last_sale is not None and till.state.last_sale.total_fen == 375, till.says  # 2.50 + 1.25
    assert till.state.package.digest == old.digest
    till.prove()


def test_a_package_is_stored_with_its_event_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch):
    before = everything(store)

    def full(*args: object) -> None:
        raise StoreError("POS-1004", path="")

    monkeypatch.setattr(store, "append", full)
    with pytest.raises(StoreError):
        install_package(store, signed(package("1")), KEYS)
    assert everything(store) == before


# ------------------------------------------------------------------ which one holds


def test_the_package_that_holds_begins_at_its_minute_and_ends_before_the_next(store: Store):
    start_ms = store.clock.wall_ms()
    first = install(store, package("1", valid_from=start_ms - 1, valid_to=start_ms + 5 * DAY_MS)).package
    second = install(store, package("2", valid_from=start_ms + DAY_MS, valid_to=start_ms + 2 * DAY_MS)).package
    shelf = Package(cash_step_fen=5)
    for at_ms, holds in (
        (start_ms - 2, shelf), (start_ms, first), (start_ms + DAY_MS - 1, first), (start_ms + DAY_MS, second),
        (start_ms + 2 * DAY_MS - 1, second), (start_ms + 2 * DAY_MS, first), (start_ms + 5 * DAY_MS, shelf),
    ):  # fmt: skip
        assert package_at(store, at_ms, shelf) == holds
    assert package_at(store, 0) == Package()


def test_of_several_that_hold_the_highest_version_counts_whenever_it_came(store: Store):
    for version in ("2026-10.1", "2026-9.30", "2026-10"):
        install(store, package(version))
    assert package_at(store, store.clock.wall_ms()).version == "2026-10.1"


def test_numbers_in_a_version_count_as_numbers():
    versions = ["v2", "v10", "2026-9", "2026-10", "2026-10.1", "2026-10-1", "a"]
    ordered = sorted(versions, key=version_order)
    assert ordered.index("v2") < ordered.index("v10")
    assert ordered.index("2026-9") < ordered.index("2026-10") < ordered.index("2026-10.1")


def test_a_stored_package_whose_bytes_changed_is_never_used(store: Store):
    digest = install(store, package("1", offer())).package.digest
    body = package_table.body(store.connection, digest) or b""
    for broken in (body.replace(b'"percent":50', b'"percent":99'), b"{", b"\xff"):
        store.connection.execute("UPDATE packages SET body = ?", (broken,))
        with pytest.raises(StoreError, match="POS-1002"):
            package_by_digest(store, digest)
