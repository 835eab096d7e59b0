"""What `pos sync status` says: whether HQ is heard, what waits, whether both sides are equal, how old everything pulled is."""

from dataclasses import asdict, dataclass
from typing import Any

from store_db import hq_rows, sync_state
from store_db.hq_rows import RefusedRow
from store_db.store import Store
from store_db.sync_state import Chain, Run, Waiting
from sync import days

ACTIVE, CUT_OFF, FROZEN, LOCAL = "connected", "cut off", "frozen", "not enrolled"


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Times are of this machine's clock (ms), 0 for never. `since_ms`: since when the line is as `line` says."""

    line: str
    since_ms: int
    url: str
    contact_ms: int
    trouble: str
    waiting: Waiting
    unreplicated: Waiting
    chains: list[Chain]
    proof: Run | None
    days: Run | None
    quarantined: int
    refused: list[RefusedRow]
    topics: dict[str, int]
    runs: dict[str, Run]

    @property
    def is_equal(self) -> bool | None:
        """Whether the last proofs found both sides equal; None before the first."""
        found = [run.equal for run in (self.proof, self.days) if run is not None and run.equal is not None]
        return all(found) if found else None

    def as_json(self) -> dict[str, Any]:
        plain = asdict(self) | {"is_equal": self.is_equal}
        plain["chains"] = [_chain_json(chain) for chain in self.chains]
        for name in ("waiting", "unreplicated"):
            plain[name] = getattr(self, name)._asdict()
        for name in ("proof", "days"):
            plain[name] = run._asdict() if (run := getattr(self, name)) is not None else None
        plain["refused"] = [row._asdict() for row in self.refused]
        plain["runs"] = {job: run._asdict() for job, run in self.runs.items()}
        return plain


def _chain_json(chain: Chain) -> dict[str, Any]:
    return {
        "device": chain.device.hex(), "epoch": chain.epoch.hex(), "branch": chain.branch.hex(), "base_seq": chain.base_seq,
        "acknowledged_seq": chain.seq, "end_seq": chain.end_seq, "upstream_seq": chain.upstream_seq, "hash": chain.hash.hex(),
        **chain.sums._asdict(),
    }  # fmt: skip


def status(store: Store) -> SyncStatus:
    """Read from the file alone; HQ is not asked."""
    connection = store.connection
    known, runs = sync_state.hq(connection), sync_state.runs(connection)
    failing_ms, connected_ms = sync_state.failing_since(connection), sync_state.connected_since(connection)
    if known is None:
        line, since_ms = LOCAL, 0
    elif known.frozen:
        line, since_ms = FROZEN, known.contact_ms
    else:
        line, since_ms = (CUT_OFF, failing_ms) if failing_ms else (ACTIVE, connected_ms)
    return SyncStatus(
        line=line, since_ms=since_ms, url=known.url if known else "", contact_ms=known.contact_ms if known else 0,
        trouble=runs[sync_state.LINE].outcome if sync_state.LINE in runs else "", waiting=sync_state.waiting(connection),
        unreplicated=sync_state.waiting(connection, sync_state.mirrored_id(connection)), chains=sync_state.chains(connection),
        proof=runs.get(sync_state.PROOF), days=runs.get(days.RUN),
        quarantined=int(runs[sync_state.QUARANTINE].outcome) if sync_state.QUARANTINE in runs else 0,
        refused=hq_rows.refused(connection), topics=hq_rows.ages_ms(connection), runs=runs,
    )  # fmt: skip
