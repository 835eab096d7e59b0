"""`pos sync …` and `pos agent`: the line of this shop's PC to HQ. The work is in `sync`."""

import argparse
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pos_app.domain.errors import BadInput, LanewiseError, StoreError
from pos_app.domain.plain import printable

if TYPE_CHECKING:
    from pos_app.config import Config
    from store_db.store import Store
    from sync.apply import Takers
    from sync.link import Link
    from sync.status import SyncStatus
    from sync.step import Step

CODES = "exit codes: 0 done, 1 HQ does not hold the same, 2 wrong arguments, 3 refused (the message names its code)"
ACTIONS: dict[str, tuple[str, str]] = {
    "enrol": ("make this shop's file known to HQ by a one-time code", "pos sync enrol --code 7K2Q-M4XW-PLRD-TTA2"),
    "once": ("send and fetch everything now, and prove it", "pos sync once --json"),
    "run": ("send and fetch until stopped, without the timed jobs", "pos sync run"),
    "status": ("is HQ heard, what waits, are both sides equal", "pos sync status --json"),
    "rotate": ("a new key for this device, said under the old one", "pos sync rotate"),
}
# trouble of a step -> the code that people read; POS-7010 for any other
UNEQUAL = "SYNC-UNEQUAL"
CODES_OF_TROUBLE = {
    "SYNC-NOT-ENROLLED": "POS-7001", "SYNC-UNREACHABLE": "POS-7002", "SYNC-FROZEN": "POS-7003", "SYNC-ENROL-CODE": "POS-7004",
    "SYNC-WRONG-STORE": "POS-7004", "SYNC-VERSION": "POS-7005", "SYNC-UNKNOWN-DEVICE": "POS-7006", "SYNC-UNSIGNED": "POS-7006",
    UNEQUAL: "POS-7007", "SYNC-HQ-KEY": "POS-7008", "SYNC-HEIR": "POS-7012", "SYNC-OTHER-HQ": "POS-7013",
}  # fmt: skip


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `sync` with its actions, and `agent`, to the parser of `pos`."""
    about = "This shop's line to headquarters: enrol, send, fetch, prove."
    actions = commands.add_parser("sync", help="the line to headquarters", description=about, epilog=CODES)
    made = {}
    subcommands = actions.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (words, example) in ACTIONS.items():
        made[name] = _common(subcommands.add_parser(name, help=words, description=words, epilog=f"example: {example}. {CODES}"))
    made["enrol"].add_argument("--code", required=True, help="as HQ gave it (pos hq enrol)")
    made["enrol"].add_argument(
        "--hq-key", default="", metavar="KEY", help="HQ's key as it came with the code; another is refused"
    )
    made["enrol"].add_argument(
        "--url", help="address of HQ or of the store hub (default: hub_url or hq_url of the configuration)"
    )
    for name in ("once", "status"):
        made[name].add_argument("--json", action="store_true", help="print one JSON value")
    words = "send, fetch, prove and tidy up until stopped: one a store file"
    _common(commands.add_parser("agent", help=words, description=words, epilog="example: pos agent --store shop.sqlite"))


def _common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--store", metavar="FILE", help="the SQLite file (default: from the configuration)")
    parser.add_argument("--config", metavar="FILE", help="the configuration (default: $LANEWISE_CONFIG, /etc/lanewise/pos.toml)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run one action; refusals are raised with their codes."""
    return RUN[getattr(args, "action", "agent")](args)


# ------------------------------------------------------------------ actions


def enrol(args: argparse.Namespace) -> int:
    from sync import link
    from sync.enrol import enrol as ask

    settings = _config(args)
    url = args.url or settings.hub_url or settings.hq_url
    if not url:
        raise BadInput("POS-7011")
    with _store(args) as store, link.client(url) as client, _in_words():
        ask(store, link.Link(store, client), url, args.code, args.hq_key)
        _tell(f"{store.path}: {store.device.store}, device {store.device.device.hex()}, {url}")
    return 0


def rotate(args: argparse.Namespace) -> int:
    from sync.enrol import rotate as ask

    with _line(args) as (store, link), _in_words():
        ask(store, link)
        _tell(f"{store.path}: a new key")
    return 0


def once(args: argparse.Namespace) -> int:
    """Up, down and proved; the first trouble ends it."""
    import random

    from sync.agent import Agent
    from sync.status import status

    with _line(args) as (store, link):
        agent = Agent(store, link, random=random.SystemRandom(), takers=_takers(args))
        steps = (agent.hello, agent.push_once, agent.pull_once, agent.prove_once, agent.prove_days_once)
        sent, fetched = [_all(step) for step in steps][1:3]
        found = status(store)
        if args.json:
            _tell_json({"sent": sent, "fetched": fetched, **found.as_json()})
        else:
            _tell(f"{sent} events sent, {fetched} rows fetched")
            _tell_status(found)
    return 1 if found.is_equal is False else 0


def _all(step: "Callable[[], Step]") -> int:
    """A step again and again while there is more; how much was done. Raises what stands in its way, but not an inequality."""
    done = 0
    while True:
        one = step()
        done += one.done
        if one.trouble and one.trouble != UNEQUAL:
            raise in_words(one.trouble)
        if not one.more:
            return done


def status_of(args: argparse.Namespace) -> int:
    from sync.status import status

    with _store(args) as store:
        found = status(store)
    if args.json:
        _tell_json(found.as_json())
    else:
        _tell_status(found)
    return 1 if found.is_equal is False else 0


def agent(args: argparse.Namespace) -> int:
    from sync.schedule import JOBS

    return _run(args, JOBS)


def run_bare(args: argparse.Namespace) -> int:
    return _run(args, ())


def _run(args: argparse.Namespace, jobs: tuple[Any, ...]) -> int:
    """Until SIGTERM or Ctrl+C; 70 when a thread broke."""
    from pos_app import logs
    from sync.lock import agent_lock
    from sync.run_agent import Running

    settings, path = _config(args), _path(args)
    with _store(args):
        pass  # what is wrong with the file is said at once
    logs.start(path.with_name(path.name + ".agent"))
    mirror = Path(settings.mirror_folder) if settings.mirror_folder else None
    with agent_lock(path):
        running = Running(path, _takers(args), mirror, jobs)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: running.stop.set())
        running.start()
        running.stop.wait()
        running.end()
    if running.error is not None:
        logging.getLogger(__name__).error("the agent broke", exc_info=running.error)
        raise running.error
    return 0


def differences_at_hq(args: argparse.Namespace) -> list[str]:
    """For `pos verify --with-hq`: where HQ has not what the journal says."""
    from sync.audit import audit

    with _line(args) as (store, link), _in_words():
        return audit(store, link)


# ------------------------------------------------------------------ what they share


def _config(args: argparse.Namespace) -> "Config":
    from pos_app import config

    return config.load(args.config)


def _path(args: argparse.Namespace) -> Path:
    return Path(args.store or _config(args).store_file)


def _store(args: argparse.Namespace) -> "Store":
    from store_db.store import Store

    return Store.open(_path(args))


@contextlib.contextmanager
def _line(args: argparse.Namespace) -> "Iterator[tuple[Store, Link]]":
    """The store and its line to HQ. Raises StoreError POS-7001 when it is not enrolled."""
    from store_db import sync_state
    from sync.run_agent import open_link

    with _store(args) as store:
        if sync_state.hq(store.connection) is None:
            raise StoreError("POS-7001")
        with open_link(store) as link:
            yield store, link


def _takers(args: argparse.Namespace) -> "Takers":
    """What HQ's rows do here; packages of HQ only where their keys are configured."""
    from pos_app.services.packages import read_keys
    from pos_app.services.take_topics import takers

    folder = _config(args).package_keys
    return takers(read_keys(Path(folder)) if folder else {})


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """What the line raises, as refusals with codes and texts."""
    from sync.link import Refused, Unreachable

    try:
        yield
    except Refused as error:
        raise in_words(error.problem.code, error.problem.detail) from error
    except Unreachable as error:
        raise in_words("SYNC-UNREACHABLE", error.detail) from error


def in_words(trouble: str, detail: str = "") -> LanewiseError:
    """A trouble of the wire as people read it."""
    return StoreError(CODES_OF_TROUBLE.get(trouble, "POS-7010"), code=trouble, where="pos sync status", detail=detail or trouble)


def _tell(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _tell_json(value: Any) -> None:
    _tell(json.dumps(value, ensure_ascii=False))


def _tell_status(found: "SyncStatus") -> None:
    for line in status_lines(found):
        _tell(line)


def status_lines(found: "SyncStatus") -> Iterator[str]:
    """The status for a person, one fact a line."""
    yield f"line        {found.line}{_since(found.since_ms)}  {found.url}" + (f"  {found.trouble}" if found.trouble else "")
    yield f"waiting     {found.waiting.events} events, {found.waiting.sales} sales{_oldest(found.waiting.oldest_ms)}"
    alone = found.unreplicated
    yield f"un-replicated sales: {alone.sales}{_oldest(alone.oldest_ms)}"
    for chain in found.chains:
        name = f"{chain.epoch.hex()}/{chain.branch.hex()[:4]}"
        yield f"chain       {name}  {chain.seq} of {chain.end_seq} at HQ, {chain.sums.money_fen} fen"
    words = {None: "not proved yet", True: "proved", False: "NOT EQUAL"}[found.is_equal]
    where = " ".join(run.outcome for run in (found.proof, found.days) if run is not None and run.outcome)
    yield f"equality    {words}{_since(found.proof.ran_ms if found.proof else 0)}" + (f"  {where}" if where else "")
    yield f"quarantine  {found.quarantined}"
    for topic, applied_ms in found.topics.items():
        yield f"pulled      {topic}{_since(applied_ms)}"
    for row in found.refused:
        yield f"refused     {row.topic} {row.key}: {row.problem}"


def _since(at_ms: int) -> str:
    from datetime import datetime

    return f" since {datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d %H:%M:%S}" if at_ms else ""


def _oldest(at_ms: int) -> str:
    from datetime import datetime

    return f", oldest {datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d %H:%M}" if at_ms else ""


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "enrol": enrol, "once": once, "run": run_bare, "status": status_of, "rotate": rotate, "agent": agent,
}  # fmt: skip
