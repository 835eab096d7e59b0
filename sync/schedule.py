"""The timed jobs of an agent, in one table. Each run opens the store for itself, does a little, and says how it went."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from pos_app.domain.errors import LanewiseError
from store_db import backup, journal, stock, sync_state
from store_db.store import Store
from sync import days, prove
from sync.link import Link, Refused, Unreachable, Untrusted
from sync.step import HQ_KEY, UNREACHABLE

log = logging.getLogger(__name__)
COPIES = 3  # of the mirror
DAY_MS = 24 * 3_600_000


class Place(NamedTuple):
    """What jobs work on. `link`: a line to HQ for one run."""

    path: Path
    link: Callable[[Store], AbstractContextManager[Link]]
    mirror_folder: Path | None = None


class Job(NamedTuple):
    """`run` answers a code, or empty where all went well."""

    name: str
    every_s: int
    run: Callable[[Store, Place], str]


def fold_stock(store: Store, place: Place) -> str:
    """Older moves into the base, a few at a time."""
    left = 1
    while left:
        with store.transaction() as connection:
            left = stock.fold(connection)
    return ""


def checkpoint(store: Store, place: Place) -> str:
    """The write-ahead log into the file, as far as no reader is in the way; a lane need not do it then."""
    store.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return ""


def compare(store: Store, place: Place) -> str:
    with place.link(store) as link:
        return prove.prove(store, link).trouble


def compare_days(store: Store, place: Place) -> str:
    with place.link(store) as link:
        return days.prove_days(store, link).trouble


def mirror(store: Store, place: Place) -> str:
    """A verified copy on another disk: while there are events that HQ has not, and once a day."""
    if place.mirror_folder is None:
        return ""
    now_ms, connection = store.clock.wall_ms(), store.connection
    last = sync_state.runs(connection).get(sync_state.MIRRORED)
    is_fresh = last is not None and 0 <= now_ms - last.ran_ms < DAY_MS
    if is_fresh and not sync_state.waiting(connection, sync_state.mirrored_id(connection)).events:
        return ""
    upto, _, _, head = journal.head(connection)  # before the copy: it holds at least this
    copy = backup.backup(store.path, place.mirror_folder)
    with store.transaction():
        sync_state.note_mirrored(connection, now_ms, upto, head)
    older = sorted(place.mirror_folder.glob(f"{store.path.stem}-*.sqlite"))[:-COPIES]
    for path in older:
        if path != copy:
            path.unlink(missing_ok=True)
    return ""


JOBS = (
    Job("fold_stock", 20, fold_stock),
    Job("checkpoint", 30, checkpoint),
    Job("compare", 300, compare),
    Job("compare_days", 900, compare_days),
    Job("mirror", 600, mirror),
)


def scheduler(place: Place, jobs: tuple[Job, ...] = JOBS) -> BackgroundScheduler:
    """The jobs, ready to start; one at a time, a late one once."""
    made = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")
    for job in jobs:
        made.add_job(
            run_job, "interval", (job, place), id=job.name, seconds=job.every_s, coalesce=True, max_instances=1,
            misfire_grace_time=None,
        )  # fmt: skip
    return made


def run_job(job: Job, place: Place) -> str:
    """One run of a job, whatever happens; its outcome is noted in the store."""
    with Store.open(place.path) as store:
        outcome = _outcome(job, store, place)
        with store.transaction() as connection:
            sync_state.note_run(connection, job.name, store.clock.wall_ms(), outcome)
    return outcome


def _outcome(job: Job, store: Store, place: Place) -> str:
    try:
        return job.run(store, place)
    except Unreachable as error:
        return HQ_KEY if isinstance(error, Untrusted) else UNREACHABLE
    except Refused as refused:
        return refused.problem.code
    except LanewiseError as error:
        log.warning("job %s: %s", job.name, error)
        return error.refusal.code
