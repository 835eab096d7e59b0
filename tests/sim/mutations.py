"""The protocol broken by hand, one rule at a time; each break is caught by its pinned seed, which is clean without it.

A mutation replaces a few words of a real function's source. Words that are not there any more fail loudly, so a mutation
never outlives the rule that it breaks. `python -m tests.sim.mutations` looks for a seed for those that have none.
"""

# ruff: noqa: E501  (a mutation quotes the source as it stands)
from __future__ import annotations

import contextlib
import importlib
import inspect
import shutil
import textwrap
from collections.abc import Iterator
from types import FunctionType
from typing import Any, NamedTuple

LOSS = {"answer_lost": 0.15, "request_lost": 0.1, "doubled": 0.15, "delayed": 0.1}
KILLS = {
    "killed_at_transaction": 0.05,
    "killed_inside_transaction": 0.05,
    "killed_at_answer": 0.1,
    "hq_killed_before_answer": 0.1,
}
HQ_KILLS = {"hq_killed_before_commit": 0.25, "hq_killed_before_answer": 0.1}
LIES = {"impostor": 0.15, "stale_answer": 0.2, "captive_portal": 0.1, "truncated": 0.1}
OLD_COPY = {"till_restored_undetected": 9.0, "same_basket": 6.0}
CLONES = {"till_cloned_undetected": 7.0, "delayed": 0.05}
HUB_OLD = {"hub_put_back_told": 5.0, "hub_put_back_untold": 5.0}
WITH_HUB = {"hub": 1.0}
HQ_OLD = {"hq_restored_told": 5.0, "hq_restored_untold": 5.0}
TWINS = {"two_agents": 12.0, "meanwhile": 0.3}
DATA = {"poison": 6.0, "unknown_kind": 6.0, "coupon_twice": 4.0}
FEED_MOVES = {"publish": 30.0, "pull": 30.0}  # ordinary steps, more often than elsewhere
HARD = OLD_COPY | CLONES | HQ_OLD


TRIED_MAX = 40
DEFENDED = {"an overlap is stored again", "uids are not claimed"}  # a unique constraint stops the fault before it is one


class Mutation(NamedTuple):
    """`where` is module:function; `old` becomes `new` in its source; `faults` are those that bring it to light."""

    name: str
    where: str
    old: str
    new: str
    faults: dict[str, float]
    seed: int = -1


LOG, FORK, HELLO, PUSH, AGENT = "sync.hq_server.log:", "sync.fork:", "sync.hello:", "sync.push:", "sync.agent:Agent."
STATE, FEED, PULL, APPLY = "store_db.sync_state:", "sync.hq_server.feed:", "sync.pull:", "sync.apply:"
LINK, ROWS = "sync.link:Link.", "sync.hq_server.rows:"
DEVICES, PROJECTIONS, RELAY = "sync.hq_server.devices:", "sync.hq_server.projections:", "sync.hq_server.relay:Relay."

MUTATIONS = (
    # what HQ takes in
    Mutation("overlap is not compared by hash", LOG + "_place", "if before != hash_at(", "if False and before != hash_at(", OLD_COPY, 0),
    Mutation("a gap is taken in", LOG + "_place", "return Problem(code=protocol.GAP, mark=chain.mark, generation=generation)",
             "return chain, events", HQ_OLD, 0),
    Mutation("an overlap is stored again", LOG + "_place", "fresh = events[held:]", "fresh = events", LOSS, 0),
    Mutation("what another branch holds is stored again", LOG + "_place",
             "_held_elsewhere(connection, owner, known, message.chain, fresh) if fresh else None", "None", HARD, 25),
    Mutation("acknowledged before commit", LOG + "push", "with hq.database.write() as connection:",
             "with __import__('contextlib').suppress(BaseException), hq.database.write() as connection:", HQ_KILLS, 0),
    Mutation("uids are not claimed", LOG + "_claim_uids", "return {first[bytes(uid)] for uid in rows.scalars()}",
             "return set(first.values())", OLD_COPY, 3),
    Mutation("a doubled uid vanishes", LOG + "_append", "if event.header.seq not in fresh:", "if False:", OLD_COPY, 3),
    Mutation("sums at HQ are not kept in step", LOG + "_append", "_total(chain.sums, added)", "_total(chain.sums, added[:-1])", {}, 0),
    Mutation("two machines under one id are served", LOG + "_is_second_life",
             "return chain.number < max((other.number for other in known.values()), default=0)", "return False", CLONES, 1),
    Mutation("an heir counts as a second life", LOG + "_is_second_life", "or caller.device != owner.device", "", CLONES, 1),
    Mutation("an heir may not speak for its ancestor", DEVICES + "lock_owner",
             "and device not in ancestors(connection, caller.device)", "", CLONES, 1),
    Mutation("an heir does not say whose it is", "sync.enrol:_message", 'heir_of=ancestors[0] if ancestors else b""', 'heir_of=b""', CLONES, 1),
    Mutation("one bad event holds up the rest", PROJECTIONS + "project",
             "aside.append((event, quarantine.BROKEN, str(error)))",
             "from sync.hq_server.hq import Rejected; raise Rejected('SYNC-BROKEN') from error", DATA, 0),
    Mutation("what does not add up is counted", ROWS + "rows_of", "if not accept:", "if False:", DATA, 0),
    Mutation("a kind of tomorrow is dropped", PROJECTIONS + "project", "_wait(connection, store, event, branch)", "pass", DATA, 1),
    # what HQ makes of events
    Mutation("a coupon's second use is dropped", PROJECTIONS + "write", "by_table.get(table, ()))",
             "[row for row in by_table.get(table, ()) if table.name != 'coupon_uses' or not "
             "connection.exec_driver_sql('SELECT 1 FROM coupon_uses WHERE code = ?', row[:1]).first()])", DATA, 0),
    Mutation("points count twice", ROWS + "_member_points", "move.points,", "2 * move.points,", {}, 0),
    Mutation("points are dropped", ROWS + "_member_points", "for move in moves:", "for move in ():", {}, 0),
    Mutation("a tender counts twice", ROWS + "_sale", "tender.amount_fen,", "2 * tender.amount_fen,", {}, 0),
    Mutation("a tax counts twice", ROWS + "_sale", "tax.net_fen, tax.tax_fen", "2 * tax.net_fen, 2 * tax.tax_fen", {}, 0),
    Mutation("a return gives no tender back", ROWS + "_return", "for refund in back.refunds:", "for refund in ():", {}, 1),
    Mutation("a return gives no tax back", ROWS + "_return", "for tax in back.taxes:", "for tax in ():", {}, 1),
    Mutation("a Z is dropped", ROWS + "_closed", "yield to.shifts_closed, (", "return\n    yield to.shifts_closed, (",
             {"day_closed": 5.0}, 0),
    # what a till believes
    Mutation("an answer that HQ did not sign is believed", LINK + "_check", "if key and not", "if False and not", LIES, 0),
    Mutation("an old answer to another request is believed", "sync.signing:answer_text", "request_signature, str(status)", "str(status)",
             OLD_COPY | {"hq_restored_untold": 10.0, "stale_answer": 0.2}, 55),
    Mutation("an answer of another generation is taken", PUSH + "push_batch", "if ack.generation != known.generation:",
             "if False:", HQ_OLD | LIES, 1),
    Mutation("sums at the till are not kept in step", PUSH + "acknowledge", "chain.sums.plus(batch.sums)", "chain.sums", {}, 0),
    Mutation("a lost answer counts as a yes", PUSH + "push_batch", "raise OtherGeneration", "return Step(1)", HQ_OLD, 0),
    Mutation("an event is skipped", PUSH + "acknowledge", "    is_batch = seq ==",
             "    seq = min(seq + 1, chain.end_seq)\n    hash = sync_state.hash_at(store.connection, chain, seq)\n    is_batch = seq ==", {}, 2),
    # when something was put back
    Mutation("what HQ lost is not offered again", HELLO + "greet", "if mark.seq < chain.seq and", "if False and mark.seq < chain.seq and",
             HQ_OLD, 0),
    Mutation("only the live epoch is offered again", HELLO + "greet", "if mark.seq < chain.seq and",
             "if chain.is_live and mark.seq < chain.seq and", HQ_OLD | {"till_restored_detected": 5.0}, 2),
    Mutation("sums do not go back with the mark", HELLO + "_take", "*mark, b\"\", 0, total)", "*mark, b\"\", 0, chain.sums)", HQ_OLD, 0),
    Mutation("the generation is ignored", HELLO + "_take", "sync_state.note_welcome(connection, welcome.generation,",
             "sync_state.note_welcome(connection, known.generation,", HQ_OLD, 0),
    Mutation("the branch begins one too late", FORK + "last_common", "return first_difference(0, high, is_equal) - 1",
             "return first_difference(0, high, is_equal)", OLD_COPY, 0),
    Mutation("the branch begins where HQ's chain ends", FORK + "settle", "last_common(store.connection, link, main, theirs.seq)",
             "min(theirs.seq, main.end_seq)", OLD_COPY, 0),
    Mutation("all branches of an epoch have one name", "sync.protocol:branch_of", "epoch + hash_at_end", "epoch", OLD_COPY | {"till_cloned_undetected": 9.0, "hq_restored_untold": 3.0}, 0),
    Mutation("what HQ holds elsewhere is not passed over", FORK + "pass_over", "if is_ours and", "if False and", HARD, 25),
    Mutation("a frozen till does not notice", AGENT + "_refused", "is_frozen=code in (FROZEN, UNSIGNED)", "is_frozen=False", CLONES, 1),
    Mutation("an heir keeps the old id", "sync.enrol:_new", "store.ids.random(16) if is_heir else own", "own", CLONES, 1),
    # what the journal writes
    Mutation("an epoch goes on counting", "store_db.journal:append", "seq, previous = 0, GENESIS", "previous = GENESIS",
             {"till_restored_detected": 9.0}, 0),
    Mutation("a seq is used again", "store_db.journal:append", "seq=seq + 1", "seq=max(seq, 1)", {}, 0),
    Mutation("a new epoch does not name what it follows", "store_db.store:Store.begin_epoch",
             "parent = (epoch.hex(), seq, previous.hex()) if seq else (\"\", 0, \"\")", "parent = (\"\", 0, \"\")",
             {"till_restored_detected": 9.0}, 0),
    # what comes down
    Mutation("the cursor moves before the rows", APPLY + "apply_rows", "    with store.transaction() as connection:\n",
             "    with store.transaction() as connection:\n        hq_rows.set_cursor(connection, topic, to, 0)\n    seen = to\n"
             "    with store.transaction() as connection:\n", KILLS | FEED_MOVES | {"killed_at_transaction": 0.2}, 0),
    Mutation("a tombstone is not applied", APPLY + "_keep", "hq_rows.drop_row(connection, topic, row.key)", "pass", FEED_MOVES, 1),
    Mutation("a rev is given twice", FEED + "publish", "first = last - len(newest) + 1", "first = last - len(newest)", {}, 0),
    Mutation("a page passes rows that it left out", FEED + "_page", "rev=rows[-1].rev if more else upto", "rev=upto", {}, 0),
    Mutation("no cursor is ever gone", FEED + "pages", "gone = {topic for topic, after in cursors.items() if",
             "gone = {topic for topic, after in cursors.items() if False and", HQ_OLD, 2),
    Mutation("revs of a restored HQ go on where the copy ends", FEED + "begin_run", "+ RUN_REVS +", "+ 0 * RUN_REVS + 0 *", {"hq_restored_untold": 9.0} | FEED_MOVES, 37),
    Mutation("a cursor is believed whatever its HQ has lost since", FEED + "pages", "if newest > state.rev or any(", "if any(",
             {"hq_restored_untold": 9.0} | FEED_MOVES, 77),
    Mutation("a shop gets another shop's rows", FEED + "pages", "_page(connection, topic, store,", "_page(connection, topic, 'S001',", {}, 0),
    Mutation("a snapshot leaves old rows", PULL + "differences", "yield Row(0, here.key, None)", "pass", HQ_OLD, 2),
    Mutation("a snapshot's cursor moves first", PULL + "load_snapshot",
             "done = _apply_differences(", "apply_rows(store, {}, topic, (), at, Cursor(offer.generation, offer.rev)); done = _apply_differences(",
             HQ_OLD | KILLS, 0),
    Mutation("a snapshot half applied is forgotten", PULL + "pull_page", "else STALE for", "else 0 if at == HALF else STALE for",
             HQ_OLD | FEED_MOVES | {"killed_at_transaction": 0.2}, 59),
    # what a hub does between its tills and HQ
    Mutation("the hub counts as relayed what HQ has not acknowledged", RELAY + "_offer", "ack = self._link.call(protocol.PUSH, push, Ack)",
             "self._put(one._replace(mark=Mark(events[-1].header.seq, events[-1].hash))); ack = self._link.call(protocol.PUSH, push, Ack)",
             WITH_HUB | LOSS, 0),
    Mutation("the hub believes an answer that HQ did not sign", LINK + "_check", "if key and not",
             "if self._store is not None and key and not", WITH_HUB | LIES, 2),
    Mutation("the hub changes what it relays", RELAY + "_offer", "(event.header, event.payload) for", "(event.header, event.payload + b' ') for",
             WITH_HUB, 0),
    Mutation("the hub does not relay branches", RELAY + "relay_once", "if one.chain.device in stopped or",
             "if any(one.chain.branch) or one.chain.device in stopped or", WITH_HUB | OLD_COPY, 2),
    Mutation("the hub does not relay again what HQ lost", RELAY + "hello", "self._go_on_from(one, marks.get(one.at_hq, EMPTY))", "pass",
             WITH_HUB | HQ_OLD, 4),
    Mutation("the hub's branch begins one too late", RELAY + "_last_common", "is_equal) - 1", "is_equal)", WITH_HUB | OLD_COPY | HUB_OLD, 15),
    Mutation("the hub's branch has its chain's name", RELAY + "_fork", "at_hq=one.chain._replace(branch=branch), ", "",
             WITH_HUB | OLD_COPY | HUB_OLD, 15),
    Mutation("the hub does not see what HQ holds under another name", RELAY + "_fork",
             "problem.mark if problem.detail == HELD_ELSEWHERE else None", "None",
             WITH_HUB | OLD_COPY | CLONES | {"till_joins_hub": 8.0}, 0),
    Mutation("what a hub relays counts as a second life", LOG + "_is_second_life", "or caller.device != owner.device", "",
             WITH_HUB | {"till_restored_detected": 9.0} | HUB_OLD | HQ_OLD, 10),
    Mutation("the hub keeps what HQ took away", RELAY + "_load", "[*rows, *gone]", "rows", WITH_HUB | HQ_OLD | FEED_MOVES, 0),
    Mutation("the hub says itself what is an exception", "sync.hq_server.exceptions:tell_shops", "and not is_hub(connection)", "",
             WITH_HUB | DATA | HUB_OLD | {"clock_jump": 5.0}, 6),
)  # fmt: skip


@contextlib.contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """The real function with a few words changed, wherever it was imported to."""
    function = _function(mutation.where)
    source = textwrap.dedent(inspect.getsource(function))
    if mutation.old not in source:
        raise LookupError(f"{mutation.name}: {mutation.where} has no {mutation.old!r}")
    names: dict[str, Any] = {}
    exec("from __future__ import annotations\n" + source.replace(mutation.old, mutation.new), function.__globals__, names)
    changed, kept = inspect.unwrap(names[function.__name__]), function.__code__
    function.__code__ = changed.__code__
    try:
        yield
    finally:
        function.__code__ = kept


def _function(where: str) -> FunctionType:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    function = inspect.unwrap(found)
    assert isinstance(function, FunctionType)
    return function


def main() -> None:
    """For each mutation the first seed that catches it and is clean without it."""
    import sys

    from tests.sim.run import folder, play

    where = folder()
    for mutation in MUTATIONS:
        if mutation.seed >= 0 if len(sys.argv) == 1 else mutation.name not in sys.argv[1:]:
            continue
        for seed in range(TRIED_MAX):
            with mutated(mutation):
                caught = play(seed, where, options=mutation.faults)
            if caught.sort and not (clean := play(seed, where, options=mutation.faults)).sort:
                print(f"{seed:3} {mutation.name}: {caught.text.splitlines()[0][:110]}", flush=True)
                break
            if caught.sort:
                print(f"    {mutation.name}: seed {seed} is not clean: {clean.text.splitlines()[0][:100]}", flush=True)
        else:
            print(f" -- {mutation.name}", flush=True)
    shutil.rmtree(where)


if __name__ == "__main__":
    main()
