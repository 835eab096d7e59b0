"""Whether this shop hears HQ, for the line of every lane that says so."""

from pos_app.domain.link import Link, link
from store_db import sync_state
from store_db.store import Store


def hear_hq(store: Store) -> Link:
    """Read from the file, where the agent notes it; no network, well under a millisecond."""
    line = sync_state.line_state(store.connection)
    now_ms = store.clock.wall_ms()
    return link(line.is_enrolled, line.is_frozen, line.failing_since_ms, line.last_contact_ms, now_ms, line.waiting_sales)
