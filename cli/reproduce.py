"""`sharefind reproduce`: the paper's statements, computed, each with its numbers, picture and verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sharefind.cli import options
from sharefind.cli.console import print_json, progress_console, result_console
from sharefind.cli.session import Session
from sharefind.cli.wording import Demonstrations
from sharefind.errors import SharefindError, worded
from sharefind.storage import shell_word

if TYPE_CHECKING:
    from sharefind.paper import Progress, Reproduction, Request

Name = Annotated[
    str,
    typer.Argument(metavar="NAME|all", help="thm-1, prop-1, fig-si, heuristic, ...; all of them.", show_default=False),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results, one inside for each demonstration.")]
Quick = Annotated[bool, typer.Option("--quick", help="Smaller grids: minutes for everything.")]
Largest = Annotated[
    int | None, typer.Option(metavar="N", help="End the grids of fig-si and fig-wi at N particles: 5000 take hours.")
]
Horizon = Annotated[
    float | None,
    typer.Option(metavar="T", help="Length of the trainings of fig-si and fig-wi; default 20 for C2, 2 elsewhere."),
]
Group = Annotated[str | None, typer.Option(metavar="NAME", help="Another group than the default ones, such as C3.")]
InRep = Annotated[str | None, typer.Option(metavar="EXPR", help="How it acts on inputs; default natural.")]
OutRep = Annotated[str | None, typer.Option(metavar="EXPR", help="How it acts on outputs; default natural.")]
Unit = Annotated[str | None, typer.Option(metavar="NAME", help="Unit, such as matrix:tanh, radial or two-layer:tanh.")]
Seed = Annotated[int, typer.Option(metavar="S", help="Seed of all random numbers.")]
Jobs = Annotated[int, typer.Option(metavar="K", min=1, help="Parallel processes of the grids.")]


def reproduce(
    context: typer.Context,
    name: Name,
    out: Out = Path("reproduction"),
    quick: Quick = False,
    largest: Largest = None,
    horizon: Horizon = None,
    group: Group = None,
    in_rep: InRep = None,
    out_rep: OutRep = None,
    unit: Unit = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    json: options.PlainJson = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Compute a statement of the paper, with the controls under which it must fail; exit status 1 if it does not hold.

    `all` goes on past demonstrations that a group does not suit, says why, and ends with 1 too.

    Finished parts are kept in DIR, so that the same command goes on where it was interrupted.

    Example: sharefind reproduce fig-si --quick --group C3
    """
    from sharefind.paper import ALL, Request, find, names, reproduce

    session: Session = context.obj
    session.debug = session.debug or debug
    chosen = names() if name == ALL else (find(name).name,)
    request = Request(group, in_rep, out_rep, unit, quick, largest, horizon, seed, jobs)
    session.again = _again(name, out, request)
    found: list[Reproduction] = []
    refused: dict[str, SharefindError] = {}
    with worded(Demonstrations()), _progress(is_silent=quiet, is_json=json) as progress:
        for one in chosen:
            try:
                found.append(reproduce(one, request, out, progress))
            except SharefindError as error:
                refused[one] = error
                if name != ALL or (len(refused) == len(chosen)):
                    raise
    session.again, session.written = None, out
    _show(found, refused, is_json=json, is_single=name != ALL)
    if refused or not all(r.outcome.holds for r in found):
        raise typer.Exit(1)


def _again(name: str, out: Path, request: Request) -> str:
    """Return the same command, which reuses stored results."""
    words = ["sharefind", "reproduce", name, "--out", str(out), *(["--quick"] if request.quick else [])]
    for option in ("largest", "horizon", "group", "in_rep", "out_rep", "unit"):
        value = getattr(request, option)
        words += [] if value is None else [f"--{option.replace('_', '-')}", str(value)]
    words += ["--seed", str(request.seed), "--jobs", str(request.jobs)]
    return " ".join(shell_word(word) for word in words)


def _show(found: list[Reproduction], refused: Mapping[str, SharefindError], *, is_json: bool, is_single: bool) -> None:
    if is_json:
        print_json(found[0].result if is_single else summary_json(found, refused))
        return
    from sharefind.report.text.reproductions import checks_table, summary_table

    console = result_console()
    console.print(checks_table(found[0]) if is_single else summary_table(found, refused))


def summary_json(found: list[Reproduction], refused: Mapping[str, SharefindError]) -> dict[str, Any]:
    """Return all results as one object.

    The verdict covers the demonstrations that could be run; `refused` gives the reasons for the others.

    Args:
        found: The demonstrations that were run.
        refused: The errors of the others, by name.
    """
    return {
        "schema": "sharefind.reproductions/1",
        "verdict": "holds" if all(r.outcome.holds for r in found) else "fails",
        "demonstrations": [r.result for r in found],
        "refused": [{"name": name, "error": str(error)} for name, error in refused.items()],
    }


@contextmanager
def _progress(*, is_silent: bool, is_json: bool) -> Iterator[Progress]:
    """Yield a progress callback: a bar on a terminal, elsewhere one line whenever the work changes."""
    from sharefind.paper import no_progress

    console = progress_console()
    if is_silent or (is_json and not sys.stderr.isatty()):
        yield no_progress
    elif console.is_terminal:
        with _bar() as progress:
            yield progress
    else:
        yield _Lines()


class _Lines:
    """Prints one line on stderr whenever another piece of work begins, for logs."""

    def __init__(self) -> None:
        self._last: str | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._last:
            self._last = what
            print(f"{what} ...", file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=progress_console(), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        last = ""

        def tell(what: str, done: int, total: int) -> None:
            nonlocal last
            if what != last:
                bar.reset(task, description=what, total=total)
                last = what
            bar.update(task, completed=done, total=total)

        yield tell
