"""Networks that were trained beside each other, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from sharefind.report.text.number_words import NOTHING


def training_table(rows: Sequence[dict[str, Any]], least_squares: float | None) -> Table:
    """Name, numbers that were trained, R^2 on the rows kept apart, epochs and seconds of each network.

    Args:
        rows: The networks.
        least_squares: R^2 of least squares on the same rows, None where the rows do not determine it.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("network")
    for heading in ("parameters", "R^2 on rows kept apart", "best epoch", "seconds"):
        table.add_column(heading, justify="right")
    for row in rows:
        best = f"{row['best_epoch']} of {row['epochs']}"
        table.add_row(row["name"], f"{row['parameters']:,}", f"{row['r2']:.3f}", best, f"{row['seconds']:.1f}")
    reference = "not determined" if least_squares is None else f"{least_squares:.3f}"
    table.add_row("least squares", NOTHING, reference, NOTHING, NOTHING)
    return table
