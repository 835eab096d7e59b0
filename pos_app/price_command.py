"""`pos price --package P --basket B`: what a basket costs and why. It reads these two files and nothing else: no store, no

configuration, no clock. The formats are those of docs/price-command.md.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pos_app.domain.errors import BadInput

if TYPE_CHECKING:
    from pos_app.domain.pricing.basket_form import Asked
    from pos_app.domain.pricing.model import Hint, Package, Priced
    from pos_app.domain.pricing.package_checks import Problem

FORMAT = "lanewise-price/1"
REFUSED = 3
EXAMPLE = """example: pos price --package package.json --basket basket.json --json

exit codes: 0 priced, 2 wrong arguments, 3 a file cannot be read or has problems (each is named with its path)
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `price` to the parser of `pos`."""
    about = "What a basket costs under a package, and why. Reads these two files and nothing else."
    parser = subparsers.add_parser(
        "price", help="price a basket file under a package file", description=about, epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--package", type=Path, required=True, metavar="FILE", help="package (lanewise-package/1)")
    parser.add_argument("--basket", type=Path, required=True, metavar="FILE", help="basket (lanewise-basket/1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object (lanewise-price/1)")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="language of the text (default zh)")


def run(args: argparse.Namespace) -> int:
    """Price and print. Problems of the files are printed whole; exit code 3."""
    from pos_app.domain.pricing.basket_form import Asked, read_basket
    from pos_app.domain.pricing.engine import price
    from pos_app.domain.pricing.hints import hints
    from pos_app.domain.pricing.model import Package

    package = read_package_file(args.package)
    if not isinstance(package, Package):
        return print_problems(args.package, package, args.json)
    asked = read_basket(_bytes_of(args.basket), package)
    if not isinstance(asked, Asked):
        return print_problems(args.basket, asked, args.json)
    priced = price(asked.basket, asked.customer, package, asked.now_ms, asked.codes, asked.effort, asked.used)
    near = hints(asked.basket, asked.customer, package, asked.now_ms, asked.codes, asked.used, asked.effort)
    if args.json:
        sys.stdout.write(json.dumps(answer(asked, package, priced, near), ensure_ascii=False, indent=1) + "\n")
    else:
        from pos_app.price_text import text_of

        sys.stdout.write(text_of(asked, package, priced, near, args.lang))
    return 0


def read_package_file(path: Path) -> "Package | tuple[Problem, ...]":
    """A package file, signed or not; the signature is not looked at, as nothing is installed."""
    from pos_app.domain.pricing.package_form import parse, read_package, unwrapped

    document = parse(_bytes_of(path))
    return read_package(unwrapped(document)) if isinstance(document, dict) else read_package(_bytes_of(path))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("POS-5002", file=path, detail=error.strerror or type(error).__name__) from error


def answer(asked: "Asked", package: "Package", priced: "Priced", near: "tuple[Hint, ...]") -> dict[str, Any]:
    """Everything `price` says, with names for the lines and the moment, ready for JSON."""
    from pos_app.domain.calendar import local_stamp
    from pos_app.domain.plain import to_json

    plain: dict[str, Any] = json.loads(to_json(priced))
    for line, shown in zip(asked.basket.lines, plain["lines"], strict=True):
        shown.update(sku=line.item.sku, code=line.code, quantity=line.quantity)
        if line.weight_g is not None:
            shown["weight_g"] = line.weight_g
    for one, shown in zip(priced.applied, plain["applied"], strict=True):
        shown.update(uses=[use._asdict() for use in one.uses], shares=[share._asdict() for share in one.shares])
    return {
        "format": FORMAT,
        "package": {"digest": package.digest, "version": package.version, "shop": package.shop},
        "now": local_stamp(asked.now_ms, package.utc_offset_min),
        "is_valid_now": is_valid_at(package, asked.now_ms),
        **plain,
        "hints": json.loads(to_json(near)),
    }


def is_valid_at(package: "Package", now_ms: int) -> bool:
    """Whether a lane would use the package at this moment."""
    return package.valid_from_ms <= now_ms and (package.valid_to_ms is None or now_ms < package.valid_to_ms)


def print_problems(path: Path, problems: "tuple[Problem, ...]", as_json: bool) -> int:
    """Every problem with its path, the code, and a sentence in both languages."""
    from pos_app.i18n import text

    code = "POS-5006"
    rows = [(p, text("zh", f"package.{p.reason}", p.args), text("en", f"package.{p.reason}", p.args)) for p in problems]
    if as_json:
        listed = [{"path": p.path, "reason": p.reason, "zh": zh, "en": en} for p, zh, en in rows]
        error = {"format": FORMAT, "code": code, "file": str(path), "problems": listed}
        sys.stdout.write(json.dumps(error, ensure_ascii=False, indent=1) + "\n")
    about = (("file", str(path)), ("count", str(len(rows))))
    sys.stderr.write(f"[{code}] {text('zh', code, about)}\n[{code}] {text('en', code, about)}\n")
    if not as_json:
        sys.stderr.writelines(f"  {p.path}  {zh}\n  {p.path}  {en}\n" for p, zh, en in rows)
    return REFUSED
