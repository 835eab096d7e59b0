"""Who may look at HQ: a token made by `pos hq init`, and the sessions of the web page. HQ keeps their hashes only."""

import base64
import hashlib
import hmac

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, Text, delete, select

from pos_app.domain.ports import Ids
from sync.hq_server.tables import metadata

TOKEN, SESSION = "token", "session"
PREFIX = "lanewise-"
SECRET_BYTES = 20  # 160 random bits: nobody guesses one, so a plain hash is enough
SESSION_MS = 12 * 3_600_000
FOR_EVER = 1 << 62

operators = Table(
    "operators", metadata,
    Column("hash", LargeBinary, primary_key=True), Column("kind", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False), Column("until_ms", BigInteger, nullable=False),
)  # fmt: skip


def make_token(connection: Connection, ids: Ids, now_ms: int) -> str:
    """A new operator's token; it is shown once and cannot be read again. Those made before end."""
    connection.execute(delete(operators))
    return _make(connection, ids, TOKEN, now_ms, FOR_EVER)


def open_session(connection: Connection, ids: Ids, now_ms: int) -> str:
    """A session of the web page, twelve hours long; sessions that are over go."""
    connection.execute(delete(operators).where(operators.c.until_ms <= now_ms))
    return _make(connection, ids, SESSION, now_ms, now_ms + SESSION_MS)


def close_session(connection: Connection, secret: str) -> None:
    connection.execute(delete(operators).where(operators.c.hash == _hash(secret), operators.c.kind == SESSION))


def is_allowed(connection: Connection, secret: str, kind: str, now_ms: int) -> bool:
    """Whether a token or session of this kind holds now; as slow for a wrong one as for a right one."""
    wanted = _hash(secret)
    known = connection.execute(select(operators.c.hash).where(operators.c.kind == kind, operators.c.until_ms > now_ms))
    matches = [hmac.compare_digest(bytes(one), wanted) for one in known.scalars()]
    return any(matches)


def _make(connection: Connection, ids: Ids, kind: str, now_ms: int, until_ms: int) -> str:
    secret = PREFIX + base64.b32encode(ids.random(SECRET_BYTES)).decode().lower()
    connection.execute(operators.insert().values(hash=_hash(secret), kind=kind, made_ms=now_ms, until_ms=until_ms))
    return secret


def _hash(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode("utf-8", "replace"), digest_size=32, person=b"lanewise-token").digest()
