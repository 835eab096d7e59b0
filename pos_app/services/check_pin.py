"""PINs: argon2, made to be slow; screens run the check in a thread."""

from functools import cache
from typing import Any

from pos_app.domain.lane.intents import CheckPin, PinChecked
from store_db.connection import Connection
from store_db.staff import StaffRow, by_number


@cache
def hasher() -> Any:
    """19 MiB, two passes, one lane: OWASP's second choice for argon2id, made for small machines."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_pin(pin: str) -> str:
    return str(hasher().hash(pin))


def find_staff(connection: Connection, effect: CheckPin) -> StaffRow | None:
    """The row to check against, read on the lane's own connection before the thread starts."""
    return by_number(connection, effect.staff)


def check_pin(row: StaffRow | None, effect: CheckPin) -> PinChecked:
    """Number and PIN against the row; the same work and the same answer for an unknown number as for a wrong PIN."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        hasher().verify(row.pin_hash if row else _nobody(), effect.pin)
    except (VerificationError, InvalidHashError):
        return PinChecked(effect.purpose, None)
    return PinChecked(effect.purpose, row.staff, row.name, row.role) if row else PinChecked(effect.purpose, None)


@cache
def _nobody() -> str:
    return hash_pin("nobody's PIN")
