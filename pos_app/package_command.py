"""`pos package …`: check, show, compare and install price packages, and the shelf tags they ask to change.

The work is in `services.packages` and `services.change_prices`; the format is docs/package.md.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pos_app.domain.errors import BadInput

if TYPE_CHECKING:
    from pos_app.config import Config
    from pos_app.domain.pricing.model import Package
    from pos_app.domain.pricing.package_checks import Problem
    from pos_app.services.packages import CheckedPackage, Rejected
    from store_db.store import Store

DEMO = Path(__file__).parent / "demo" / "package.json"
DEMO_SECRET = b"lanewise demo key, not a secret!"  # 32 bytes that everybody knows
CODES = "exit codes: 0 done, 2 wrong arguments, 3 refused (the message names its code)"
ACTIONS: dict[str, tuple[str, str]] = {
    "check": ("judge a file: every problem with its path, and warnings", "pos package check hq.json --keys keys/ --json"),
    "show": ("a file, a stored package, or the list of stored ones", "pos package show 3f9c --store shop.sqlite"),
    "diff": ("what another package changes", "pos package diff 2026-09.json 2026-10.json"),
    "install": (
        "store a package; it holds from its own minute on",
        "pos package install hq.json --store shop.sqlite --keys keys/",
    ),
    "publish-demo": (
        "the demo's calendar, signed with a key that everybody knows",
        "pos package publish-demo --out demo-package.json",
    ),
    "tasks": ("shelf tags to change: prices that wait", "pos package tasks --store shop.sqlite"),
    "confirm": ("the new shelf tag hangs: its price holds", "pos package confirm 6901234567892 --staff 1001 --store shop.sqlite"),
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `package` with its actions to the parser of `pos`."""
    about = "Price packages: check, show, compare, install; shelf tags to change."
    actions = subparsers.add_parser("package", help="price packages", description=about, epilog=CODES)
    commands = actions.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {name: _action(commands, name) for name in ACTIONS}
    made["check"].add_argument("file", type=Path, metavar="FILE")
    made["install"].add_argument("file", type=Path, metavar="FILE")
    made["show"].add_argument("package", nargs="?", metavar="FILE|DIGEST", help="left out: the list of stored packages")
    made["diff"].add_argument("before", metavar="A", help="file or digest")
    made["diff"].add_argument("after", metavar="B", help="file or digest")
    made["publish-demo"].add_argument("--out", type=Path, default=Path("demo-package.json"), metavar="FILE")
    made["confirm"].add_argument("sku", metavar="SKU")
    for name in ("check", "install"):
        made[name].add_argument("--keys", type=Path, metavar="DIR", help="trusted public keys (default: the configuration's)")
    made["install"].add_argument("--unsigned", action="store_true", help="for a shop without an HQ; the journal records it")
    for name in ("install", "confirm"):
        made[name].add_argument("--staff", default="", metavar="NUMBER", help="who does it, for the journal")


def _action(commands: Any, name: str) -> argparse.ArgumentParser:
    words, example = ACTIONS[name]
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words, epilog=f"example: {example}\n\n{CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    if name != "publish-demo":
        parser.add_argument("--store", type=Path, metavar="FILE", help="the store file (default: the configuration's)")
        parser.add_argument("--config", metavar="FILE", help="the configuration")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run one action. Raises LanewiseError for the caller to show."""
    return RUN[args.action](args)


# ------------------------------------------------------------------ check and install


def check(args: argparse.Namespace) -> int:
    """Keys are asked for only where there are some: an engineer at HQ checks a package before it is signed."""
    from pos_app.services.change_prices import price_warnings
    from pos_app.services.packages import Rejected, check_package
    from store_db.system import SystemClock

    data, keys, now_ms = _read(args.file), _keys(args), SystemClock().wall_ms()
    checked = check_package(data, keys, now_ms, unsigned=not keys)
    if isinstance(checked, Rejected):
        return _reject(args, checked)
    warnings: tuple[Problem, ...] = ()
    if args.store is not None:
        with _store(args) as store:
            warnings = price_warnings(store, checked.package, now_ms)
    _accept(args, checked, "signature not checked", warnings)
    return 0


def install(args: argparse.Namespace) -> int:
    from pos_app.services.packages import Rejected, install_package

    with _store(args) as store:
        done = install_package(store, _read(args.file), _keys(args), unsigned=args.unsigned, staff=args.staff)
    if isinstance(done, Rejected):
        return _reject(args, done)
    _accept(args, done, "unsigned", ())
    return 0


def _accept(args: argparse.Namespace, checked: "CheckedPackage", no_key: str, warnings: "tuple[Problem, ...]") -> None:
    from pos_app import package_text as say

    signature = f"signed by {checked.key}" if checked.key else no_key
    if args.json:
        say.tell_json({"ok": True, "signature": signature, **say.head(checked.package), "warnings": say.listed(warnings)})
        return
    say.tell_head(checked.package)
    say.tell(f"{'':>12}  {signature}")
    for line in say.problem_lines(warnings, "!"):
        say.tell(line)


def _reject(args: argparse.Namespace, rejected: "Rejected") -> NoReturn:
    """Every problem, then the refusal with its code in both languages."""
    from pos_app import package_text as say

    refusal, problems = rejected
    if args.json:
        say.tell_json({"ok": False, "code": refusal.code, "problems": say.listed(problems)})
    else:
        sys.stderr.writelines(f"{line}\n" for line in say.problem_lines(problems, "-"))
    raise BadInput(refusal.code, **dict(refusal.args))


# ------------------------------------------------------------------ show and diff


def show(args: argparse.Namespace) -> int:
    from pos_app import package_text as say
    from pos_app.domain.pricing.package_form import write_package

    if args.package is None:
        return _show_list(args)
    package = _package(args, args.package)
    if args.json:
        say.tell_json(write_package(package))
        return 0
    say.tell_head(package)
    for line in say.promotion_lines(package):
        say.tell(line)
    return 0


def _show_list(args: argparse.Namespace) -> int:
    """The stored packages."""
    from pos_app import package_text as say
    from store_db import packages

    with _store(args) as store:
        rows = packages.rows(store.connection)
        holds = packages.row_at(rows, store.clock.wall_ms())
        offset_min = store.device.utc_offset_min
    if args.json:
        say.tell_json([say.row_json(row, row is holds) for row in rows])
        return 0
    for row in rows:
        say.tell(say.row_line(row, row is holds, offset_min))
    return 0


def diff(args: argparse.Namespace) -> int:
    """What B changes. Exit 0 with or without differences."""
    from pos_app import package_text as say

    changes = say.differences(_package(args, args.before), _package(args, args.after))
    if args.json:
        say.tell_json(changes)
        return 0
    for line in say.difference_lines(changes):
        say.tell(line)
    return 0


# ------------------------------------------------------------------ the demo's package


def publish_demo(args: argparse.Namespace) -> int:
    """The signed file, and beside it a folder with the public key."""
    from pos_app import package_text as say
    from pos_app.services.packages import public_of, public_pem, sign_package

    document, keys = json.loads(_read(DEMO)), args.out.parent / "demo-keys"
    try:
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "demo.pem").write_bytes(public_pem(public_of(DEMO_SECRET)))
        args.out.write_bytes(sign_package(document, DEMO_SECRET))
    except OSError as error:
        raise BadInput("POS-5005", detail=f"--out {args.out}: {error.strerror or error}") from error
    if args.json:
        say.tell_json({"file": str(args.out), "keys": str(keys), "version": document["version"]})
    else:
        say.tell(f"{args.out}  {document['version']}\npos package install {args.out} --keys {keys}")
    return 0


# ------------------------------------------------------------------ shelf tags


def tasks(args: argparse.Namespace) -> int:
    from pos_app import package_text as say
    from pos_app.domain.money import format_yuan
    from pos_app.services.change_prices import price_tasks

    with _store(args) as store:
        found, offset_min = price_tasks(store), store.device.utc_offset_min
    if args.json:
        plain = ({**asdict(task), "was": task.was._asdict(), "now": task.now._asdict()} for task in found)
        say.tell_json(list(plain))
        return 0
    for task in found:
        prices = f"{format_yuan(task.was.public_fen)} → {format_yuan(task.now.public_fen)}"
        say.tell(f"{task.sku:<16} {prices:<22} {say.stamp(task.made_ms, offset_min)}  {task.name}")
    return 0


def confirm(args: argparse.Namespace) -> int:
    from pos_app import package_text as say
    from pos_app.domain.money import format_yuan
    from pos_app.services.change_prices import confirm_tag

    with _store(args) as store:
        change = confirm_tag(store, args.sku, args.staff)
    if args.json:
        say.tell_json({"sku": change.sku, "was": change.was._asdict(), "now": change.now._asdict()})
    else:
        say.tell(f"{change.sku}  {format_yuan(change.was.public_fen)} → {format_yuan(change.now.public_fen)}")
    return 0


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": check, "show": show, "diff": diff, "install": install, "publish-demo": publish_demo, "tasks": tasks,
    "confirm": confirm,
}  # fmt: skip

# ------------------------------------------------------------------ files and stores


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("POS-2209", path=path, detail=error.strerror or error) from error


def _config(args: argparse.Namespace) -> "Config":
    from pos_app.config import load

    return load(args.config)


def _store(args: argparse.Namespace) -> "Store":
    from store_db.store import Store

    return Store.open(args.store or Path(_config(args).store_file))


def _keys(args: argparse.Namespace) -> dict[str, bytes]:
    """The trusted keys; none where no folder is named."""
    from pos_app.services.packages import read_keys

    folder = args.keys or _config(args).package_keys
    return read_keys(Path(folder)) if folder else {}


def _package(args: argparse.Namespace, name: str) -> "Package":
    """A file's package, or the stored one whose digest begins like this. A file with problems is refused whole."""
    from pos_app.domain.pricing.model import Package
    from pos_app.domain.pricing.package_form import read_file
    from pos_app.services.packages import package_by_digest, rejected
    from store_db import packages

    if Path(name).exists():
        found = read_file(_read(Path(name)))
        return found if isinstance(found, Package) else _reject(args, rejected(found))
    with _store(args) as store:
        rows = packages.by_digest(store.connection, name)
        package = package_by_digest(store, rows[0].digest) if len(rows) == 1 else None
    if package is None:
        raise BadInput("POS-2206", digest=name)
    return package
