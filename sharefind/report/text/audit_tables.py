"""Findings of an audit as tables: for terminals by rich, for pages by `sharefind.html`."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sharefind.architectures.audit import Audit, LayerFinding, Verdict
from sharefind.architectures.audit.census import TypeShare
from sharefind.architectures.audit.end_to_end import ElementError
from sharefind.architectures.audit.findings import entry_words, percent
from sharefind.html import Grid
from sharefind.report.text.text_style import STYLE
from sharefind.written import number, plural

COLOURS = {Verdict.EXACT: "green", Verdict.APPROXIMATE: "yellow", Verdict.BROKEN: "red"}

ELEMENT_HEADINGS = ("element", "error", "in roundings", "of the spread", "verdict")

LAYER_HEADINGS = ("layer", "units", "activation", "hidden action", "types", "space", "off it")

CENSUS_HEADINGS = ("layer", "types", "units", "share", "by chance", "counted as")

ELEMENT_NOTE = (
    "The error is the root mean square of f(g x) - g f(x) over the rows. In roundings: relative to the network's "
    "distance from itself in double precision; up to 10 is exact. Of the spread: relative to the deviation of the "
    "outputs from their mean; up to 10 % is approximate."
)

LAYER_NOTE = (
    "Space: dimension of the exact space under the actions before and after the layer, of all weights. Off it: "
    "distance of the weights from that space, relative to their norm; 0 where rounding explains it."
)

CENSUS_NOTE = (
    "A unit has the type of the largest subgroup whose elements it follows with a correlation above .95. By chance: "
    "the same with the weights shuffled within each layer."
)


def element_grid(audit: Audit, most: int | None = STYLE.tests) -> Grid:
    """Return the errors of the elements: generators first, then the worst of the others.

    Args:
        audit: The audit.
        most: Largest number of elements; None for all.
    """
    errors = audit.end_to_end.errors
    generators = [error for error in errors if error.element.generator is not None]
    others = sorted(
        (error for error in errors if error.element.generator is None),
        key=lambda e: (e.verdict is not Verdict.EXACT, float("inf") if e.relative is None else e.relative),
        reverse=True,
    )
    shown = [*generators, *others][:most]
    kind = "all elements but the identity" if audit.are_all else "generators and random elements"
    rest = "" if len(shown) == len(errors) else f", {len(shown)} of {len(errors)} shown"
    caption = f"End to end: {kind}{rest}"
    return Grid(caption, ELEMENT_HEADINGS, tuple(map(_element_cells, shown)), ELEMENT_NOTE)


def _element_cells(error: ElementError) -> tuple[str, ...]:
    relative = "constant" if error.relative is None else percent(error.relative)
    return error.element.title, number(error.error), number(error.error / error.noise), relative, str(error.verdict)


def layer_grid(audit: Audit) -> Grid | None:
    """Return the layers with their actions and distances; None if they were not read.

    Args:
        audit: The audit.
    """
    if not audit.layers:
        return None
    rows = tuple(_layer_cells(layer, audit) for layer in audit.layers)
    return Grid("Hidden actions and exact spaces", LAYER_HEADINGS, rows, LAYER_NOTE)


def _layer_cells(layer: LayerFinding, audit: Audit) -> tuple[str, ...]:
    action = f"outputs: {audit.out_rep.name}" if layer.action is None else str(layer.action.reading)
    found = layer.distance
    space = "-" if found is None else f"{found.dim} of {found.ambient}"
    off = "-" if found is None else "0" if found.is_exact else percent(found.distance)
    return str(layer.number), _units(layer), layer.activation or "-", action, _types(layer), space, off


def _units(layer: LayerFinding) -> str:
    less = [(layer.constant, "constant"), (layer.merged, "twice"), (layer.unused, "unused")]
    notes = [f"{count} {what}" for count, what in less if count]
    return f"{layer.width} ({', '.join(notes)})" if notes else str(layer.width)


def _types(layer: LayerFinding) -> str:
    if layer.types is None:
        return "-"
    return " + ".join(name if count == 1 else f"{count} {name}" for name, count in layer.types.items())


def weight_grid(audit: Audit) -> Grid | None:
    """Return the weights that are farthest from exact spaces; None if there are none.

    Args:
        audit: The audit.
    """
    rows = [
        (str(layer.number), entry_words(entry, layer.number), percent(entry.deviation))
        for layer in audit.layers
        if layer.distance is not None
        for entry in layer.distance.off
    ]
    note = (
        "Distance from the projected weight, relative to the root mean square of the layer's weights. Weights that are "
        "tied to a wrong one are off, too, but less. Units and inputs are counted from 0."
    )
    return Grid("Weights that are farthest off", ("layer", "weights off", "off"), tuple(rows), note) if rows else None


def census_grid(audit: Audit) -> Grid | None:
    """Return the types of units by their correlations; None if no census was made.

    Args:
        audit: The audit.
    """
    rows = [_census_cells(layer, one) for layer in audit.layers for one in layer.census or ()]
    caption = "Units by their correlations, where no action was read"
    return Grid(caption, CENSUS_HEADINGS, tuple(rows), CENSUS_NOTE) if rows else None


def _census_cells(layer: LayerFinding, one: TypeShare) -> tuple[str, ...]:
    counted = "found" if one.is_found else "undecided"
    return str(layer.number), one.name, str(one.units), percent(one.share), percent(one.chance), counted


def grids(audit: Audit, most: int | None = STYLE.tests) -> list[Grid]:
    """Return all tables of an audit.

    Args:
        audit: The audit.
        most: Largest number of elements; None for all.
    """
    others = (layer_grid(audit), weight_grid(audit), census_grid(audit))
    return [element_grid(audit, most), *(grid for grid in others if grid is not None)]


def audit_view(audit: Audit, *, is_whole: bool = False) -> RenderableType:
    """Return an audit for a terminal.

    Args:
        audit: The audit.
        is_whole: Whether all elements are shown.
    """
    parts: list[RenderableType] = [
        Panel(Text(audit.headline), border_style=COLOURS[audit.verdict], expand=False),
        Text(f"{facts_line(audit)}", style="dim"),
        *(Text(line) for line in audit.sentences),
        *(Text(f"! {line}", style="yellow") for line in audit.notes),
    ]
    for grid in grids(audit, None if is_whole else STYLE.tests):
        parts += [_table(grid), Text(grid.note, style="dim")]
    return Group(*parts)


def facts_line(audit: Audit) -> str:
    """Return what was audited, on one line.

    Args:
        audit: The audit.
    """
    network = audit.network
    return (
        f"{plural(audit.rows, 'row')}, {audit.in_rep.dim} inputs by {audit.in_rep.name}, {audit.out_rep.dim} outputs "
        f"by {audit.out_rep.name}, computed in {network.dtype}"
    )


def _table(grid: Grid) -> Table:
    table = Table(title=f"\n{grid.caption}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading, is_text in zip(grid.headings, grid.is_text, strict=True):
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
