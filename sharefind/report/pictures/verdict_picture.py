"""The three verdicts on the candidate groups as a picture: p-values, overlap, and the price of tying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.inference.relation.overlap import OverlapBounds
from sharefind.report.pictures.lattice_picture import plain, printable
from sharefind.report.pictures.palette import AFTER, COLOURS, FAINT, INK, LIMIT, MARKERS, PAPER
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.pictures.symmetry_picture import VERDICTS
from sharefind.report.text.runs import RunView
from sharefind.search.result_parts import SymmetryRow
from sharefind.search.three_verdicts import VERDICT_HEADINGS, has_relation, verdict_cells
from sharefind.written import NOTHING, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def judged(view: RunView) -> list[SymmetryRow]:
    """Return the groups whose inputs or relation have a test of their own; empty if the relation was not tested.

    Args:
        view: The run.
    """
    rows = view.result.symmetries if has_relation(view.result.symmetries) else []
    return [r for r in rows if any(part is not None and part.p_value is not None for part in (r.inputs, r.relation))]


def shown_rows(view: RunView) -> list[SymmetryRow]:
    """Return the groups that are drawn, in the order of the tests; groups whose relation was tested are kept first.

    Args:
        view: The run.
    """
    rows = judged(view)

    def is_untested(place: int) -> bool:
        relation = rows[place].relation
        return relation is None or relation.p_value is None

    kept = sorted(range(len(rows)), key=is_untested)
    return [rows[k] for k in sorted(kept[: SIZES.groups])]


def draw_verdicts(figure: Figure, view: RunView, bounds: OverlapBounds | None = None) -> dict[str, str]:
    """Draw a line for each group in three panels.

    Args:
        figure: An empty figure.
        view: The run.
        bounds: Required values of the overlap; None for `OverlapBounds()`.

    Returns:
        Tooltips of the groups, by the id of their drawing.
    """
    rows = shown_rows(view)
    places = np.arange(len(rows))[::-1]
    left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(1.6, 1, 1.3))
    _draw_p_values(left, view, rows, places)
    _draw_overlap(middle, rows, places, bounds or OverlapBounds())
    _draw_prices(right, rows, places)
    left.set_ylim(-0.7, len(rows) - 0.3)
    left.set_yticks(places, [plain(shortened(row.group, SIZES.group_name)) for row in rows])
    for axes in (left, middle, right):
        axes.hlines(places, *axes.get_xlim(), color=FAINT, lw=0.6, zorder=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    return {f"verdict-{k}": _title(row, view.result.symmetries) for k, row in enumerate(rows)}


def _title(row: SymmetryRow, rows: list[SymmetryRow]) -> str:
    cells = zip(VERDICT_HEADINGS[1:], verdict_cells(row, rows)[1:], strict=True)
    return f"{printable(row.group)}: " + ", ".join(f"{name} {cell}" for name, cell in cells if cell != NOTHING)


def _draw_p_values(axes: Axes, view: RunView, rows: list[SymmetryRow], places: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    lowest = view.alpha
    for k, (row, place) in enumerate(zip(rows, places, strict=True)):
        if row.inputs is not None and row.inputs.p_adjusted is not None:
            lowest = min(lowest, row.inputs.p_adjusted)
            axes.scatter(
                row.inputs.p_adjusted, place + 0.16, s=34, c=PAPER, marker="v", edgecolors=INK, lw=1,
                zorder=2, clip_on=False,
            )  # fmt: skip
        found = row.relation
        if found is not None and found.p_value is not None and found.p_adjusted is not None:
            decision = VERDICTS.get(found.verdict)
            lowest = min(lowest, found.p_adjusted)
            axes.scatter(
                found.p_adjusted, place - 0.1, s=46, c=COLOURS[decision], marker=MARKERS[decision], edgecolors=INK,
                lw=0.8, zorder=3, gid=f"verdict-{k}", clip_on=False,
            )  # fmt: skip
    axes.axvline(view.alpha, color=LIMIT, lw=1.4, ls="--", zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(lowest / 1.5, 1.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("adjusted p-value")
    axes.set_title("inputs (triangles), relation")


def _draw_overlap(axes: Axes, rows: list[SymmetryRow], places: Any, bounds: OverlapBounds) -> None:
    values = [np.nan if r.relation is None or r.relation.overlap is None else r.relation.overlap for r in rows]
    axes.barh(places, values, height=0.5, color=AFTER, zorder=2)
    for bound, style in ((bounds.accepted, "--"), (bounds.assured, ":")):
        axes.axvline(bound, color=LIMIT, lw=1.2, ls=style, zorder=3)
    axes.set_xlim(0, max(1.05, float(np.nanmax([*values, 1.0])) * 1.05))
    axes.set_xlabel("overlap")
    axes.set_title("what inputs can say")


def _draw_prices(axes: Axes, rows: list[SymmetryRow], places: Any) -> None:
    axes.axvline(0, color=INK, lw=0.8, zorder=1)
    priced = [(row.price, place) for row, place in zip(rows, places, strict=True) if row.price is not None]
    for price, place in priced:
        low, high = price.interval
        axes.plot([100 * low, 100 * high], [place, place], color=INK, lw=1.4, zorder=2)
        axes.plot(100 * price.gap, place, "o", ms=5, mec=INK, mfc=AFTER if price.fits else PAPER, zorder=3)
    if not priced:
        axes.set_xlim(-1, 1)
    axes.set_xlabel("tying loses, % of variance")
    axes.set_title("price (95 %)")
