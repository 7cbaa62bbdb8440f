"""Progress of a running search and of trainings: which view of `live_views` a console gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress import Progress, TaskID
from rich.text import Text

from sharefind.durations import rounded_seconds
from sharefind.report.text.live_views import LineView, LiveView, NotebookView, NoteView, bar_columns
from sharefind.search import Observer, Problem
from sharefind.search.forecast import Forecast

if TYPE_CHECKING:
    from sharefind.architectures.layers.training_record import Epoch


def is_shown(console: Console, *, is_silent: bool, is_json: bool) -> bool:
    """Return whether progress is shown: not if it is silent, and not with JSON output unless stderr is a terminal.

    Args:
        console: A console on stderr.
        is_silent: Whether output is silent.
        is_json: Whether the output is JSON.
    """
    return not (is_silent or (is_json and not console.file.isatty()))


@contextmanager
def watcher(
    console: Console,
    problem: Problem,
    run: Path | None,
    *,
    is_silent: bool = False,
    is_json: bool = False,
    lines: Sequence[str] = (),
    forecast: Forecast | None = None,
) -> Iterator[Observer]:
    """Choose the observer for a console.

    Args:
        console: A console on stderr.
        problem: The problem to search.
        run: The run folder; None if it is deleted with the process.
        is_silent: Whether only notes are printed.
        is_json: Whether the output is JSON; then only notes are printed unless stderr is a terminal.
        lines: Lines to print before the search begins, if anything is shown.
        forecast: Estimate of the duration.

    Yields:
        The observer.
    """
    if not is_shown(console, is_silent=is_silent, is_json=is_json):
        yield NoteView(console)
        return
    headline = _headline(problem, run)
    has_view = console.is_jupyter or console.is_terminal  # which shows the headline itself
    for line in lines if has_view else (headline, *lines):
        console.print(Text(line), soft_wrap=True)
    if console.is_jupyter:
        yield from _in_notebook(console, headline, forecast)
    elif not console.is_terminal:
        yield LineView(console)
    else:
        view = LiveView(console, headline, forecast)
        with Live(
            get_renderable=view.render, console=console, transient=True, refresh_per_second=8, vertical_overflow="crop"
        ):
            yield view


def _in_notebook(console: Console, headline: str, forecast: Forecast | None) -> Iterator[Observer]:
    view = NotebookView(console, headline, forecast)
    try:
        yield view
    finally:
        view.finish()


@contextmanager
def training_progress(
    console: Console, epochs: int, *, is_silent: bool, networks: int = 2
) -> Iterator[Callable[[str, Epoch], None] | None]:
    """Provide a callback for the epochs of trainings.

    After a few epochs it prints an upper bound of the duration. On a terminal each network also has a progress bar.

    Args:
        console: A console on stderr.
        epochs: Largest number of epochs.
        is_silent: Whether output is silent.
        networks: Number of networks.

    Yields:
        The callback, which receives the name of a network and an epoch; None if nothing is shown.
    """
    if is_silent:
        yield None
        return
    pace = _Pace(epochs, networks, console)
    if not console.is_terminal:
        yield pace
        return
    bars: dict[str, TaskID] = {}
    with Progress(*bar_columns(), console=console, transient=True) as progress:

        def on_epoch(name: str, epoch: Epoch) -> None:
            pace(name, epoch)
            if name not in bars:
                bars[name] = progress.add_task(name, total=epochs)
            progress.update(bars[name], completed=epoch.number, description=f"{name}: loss {epoch.train_loss:.3g}")

        yield on_epoch


class _Pace:
    """Prints once, from the first epochs of the first network, an upper bound of the duration if it is long."""

    def __init__(self, epochs: int, networks: int, console: Console, seconds: float = 1.0, short: float = 10.0) -> None:
        self._epochs, self._networks, self._console = epochs, networks, console
        self._after, self._short = seconds, short
        self._began: tuple[float, int] | None = None
        self._is_said = False

    def __call__(self, name: str, epoch: Epoch) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = now, epoch.number
        passed, done = now - self._began[0], epoch.number - self._began[1]
        if self._is_said or done < 1 or passed < self._after:
            return
        self._is_said = True
        seconds = self._networks * self._epochs * passed / done
        if seconds < self._short:
            return
        most = rounded_seconds(seconds)
        what = f"at most {self._epochs} epochs of each of {self._networks} networks; training stops early"
        self._console.print(Text(f"time  up to {most}: {what}"), soft_wrap=True)


def _headline(problem: Problem, run: Path | None) -> str:
    settings = problem.settings
    tolerance = f", tolerance {settings.tolerance:g}" if settings.tolerance > 0 else ""
    samples = "fresh samples" if problem.samples is None else f"{problem.samples} samples"
    return (
        f"{problem.task.name} ({samples}), candidate {problem.candidate.group.name}, "
        f"growth {settings.growth}, stop {settings.stop}, alpha {settings.alpha:g}{tolerance}"
        f"{'' if run is None else f', run {run}'}"
    )
