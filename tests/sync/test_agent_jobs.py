"""Waiting, locking, timed jobs, and what people are told."""

import itertools
import json
import random
from pathlib import Path

import pytest

from pos_app import sync_command
from pos_app.domain.errors import RECOVERIES, StoreError
from pos_app.i18n import LANGUAGES
from store_db import stock, sync_state
from store_db.store import Store
from store_db.verify import verify_file
from sync import protocol, schedule, step
from sync.lock import agent_lock
from sync.retry import LINE_DOWN_MAX_MS, MAX_MS, Budget, wait_ms
from sync.run_agent import open_link
from sync.schedule import JOBS, Place, run_job
from sync.status import status
from tests.sync.agent_kit import Machine, lost

# ------------------------------------------------------------------ waiting


def test_a_wait_is_any_part_of_a_ceiling_that_doubles_to_five_minutes() -> None:
    ceilings = [wait_ms(failures, 0.999_999_9) for failures in range(1, 20)]
    assert [round(ceiling, -3) for ceiling in ceilings[:9]] == [1000 << n for n in range(9)]
    assert all(MAX_MS - 2 <= ceiling <= MAX_MS for ceiling in ceilings[9:])
    assert wait_ms(9, 0.0) == 0 and wait_ms(3, 0.5) == 2_000


def test_what_hq_asks_for_is_waited_in_full_and_the_jitter_comes_after_it() -> None:
    assert wait_ms(1, 0.0, 7) == 7_000 and wait_ms(1, 0.5, 7) == 7_500


def test_a_thousand_tills_do_not_come_back_in_one_moment() -> None:
    budgets = [Budget(random.Random(n), failures=20) for n in range(1_000)]
    moments = sorted(budget.failed() for budget in budgets)
    assert max(b - a for a, b in itertools.pairwise(moments)) < MAX_MS / 50
    assert moments[500] > MAX_MS / 3


def test_a_success_begins_anew_and_a_line_that_is_down_is_tried_soon() -> None:
    budget = Budget(random.Random(1), failures=30)
    assert all(budget.failed(max_ms=LINE_DOWN_MAX_MS) <= LINE_DOWN_MAX_MS for _ in range(50))
    budget.succeeded()
    assert budget.failed() <= 1_000


# ------------------------------------------------------------------ one agent


def test_a_second_agent_of_a_store_is_refused_and_one_of_another_store_is_not(tmp_path: Path) -> None:
    with agent_lock(tmp_path / "a.sqlite"):
        with pytest.raises(StoreError, match="POS-7009"), agent_lock(tmp_path / "a.sqlite"):
            pass
        with agent_lock(tmp_path / "b.sqlite"):
            pass
    with agent_lock(tmp_path / "a.sqlite"):
        pass


# ------------------------------------------------------------------ jobs


def place(till: Machine, mirror: Path | None = None) -> Place:
    return Place(till.path, open_link, mirror)


def job(name: str) -> schedule.Job:
    return next(one for one in JOBS if one.name == name)


def test_stock_is_folded_whole_and_nothing_changes_by_it(till: Machine) -> None:
    till.sell(9)
    before = {sku: stock.on_hand(till.store.connection, sku) for sku in ("WATER", "MILK", "COLA")}
    assert run_job(job("fold_stock"), place(till)) == ""
    (folded,) = till.store.connection.execute("SELECT folded_to FROM stock_fold").fetchone()
    (last,) = till.store.connection.execute("SELECT max(id) FROM stock_moves").fetchone()
    assert folded == last
    assert {sku: stock.on_hand(till.store.connection, sku) for sku in before} == before


def test_the_log_is_written_back_into_the_file(till: Machine) -> None:
    till.sell(9)
    wal = till.path.with_name(till.path.name + "-wal")
    till.store.connection.execute("PRAGMA wal_autocheckpoint=0")
    till.sell(50)
    before = till.path.stat().st_size
    assert run_job(job("checkpoint"), place(till)) == "" and wal.exists()
    assert till.path.stat().st_size > before


def test_a_mirror_holds_what_hq_has_not_and_says_what_is_nowhere_else(till: Machine, tmp_path: Path) -> None:
    mirror = tmp_path / "usb"
    till.settle()
    till.sell(3)
    assert status(till.store).unreplicated.sales == 3
    assert run_job(job("mirror"), place(till, mirror)) == ""
    (copy,) = mirror.glob("*.sqlite")
    assert verify_file(copy).sales == 3
    assert status(till.store).unreplicated == (0, 0, 0) and status(till.store).waiting.sales == 3
    till.sell(1)
    alone = status(till.store).unreplicated
    assert (alone.sales, alone.oldest_ms) == (1, till.clock.wall_ms())


def test_a_mirror_keeps_a_few_copies_and_makes_none_where_none_is_due(till: Machine, tmp_path: Path) -> None:
    mirror = tmp_path / "usb"
    for _ in range(schedule.COPIES + 2):
        till.sell(1)
        run_job(job("mirror"), place(till, mirror))
    assert len(list(mirror.glob("*.sqlite"))) == schedule.COPIES
    newest = max(mirror.glob("*.sqlite"))
    run_job(job("mirror"), place(till, mirror))
    assert max(mirror.glob("*.sqlite")) == newest
    assert not list(mirror.glob("*.part"))


def test_a_mirror_of_another_life_of_the_file_counts_for_nothing(till: Machine, tmp_path: Path) -> None:
    image = till.image()
    till.sell(3)
    run_job(job("mirror"), place(till, tmp_path / "usb"))
    noted = sync_state.runs(till.store.connection)[sync_state.MIRRORED]
    till.put_back(image)
    till.luck.seed(99)
    till.sell(5)
    with till.store.transaction() as connection:
        sync_state.note_run(connection, sync_state.MIRRORED, noted.ran_ms, noted.outcome)
    assert status(till.store).unreplicated.sales == 5


def test_a_mirror_that_cannot_be_written_is_said_and_nothing_else_fails(till: Machine, tmp_path: Path) -> None:
    (tmp_path / "usb").write_text("a file")
    till.sell(1)
    assert run_job(job("mirror"), place(till, tmp_path / "usb")) == "POS-1003"
    assert sync_state.runs(till.store.connection)["mirror"].outcome == "POS-1003"
    assert status(till.store).unreplicated.sales == 1


def test_each_job_notes_its_last_run_also_when_hq_is_away(till: Machine) -> None:
    with till.store.transaction() as connection:
        connection.execute("UPDATE sync_hq SET url = 'http://127.0.0.1:9'")
    for one in JOBS:
        run_job(one, place(till))
    runs = sync_state.runs(till.store.connection)
    assert {one.name for one in JOBS} <= runs.keys()
    assert runs["compare"].outcome == step.UNREACHABLE and runs["fold_stock"].outcome == ""


def test_the_scheduler_takes_every_job_of_the_table_once(till: Machine) -> None:
    made = schedule.scheduler(place(till))
    made.start(paused=True)
    assert sorted(one.id for one in made.get_jobs()) == sorted(one.name for one in JOBS)
    made.shutdown()


# ------------------------------------------------------------------ what people are told


def test_the_status_says_since_when_the_line_is_as_it_is(till: Machine) -> None:
    till.settle()
    since = till.clock.now_ms
    assert (status(till.store).line, status(till.store).since_ms) == ("connected", since)
    till.sell(2)
    till.clock.now_ms += 60_000
    till.line.answers = [lost, lost]
    till.agent.push_once()
    till.clock.now_ms += 60_000
    till.agent.push_once()
    found = status(till.store)
    assert (found.line, found.since_ms, found.contact_ms) == ("cut off", since + 60_000, since)
    assert (found.waiting.sales, found.trouble) == (2, step.UNREACHABLE)
    till.clock.now_ms += 60_000
    till.settle()
    assert (status(till.store).line, status(till.store).since_ms) == ("connected", since + 180_000)


def test_the_status_is_json_with_every_field_and_lines_for_people(till: Machine) -> None:
    till.sell(2)
    till.settle()
    till.agent.pull_once()
    till.agent.prove_once()
    found = status(till.store)
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["is_equal"] is True and plain["chains"][0]["acknowledged_seq"] == plain["chains"][0]["end_seq"]
    assert {"line", "waiting", "unreplicated", "quarantined", "topics", "refused", "runs"} <= plain.keys()
    text = "\n".join(sync_command.status_lines(found))
    assert "un-replicated sales: 0" in text and "proved" in text and "connected" in text


def test_a_contact_is_not_written_down_with_every_answer(till: Machine) -> None:
    till.settle()
    before = status(till.store).contact_ms
    till.clock.now_ms += 2_000
    till.agent.pull_once()
    assert status(till.store).contact_ms == before
    till.clock.now_ms += 20_000
    till.agent.pull_once()
    assert status(till.store).contact_ms == before + 22_000


def test_every_trouble_has_a_code_and_a_text_in_both_languages() -> None:
    troubles = {value for name, value in vars(protocol).items() if isinstance(value, str) and value.startswith("SYNC-")}
    troubles |= {value for value in vars(step).values() if isinstance(value, str) and value.startswith("SYNC-")}
    for trouble in sorted(troubles):
        code = sync_command.in_words(trouble).refusal.code
        assert code in RECOVERIES and all(code in texts for texts in LANGUAGES.values())


def test_jobs_open_the_store_for_themselves(till: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's connection is its own, so no thread shares one."""
    opened: list[Store] = []
    monkeypatch.setattr(schedule, "_outcome", lambda one, store, where: opened.append(store) or "")
    run_job(job("compare"), place(till))
    assert opened[0].connection is not till.store.connection
