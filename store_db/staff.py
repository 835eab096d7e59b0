"""Staff: numbers, roles, hashed PINs and badges. Reference data; payloads name staff by number only."""

from dataclasses import dataclass

from store_db.connection import Connection


@dataclass(frozen=True, slots=True)
class StaffRow:
    staff: str
    name: str
    role: str
    pin_hash: str
    badge: str | None


SELECT = "SELECT staff, name, role, pin_hash, badge FROM staff WHERE active = 1 AND "


def by_number(connection: Connection, staff: str) -> StaffRow | None:
    row = connection.execute(SELECT + "staff = ?", (staff,)).fetchone()
    return StaffRow(*row) if row else None


def by_badge(connection: Connection, badge: str) -> StaffRow | None:
    row = connection.execute(SELECT + "badge = ?", (badge,)).fetchone()
    return StaffRow(*row) if row else None


def revoke(connection: Connection, staff: str) -> None:
    """From now on this number opens nothing; what it did stays."""
    connection.execute("UPDATE staff SET active = 0 WHERE staff = ?", (staff,))


def put_staff(connection: Connection, row: StaffRow) -> None:
    connection.execute(
        "INSERT INTO staff VALUES (?,?,?,?,?,1) ON CONFLICT (staff) DO UPDATE SET name = excluded.name, "
        "role = excluded.role, pin_hash = excluded.pin_hash, badge = excluded.badge, active = 1",
        (row.staff, row.name, row.role, row.pin_hash, row.badge),
    )
