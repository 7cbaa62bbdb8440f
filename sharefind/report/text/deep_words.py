"""How a deep network was chosen, in the terminal: progress, a table of what was tried, and of reference models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sharefind.architectures.deep.record import Choice
from sharefind.written import NOTHING


@contextmanager
def choice_progress(console: Console, *, is_silent: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Provide a callback for the trainings of a choice: a bar on a terminal, a line for each training elsewhere.

    Args:
        console: A console on stderr.
        is_silent: Whether output is silent.

    Yields:
        The callback, which receives what is trained, trainings done and trainings in all; None if nothing is shown.
    """
    if is_silent:
        yield None
        return
    if not console.is_terminal:
        yield lambda what, done, total: console.print(f"training {done + 1} of {total}: {what}", markup=False)
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.completed}/{task.total}")
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)
        yield lambda what, done, total: progress.update(bar, description=what, completed=done, total=total)


def choice_table(choice: Choice) -> Table:
    """Return what was tried, a row each, and reference models on the same folds.

    Args:
        choice: How a network was chosen.
    """
    is_class = choice.best.accuracy is not None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("hidden layers")
    headings = ("parameters", "held-out log loss" if is_class else "held-out risk", *(["accuracy"] if is_class else []))
    for heading in (*headings, "steps", "seconds"):
        table.add_column(heading, justify="right")
    for node in choice.nodes:
        scores = [f"{node.risk:.4g} ± {node.risk_se:.1g}", *([_share(node.accuracy)] if is_class else [])]
        mark = "→" if node.number == choice.chosen else ""
        cells = f"{node.parameters:,}", *scores, str(node.steps), f"{node.seconds:.1f}"
        table.add_row(mark, layers_words(node.layers), *cells)
    for other in choice.references:
        scores = [f"{other.risk:.4g} ± {other.risk_se:.1g}", *([_share(other.accuracy)] if is_class else [])]
        table.add_row("", other.name, f"{other.parameters:,}", *scores, NOTHING, NOTHING)
    return table


def layers_words(layers: tuple[str, ...]) -> str:
    """Return the types of hidden layers; equal ones are counted.

    Args:
        layers: The representation of each layer.
    """
    if len(set(layers)) == 1:
        return f"{len(layers)} x ({layers[0]})"
    return " | ".join(layers)


def _share(accuracy: float | None) -> str:
    return NOTHING if accuracy is None else f"{accuracy:.3f}"
