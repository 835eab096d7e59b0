"""`pos import goods FILE`: arguments, a bar while it runs, a summary. The work is `services.import_goods`."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pos_app.domain.errors import BadInput

if TYPE_CHECKING:
    from pos_app.services.import_goods import ImportReport

BAR_CELLS = 24
SAMPLES_SHOWN = 10
EXAMPLE = """example:
  pos import goods goods.xlsx --store shop.sqlite --map codes=商品条码 --map price_yuan=零售价 --report doubtful.csv

exit codes: 0 done, 2 wrong arguments, other: the file or the store (the message names its code)
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `import goods` to the parser of `pos`."""
    parser = subparsers.add_parser("import", help="bring in a file of goods", description="Bring in a file of goods.")
    goods = parser.add_subparsers(dest="import_kind", required=True, metavar="goods").add_parser(
        "goods",
        help="goods from CSV, XLSX or Parquet",
        description="Bring in goods from CSV, XLSX or Parquet, while lanes sell. The same file again goes on where it was cut.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    goods.add_argument("file", type=Path, metavar="FILE")
    goods.add_argument("--store", type=Path, metavar="FILE", help="the store file (default: the configuration's)")
    goods.add_argument("--dry-run", action="store_true", help="judge and compare, change nothing")
    goods.add_argument("--json", action="store_true", help="print the counts as JSON")
    goods.add_argument("--report", type=Path, metavar="FILE", help="write every doubtful row to a CSV file")
    goods.add_argument(
        "--map",
        nargs="+",
        action="extend",
        default=[],
        metavar="OUR=THEIRS",
        help="our column and the file's, where its header is not recognised",
    )


def run(args: argparse.Namespace) -> int:
    """Import, then print the counts. Raises LanewiseError for the caller to show."""
    from pos_app.services.import_goods import import_goods
    from store_db.store import Store

    column_map = parse_map(args.map)
    with Store.open(_store_path(args)) as store:
        report = import_goods(
            store,
            args.file,
            column_map,
            dry_run=args.dry_run,
            progress=_progress(),
            pause=time.sleep,
            report_file=args.report,
        )
    sys.stdout.write(json_text(report) if args.json else summary(report))
    return 0


def parse_map(texts: list[str]) -> dict[str, str]:
    """`["codes=条码"]` as a dict. Raises BadInput POS-5005 for a text without both sides or a column named twice."""
    column_map: dict[str, str] = {}
    for text in texts:
        ours, _, theirs = (part.strip() for part in text.partition("="))
        if not ours or not theirs or ours in column_map:
            raise BadInput("POS-5005", detail=f"--map {text}")
        column_map[ours] = theirs
    return column_map


def json_text(report: "ImportReport") -> str:
    """The counts for a program."""
    names = ("rows", "added", "changed", "unchanged", "refused", "doubtful", "dry_run")
    return json.dumps({name: getattr(report, name) for name in names}, ensure_ascii=False) + "\n"


def summary(report: "ImportReport") -> str:
    """The counts for people, in both languages, with the first doubtful rows."""
    lines = [
        f"行 rows {report.rows:,}  新增 added {report.added:,}  变更 changed {report.changed:,}  "
        f"未变 unchanged {report.unchanged:,}  拒收 refused {report.refused:,}"
    ]
    if report.dry_run:
        lines.append("试运行，未写入 dry run, nothing was written")
    lines += [f"存疑 doubtful {reason} {count:,}" for reason, count in report.doubtful.items()]
    lines += [f"  行 row {s.row_no}  {s.code}  {s.reason}  {s.text}".rstrip() for s in report.samples[:SAMPLES_SHOWN]]
    return "\n".join(lines) + "\n"


def bar(done: int, total: int) -> str:
    """One line of progress. While the file is read its end is not known: `读取 read 6,404`."""
    if not total:
        return f"读取 read {done:,}"
    cells = BAR_CELLS * done // total
    return f"{'█' * cells}{'░' * (BAR_CELLS - cells)} {100 * done // total:3d}%  {done:,}/{total:,}"


def _progress() -> Callable[[int, int], None]:
    """Paint the bar where somebody watches."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def paint(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r\x1b[K{bar(done, total)}{end}")
        sys.stderr.flush()

    return paint


def _store_path(args: argparse.Namespace) -> Path:
    if args.store is not None:
        return Path(args.store)
    from pos_app.config import load

    return Path(load(getattr(args, "config", None)).store_file)
