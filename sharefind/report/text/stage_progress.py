"""Progress of work in stages: what comes before a search, an audit, the choice of a deep network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.text import Text

from sharefind.progress import StageProgress, unwatched
from sharefind.report.text.live_progress import is_shown
from sharefind.report.text.live_views import bar_columns

PROPOSING = "proposing maps: "
"""Before the stages of what comes before a search."""


@contextmanager
def stage_progress(
    console: Console,
    words: str,
    *,
    is_silent: bool,
    is_json: bool,
    prefix: str = "",
    silence: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[StageProgress]:
    """Show what is done in this `with` block: a bar on a terminal, elsewhere a line from time to time.

    Args:
        console: A console on stderr.
        words: Name of the work before the first stage.
        is_silent: Whether output is silent.
        is_json: Whether the output is JSON.
        prefix: Words before the name of a stage.
        silence: Seconds after which a line is printed, where there is no terminal.
        clock: Seconds since some moment.

    Yields:
        The callback for the stages of the work.
    """
    if not is_shown(console, is_silent=is_silent, is_json=is_json):
        yield unwatched
    elif not console.is_terminal:
        yield _Lines(console, clock, prefix, silence)
    else:
        with Progress(*bar_columns(), console=console, transient=True) as progress:
            yield _Bar(progress, progress.add_task(words, total=None), prefix)


@dataclass(frozen=True)
class _Bar:
    """A progress bar, which moves anew in each stage."""

    progress: Progress
    task: TaskID
    prefix: str

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.progress.update(self.task, description=f"{self.prefix}{stage}", completed=done, total=total)


@dataclass
class _Lines:
    """Prints a line if nothing was printed for some seconds.

    Attributes:
        console: A console on stderr.
        clock: Seconds since some moment.
        prefix: Words before the name of a stage.
        silence: Seconds after which a line is printed.
    """

    console: Console
    clock: Callable[[], float]
    prefix: str
    silence: float
    _spoke: float = field(init=False)

    def __post_init__(self) -> None:
        self._spoke = self.clock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.clock() - self._spoke >= self.silence:
            self.console.print(Text(f"{self.prefix}{stage}, {done:,} of {total:,}"), soft_wrap=True)
            self._spoke = self.clock()
