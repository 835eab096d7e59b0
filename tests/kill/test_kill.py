"""SIGKILL at seeded moments of a running day, and at every file operation of one sale."""

import random
from pathlib import Path

import pytest

from tests.kill import seller, traced
from tests.kill.harness import TENDER, Blow, Tally, fresh_copy, judge, kill_often, listen, look, sell_until
from tests.kill.traced import Point

pytestmark = pytest.mark.kill

KILLS, SHARES = 200, 2
STORES_A_SHARE = 4
CHECKPOINTS = {"none in the sale": {}, "in the sale": {"wal_autocheckpoint": "8"}}


def stores(built: Path, folder: Path, count: int = STORES_A_SHARE) -> list[Path]:
    return [fresh_copy(built, folder / f"store-{n}.db") for n in range(count)]


# ------------------------------------------------------------------ at seeded moments


@pytest.mark.parametrize("share", range(SHARES))
def test_a_killed_till_holds_every_sale_it_called_paid_once_and_every_basket_it_showed(
    share: int, built: Path, tmp_path: Path
) -> None:
    """200 kills on eight stores, each store selling on where it was killed; some of them inside a tender's commit."""
    tally = kill_often(stores(built, tmp_path), range(share, KILLS, SHARES))
    print(f"{tally.line()}; {tally.blows()}")
    assert not tally.notes
    assert tally.runs == KILLS // SHARES
    assert tally.in_tender > 0, f"no kill fell inside a tender's commit: {tally.blows()}"


def test_a_sale_called_paid_inside_its_transaction_is_seen_to_be_lost(built: Path, tmp_path: Path) -> None:
    """The control: a seller that speaks too early must lose sales to the same kills."""
    tally = kill_often(stores(built, tmp_path), range(30), moment=blow_after_paid, is_early=True)
    print(f"{tally.line()}; {tally.blows()}")
    assert tally.faults["lost"] > 0


def blow_after_paid(seed: int) -> Blow:
    chance = random.Random(f"paid:{seed}")
    return Blow(chance.randrange(1, 150), b"paid", chance.randrange(0, 50))


def test_a_seller_that_ends_by_itself_is_no_kill(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended by itself"):
        sell_until(tmp_path / "no-such-store.db", 1, Blow(1, TENDER, 0))


# ------------------------------------------------------------------ at every file operation


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("checkpoints", CHECKPOINTS)
def test_a_till_killed_at_any_file_operation_of_a_sale_goes_on_with_nothing_lost(
    checkpoints: str, share: int, built: Path, tmp_path: Path
) -> None:
    """Every write, sync, truncation and unlink, from the open store to its closing; after it the store sells one more."""
    store, log, pragmas = tmp_path / "store.db", tmp_path / "strace", CHECKPOINTS[checkpoints]
    points = traced.points(fresh_copy(built, store), log, pragmas=pragmas)
    assert {"pwrite64", "unlink"} < {point.call for point in points}
    assert {point.told for point in points} >= {"commit -", TENDER_COMMIT}
    tally = Tally()
    for point in points[share::SHARES]:
        told = listen(traced.kill_at(fresh_copy(built, store), log, point, pragmas=pragmas))
        found = look(store)
        judge(tally, str(point), told, found, set())
        goes_on(tally, f"{point}, the run after it", store, set(found.paid))
    print(f"{tally.line()}; {tally.blows()}")
    assert not tally.notes


def goes_on(tally: Tally, name: str, store: Path, before: set[str]) -> None:
    """One more order on the store that was killed, and the same judgement."""
    lines: list[str] = []
    seller.sell_on(store, lines.append, seed=2, orders=1)
    told = listen(lines)
    assert told.is_closed and told.acknowledged
    judge(tally, name, told, look(store), before)


@pytest.mark.usefixtures("tracing")
def test_a_sale_called_paid_too_early_is_lost_at_every_write_of_its_commit(built: Path, tmp_path: Path) -> None:
    """The control: at each write of a tender's commit an early seller has named a sale that is not there."""
    store, log = tmp_path / "store.db", tmp_path / "strace"
    points = [p for p in traced.points(fresh_copy(built, store), log) if p.told == TENDER_COMMIT and p.call == "pwrite64"]
    tally = Tally()
    for point in points[::3]:
        told = listen(traced.kill_at(fresh_copy(built, store), log, point, is_early=True))
        judge(tally, str(point), told, look(store), set())
    assert tally.faults["lost"] == tally.runs > 0


@pytest.mark.usefixtures("tracing")
def test_an_injection_that_does_not_fire_fails(built: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="did not fire"):
        traced.kill_at(fresh_copy(built, tmp_path / "store.db"), tmp_path / "strace", Point("unlink", 1000, "paid"))


TENDER_COMMIT = "commit S"
