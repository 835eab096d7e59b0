"""The print spool: a job is a row that commits with its sale. queued -> done; unsure after a crash: it prints again, marked."""

from store_db.connection import Connection
from store_db.store import Store

RECEIPT, COPY, X_REPORT, Z_REPORT = "receipt", "copy", "x_report", "z_report"


def add_job(connection: Connection, lane: str, journal_id: int, kind: str) -> None:
    connection.execute(
        "INSERT INTO print_jobs (lane, journal_id, kind, state, tries) VALUES (?,?,?,'queued',0)", (lane, journal_id, kind)
    )


def waiting(connection: Connection, lane: str) -> list[tuple[int, int, str, str]]:
    """(job, journal id, kind, state) of a lane's jobs without paper yet, oldest first."""
    sql = "SELECT id, journal_id, kind, state FROM print_jobs WHERE state != 'done' AND lane = ? ORDER BY id"
    return [tuple(row) for row in connection.execute(sql, (lane,))]


def mark_unsure(store: Store, lane: str) -> None:
    """At a lane's start: a job that is not done may have come out before the end of the last run, nobody knows."""
    if any(state == "queued" for *_, state in waiting(store.connection, lane)):
        with store.transaction() as connection:
            connection.execute("UPDATE print_jobs SET state = 'unsure' WHERE state = 'queued' AND lane = ?", (lane,))


def set_state(connection: Connection, job_id: int, state: str) -> None:
    connection.execute("UPDATE print_jobs SET state = ?, tries = tries + 1 WHERE id = ?", (state, job_id))
