"""Progress while a search runs: a live view on a terminal and in a notebook, elsewhere a line for each node."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sharefind.durations import rounded_seconds
from sharefind.report.text.tables import DECISION_STYLES
from sharefind.search import Growth, Observer, Problem, SearchLattice, SearchNode, TestedProblem
from sharefind.search.forecast import Forecast
from sharefind.search.observer import WARNING
from sharefind.written import number, shortened

if TYPE_CHECKING:
    from sharefind.architectures.layers.network_training import Epoch


def is_shown(console: Console, *, is_silent: bool, is_json: bool) -> bool:
    """Whether progress is shown: not if it is silent, nor for a program where the console is no terminal."""
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
    """The observer that suits where the console writes.

    Args:
        console: On stderr.
        problem: What is searched.
        run: The run folder; None where it vanishes with the process.
        is_silent: Whether nothing but notes is told.
        is_json: Whether a program reads along, which is told no more than notes unless somebody looks on.
        lines: What is said before it begins, where anything is shown.
        forecast: What is known of its time.
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
def waiting(console: Console, words: str, *, is_silent: bool, is_json: bool) -> Iterator[None]:
    """Says on a terminal what is done within, which has no bar of its own."""
    if console.is_terminal and is_shown(console, is_silent=is_silent, is_json=is_json):
        with console.status(Text(words)):
            yield
    else:
        yield


@contextmanager
def training_progress(
    console: Console, epochs: int, *, is_silent: bool, networks: int = 2
) -> Iterator[Callable[[str, Epoch], None] | None]:
    """What is told of every epoch of named networks, at most `epochs`; None where nothing shows.

    After a few epochs there is a line that says how long it takes at most; on a terminal each network has a bar, too.
    """
    if is_silent:
        yield None
        return
    pace = _Pace(epochs, networks, console)
    if not console.is_terminal:
        yield pace
        return
    bars: dict[str, TaskID] = {}
    with Progress(*_columns(), console=console, transient=True) as progress:

        def told(name: str, epoch: Epoch) -> None:
            pace(name, epoch)
            if name not in bars:
                bars[name] = progress.add_task(name, total=epochs)
            progress.update(bars[name], completed=epoch.number, description=f"{name}: loss {epoch.train_loss:.3g}")

        yield told


class _Pace:
    """Says once, from the first epochs of the first network, how long all of them take at most, where that is long."""

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


def _columns(*, is_timed: bool = True) -> tuple[ProgressColumn, ...]:
    """Of a bar; its text is no markup, since groups and spaces may have any name."""
    text = TextColumn("{task.description}", markup=False)
    bar: tuple[ProgressColumn, ...] = text, BarColumn(30 if is_timed else 14), TaskProgressColumn()
    return (*bar, TimeElapsedColumn()) if is_timed else bar


def _headline(problem: Problem, run: Path | None) -> str:
    settings = problem.settings
    tolerance = f", tolerance {settings.tolerance:g}" if settings.tolerance > 0 else ""
    samples = "fresh samples" if problem.samples is None else f"{problem.samples} samples"
    return (
        f"{problem.task.name} ({samples}), candidate {problem.candidate.group.name}, "
        f"growth {settings.growth}, stop {settings.stop}, alpha {settings.alpha:g}{tolerance}"
        f"{'' if run is None else f', run {run}'}"
    )


class NoteView(Observer):
    """Writes notes alone, which are told whatever else is silent."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_note(self, note: str) -> None:
        """Say it on a line of its own, above what else is shown."""
        self._console.print(Text(note if note.startswith(WARNING) else f"note: {note}"), soft_wrap=True)


class LineView(NoteView):
    """Writes one line for every finished node, for logs.

    Args:
        console: Where to.
        silence: Seconds of exact tests after which there is a line for them, too.
    """

    def __init__(self, console: Console, silence: float = 10.0) -> None:
        super().__init__(console)
        self._silence = silence
        self._spoke = time.monotonic()

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Say how far the exact tests are, now and then."""
        words = stage.removeprefix("in ")
        if words.startswith("test of ") and time.monotonic() - self._spoke >= self._silence:
            self._console.print(Text(f"{words}: {done} of at most {total} exact tests done"), soft_wrap=True)
            self._spoke = time.monotonic()

    def on_node_end(self, node: SearchNode) -> None:
        """Say what was seen at the node."""
        if node.evidence is not None:
            e = node.evidence
            seen = f"dist^2 {number(e.dist2)}, delta {number(e.delta)}, p {number(e.p_value)}"
            line = f"node {node.number} {node.label}: dim {node.space.dim}, {seen}: {e.decision.value}"
            self._console.print(Text(line), soft_wrap=True)


class LiveView(NoteView):
    """On a terminal: the chain so far, the training under way and the distances of finished nodes."""

    def __init__(self, console: Console, headline: str, forecast: Forecast | None = None) -> None:
        super().__init__(console)
        self._headline, self._forecast = headline, forecast or Forecast()
        self._visited: dict[str, SearchNode] = {}
        self._origin: dict[str, Growth] = {}
        self._current: SearchNode | None = None
        self._progress = Progress(*_columns(is_timed=False), console=console)
        self._task: TaskID = self._progress.add_task("starting", total=None)

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """The tests are done."""
        self._forecast.on_start(problem, lattice)

    def on_node_start(self, node: SearchNode) -> None:
        """Show the node as the one under way."""
        self._current = node
        self._progress.update(self._task, description=f"{_short(node)}: starting", total=None)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Move the bar of the stage."""
        self._forecast.on_progress(node, stage, done, total)
        self._progress.update(self._task, description=shortened(self._forecast.doing, 60), completed=done, total=total)

    def on_node_end(self, node: SearchNode) -> None:
        """Add the node to the finished ones."""
        self._forecast.on_node_end(node)
        self._visited[node.key] = node

    def on_growth(self, growths: list[Growth]) -> None:
        """Remember from where each node was proposed: by the growth that explains most, as in the chain."""
        for growth in growths:
            known = self._origin.get(growth.target)
            if known is None or (growth.explained, growth.source) > (known.explained, known.source):
                self._origin[growth.target] = growth

    def render(self) -> RenderableType:
        """What is shown now: the bar is the whole search's where its time is known, else the stage's."""
        share = self._forecast.share
        if share is not None:
            self._progress.update(self._task, completed=100 * share, total=100)
        return Group(self.render_finished(), self._progress, Text(self._forecast.words(), style="dim"))

    def render_finished(self) -> RenderableType:
        """What stays true when the training under way has ended."""
        parts: list[RenderableType] = [Text(self._headline, style="dim"), self._chain()]
        if self._visited:
            parts.append(self._distances())
        return Group(*parts)

    def _chain(self) -> Text:
        """E_0 -> E_1 -> ... -> the node under way."""
        text = Text("E_0")
        for k, node in enumerate(self._path()):
            style = _style(self._visited.get(node.key, node))
            text.append(f" -> E_{k} = " if k else " = ").append(_short(node), style=style)
        return text

    def _path(self) -> list[SearchNode]:
        if self._current is None:
            return []
        path = [self._current]
        while path[0].key in self._origin:
            path.insert(0, self._visited[self._origin[path[0].key].source])
        return path

    def _distances(self, most: int = 8) -> Table:
        """dist^2 of the latest nodes, as a bar on the scale of delta_j, whose place is marked in the middle."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("space", "dim", "dist^2", "delta", "dist^2 / delta, | at 1", "p", "decision"):
            table.add_column(heading, justify="right" if heading in ("dim", "dist^2", "delta", "p") else "left")
        for node in list(self._visited.values())[-most:]:
            if node.evidence is not None:
                e = node.evidence
                distances = number(e.dist2), number(e.delta), distance_bar(e.dist2, e.delta)
                decision = Text(e.decision.value, style=_style(node))
                table.add_row(Text(_short(node)), str(node.space.dim), *distances, number(e.p_value), decision)
        return table


class NotebookView(LiveView):
    """In a notebook: the same view as one output, which is replaced in its place and keeps the chain at the end.

    It needs nothing but IPython: no widgets.

    Args:
        console: Where notes go.
        headline: What is searched.
        forecast: What is known of its time.
        pause: Least seconds between two drawings.
    """

    def __init__(self, console: Console, headline: str, forecast: Forecast | None = None, pause: float = 0.25) -> None:
        super().__init__(console, headline, forecast)
        self._pause = pause
        self._output = str(uuid4())
        self._drawn: float | None = None

    def on_node_start(self, node: SearchNode) -> None:
        """Show the node as the one under way."""
        super().on_node_start(node)
        self._draw_again()

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Move the bar of the stage."""
        super().on_progress(node, stage, done, total)
        self._draw_again()

    def on_node_end(self, node: SearchNode) -> None:
        """Add the node to the finished ones."""
        super().on_node_end(node)
        self._draw_again()

    def finish(self) -> None:
        """Leave what was seen, without a bar that no longer moves."""
        self._draw(self.render_finished())

    def _draw_again(self) -> None:
        if self._drawn is None or time.monotonic() - self._drawn >= self._pause:
            self._draw(self.render())

    def _draw(self, shown: RenderableType) -> None:
        from IPython.display import publish_display_data

        publish_display_data(mime_bundle(shown), transient={"display_id": self._output}, update=self._drawn is not None)
        self._drawn = time.monotonic()


def mime_bundle(shown: RenderableType, width: int = 100) -> dict[str, str]:
    """Something for a terminal as outputs of a notebook, by type: text, and HTML that takes the notebook's own colours.

    Args:
        shown: What a console could print.
        width: Columns.
    """
    page = Console(file=io.StringIO(), record=True, width=width, force_jupyter=False)
    page.print(shown)
    html = page.export_html(clear=False, inline_styles=True, code_format='<pre style="line-height: 1.25">{code}</pre>')
    return {"text/plain": page.export_text(), "text/html": html}


def distance_bar(dist2: float, delta: float | None, width: int = 30) -> Text:
    """dist^2 / delta as a bar of `width` characters that ends at 2, with delta marked in the middle."""
    if delta is None:
        return Text("-")
    ratio = dist2 / delta if delta > 0 else (0.0 if dist2 == 0 else 2.0)
    filled = round(min(2.0, ratio) / 2 * width)
    cells = ["#" if k < filled else "." for k in range(width)]
    cells[width // 2] = "|"
    return Text("".join(cells), style="green" if ratio <= 1 else "yellow")


def _short(node: SearchNode, most: int = 32) -> str:
    return shortened(node.label, most)


def _style(node: SearchNode) -> str:
    return "bold" if node.evidence is None else DECISION_STYLES[node.evidence.decision]
