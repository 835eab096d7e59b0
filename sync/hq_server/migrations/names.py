"""Which tables of the database the migrations answer for."""

import re
from typing import Any


def is_ours(name: str | None, kind: str, parent: Any) -> bool:
    """Partitions of the log are made with it, and are in no metadata."""
    return not (kind == "table" and name is not None and re.fullmatch(r"log_\d+|alembic_version", name))
