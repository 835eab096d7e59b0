"""`python -m bench.run [NAME ...] [--quick] [--out FILE] [--folder FOLDER]`: measure and print one row per figure.

Each group runs in a process of its own, so that none inherits another's heap. A missed aim is printed as missed; the exit
code is 1 only when a group could not be measured at all.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, Options, ratio_text

GROUPS = (
    "first_frame", "scan_paint", "sale_commit", "lookup", "name_search", "backlog", "basket_size", "memory", "import_beside",
    "day", "pricing", "oscar", "catch_up", "equality", "sync_beside", "hq_rate",
)  # fmt: skip
ROW = "{:<46} {:>11} {:>11} {:>8}  {:<20} {}"


def main() -> int:
    args = parser().parse_args()
    if args.child:
        return child(args)
    args.folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    failed = []
    print(ROW.format("figure", "ours", "baseline", "ratio", "aim", ""), flush=True)
    for group in args.names or GROUPS:
        figures = measured(group, args)
        failed += [] if figures is not None else [group]
        for figure in figures or ():
            print(row(figure), flush=True)
            found.append({"group": group, **figure.as_json()})
    write(args.out or args.folder / "results.json", found, args.quick)
    missed = [figure["name"] for figure in found if figure["verdict"] == "missed"]
    print(f"{len(found)} figures, {len(missed)} missed" + (f"; not measured: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.splitlines()[0])
    made.add_argument("names", nargs="*", metavar="NAME", choices=(*GROUPS, []), help=f"groups: {', '.join(GROUPS)}")
    made.add_argument("--quick", action="store_true", help="small samples and stores, to see that everything runs")
    made.add_argument("--out", type=Path, metavar="FILE", help="where results.json goes (default: into the folder)")
    made.add_argument("--folder", type=Path, default=default_folder(), help="where stores are built and kept")
    made.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return made


def default_folder() -> Path:
    return Path(os.environ.get("LANEWISE_BENCH_DIR", Path(tempfile.gettempdir()) / "lanewise-bench"))


def measured(group: str, args: argparse.Namespace) -> list[Figure] | None:
    """The figures of a group, from a process of its own; None when it failed (it has said why)."""
    with tempfile.TemporaryDirectory(prefix="lanewise-figures-") as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "bench.run", group, "--folder", str(args.folder), "--child", str(answer)]
        if subprocess.run(command + (["--quick"] if args.quick else []), cwd=Path(__file__).parent.parent).returncode:
            return None
        fields = Figure.__dataclass_fields__
        return [Figure(**{k: v for k, v in one.items() if k in fields}) for one in json.loads(answer.read_text(encoding="utf-8"))]


def child(args: argparse.Namespace) -> int:
    module = importlib.import_module(f"bench.{args.names[0]}")
    figures = module.measure(Options(args.quick, args.folder))
    args.child.write_text(json.dumps([figure.as_json() for figure in figures]), encoding="utf-8")
    return 0


def row(figure: Figure) -> str:
    ratio = "-" if figure.ratio is None else ratio_text(figure.ratio)
    text = ROW.format(
        figure.name, number(figure.ours, figure.unit), number(figure.baseline), ratio, figure.aim or "-", figure.verdict
    )
    return text + (f"\n    {figure.note}" if figure.note else "")


def number(value: float | None, unit: str = "") -> str:
    """Three figures that count: `number(0.4409, "ms") == "0.441 ms"`, `number(41200.0) == "41,200"`."""
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".strip()


def write(path: Path, figures: list[dict[str, Any]], is_quick: bool) -> None:
    """Everything, with the machine and the moment, for a program to read."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    report = {"at": time.strftime("%Y-%m-%d %H:%M"), "is_quick": is_quick, "machine": machine, "figures": figures}
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
