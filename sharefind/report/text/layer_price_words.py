"""The price of tying a deep network layer by layer, as a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from sharefind.architectures.deep.layer_price import LayerPrice, PricedTies
from sharefind.written import NOTHING


def layer_price_table(price: LayerPrice) -> Table:
    """Return each way to tie the layers, a row each, with its risk less that of the first.

    Args:
        price: The comparison.
    """
    is_class = price.ways[0].accuracy is not None
    title = f"The price of tying: {price.folds} other folds; intervals of {price.confidence:.0%}"
    note = "The interval says whether ties pay, not in which layer a symmetry is broken."
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", caption=note)
    table.caption_justify = "left"
    table.add_column("ties of the layers")
    for heading in ("parameters", "log loss" if is_class else "risk", *(["accuracy"] if is_class else [])):
        table.add_column(heading, justify="right")
    table.add_column(f"more than {price.ways[0].name}", justify="right")
    table.add_column("")
    for number, row in enumerate(price.ways):
        scores = [f"{row.risk:.4g}", *([f"{row.accuracy:.3f}"] if row.accuracy is not None else [])]
        compared = (_difference(row) if number else NOTHING, row.verdict)
        table.add_row(row.name, f"{row.parameters:,}", *scores, *compared)
    return table


def _difference(row: PricedTies) -> str:
    return f"{row.difference:+.2g} ({row.low:+.2g} to {row.high:+.2g})"
