"""A table of trained networks: R^2 for numbers, accuracy and log loss for classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from sharefind.search.result_parts import Yardstick
from sharefind.search.scores import BASELINE, LEAST_SQUARES, REGRESSION
from sharefind.written import NOTHING


def training_table(rows: Sequence[Mapping[str, Any]], yardstick: Yardstick) -> Table:
    """Return name, number of parameters, scores on held-out rows, epochs and seconds of each network.

    Args:
        rows: The networks.
        yardstick: Scores of the reference models on the same rows.
    """
    (first, *others), cells = training_cells(rows, yardstick)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    for line in cells:
        table.add_row(*line)
    return table


def training_cells(
    rows: Sequence[Mapping[str, Any]], yardstick: Yardstick
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the headings and the cells of `training_table`.

    Args:
        rows: The networks.
        yardstick: Scores of the reference models on the same rows.
    """
    headings, others = _reference_rows(yardstick)
    qualities = [f"{title} on rows kept apart" for title in headings.values()]
    cells = list[tuple[str, ...]]()
    for row in rows:
        best = f"{row['best_epoch']} of {row['epochs']}"
        scores = (f"{row[key]:.3f}" for key in headings)
        cells.append((row["name"], f"{row['parameters']:,}", *scores, best, f"{row['seconds']:.1f}"))
    cells += [(name, NOTHING, *scores, NOTHING, NOTHING) for name, scores in others.items()]
    return ("network", "parameters", *qualities, "best epoch", "seconds"), cells


def _reference_rows(yardstick: Yardstick) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the headings of scores by their keys, and the scores of the reference models."""
    found = yardstick.classes
    if found is None:
        r2 = yardstick.least_squares
        return {"r2": "R^2"}, {LEAST_SQUARES: ("not determined" if r2 is None else f"{r2:.3f}",)}
    every = {REGRESSION: found.regression, BASELINE: found.baseline}
    return {"accuracy": "accuracy", "log_loss": "log loss"}, {
        name: ("one class", NOTHING) if score is None else (f"{score.accuracy:.3f}", f"{score.log_loss:.3f}")
        for name, score in every.items()
    }
