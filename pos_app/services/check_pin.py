"""PINs: argon2, made to be slow; screens run the check in a thread."""

import subprocess
import sys
from functools import cache
from typing import Any

from pos_app.domain.lane.intents import CheckPin, PinChecked
from pos_app.pin_worker import NO
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


def check_pin_outside(row: StaffRow | None, effect: CheckPin) -> PinChecked:
    """`check_pin` in a process of its own, for a screen that stays; in this one where no process can be started."""
    if row is None:
        return check_pin(row, effect)
    command = [sys.executable, "-m", "pos_app.pin_worker"]
    try:
        done = subprocess.run(command, input=f"{row.pin_hash}\n{effect.pin}\n", text=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return check_pin(row, effect)
    if done.returncode == 0:
        return PinChecked(effect.purpose, row.staff, row.name, row.role)
    return PinChecked(effect.purpose, None) if done.returncode == NO else check_pin(row, effect)


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
