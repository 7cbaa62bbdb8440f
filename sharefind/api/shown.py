"""How a fitted search is seen: in the output of a notebook's cell, and as pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sharefind.api.parameters import Parameters
from sharefind.errors import ConfigError, quoted, worded
from sharefind.parallel import Workers
from sharefind.report.page.notebook_view import run_html
from sharefind.report.pictures.drawing import plot
from sharefind.report.text.live_progress import watcher
from sharefind.report.text.runs import RunView
from sharefind.search import Observer, Problem, RunFolder, SearchLattice
from sharefind.search.expected_time import expected_time
from sharefind.search.forecast import Forecast
from sharefind.search.result import Result
from sharefind.search.run import Clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ShownSharing:
    """What notebooks and pictures show of a search; scikit-learn shows the estimator until it is fitted."""

    alpha: float
    result_: Result
    lattice_: SearchLattice

    def plot_lattice(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw the lattice of visited and proposed spaces.

        Args:
            target: A file (.png, .svg) or axes; None for a new figure.

        Returns:
            The new figure where no target is given; a notebook shows it.

        Raises:
            ConfigError: matplotlib is not installed, or another ending. RunFolderError: the run is gone.
        """
        return self._plot("lattice", target, "plot_lattice")

    def plot_tying(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw which parameters the space found ties, or its basis where it ties none.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure where no target is given; a notebook shows it.

        Raises:
            ConfigError, RunFolderError: as in `plot_lattice`, or no node was visited.
        """
        return self._plot("tying", target, "plot_tying")

    def plot_chain(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw dist^2 of the particles at each node of the chain against what noise alone explains.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure where no target is given; a notebook shows it.

        Raises:
            ConfigError, RunFolderError: as in `plot_lattice`, or no node was visited.
        """
        return self._plot("distances", target, "plot_chain")

    def plot_symmetries(self, target: str | Path | Axes | None = None) -> Figure | None:
        """Draw the p-values of the exact tests of the candidate's subgroups.

        Args:
            target: As in `plot_lattice`.

        Returns:
            The new figure where no target is given; a notebook shows it.

        Raises:
            ConfigError, RunFolderError: as in `plot_lattice`, or the search made no exact tests.
        """
        return self._plot("p-values", target, "plot_symmetries")

    def _plot(self, name: str, target: str | Path | Axes | None, caller: str) -> Figure | None:
        view = self._view()
        with worded(Parameters()):
            return plot(view, name, target, caller)

    def _view(self) -> RunView:
        """The run in its folder."""
        raise NotImplementedError

    def _repr_html_inner(self) -> str:
        """What `_repr_html_` of scikit-learn gives."""
        return self._found_html() or str(super()._repr_html_inner())  # type: ignore[misc]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """All representations, which notebooks ask for first."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        found = self._found_html() if "text/html" in bundle else ""
        return {**bundle, "text/html": found} if found else bundle

    def _found_html(self) -> str:
        """What was found; "" before `fit`. From memory: a run folder that is gone must not keep it from being seen."""
        if not hasattr(self, "is_finished_"):
            return ""
        view = RunView(Path(self.result_.run), self.result_, self.lattice_, self.alpha)
        with worded(Parameters()):
            return run_html(view)


def check_verbose(verbose: object) -> None:
    """Refuse what is no degree of talkativeness.

    Raises:
        ConfigError: `verbose` is no whole number, or a negative one.
    """
    if not isinstance(verbose, Integral) or int(verbose) < 0:
        raise ConfigError(f"verbose is {quoted(verbose)}; give 0 to hear nothing, or 1 to see how far the search is")


@contextmanager
def progress(
    verbose: int, problem: Problem, folder: RunFolder, workers: Workers, clock: Clock, *, is_kept: bool
) -> Iterator[Observer]:
    """The observer that shows how far a search is, as `sharefind discover` does, after a line of how long it will take.

    Args:
        verbose: 0 says nothing.
        problem: What is searched.
        folder: The run.
        workers: Who will do the work.
        clock: When it began.
        is_kept: Whether the run stays; another one vanishes with the estimator.
    """
    if not verbose:
        yield Observer()
        return
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    started = time.monotonic() if clock.started is None else clock.started
    expected = expected_time(problem, folder, workers, started, can_go_on=False)
    run, forecast = folder.path if is_kept else None, Forecast(expected.estimate)
    with watcher(console, problem, run, lines=expected.lines, forecast=forecast) as observer:
        yield observer
