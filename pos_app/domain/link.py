"""Whether a shop hears HQ, as every lane shows it."""

from typing import NamedTuple

LOCAL, CONNECTED, CUT_OFF, FROZEN = "local", "connected", "cut_off", "frozen"
SILENCE_MS = 40_000  # a waiting pull is answered, or not, within 25 s


class Link(NamedTuple):
    """`state`; since when nothing was heard (ms); sales that wait to go up. LOCAL: a shop without an HQ."""

    state: str = LOCAL
    cut_off_ms: int = 0
    sales_waiting: int = 0


NO_HQ = Link()


def link(is_enrolled: bool, is_frozen: bool, failing_since_ms: int, contact_ms: int, now_ms: int, sales_waiting: int) -> Link:
    """Cut off from the first failure on; or, when no agent runs at all, after a silence longer than any answer takes.

    Contact at 10:00:00, failing since 10:00:05, now 10:12:40: cut off for 12 minutes 40.
    """
    if not is_enrolled:
        return NO_HQ
    silent_ms = max(0, now_ms - contact_ms)
    if is_frozen:
        return Link(FROZEN, silent_ms, sales_waiting)
    if failing_since_ms or silent_ms > SILENCE_MS:
        return Link(CUT_OFF, silent_ms, sales_waiting)
    return Link(CONNECTED, 0, sales_waiting)


def clock_text(duration_ms: int) -> str:
    """`hh:mm:ss`, the hours as many as there are: clock_text(760_000) == "00:12:40"."""
    seconds = duration_ms // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
