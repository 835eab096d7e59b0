"""The invariants, judged by plain SQL over the files of both sides: nothing here asks the code under test.

At each step: what a till counts as acknowledged is at HQ, its sums are those of its journal, no cursor is ahead of its rows,
no chain at HQ has a hole.
At rest: each event of each surviving file is at HQ exactly once, nothing counts twice, both sides hold the same.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pos_app.domain.events import GENESIS, Header, chain_hash
from pos_app.domain.proof import Sums, sums_of
from store_db.sync_state import HELD
from store_db.verify import verify
from sync.protocol import MAIN
from tests.sim import tables

if TYPE_CHECKING:
    from tests.sim.headquarters import Headquarters
    from tests.sim.machine import Machine
    from tests.sim.world import World

JOURNAL = "device, epoch, seq, uid, kind, schema, lane, business_date, wall_ms, mono_ms, boot_id, hq_offset_ms, payload, hash"
REBUILT_EVERY = 10  # seeds: HQ's own rebuild, beside the tables that are counted here each time
JOINS = "till_joins_hub"
LOST, DOUBLED, UNEQUAL, OTHER = "lost", "doubled", "unequal", "other"
THROWN = "thrown"  # no invariant: the code under test raised what nobody caught


class Violation(AssertionError):
    """An invariant does not hold; `sort` is lost, doubled, unequal or other."""

    def __init__(self, sort: str, text: str) -> None:
        self.sort = sort
        super().__init__(f"{sort}: {text}")


class Ledger:
    """What was promised so far, and whether it is kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.marks: dict[tuple[str, bytes, bytes, bytes], tuple[Any, ...]] = {}
        self.acknowledged: dict[str, dict[bytes, str]] = {}  # server -> hash -> where it was told so, since its last restore
        self.cursors: dict[tuple[str, str], tuple[bytes, int]] = {}

    def restored(self, server: Headquarters) -> None:
        """What only the lost part of a server held is promised by nobody, until a till offers it again."""
        self.acknowledged.pop(server.name, None)
        if self.world.hub:
            self.world.hub.ledger.forget()

    def file_changed(self, machine: Machine) -> None:
        """Another file is in the place of this one, or it is new: what it believes, it learned at another time."""
        for chain, seen in self._marks_of(machine):
            self.marks[machine.name, *chain] = seen
        for topic, at in self._cursors_of(machine):
            self.cursors[machine.name, topic] = at

    # -------------------------------------------------------------- at each step

    def after_step(self) -> None:
        for machine in self.world.machines:
            self._check_marks(machine)
            self._check_cursors(machine)
        for server in self.world.servers:
            self._check_dense(server)
        if self.world.hub:
            self.world.hub.ledger.after_step()

    def _check_dense(self, server: Headquarters) -> None:
        """No chain has a hole."""
        for row in server.rows("SELECT epoch, base_seq, seq, events FROM chains WHERE events <> seq - base_seq"):
            raise Violation(LOST, f"{server.name}: chain {row[0].hex()[:6]} goes from {row[1]} to {row[2]} with {row[3]} events")

    def _marks_of(self, machine: Machine) -> list[tuple[tuple[bytes, bytes, bytes], tuple[Any, ...]]]:
        """(device, epoch, branch) -> (base_seq, seq, hash, the four sums)."""
        rows = machine.store.connection.execute(
            "SELECT device, epoch, branch, base_seq, seq, hash, events, money_fen, points, quantity FROM sync_marks"
        )
        return [((bytes(row[0]), bytes(row[1]), bytes(row[2])), (row[3], row[4], bytes(row[5]), *row[6:])) for row in rows]

    def _check_marks(self, machine: Machine) -> None:
        for (device, epoch, branch), seen in self._marks_of(machine):
            key = (machine.name, device, epoch, branch)
            before = self.marks.get(key)
            if before == seen:
                continue
            self.marks[key] = seen
            base_seq, seq, mark_hash, *sums = seen
            if branch != HELD:  # what HQ holds elsewhere has no sums of its own
                self._check_sums(machine, (device, epoch), base_seq, seq, Sums(*sums))
            if seq and (before is None or before[1] < seq):
                self._check_held(machine, device, epoch, seq, mark_hash)

    def _check_sums(self, machine: Machine, chain: tuple[bytes, bytes], base_seq: int, seq: int, sums: Sums) -> None:
        own = Sums()
        for kind, payload in machine.store.connection.execute(
            "SELECT kind, payload FROM journal WHERE device = ? AND epoch = ? AND seq > ? AND seq <= ?", (*chain, base_seq, seq)
        ):
            own = own.plus(sums_of(kind, payload))
        if own != sums:
            raise Violation(UNEQUAL, f"{machine.name}: sums kept {tuple(sums)} of {base_seq}+1..{seq} are {tuple(own)}")

    def _check_held(self, machine: Machine, device: bytes, epoch: bytes, seq: int, mark_hash: bytes) -> None:
        own = machine.store.connection.execute(
            "SELECT hash FROM journal WHERE device = ? AND epoch = ? AND seq = ?", (device, epoch, seq)
        ).fetchone()
        if own is None or bytes(own[0]) != mark_hash:
            raise Violation(OTHER, f"{machine.name}: the mark {seq} is not of its own journal")
        if not machine.server.rows("SELECT 1 FROM log WHERE device = ? AND epoch = ? AND seq = ? AND hash = ?",
                                   (device, epoch, seq, mark_hash)):  # fmt: skip
            raise Violation(LOST, f"{machine.name}: {seq} counts as acknowledged and {machine.server.name} has not got it")
        self.acknowledged.setdefault(machine.server.name, {})[mark_hash] = f"{machine.name} {seq}"

    def _check_cursors(self, machine: Machine) -> None:
        """Every row of HQ's up to the cursor is there, as HQ has it now or as it was."""
        for topic, now in self._cursors_of(machine):
            if self.cursors.get((machine.name, topic)) == now or machine.server.generation() != now[0]:
                continue
            self.cursors[machine.name, topic] = now
            self._check_rows(machine, topic, now[1])

    def _cursors_of(self, machine: Machine) -> list[tuple[str, tuple[bytes, int]]]:
        """topic -> (generation, rev)."""
        rows = machine.store.connection.execute("SELECT topic, generation, rev FROM sync_cursors")
        return [(topic, (bytes(generation), rev)) for topic, generation, rev in rows]

    def _check_rows(self, machine: Machine, topic: str, rev: int) -> None:
        held = dict(machine.store.connection.execute("SELECT key, rev FROM hq_rows WHERE topic = ?", (topic,)).fetchall())
        for key, (row_rev, body) in machine.server.topic(topic, machine.store.device.store).items():
            if row_rev <= rev and held.get(key) != (row_rev if body is not None else None):
                raise Violation(
                    UNEQUAL, f"{machine.name}: cursor {topic} {rev} is ahead of row {key} (HQ {row_rev}, till {held.get(key)})"
                )

    # -------------------------------------------------------------- at rest

    def at_rest(self) -> None:
        for server in self.world.servers:
            by_hash = self._check_server(server)
            for machine in self.world.machines:
                if server in (machine.server, self.world.hq):
                    self._check_arrived(machine, server, by_hash)
        for machine in self.world.machines:
            self._check_file(machine)
        if self.world.hub:
            self.world.hub.ledger.at_rest()

    def _check_server(self, server: Headquarters) -> Counter[bytes]:
        """HQ, or the hub of a shop; how often it has each event."""
        log = [dict(row) for row in server.rows("SELECT * FROM log ORDER BY device, epoch, branch, seq")]
        self._check_log(server, log)
        by_hash = Counter(row["hash"] for row in log)
        doubled = [h.hex()[:8] for h, count in by_hash.items() if count > 1]
        if doubled:
            raise Violation(DOUBLED, f"{len(doubled)} events are in {server.name}'s log more than once: {doubled[:3]}")
        missing = [where for h, where in self.acknowledged.get(server.name, {}).items() if not by_hash[h]]
        if missing:
            raise Violation(LOST, f"acknowledged by {server.name} and gone: {missing[:3]}")
        self._check_projections(server, log)
        self._check_lives(server)
        if self.world.seed % REBUILT_EVERY == 0 and (problems := server.proof()):
            raise Violation(UNEQUAL, f"{server.name} does not prove itself: {problems[:3]}")
        return by_hash

    def _check_log(self, server: Headquarters, log: list[dict[str, Any]]) -> None:
        """Each chain is dense and hashed, and its row has its head and its sums."""
        chains: dict[tuple[bytes, bytes, bytes], list[dict[str, Any]]] = {}
        for row in log:
            chains.setdefault((row["device"], row["epoch"], row["branch"]), []).append(row)
        hashes = {(row["device"], row["epoch"], row["seq"], row["hash"]) for row in log}
        kept = {(r["device"], r["epoch"], r["branch"]): r for r in server.rows("SELECT * FROM chains")}
        for key, rows in chains.items():
            name = f"chain {key[1].hex()[:6]}/{key[2].hex()[:6]}"
            previous, first, sums = GENESIS, rows[0]["seq"], Sums()
            if key[2] == MAIN and first != 1:
                raise Violation(OTHER, f"{name} begins at {first}")
            for n, row in enumerate(rows):
                if n == 0 and key[2] != MAIN:
                    previous = self._base(hashes, key, row)
                header = Header(*(row[field] for field in Header.__dataclass_fields__))
                if row["seq"] != first + n or chain_hash(previous, header, row["payload"]) != row["hash"]:
                    raise Violation(OTHER, f"{name} breaks at {row['seq']}")
                previous = row["hash"]
                sums = sums.plus(sums_of(row["kind"], row["payload"]))
            own = kept[key]
            stated = Sums(own["events"], own["money_fen"], own["points"], own["quantity"])
            if (own["seq"], own["hash"]) != (rows[-1]["seq"], previous) or stated != sums:
                raise Violation(UNEQUAL, f"{name}: {server.name}'s row says {own['seq']} {tuple(stated)}, its log {tuple(sums)}")

    def _base(self, hashes: set[tuple[bytes, bytes, int, bytes]], key: tuple[bytes, bytes, bytes], row: dict[str, Any]) -> bytes:
        """The hash that a branch stands on: of an event of its epoch that HQ holds, or of nothing."""
        header = Header(*(row[field] for field in Header.__dataclass_fields__))
        bases = [h[3] for h in hashes if h[:3] == (*key[:2], row["seq"] - 1)] if row["seq"] > 1 else [GENESIS]
        for base in bases:
            if chain_hash(base, header, row["payload"]) == row["hash"]:
                return base
        raise Violation(OTHER, f"branch {key[2].hex()[:6]} stands on nothing at {row['seq']}")

    def _check_arrived(self, machine: Machine, server: Headquarters, by_hash: Counter[bytes]) -> None:
        rows = machine.store.connection.execute("SELECT seq, kind, hash FROM journal").fetchall()
        lost = [(row[0], row[1]) for row in rows if not by_hash[bytes(row[2])]]
        if lost:
            raise Violation(LOST, f"{machine.name}: {len(lost)} of {len(rows)} events are not at {server.name}: {lost[:3]}")

    def _check_file(self, machine: Machine) -> None:
        connection = machine.store.connection
        proof = verify(connection)
        problems = [p for p in proof.problems if "does not add up" not in p]
        if problems or len(proof.problems) > len(self.world.poison):
            raise Violation(OTHER, f"{machine.name} does not verify: {proof.problems[:3]}")
        if not machine.says_equal():
            raise Violation(UNEQUAL, f"{machine.name} does not find itself equal: {machine.last}")
        self._check_topics(machine)

    def _check_topics(self, machine: Machine) -> None:
        for topic in self.world.topics:
            there = {k: bytes(b) for k, (_, b) in self.world.hq.topic(topic, machine.store.device.store).items() if b is not None}
            here = {
                row[0]: bytes(row[1])
                for row in machine.store.connection.execute("SELECT key, body FROM hq_rows WHERE topic = ?", (topic,))
            }
            if here != there:
                wrong = sorted(k for k in here.keys() | there.keys() if here.get(k) != there.get(k))
                raise Violation(UNEQUAL, f"{machine.name}: {topic} differs at {wrong[:5]}")

    def _check_projections(self, hq: Headquarters, log: list[dict[str, Any]]) -> None:
        """What HQ's tables say, against what its log says, one uid once."""
        where = ("store", "device", "epoch", "branch", "seq")
        aside = {tuple(row) for row in hq.rows(f"SELECT {', '.join(where)} FROM quarantine WHERE is_projected = 0")}
        aside |= {tuple(row) for row in hq.rows(f"SELECT {', '.join(where)} FROM waiting")}
        counted = [row for row in log if tuple(row[name] for name in where) not in aside]
        uids = Counter((row["store"], row["uid"]) for row in counted)
        twice = [uid[1].hex()[:8] for uid, count in uids.items() if count > 1]
        if twice:
            raise Violation(DOUBLED, f"{len(twice)} uids are projected twice: {twice[:3]}")
        self._check_aside(hq, log, counted)
        if problem := tables.difference(hq.rows, counted):
            raise Violation(UNEQUAL, f"{hq.name}: {problem}")
        self._check_points(hq.rows("SELECT alias, sum(points) FROM points GROUP BY alias"))

    def _check_aside(self, hq: Headquarters, log: list[dict[str, Any]], counted: list[dict[str, Any]]) -> None:
        """A uid that is good counts once; only what is bad, or not known yet, counts nowhere."""
        known = {(row["store"], row["uid"]) for row in counted}
        if any(row["uid"] in self.world.poison for row in counted):
            raise Violation(UNEQUAL, "an event that does not add up is counted")
        waiting = hq.rows("SELECT count(*) FROM waiting")[0][0]
        novelties = len({row["uid"] for row in log if row["kind"] == "novelty"})
        if waiting != novelties:
            raise Violation(LOST, f"{novelties} events of a kind of tomorrow, and {waiting} wait for it")
        for row in log:
            if (row["store"], row["uid"]) not in known and row["kind"] != "novelty" and row["uid"] not in self.world.poison:
                raise Violation(LOST, f"event {row['seq']} ({row['kind']}) is at {hq.name} and counts nowhere")

    def _check_lives(self, hq: Headquarters) -> None:
        """Who goes back to an epoch it has left is two machines, and is not served; whoever was never copied always is.

        The server that a till speaks to judges that; what a hub relays has been judged there.
        """
        spans = hq.rows(
            "SELECT c.store, c.device, c.number, min(l.rowid) AS first, "
            "max(l.rowid) FILTER (WHERE l.branch = zeroblob(8)) AS last FROM log l "
            "JOIN chains c ON (c.device, c.epoch, c.branch) = (l.device, l.epoch, l.branch) "
            "GROUP BY c.store, c.device, c.number ORDER BY 1, 2, 3"
        )
        active = {row[0] for row in hq.rows("SELECT device FROM devices WHERE state = 'active'")}
        judged = [span[1:] for span in spans if self.world.server_of(span[0]) is hq]
        for (device, _, _, last), (after, _, first, _) in pairwise(judged):
            if device == after and device in active and last is not None and last > first:
                raise Violation(OTHER, f"device {device.hex()[:6]} lives twice and is served")
        # an agent that asks under its old key while the answer to its enrolment is lost goes on as an heir
        copied = ("till_cloned_detected", "till_cloned_undetected", "till_restored_detected", "till_restored_undetected", JOINS)
        if not any(self.world.faults.counts[name] for name in copied) and hq.rows("SELECT 1 FROM devices WHERE state = 'frozen'"):
            raise Violation(OTHER, "a device was frozen that was never copied")

    def _check_points(self, balances: list[Any]) -> None:
        from tests.sim.steps import POINTS_CAP

        worst = self.world.lives * POINTS_CAP
        for alias, balance in balances:
            if balance < -worst:
                raise Violation(OTHER, f"points of {alias}: {balance}, more than {worst} overdrawn")
