"""Views of a running search: live on a terminal and in a notebook, elsewhere one line per node."""

from __future__ import annotations

import io
import time
from uuid import uuid4

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sharefind.report.text.tables import DECISION_STYLES
from sharefind.search import Growth, Observer, SearchLattice, SearchNode, TestedProblem
from sharefind.search.forecast import Forecast
from sharefind.search.observer import WARNING
from sharefind.written import number, shortened


def bar_columns(*, is_timed: bool = True) -> tuple[ProgressColumn, ...]:
    """Return the columns of a progress bar; its text is not markup, since groups and spaces may have any name.

    Args:
        is_timed: Whether the elapsed time is shown.
    """
    text = TextColumn("{task.description}", markup=False)
    bar: tuple[ProgressColumn, ...] = text, BarColumn(30 if is_timed else 14), TaskProgressColumn()
    return (*bar, TimeElapsedColumn()) if is_timed else bar


class NoteView(Observer):
    """Prints notes only; they are printed even if everything else is silent.

    Args:
        console: A console on stderr.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_note(self, note: str) -> None:
        """Print a note on a line of its own, above the other output.

        Args:
            note: The note.
        """
        self._console.print(Text(note if note.startswith(WARNING) else f"note: {note}"), soft_wrap=True)


class LineView(NoteView):
    """Prints one line for every finished node, for logs.

    Args:
        console: A console on stderr.
        silence: Seconds of exact tests after which a line on their progress is printed.
    """

    def __init__(self, console: Console, silence: float = 10.0) -> None:
        super().__init__(console)
        self._silence = silence
        self._spoke = time.monotonic()

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Print the progress of the exact tests from time to time.

        Args:
            node: The current node.
            stage: Name of the current work.
            done: Finished steps.
            total: Largest number of steps.
        """
        words = stage.removeprefix("in ")
        if words.startswith("test of ") and time.monotonic() - self._spoke >= self._silence:
            self._console.print(Text(f"{words}: {done} of at most {total} exact tests done"), soft_wrap=True)
            self._spoke = time.monotonic()

    def on_node_end(self, node: SearchNode) -> None:
        """Print the evidence at a finished node.

        Args:
            node: The node.
        """
        if node.evidence is not None:
            e = node.evidence
            seen = f"dist^2 {number(e.dist2)}, delta {number(e.delta)}, p {number(e.p_value)}"
            line = f"node {node.number} {node.label}: dim {node.space.dim}, {seen}: {e.decision.value}"
            self._console.print(Text(line), soft_wrap=True)


class LiveView(NoteView):
    """Terminal view: the chain so far, the current training, and the distances of finished nodes.

    Args:
        console: A console on stderr.
        headline: Description of the search.
        forecast: Estimate of the duration.
    """

    def __init__(self, console: Console, headline: str, forecast: Forecast | None = None) -> None:
        super().__init__(console)
        self._headline, self._forecast = headline, forecast or Forecast()
        self._visited: dict[str, SearchNode] = {}
        self._origin: dict[str, Growth] = {}
        self._current: SearchNode | None = None
        self._progress = Progress(*bar_columns(is_timed=False), console=console)
        self._task: TaskID = self._progress.add_task("starting", total=None)

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """Record that the tests are finished.

        Args:
            problem: The problem with its tests.
            lattice: The lattice of the search.
        """
        self._forecast.on_start(problem, lattice)

    def on_node_start(self, node: SearchNode) -> None:
        """Show a node as the current one.

        Args:
            node: The node.
        """
        self._current = node
        self._progress.update(self._task, description=f"{_short(node)}: starting", total=None)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Move the progress bar.

        Args:
            node: The current node.
            stage: Name of the current work.
            done: Finished steps.
            total: Largest number of steps.
        """
        self._forecast.on_progress(node, stage, done, total)
        self._progress.update(self._task, description=shortened(self._forecast.doing, 60), completed=done, total=total)

    def on_node_end(self, node: SearchNode) -> None:
        """Add a node to the finished ones.

        Args:
            node: The node.
        """
        self._forecast.on_node_end(node)
        self._visited[node.key] = node

    def on_growth(self, growths: list[Growth]) -> None:
        """Record the growth that proposed each node; of several, the one that explains most, as in the chain.

        Args:
            growths: The growths.
        """
        for growth in growths:
            known = self._origin.get(growth.target)
            if known is None or (growth.explained, growth.source) > (known.explained, known.source):
                self._origin[growth.target] = growth

    def render(self) -> RenderableType:
        """Return the present view; the bar shows the whole search if its duration is known, else the current stage."""
        share = self._forecast.share
        if share is not None:
            self._progress.update(self._task, completed=100 * share, total=100)
        return Group(self.render_finished(), self._progress, Text(self._forecast.words(), style="dim"))

    def render_finished(self) -> RenderableType:
        """Return the part of the view that remains valid after the current training."""
        parts: list[RenderableType] = [Text(self._headline, style="dim"), self._chain()]
        if self._visited:
            parts.append(self._distances())
        return Group(*parts)

    def _chain(self) -> Text:
        """Return E_0 -> E_1 -> ... -> the current node."""
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
        """Return dist^2 of the latest nodes, as bars on the scale of delta_j, which is marked in the middle."""
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
    """Notebook view: the terminal view as one output, which is updated in place and shows the chain at the end.

    It needs only IPython, no widgets.

    Args:
        console: A console for notes.
        headline: Description of the search.
        forecast: Estimate of the duration.
        pause: Smallest number of seconds between two updates.
    """

    def __init__(self, console: Console, headline: str, forecast: Forecast | None = None, pause: float = 0.25) -> None:
        super().__init__(console, headline, forecast)
        self._pause = pause
        self._output = str(uuid4())
        self._drawn: float | None = None

    def on_node_start(self, node: SearchNode) -> None:
        """Show a node as the current one.

        Args:
            node: The node.
        """
        super().on_node_start(node)
        self._draw_again()

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Move the progress bar.

        Args:
            node: The current node.
            stage: Name of the current work.
            done: Finished steps.
            total: Largest number of steps.
        """
        super().on_progress(node, stage, done, total)
        self._draw_again()

    def on_node_end(self, node: SearchNode) -> None:
        """Add a node to the finished ones.

        Args:
            node: The node.
        """
        super().on_node_end(node)
        self._draw_again()

    def finish(self) -> None:
        """Show the finished nodes without the progress bar."""
        self._draw(self.render_finished())

    def _draw_again(self) -> None:
        if self._drawn is None or time.monotonic() - self._drawn >= self._pause:
            self._draw(self.render())

    def _draw(self, shown: RenderableType) -> None:
        from IPython.display import publish_display_data

        publish_display_data(mime_bundle(shown), transient={"display_id": self._output}, update=self._drawn is not None)
        self._drawn = time.monotonic()


def mime_bundle(shown: RenderableType, width: int = 100) -> dict[str, str]:
    """Return terminal output as notebook output, by type: text, and HTML in the notebook's own colours.

    Args:
        shown: Anything that a console can print.
        width: Number of columns.
    """
    page = Console(file=io.StringIO(), record=True, width=width, force_jupyter=False)
    page.print(shown)
    html = page.export_html(clear=False, inline_styles=True, code_format='<pre style="line-height: 1.25">{code}</pre>')
    return {"text/plain": page.export_text(), "text/html": html}


def distance_bar(dist2: float, delta: float | None, width: int = 30) -> Text:
    """Return dist^2 / delta as a bar that ends at 2, with delta marked in the middle.

    Args:
        dist2: Squared distance of the particles from the space.
        delta: Its threshold; None gives "-".
        width: Number of characters.
    """
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
