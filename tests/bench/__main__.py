"""`python -m tests.bench`: how fast sharefind is beside others, in one table with a pass or a miss for each target.

Run in the checkout, on a machine that does nothing else. Peers that are not installed are said not to be.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import platform
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.bench.measure import Row

TOPICS = ("sgd", "bases", "tied", "randomisation", "searches", "parallel", "startup", "suggestions", "gpu")
PACKAGES = ("sharefind", "torch", "numpy", "numba", "scipy", "sympy", "joblib", "distributed", "jax", "emlp", "escnn")
WIDE = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it where asked, row by row; 0 whatever the times."""
    asked = _parser().parse_args(arguments)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("benchmarks", total=len(asked.topics))
        for topic in asked.topics:
            progress.update(task, description=topic)
            module = importlib.import_module(f"tests.bench.{topic}")
            for row in module.rows(asked.quick):
                rows.append(row)
                _write(rows, asked.csv, asked.markdown)
                progress.console.print(f"{row.topic}, {row.case}: {_figure(row)} {row.quantity} {row.verdict}")
            progress.advance(task)
    Console(width=None if sys.stdout.isatty() else WIDE).print(table(rows))
    return 0


def _write(rows: Sequence[Row], table: Path | None, page: Path | None) -> None:
    """Write the rows so far to the files that were asked for: a run of hours may be cut off."""
    if table is not None:
        write_csv(rows, table)
    if page is not None:
        page.write_text(markdown(rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("topics", nargs="*", default=list(TOPICS), metavar="TOPIC", help=f"of {', '.join(TOPICS)}")
    parser.add_argument("--quick", action="store_true", help="few repetitions and the smaller sizes")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the rows, with date, machine and versions")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="also write the table as a page of the documentation"
    )
    return parser


def table(rows: Sequence[Row]) -> Table:
    """The rows, one line each."""
    made = Table(title=f"sharefind {version('sharefind')}, {describe_machine()}", caption=_versions())
    for name in ("topic", "case", "figure", "is", "quartiles", "target", ""):
        made.add_column(name, justify="right" if name in ("figure", "target") else "left")
    made.add_column("note", overflow="fold")
    for row in rows:
        made.add_row(*_line(row))
    return made


PAGE = """# Measured speed

Written by `python -m tests.bench --markdown` on {date}: {machine}. {versions}.

Every figure is the median over repetitions, taken in turn with what it is compared with, with quartiles; *pass* and
*miss* are against the target beside them. [Speed](../performance.md) and [Many cores](../scale.md) say what is
compared and how.

| what | case | figure | is | quartiles | target | | note |
| --- | --- | ---: | --- | --- | ---: | --- | --- |
{lines}
"""


def markdown(rows: Sequence[Row]) -> str:
    """The page docs/benchmarks/speed.md."""
    lines = ["| " + " | ".join(_line(row)) + " |" for row in rows]
    return PAGE.format(
        date=datetime.now(UTC).date(), machine=describe_machine(), versions=_versions(), lines="\n".join(lines)
    )


def _line(row: Row) -> tuple[str, ...]:
    between = "" if row.low is None or row.high is None else f"{row.low:.3g} to {row.high:.3g}"
    target = "" if row.target is None else str(row.target)
    return row.topic, row.case, _figure(row), row.quantity, between, target, row.verdict, row.note


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """The rows as text for docs/benchmarks: columns of `Row`, and one comment line that says where and when."""
    with path.open("w", newline="") as file:
        file.write(f"# {datetime.now(UTC).date()}; {describe_machine()}; {_versions()}\n")
        writer = csv.writer(file)
        writer.writerow([*(f.name for f in fields(Row)), "verdict"])
        for row in rows:
            values = ["" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in _cells(row)]
            writer.writerow([*values, row.verdict])


def _cells(row: Row) -> tuple[object, ...]:
    cells = list(astuple(row))
    cells[[f.name for f in fields(Row)].index("target")] = row.target
    return tuple(cells)


def _figure(row: Row) -> str:
    return "-" if row.figure is None else f"{row.figure:.3g}"


def describe_machine() -> str:
    """Processor, cores, system and Python."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
        cores = len(names)
        model = f"{model}, {cores} cores" if cores else model
    return f"{model}, {platform.system()}, Python {platform.python_version()}"


def _versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
