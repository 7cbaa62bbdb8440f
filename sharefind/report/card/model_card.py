"""The parts of every model card: its header, the data, and the symmetry with its evidence from the search.

`deep_card` and `shared_card` add what was trained. A card holds no path: it travels with the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.report.card import markdown
from sharefind.report.card.card_path import card_path
from sharefind.report.text import verdict as words
from sharefind.report.text.guarantees import not_promised, promised
from sharefind.report.text.rows import SYMMETRY_HEADINGS, nearest, symmetry_cells
from sharefind.report.text.runs import RunView
from sharefind.search.three_verdicts import VERDICT_NOTE, has_verdicts, verdict_table
from sharefind.storage import write_atomically
from sharefind.typing import FloatArray
from sharefind.written import number

MOST_COLUMNS, MOST_GROUPS = 30, 40
"""Largest numbers of columns and of candidate groups that get a line each."""


@dataclass(frozen=True)
class Metric:
    """A score on held-out rows, as the header names it.

    Attributes:
        type: Its identifier, such as "mse", "r_squared" or "accuracy".
        name: Its name here.
        value: The score.
    """

    type: str
    name: str
    value: float


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of one side, each with its origin and scale.

    Attributes:
        names: Names, in their order.
        origins: Numbers that are subtracted, in the units of the data, shape (d,).
        scales: Numbers that columns are divided by, in the units of the data, shape (d,).
    """

    names: Sequence[str]
    origins: FloatArray
    scales: FloatArray


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The rows that a network was trained on.

    Attributes:
        name: Name of the task or of the file, without its folder.
        rows: Number of rows.
        inputs: The columns of x.
        outputs: The columns of y.
        classes: Names of the classes; empty where outputs are numbers.
        units: Number of units of rows that depend on each other; None where rows are independent.
    """

    name: str
    rows: int
    inputs: Columns
    outputs: Columns
    classes: Sequence[str] = ()
    units: int | None = None


@dataclass(frozen=True)
class ModelCard:
    """A card: its header and its sections.

    Attributes:
        title: Name of the network.
        data: The rows.
        view: The run of the search.
        tags: Further tags.
        metrics: Scores on held-out rows; the first is the main one.
        about: Lines of Markdown below the title.
        trained: Sections about the network, each a title with lines of Markdown.
        limits: Sentences about what the network is not good for.
        use: Lines of Python that load it.
    """

    title: str
    data: TrainingData
    view: RunView
    tags: Sequence[str]
    metrics: Sequence[Metric]
    about: Sequence[str]
    trained: Sequence[tuple[str, Sequence[str]]]
    limits: Sequence[str]
    use: Sequence[str]

    def to_markdown(self) -> str:
        """Return the card as Markdown with a YAML header."""
        sections = [
            ("Use", markdown.code(self.use, "python")),
            ("Data", list(_data_lines(self.data))),
            ("Symmetry", list(_symmetry_lines(self.view))),
            *self.trained,
            ("Limits of use", markdown.bullets([*self.limits, *not_promised(self.view)])),
        ]
        lines = [*markdown.header(self._header()), "", f"# {markdown.escaped(self.title)}", "", *self.about]
        for title, body in sections:
            lines += ["", f"## {title}", "", *body]
        return "\n".join(lines) + "\n"

    def write(self, weights: Path) -> Path:
        """Write the card beside a file of weights, whole or not at all.

        Args:
            weights: The file of weights.

        Returns:
            The file of the card.

        Raises:
            RunFolderError: The file cannot be written.
        """
        path = card_path(weights)
        write_atomically(path, self.to_markdown())
        return path

    def _header(self) -> dict[str, Any]:
        kind = "tabular-classification" if self.data.classes else "tabular-regression"
        scores = [{"type": one.type, "name": one.name, "value": one.value} for one in self.metrics]
        shown = {"task": {"type": kind}, "dataset": {"type": "tabular", "name": self.data.name}, "metrics": scores}
        return {
            "library_name": "sharefind",
            "pipeline_tag": kind,
            "tags": ["equivariance", "parameter-sharing", "tabular", *self.tags],
            "metrics": [one.type for one in self.metrics],
            "model-index": [{"name": self.title, "results": [shown]}] if scores else [],
        }


def data_name(name: str) -> str:
    """Return the name of a task, or of a file without its folder.

    Args:
        name: Name of the task or path of the file.
    """
    return name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or name


def _data_lines(data: TrainingData) -> Iterator[str]:
    rows = f"{data.rows:,} rows" + ("" if data.units is None else f" in {data.units:,} units that depend on each other")
    sides = f"{len(data.inputs.names)} columns of x"
    what = f"{len(data.classes)} classes" if data.classes else f"{len(data.outputs.names)} columns of y"
    yield markdown.escaped(f"{data.name}: {rows}, {sides}, {what}.")
    yield ""
    yield (
        "Columns are in the units of the data. Each is taken about its origin and over its scale, which commute with "
        "the group; both are part of the weights, so that the network takes and gives the units of the data."
    )
    yield from _column_lines("x", data.inputs)
    if data.classes:
        yield from ("", f"Outputs are logits, in this order: {', '.join(map(markdown.escaped, data.classes))}.")
    else:
        yield from _column_lines("y", data.outputs)


def _column_lines(side: str, columns: Columns) -> Iterator[str]:
    parts = zip(columns.names, columns.origins.tolist(), columns.scales.tolist(), strict=True)
    cells = [(str(k), name, number(origin), number(scale)) for k, (name, origin, scale) in enumerate(parts)]
    yield ""
    yield from markdown.table((side, "column", "origin", "scale"), cells[:MOST_COLUMNS], left=2)
    if len(cells) > MOST_COLUMNS:
        yield from ("", f"The first {MOST_COLUMNS} of {len(cells)} columns.")


def _symmetry_lines(view: RunView) -> Iterator[str]:
    result = view.result
    yield markdown.escaped(words.verdict(view))
    for title, names in (("Accepted", result.accepted), ("Rejected", result.rejected), ("Undecided", result.undecided)):
        if names:
            yield from ("", f"{title}: {markdown.escaped(', '.join(names[:MOST_GROUPS]))}.")
    yield from _tests(view)
    for sentence in promised(view):
        yield from ("", markdown.escaped(sentence))
    if result.warnings:
        yield from ("", *markdown.bullets(result.warnings))


def _tests(view: RunView) -> Iterator[str]:
    """The tests of candidate groups with their p-values; those nearest to the level where there are many."""
    rows = view.result.symmetries
    shown = nearest(rows, view.alpha, MOST_GROUPS)
    if not rows:
        yield from ("", "No group was tested: the space alone was found.")
        return
    rest = f" The {len(shown)} of {len(rows)} groups whose p-values are nearest to the level." if shown != rows else ""
    yield from ("", f"Tests at the level {view.alpha:g}.{rest}", "")
    kept = [k for k, heading in enumerate(SYMMETRY_HEADINGS) if heading != "seconds"]
    cells = [symmetry_cells(row, None) for row in shown]
    yield from markdown.table([SYMMETRY_HEADINGS[k] for k in kept], [[line[k] for k in kept] for line in cells])
    if has_verdicts(rows):
        headings, verdicts = verdict_table(rows, shown)
        yield from ("", *markdown.table(headings, verdicts), "", markdown.escaped(VERDICT_NOTE))


def constant_scale(value: float, count: int) -> FloatArray:
    """Return one scale for every column, shape (count,).

    Args:
        value: The scale.
        count: Number of columns.
    """
    return np.full(count, value)
