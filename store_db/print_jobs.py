"""The print spool: a job is a row that commits with its sale. queued -> done, or stays and is tried again."""

from store_db.connection import Connection

RECEIPT, COPY, X_REPORT, Z_REPORT = "receipt", "copy", "x_report", "z_report"


def add_job(connection: Connection, journal_id: int, kind: str) -> None:
    connection.execute(
        "INSERT INTO print_jobs (journal_id, kind, state, tries) VALUES (?,?,'queued',0)", (journal_id, kind)
    )


def waiting(connection: Connection) -> list[tuple[int, int, str]]:
    """(job, journal id, kind) of every job without paper yet, oldest first."""
    rows = connection.execute("SELECT id, journal_id, kind FROM print_jobs WHERE state != 'done' ORDER BY id")
    return [(row[0], row[1], row[2]) for row in rows]


def set_state(connection: Connection, job_id: int, state: str) -> None:
    connection.execute("UPDATE print_jobs SET state = ?, tries = tries + 1 WHERE id = ?", (state, job_id))
