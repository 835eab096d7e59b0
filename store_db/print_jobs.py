"""The print spool: a job is a row that commits with its sale. queued -> done, or stays and is tried again."""

from store_db.connection import Connection

RECEIPT, COPY, X_REPORT, Z_REPORT = "receipt", "copy", "x_report", "z_report"


def add_job(connection: Connection, lane: str, journal_id: int, kind: str) -> None:
    connection.execute(
        "INSERT INTO print_jobs (lane, journal_id, kind, state, tries) VALUES (?,?,?,'queued',0)", (lane, journal_id, kind)
    )


def waiting(connection: Connection, lane: str, since: int = 0) -> list[tuple[int, int, str]]:
    """(job, journal id, kind) of a lane's jobs after `since` without paper yet, oldest first."""
    sql = "SELECT id, journal_id, kind FROM print_jobs WHERE id > ? AND state != 'done' AND lane = ? ORDER BY id"
    return [tuple(row) for row in connection.execute(sql, (since, lane))]


def set_state(connection: Connection, job_id: int, state: str) -> None:
    connection.execute("UPDATE print_jobs SET state = ?, tries = tries + 1 WHERE id = ?", (state, job_id))
