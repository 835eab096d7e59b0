"""Stock stays cheap to know where no agent folds it: the lane does, a few sales at a time, while it has nothing else to do."""

import contextlib

from pos_app.domain.errors import StoreError
from store_db import stock
from store_db.store import Store

MANY_EVENTS = 500  # what a look at a good's stock then adds up is still under half a millisecond


def fold_when_many(store: Store) -> bool:
    """One short transaction, if so many moves wait; whether it was made. A full disk is told by the next sale, not by this."""
    if stock.unfolded_events(store.connection) < MANY_EVENTS:
        return False
    with contextlib.suppress(StoreError), store.transaction() as connection:
        stock.fold(connection)
        return True
    return False
