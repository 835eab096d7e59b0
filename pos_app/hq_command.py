"""`pos hq …`: headquarters for the people who run it: make it, serve it, take shops in, publish, look, prove.

The work is in `sync.hq_server`; what the operators' page and API show comes from the same `views`.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pos_app.domain.errors import BadInput, StoreError
from pos_app.domain.plain import printable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sync.hq_server.database import Database
    from sync.hq_server.hq import Hq
    from sync.hq_server.views import Device

CODES = "exit codes: 0 done, 1 the proof found something wrong, 2 wrong arguments, 3 refused (the message names its code)"
DATABASE = "sqlite:///hq.sqlite"
VARIABLE = "LANEWISE_HQ"
ACTIONS: dict[str, tuple[str, str]] = {
    "init": ("make HQ's database and the operators' token", "pos hq init --database sqlite:///hq.sqlite"),
    "serve": ("answer shops and operators", "pos hq serve --host 0.0.0.0 --port 8443 --tls-cert hq.pem --tls-key hq.key"),
    "enrol": ("a one-time code for a device of a shop", "pos hq enrol S001 --name 人民广场店"),
    "revoke": ("a device is lost: its events are kept apart, it gets nothing; run it at HQ", "pos hq revoke 3f9c…"),
    "publish": ("rows of a topic for shops, from CSV or JSON", "pos hq publish stop_sales recalled.csv --full"),
    "stores": ("shops and devices: last seen, missing events, equality", "pos hq stores --json"),
    "quarantine": ("open exceptions; accept or resolve one", "pos hq quarantine resolve 3f9c… --how corrected --by 9001"),
    "claims": (
        "what a hub's tills hold; free one of a till whose disk is gone",
        "pos hq claims free sale S001-01-1-7 3f9c… --by 9001",
    ),
    "restored": ("HQ came back from a backup: shops offer everything again", "pos hq restored"),
    "verify": ("prove that tables and sums are what the log says", "pos hq verify --json"),
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `hq` with its actions to the parser of `pos`."""
    about = "Headquarters: make, serve, enrol, publish, look, prove."
    actions = subparsers.add_parser("hq", help="headquarters", description=about, epilog=CODES)
    commands = actions.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {name: _action(commands, name) for name in ACTIONS}
    made["init"].add_argument("--new-token", action="store_true", help="another operators' token; older ones and sessions end")
    serve = made["serve"]
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, default=8443, help="port (default 8443)")
    serve.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate; without it plain HTTP, for behind a proxy")
    serve.add_argument("--tls-key", type=Path, metavar="PEM")
    serve.add_argument("--hub-of", default="", metavar="URL", help="be a shop's hub, and relay to the HQ at this address")
    serve.add_argument("--shop", default="", metavar="SHOP", help="the hub's shop, at its first start")
    serve.add_argument(
        "--code", default="", metavar="CODE", help="HQ's code for the hub (pos hq enrol SHOP --hub), at its first start"
    )
    serve.add_argument("--hq-key", default="", metavar="KEY", help="HQ's key as pos hq enrol showed it; another HQ is refused")
    made["enrol"].add_argument("store", metavar="SHOP")
    made["enrol"].add_argument("--name", default="", help="the shop's name")
    made["enrol"].add_argument("--hub", action="store_true", help="for the shop's hub, which relays its tills")
    made["enrol"].add_argument(
        "--heir-of", nargs="+", default=[], metavar="DEVICE",
        help="whoever has the code may go on with the history of these devices without their keys (POS-7012)",
    )  # fmt: skip
    made["revoke"].add_argument("device", metavar="DEVICE", help="id, or how it begins")
    publish = made["publish"]
    publish.add_argument("topic", metavar="TOPIC")
    publish.add_argument("file", type=Path, metavar="FILE", help="*.csv, or JSON")
    publish.add_argument("--shop", default="", metavar="SHOP", help="for one shop only (default: for all)")
    publish.add_argument("--full", action="store_true", help="the whole list: what it does not have is taken away")
    publish.add_argument(
        "--keys", type=Path, metavar="DIR", help="trusted keys of packages; without it signatures are not checked"
    )
    quarantine = made["quarantine"]
    quarantine.add_argument("what", nargs="?", choices=("list", "accept", "resolve"), default="list")
    quarantine.add_argument("uid", nargs="?", default="", metavar="UID", help="as the list names it")
    quarantine.add_argument("--how", choices=("corrected", "accepted", "written_off"), default="corrected")
    quarantine.add_argument("--by", default="hq", metavar="WHO", help="who decides")
    quarantine.add_argument("--device", default="", metavar="ID", help="accept: whose, where two told of one identity")
    claims = made["claims"]
    claims.add_argument("do", nargs="?", choices=("list", "free"), default="list")
    claims.add_argument("what", nargs="?", default="", metavar="WHAT", help="sale, coupon, basket or stock, as the list names it")
    claims.add_argument("name", nargs="?", default="", metavar="NAME", help="as the list names it; '' for stock")
    claims.add_argument("uid", nargs="?", default="", metavar="UID")
    claims.add_argument("--by", default="", metavar="WHO", help="who says that its till will never use it")


def _action(commands: Any, name: str) -> argparse.ArgumentParser:
    words, example = ACTIONS[name]
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words, epilog=f"example: {example}\n\n{CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    default = f"default: ${VARIABLE}, or {DATABASE}"
    parser.add_argument("--database", metavar="URL", help=f"sqlite:///FILE or postgresql+psycopg://… ({default})")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run one action. Raises LanewiseError for the caller to show."""
    try:
        import sqlalchemy.exc
    except ImportError as error:
        raise BadInput("POS-5004", package="sqlalchemy", extra="hq") from error
    try:
        return RUN[args.action](args)
    except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.ArgumentError) as error:
        raise StoreError("POS-7101", detail=str(getattr(error, "orig", None) or error).strip().splitlines()[0]) from error


# ------------------------------------------------------------------ made and served


def init(args: argparse.Namespace) -> int:
    from sync.hq_server import operators
    from sync.hq_server.hq import Hq
    from sync.signing import key_id

    with _database(args) as database:
        hq = _opened(database) if args.new_token else _made(database, Hq.create)
        with database.write() as connection:
            token = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
        url = database.engine.url.render_as_string()
    _tell(args, {"database": url, "hq_key": key_id(hq.key), "token": token}, [
        f"{url}  key {key_id(hq.key)}",
        f"令牌 token: {token}",
        "只显示这一次 shown this once",
    ])  # fmt: skip
    return 0


def _made(database: "Database", create: "Callable[[Database], Hq]") -> "Hq":
    try:
        return create(database)
    except StoreError as error:
        if error.refusal.code == "POS-1010":
            raise BadInput("POS-7102", detail=database.engine.url.render_as_string()) from error
        raise


def serve(args: argparse.Namespace) -> int:
    from sync.hq_server.serve import serve as serve_for_ever
    from sync.hq_server.take_later import project_waiting

    with _hq(args) as hq:
        project_waiting(hq)
        scheme = "https" if args.tls_cert else "http"
        sys.stderr.write(f"{scheme}://{args.host}:{args.port}/  {hq.database.engine.url.render_as_string()}\n")
        sys.stderr.flush()
        with _relaying(hq, args):
            serve_for_ever(hq, args.host, args.port, certificate=args.tls_cert, key=args.tls_key)
    return 0


@contextlib.contextmanager
def _relaying(hq: "Hq", args: argparse.Namespace) -> Iterator[None]:
    """A store hub's line to HQ, as long as it serves."""
    if not args.hub_of:
        yield
        return
    from sync.hq_server.run_relay import Relaying, prepare

    prepare(hq, args.hub_of, args.shop, args.code, args.hq_key)
    relaying = Relaying(hq, args.hub_of)
    relaying.start()
    try:
        yield
    finally:
        relaying.end()


def restored(args: argparse.Namespace) -> int:
    from sync.hq_server import generation

    with _hq(args) as hq:
        begun = generation.restored(hq).hex()
    _tell(
        args,
        {"generation": begun},
        [f"generation {begun}", "门店将重新上传其保留的全部数据 every shop offers all that it keeps again"],
    )
    return 0


# ------------------------------------------------------------------ shops


def enrol(args: argparse.Namespace) -> int:
    from sync.hq_server import devices
    from sync.hq_server.hq import HUB, TILL
    from sync.signing import key_id

    if not 0 < len(args.store) <= 64 or not args.store.isprintable() or "/" in args.store:
        raise BadInput("POS-5005", detail=f"SHOP {args.store!r}")
    with _hq(args) as hq, hq.database.write() as connection:
        now_ms = hq.clock.wall_ms()
        devices.add_store(connection, args.store, args.name, now_ms)
        heir_of = [_device(connection, one, now_ms, args.store) for one in args.heir_of]
        code = devices.make_code(
            connection, hq.ids, args.store, now_ms, role=HUB if args.hub else TILL,
            heir_of=[bytes.fromhex(one.device) for one in heir_of],
        )  # fmt: skip
    hours, key = devices.CODE_VALID_MS // 3_600_000, key_id(hq.key)
    _tell(args, {"store": args.store, "code": code, "hours": hours, "hq_key": key}, [
        f"{args.store}  {code}",
        f"一次有效，{hours} 小时内 once, within {hours} h",
        f"总部公钥指纹 key of HQ (--hq-key): {key}",
    ])  # fmt: skip
    return 0


def _device(connection: "Connection", wanted: str, now_ms: int, store: str | None = None) -> "Device":
    """The one device, of a shop where one is named, whose id begins so. Raises BadInput POS-7105."""
    from sync.hq_server import views

    found = [one for one in views.devices(connection, now_ms, store) if wanted and one.device.startswith(wanted.lower())]
    if len(found) != 1:
        raise BadInput("POS-7105", device=wanted)
    return found[0]


def revoke(args: argparse.Namespace) -> int:
    from sync.hq_server import devices
    from sync.hq_server.hub_tables import is_hub

    with _hq(args) as hq, hq.database.write() as connection:
        now_ms, is_at_hub = hq.clock.wall_ms(), is_hub(connection)
        found = _device(connection, args.device, now_ms)
        devices.revoke(connection, bytes.fromhex(found.device), now_ms)
    lines = [f"{found.device}  {found.store}  已吊销 revoked"]
    if is_at_hub:
        lines.append(
            "只在本门店中枢吊销；请在总部也执行 at this store hub alone: run it at HQ too, which counts what the device sends"
        )
    _tell(args, {"device": found.device, "state": "revoked"}, lines)
    return 0


def stores(args: argparse.Namespace) -> int:
    from sync.hq_server import views

    with _hq(args) as hq, hq.database.read() as connection:
        now_ms = hq.clock.wall_ms()
        shops, devices = views.stores(connection, now_ms), views.devices(connection, now_ms)
    lines = []
    for shop in shops:
        seen = f"{max(0, now_ms - shop.last_seen_ms) // 1000:,} s" if shop.last_seen_ms else "–"
        lines.append(
            f"{shop.store:<12} {shop.state:<7} {seen:>12}  未到 missing {shop.behind:<6,} {shop.equality:<8} "
            f"待处理 exceptions {shop.exceptions:<4} {shop.events:>10,}  {shop.name}"
        )
        lines += [
            f"  {one.device[:12]} {one.role:<5} {one.state:<8} 未到 missing {one.behind:<6,} {one.equality:<8} {one.events:>10,}"
            for one in devices
            if one.store == shop.store
        ]
    _tell(args, {"stores": _plain(shops), "devices": _plain(devices)}, lines)
    return 0


# ------------------------------------------------------------------ published


def publish(args: argparse.Namespace) -> int:
    from sync.hq_server.publish import BadRows, publish_file
    from sync.topics import PACKAGES

    try:
        data = args.file.read_bytes()
    except OSError as error:
        raise BadInput("POS-5002", file=args.file, detail=error.strerror or error) from error
    if args.topic == PACKAGES:
        _check_package(args, data)
    with _hq(args) as hq:
        try:
            is_csv = args.file.suffix.lower() == ".csv"
            done = publish_file(hq, args.topic, data, is_csv=is_csv, store=args.shop, is_full=args.full)
        except BadRows as error:
            problems = [problem._asdict() for problem in error.problems]
            _tell(args, {"ok": False, "code": "POS-7106", "problems": problems}, [], error=True)
            if not args.json:
                sys.stderr.writelines(f"- {problem.path}: {problem.reason}\n" for problem in error.problems)
            raise BadInput("POS-7106", file=args.file, count=len(error.problems)) from error
    _tell(args, {"topic": done.topic, "rows": done.rows, "taken_away": done.taken_away, "rev": done.rev}, [
        f"{done.topic}  {done.rows:,} 行 rows, {done.taken_away:,} 撤下 taken away, rev {done.rev:,}"
    ])  # fmt: skip
    return 0


def _check_package(args: argparse.Namespace, data: bytes) -> None:
    """A package is judged whole before it goes out, as `pos package check` does."""
    from pos_app import package_text as say
    from pos_app.services.packages import Rejected, check_package, read_keys
    from store_db.system import SystemClock

    keys = read_keys(args.keys) if args.keys else {}
    checked = check_package(data, keys, SystemClock().wall_ms(), unsigned=not keys)
    if isinstance(checked, Rejected):
        sys.stderr.writelines(f"{line}\n" for line in say.problem_lines(checked.problems, "-"))
        raise BadInput(checked.refusal.code, **dict(checked.refusal.args))


# ------------------------------------------------------------------ looked at and proved


def quarantine(args: argparse.Namespace) -> int:
    if args.what == "list":
        return _list_quarantine(args)
    from sync.hq_server import quarantine as entries
    from sync.hq_server import take_later

    with _hq(args) as hq:
        if args.what == "accept":
            done = take_later.accept(hq, args.uid, args.by, args.device)
        else:
            with hq.database.write() as connection:
                done = entries.resolve(connection, None, args.uid, args.how, args.by, hq.clock.wall_ms())
    if not done:
        raise BadInput("POS-7103", uid=args.uid)
    _tell(args, {"uid": args.uid, "done": args.what, "entries": done}, [f"{args.uid}  {args.what}  {done}"])
    return 0


def _list_quarantine(args: argparse.Namespace) -> int:
    from sync.hq_server import views

    with _hq(args) as hq, hq.database.read() as connection:
        rows = views.exceptions(connection, hq.clock.wall_ms())
    lines = [
        f"{row.store:<12} {row.code:<18} {row.owner:<5} {row.age_ms // 3_600_000:>5,} h  {row.uid}  {row.device[:12]:<12}  "
        f"{row.detail}"
        for row in rows
    ]
    _tell(args, _plain(rows), lines or ["没有待处理的例外 no exception waits"])
    return 0


def claims(args: argparse.Namespace) -> int:
    from sync.hq_server import held_claims, hub_memory

    if args.do == "free":
        return _free_claim(args)
    with _hq(args) as hq, hq.database.read() as connection:
        found, now_ms = held_claims.held(connection), hq.clock.wall_ms()
        waits_for = hub_memory.waits_for(connection)
    lines = [
        f"{one.store:<12} {one.what:<7} {one.name or '–':<34} {one.uid}  till {one.till[:12]} {one.till_state:<8} "
        f"{max(0, now_ms - one.since_ms) // 60_000:>7,} min  听到 heard {max(0, now_ms - one.heard_ms) // 60_000:,} min"
        for one in found
    ]
    lines = lines or ["没有占用 no claim is held"]
    silent = "中枢启动后未报到，此前移交的暂不批准 not heard since the hub started: what was handed over before is not granted"
    lines += [f"{till.hex()[:12]}  {silent}" for till in waits_for]
    _tell(args, _plain(found), lines)
    return 0


def _free_claim(args: argparse.Namespace) -> int:
    from sync.hq_server import held_claims

    if not args.by:
        raise BadInput("POS-5005", detail="--by WHO")
    try:
        uid = bytes.fromhex(args.uid)
    except ValueError:
        raise BadInput("POS-5005", detail=f"UID {args.uid!r}") from None
    with _hq(args) as hq, hq.database.write() as connection:
        freed = held_claims.free(connection, args.what, args.name, uid, args.by, hq.clock.wall_ms())
    if freed is None:
        raise BadInput("POS-7108", uid=args.uid)
    _tell(args, _plain([freed])[0] | {"by": args.by}, [f"{freed.what} {freed.name}  已释放 freed  {args.by}"])
    return 0


def verify(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from pos_app.domain.money import format_yuan
    from sync.hq_server.rebuild import verify as prove

    with _hq(args) as hq:
        proof = prove(hq.database)
    verdict = "ok" if proof.is_ok else "wrong"
    _tell(args, {"verify": verdict, **asdict(proof)}, [
        f"{verdict if proof.is_ok else verdict.upper()}  {proof.events:,} events in {proof.chains:,} chains: {proof.projected:,} "
        f"projected, {proof.waiting:,} waiting, {proof.put_aside:,} in quarantine; {format_yuan(proof.money_fen)}",
        *(f"  {'=' if is_equal else '≠'} {table}" for table, is_equal in proof.tables.items()),
        *(f"  - {problem}" for problem in proof.problems),
    ])  # fmt: skip
    return 0 if proof.is_ok else 1


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "init": init, "serve": serve, "enrol": enrol, "revoke": revoke, "publish": publish, "stores": stores,
    "quarantine": quarantine, "claims": claims, "restored": restored, "verify": verify,
}  # fmt: skip

# ------------------------------------------------------------------ database and output


@contextlib.contextmanager
def _database(args: argparse.Namespace) -> "Iterator[Database]":
    from sync.hq_server.database import Database

    url = args.database or os.environ.get(VARIABLE) or DATABASE
    database = Database.open(url if "://" in url else f"sqlite:///{url}")
    try:
        yield database
    finally:
        database.close()


@contextlib.contextmanager
def _hq(args: argparse.Namespace) -> "Iterator[Hq]":
    with _database(args) as database:
        yield _opened(database)


def _opened(database: "Database") -> "Hq":
    from sync.hq_server.hq import Hq

    url = database.engine.url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise StoreError("POS-7101", detail=url.render_as_string())  # opening would make an empty file
    try:
        return Hq.open(database)
    except StoreError as error:
        if error.refusal.code == "POS-1008":
            raise StoreError("POS-7101", detail=url.render_as_string()) from error
        raise


def _plain(rows: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(rows)


def _tell(args: argparse.Namespace, value: Any, lines: list[str], *, error: bool = False) -> None:
    """One JSON value, or lines for people."""
    if args.json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    elif not error:
        sys.stdout.writelines(f"{printable(line)}\n" for line in lines)
