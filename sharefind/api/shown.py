"""How a fitted search is displayed: in the output of a notebook cell, and as pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sharefind.api.parameters import Parameters
from sharefind.errors import ConfigError, quoted, worded
from sharefind.parallel import Workers
from sharefind.progress import StageProgress
from sharefind.report.page.notebook_view import run_html
from sharefind.report.pictures.drawing import plot
from sharefind.report.text.live_progress import watcher
from sharefind.report.text.runs import RunView
from sharefind.report.text.stage_progress import PROPOSING, stage_progress
from sharefind.search import Observer, Problem, RunFolder, SearchLattice
from sharefind.search.expected_time import expected_time
from sharefind.search.forecast import Forecast
from sharefind.search.result import Result
from sharefind.search.run import Clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ShownSharing:
    """Notebook output and pictures of a search; scikit-learn shows the estimator until it is fitted.

    Attributes:
        alpha: Level of the tests.
        result_: The output of `sharefind discover --json`, as a value.
        lattice_: Every node and growth.
    """

    alpha: float
    result_: Result
    lattice_: SearchLattice

    def plot_lattice(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw the lattice of visited and proposed spaces.

        Args:
            target: A file (.png, .svg) or axes; None for a new figure.

        Returns:
            The new figure if no target is given; a notebook shows it.

        Raises:
            ConfigError: matplotlib is not installed, or the ending is unknown.
            RunFolderError: The run folder is gone.
        """
        return self._plot("lattice", target, "plot_lattice")

    def plot_tying(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw which parameters the space found ties, or its basis if it ties none.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure if no target is given; a notebook shows it.

        Raises:
            ConfigError: As in `plot_lattice`.
            RunFolderError: The run folder is gone, or no node was visited.
        """
        return self._plot("tying", target, "plot_tying")

    def plot_chain(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw dist^2, the squared distance of the particles to the space, at each node of the chain against its value
        from noise alone.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure if no target is given; a notebook shows it.

        Raises:
            ConfigError: As in `plot_lattice`.
            RunFolderError: The run folder is gone, or no node was visited.
        """
        return self._plot("distances", target, "plot_chain")

    def plot_symmetries(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw the p-values of the exact tests of the candidate's subgroups.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure if no target is given; a notebook shows it.

        Raises:
            ConfigError: As in `plot_lattice`.
            RunFolderError: The run folder is gone, or the search made no exact tests.
        """
        return self._plot("p-values", target, "plot_symmetries")

    def _plot(self, name: str, target: str | Path | Axes | None, caller: str) -> Figure | None:
        view = self._view()
        with worded(Parameters()):
            return plot(view, name, target, caller)

    def _view(self) -> RunView:
        """Return the run in its folder."""
        raise NotImplementedError

    def _repr_html_inner(self) -> str:
        """Return the content of scikit-learn's `_repr_html_`."""
        return self._found_html() or str(super()._repr_html_inner())  # type: ignore[misc]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Return all representations; notebooks request these first."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        found = self._found_html() if "text/html" in bundle else ""
        return {**bundle, "text/html": found} if found else bundle

    def _found_html(self) -> str:
        """Return what was found as HTML, "" before `fit`. It is built from memory, so it works without the run
        folder.
        """
        if not hasattr(self, "is_finished_"):
            return ""
        view = RunView(Path(self.result_.run), self.result_, self.lattice_, self.alpha)
        with worded(Parameters()):
            return run_html(view)


def check_verbose(verbose: object) -> None:
    """Refuse a value of `verbose` that is not a level of output.

    Args:
        verbose: The value.

    Raises:
        ConfigError: It is not a whole number, or is negative.
    """
    if not isinstance(verbose, Integral) or int(verbose) < 0:
        raise ConfigError(
            f"verbose is {quoted(verbose)}; give 0 for no output, or 1 to show the progress of the search"
        )


def preparing(verbose: int) -> AbstractContextManager[StageProgress]:
    """Show what is done before a search as `sharefind discover` does.

    Args:
        verbose: 0 shows nothing.

    Returns:
        The context of that work; its value is the callback for the stages.
    """
    return stage_progress(_console(), "reading the data", is_silent=not verbose, is_json=False, prefix=PROPOSING)


def deep_progress(verbose: int) -> AbstractContextManager[StageProgress]:
    """Show the trainings of a deep network as `sharefind train` does.

    Args:
        verbose: 0 shows nothing.

    Returns:
        The context of that work; its value is the callback for the stages.
    """
    return stage_progress(_console(), "training", is_silent=not verbose, is_json=False, prefix="training ", silence=0.0)


def _console() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def progress(
    verbose: int, problem: Problem, folder: RunFolder, workers: Workers, clock: Clock, *, is_kept: bool
) -> Iterator[Observer]:
    """Show the progress of a search as `sharefind discover` does, after a line with its expected duration.

    Args:
        verbose: 0 shows nothing.
        problem: The problem to search.
        folder: The run folder.
        workers: The processes that will do the work.
        clock: When the work began.
        is_kept: Whether the run folder is kept; otherwise it is deleted with the estimator.

    Yields:
        The observer that shows the progress.
    """
    if not verbose:
        yield Observer()
        return
    console = _console()
    started = time.monotonic() if clock.started is None else clock.started
    expected = expected_time(problem, folder, workers, started, can_go_on=False)
    run, forecast = folder.path if is_kept else None, Forecast(expected.estimate)
    with watcher(console, problem, run, lines=expected.lines, forecast=forecast) as observer:
        yield observer
