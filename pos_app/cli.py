"""`pos …`: the only composer. It reads the configuration and imports each branch only when it is asked for.

Exit codes: 0 done; 1 found something wrong (verify, a day that does not verify); 2 wrong arguments; 3 refused, with a code;
70 an internal error.
"""

import argparse
import contextlib
import gc
import importlib.util
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pos_app import __version__, hq_command, import_command, package_command, price_command, sync_command
from pos_app.domain.errors import LanewiseError, Refusal

if TYPE_CHECKING:
    from pos_app.config import Config

SCREENS = frozenset({"lane", "sco"})
REFUSED, INTERNAL = 3, 70


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; every refusal is printed in both languages with its code."""
    args = _parser().parse_args(argv)
    if args.command in SCREENS:
        gc.disable()  # starting makes no garbage worth looking for; the app enables it again after its first picture
    try:
        return int(RUN[args.command](args))
    except LanewiseError as error:
        _print_refusal(error.refusal)
        return REFUSED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _print_refusal(refusal: Refusal) -> None:
    from pos_app.i18n import text

    print(f"[{refusal.code}] {text('zh', refusal.code, refusal.args)}", file=sys.stderr)
    print(f"[{refusal.code}] {text('en', refusal.code, refusal.args)}", file=sys.stderr)
    detail = dict(refusal.args).get("detail")
    if detail:
        print(f"  {detail}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pos", description="Lanewise: till, self-checkout and proof on one local store.")
    parser.add_argument("--version", action="version", version=f"lanewise {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = _command(commands, "demo", "a working demo shop", "pos demo --headless --orders 50 --seed 7 --json")
    demo.add_argument("--headless", action="store_true", help="a seeded day without a terminal")
    demo.add_argument("--orders", type=_count, default=50, metavar="N", help="orders of the day (default 50)")
    demo.add_argument("--seed", type=int, default=7, metavar="S", help="same seed, same chain head (default 7)")
    demo.add_argument("--json", action="store_true", help="print one JSON object")
    demo.add_argument("--plain", action="store_true", help="one line per event")
    init = _command(commands, "init", "make a shop's store", "pos init --store shop.sqlite --manager 9001:林店长")
    init.add_argument("--manager", metavar="NUMBER:NAME", default="9001:店长", help="first member of staff; the PIN is asked")
    import_command.add_parser(commands)
    price_command.add_parser(commands)
    sync_command.add_parser(commands)
    package_command.add_parser(commands)
    hq_command.add_parser(commands)
    for name, text in (("lane", "the cashier's screen"), ("sco", "the self-checkout screen")):
        lane = _command(commands, name, text, f"pos {name} --store shop.sqlite")
        lane.add_argument("--lane", metavar="NAME", help="lane number (default: from the configuration)")
        lane.add_argument("--plain", action="store_true", help="one line per event, for screen readers and slow terminals")
        lane.add_argument("--lang", choices=("zh", "en"))
        lane.add_argument("--theme", choices=("pos-dark", "pos-light", "pos-mono"))
    check = _command(commands, "verify", "prove that the store is whole", "pos verify --store shop.sqlite --json")
    check.add_argument("--json", action="store_true")
    check.add_argument("--with-hq", action="store_true", help="and that HQ holds the same; needs the line")
    backup = _command(commands, "backup", "a verified copy of the store", "pos backup --store shop.sqlite --to /mnt/usb")
    backup.add_argument("--to", metavar="FOLDER", default="backup")
    restore = _command(commands, "restore", "bring a copy back, with an epoch of its own", "pos restore COPY --store shop.sqlite")
    restore.add_argument("copy", metavar="COPY")
    return parser


def _command(commands, name: str, text: str, example: str) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def,type-arg]
    parser = commands.add_parser(name, help=text, description=text, epilog=f"example: {example}")
    parser.add_argument("--store", metavar="FILE", help="the SQLite file (default: from the configuration)")
    parser.add_argument("--config", metavar="FILE", help="the configuration (default: $LANEWISE_CONFIG, /etc/lanewise/pos.toml)")
    return parser  # type: ignore[no-any-return]


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _config(args: argparse.Namespace) -> "Config":
    from pos_app import config

    return config.load(getattr(args, "config", None))


# ------------------------------------------------------------------ demo


def run_demo(args: argparse.Namespace) -> int:
    if args.headless or args.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _demo_day(args)
    with _demo_file(args) as path:
        return _demo_screens(path, args)


def _demo_day(args: argparse.Namespace) -> int:
    from pos_app.demo.day import run_day

    with _demo_file(args, fresh=True) as path:
        result = run_day(path, args.orders, args.seed, _progress)
        hq = _day_at_hq(path)
    if args.json:
        print(json.dumps({**result.as_json(), "hq": hq}, ensure_ascii=False))
    else:
        print(*result.as_text(), f"{'hq':>15}  {hq or 'not installed: the extra hq'}", sep="\n")
    return 0 if result.verify == "ok" and (hq is None or hq["equal"]) else 1


def _has_hq() -> bool:
    """Whether this installation brings an HQ: the extra `hq`."""
    return importlib.util.find_spec("starlette") is not None


def _day_at_hq(path: Path) -> "dict[str, object] | None":
    if not _has_hq():
        return None
    from pos_app.demo.headquarters import day_at_hq

    return day_at_hq(path)


@contextlib.contextmanager
def _demo_file(args: argparse.Namespace, fresh: bool = False) -> Iterator[Path]:
    """The store to use: the one that is named and kept, or one in a temporary folder."""
    if args.store:
        yield Path(args.store)
        return
    with tempfile.TemporaryDirectory(prefix="lanewise-demo-") as folder:
        yield Path(folder) / "shop.sqlite"


def _demo_screens(path: Path, args: argparse.Namespace) -> int:
    from pos_app.demo import shop as demo_shop
    from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
    from store_db.store import Store

    store = Store.open(path) if path.exists() else demo_shop.build(path, progress=lambda n, of: _progress("goods", n, of))
    with store, _demo_line(path) as own_keys:
        configs = [demo_shop.lane_config(skin) for skin in (CASHIER, SELF_CHECKOUT)]
        hint = "demo: 1001/1111 · 1002/2222 · 9001/9999   Ctrl+T ⇄   Ctrl+G ●○ HQ"
        return _screens(store, configs, _config(args), args, hint=hint, own_keys=own_keys)


@contextlib.contextmanager
def _demo_line(path: Path) -> Iterator[dict[str, Callable[[], object]]]:
    """The demo's HQ, and the key that cuts and mends the line to it."""
    if not _has_hq():
        yield {}
        return
    from pos_app.demo.headquarters import headquarters

    with headquarters(path) as line:
        yield {"ctrl+g": line.toggle}


def _progress(what: str, done: int, total: int) -> None:
    """One line that grows on a terminal, a line at each tenth elsewhere; never on standard output."""
    if sys.stderr.isatty():
        print(f"\r{what} {done:,}/{total:,} ", end="" if done < total else "\n", file=sys.stderr, flush=True)
    elif done == total or done % max(1, total // 10) == 0:
        print(f"{what} {done:,}/{total:,}", file=sys.stderr, flush=True)


# ------------------------------------------------------------------ screens


def run_lane(args: argparse.Namespace) -> int:
    from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT, LaneConfig
    from pos_app.domain.pricing.model import Package
    from store_db.store import Store

    settings = _config(args)
    is_cashier = args.command == "lane"
    config = LaneConfig(
        store=settings.store,
        lane=args.lane or (settings.lane if is_cashier else settings.self_checkout_lane),
        skin=CASHIER if is_cashier else SELF_CHECKOUT,
        package=Package(cash_step_fen=settings.cash_step_fen),
        idle_warn_ms=settings.idle_warn_ms,
        idle_hold_ms=settings.idle_hold_ms,
        bag_skus=settings.bag_skus,
    )
    with Store.open(Path(args.store or settings.store_file)) as store:
        return _screens(store, [config], settings, args)


def _screens(store, configs, settings, args, hint: str = "", own_keys=None) -> int:  # type: ignore[no-untyped-def]
    """Open the lanes, each under its lock, and run them plain or on screen."""
    from functools import partial

    from hardware.file_devices import FileDrawer, FilePrinter
    from pos_app import logs
    from pos_app.i18n import LANGUAGES
    from pos_app.i18n.explain import explain
    from pos_app.services.shop import Shop, lane_lock

    logs.start(store.path)
    lang = getattr(args, "lang", None) or settings.lang
    folder = store.path.parent / settings.paper_folder
    shops = [
        Shop(
            store, config, FilePrinter(folder), FileDrawer(folder / "drawer.log"), LANGUAGES[lang], settings.paper_width,
            partial(explain, lang),
        )
        for config in configs
    ]  # fmt: skip
    if settings.hub_url:
        from sync import hub_client

        for shop in shops:
            shop.hub = hub_client.connect(store, settings.hub_url, shop.lane)
    with contextlib.ExitStack() as locks:
        for shop in shops:
            locks.enter_context(lane_lock(store.path, shop.lane))
        if args.plain:
            from pos_app.tui.plain import run_plain

            return run_plain(shops[0], lang, sys.stdin, sys.stdout)
        return _run_app(shops, settings, args, lang, hint, own_keys)


def _run_app(shops, settings, args, lang: str, hint: str, own_keys) -> int:  # type: ignore[no-untyped-def]
    import os

    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("ESCDELAY", "25")
    os.environ.setdefault("TEXTUAL_FPS", "250")  # a scan is drawn when it is there, not at the next sixtieth of a second
    from pos_app.services.run_lane import LaneRunner
    from pos_app.tui.app import LaneApp
    from pos_app.tui.keys import key_map

    app = LaneApp(
        lambda app: [LaneRunner(shop, lang=lang, beep=app.beep, later=app.later) for shop in shops],
        keys=key_map(settings.keys, settings.key_map),
        theme_name=getattr(args, "theme", None) or settings.theme,
        hint=hint,
        own_keys=own_keys,
    )
    code = app.run()
    if app.error is not None:
        logging.getLogger(__name__).error("the lane ended", exc_info=app.error)
        _print_refusal(Refusal("POS-1011"))
        return INTERNAL
    return code or 0


# ------------------------------------------------------------------ the store


def run_init(args: argparse.Namespace) -> int:
    import getpass

    from pos_app.services.check_pin import hash_pin
    from store_db.staff import StaffRow, put_staff
    from store_db.store import Store

    settings = _config(args)
    number, _, name = args.manager.partition(":")
    path = Path(args.store or settings.store_file)
    pin = getpass.getpass(f"PIN {number}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not (pin.isdigit() and len(pin) >= 4):
        from pos_app.domain.errors import BadInput

        raise BadInput("POS-5005", detail="PIN: 4 or more digits")
    with Store.create(path, settings.store, utc_offset_min=settings.utc_offset_min, cutoff_hour=settings.cutoff_hour) as store:
        with store.transaction() as connection:
            put_staff(connection, StaffRow(number, name or number, "manager", hash_pin(pin), None))
            connection.executemany("INSERT INTO tax_rates VALUES (?,0,?)", (("S13", 1300), ("R9", 900), ("E0", 0)))
        print(f"{path}: {store.device.store}, epoch {store.device.epoch.hex()}")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    from store_db.verify import verify_file

    path = Path(args.store or _config(args).store_file)
    proof = verify_file(path, lambda n: _progress_events(n))
    if args.with_hq:
        proof.problems += sync_command.differences_at_hq(args)
    if args.json:
        print(json.dumps({
            "verify": "ok" if proof.is_ok else "wrong", "events": proof.events, "sales": proof.sales,
            "total_fen": proof.total_fen, "chain_head": proof.chain_head, "problems": proof.problems,
        }, ensure_ascii=False))  # fmt: skip
    else:
        print(f"{'ok' if proof.is_ok else 'WRONG'}  {proof.events} events, {proof.sales} sales, head {proof.chain_head[:16]}")
        for problem in proof.problems:
            print(f"  {problem}")
    return 0 if proof.is_ok else 1


def _progress_events(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} events ", end="", file=sys.stderr, flush=True)


def run_backup(args: argparse.Namespace) -> int:
    from store_db.backup import backup

    copy = backup(Path(args.store or _config(args).store_file), Path(args.to))
    print(copy)
    return 0


def run_restore(args: argparse.Namespace) -> int:
    from store_db.backup import restore

    store = restore(Path(args.copy), Path(args.store or _config(args).store_file))
    with store:
        print(f"{store.path}: epoch {store.device.epoch_no} {store.device.epoch.hex()}")
    return 0


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": run_demo,
    "init": run_init,
    "import": import_command.run,
    "price": price_command.run,
    "sync": sync_command.run,
    "agent": sync_command.run,
    "package": package_command.run,
    "hq": hq_command.run,
    "lane": run_lane,
    "sco": run_lane,
    "verify": run_verify,
    "backup": run_backup,
    "restore": run_restore,
}

if __name__ == "__main__":
    sys.exit(main())
