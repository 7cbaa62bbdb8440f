"""The exact tests of the candidate groups as a picture: p-values against the level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.report.pictures.lattice_picture import plain, printable
from sharefind.report.pictures.palette import COLOURS, FAINT, INK, LIMIT, MARKERS
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.text.runs import RunView
from sharefind.search import Decision
from sharefind.search.result_parts import SymmetryRow
from sharefind.written import number, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICTS = {"accepted": Decision.STAY, "rejected": Decision.GROW, "undecided": None}
"""The decision to which each verdict leads."""


def tested(view: RunView) -> list[SymmetryRow]:
    """Return the candidate groups that have a p-value of their own, in the order of the tests.

    Args:
        view: The run.
    """
    return [row for row in view.result.symmetries if row.p_value is not None]


def drawn(view: RunView) -> list[SymmetryRow]:
    """Return the tested groups that are drawn, in the order of the tests.

    Args:
        view: The run.
    """
    rows = tested(view)
    kept = sorted(range(len(rows)), key=lambda k: rows[k].verdict == "rejected")[: SIZES.groups]
    return [rows[k] for k in sorted(kept)]


def draw_p_values(axes: Axes, view: RunView) -> dict[str, str]:
    """Draw a line for each tested group, with its adjusted p-value on a logarithmic axis, and the level alpha.

    Args:
        axes: Where to draw.
        view: The run.

    Returns:
        Tooltips of the groups, by the id of their drawing.
    """
    rows = drawn(view)
    places = np.arange(len(rows))[::-1]
    values = np.array([row.p_adjusted for row in rows])
    axes.hlines(places, values, 1, color=FAINT, lw=1, zorder=1)
    for k, (place, row) in enumerate(zip(places, rows, strict=True)):
        decision = VERDICTS[row.verdict]
        axes.scatter(
            values[k], place, s=46, c=COLOURS[decision], marker=MARKERS[decision], edgecolors=INK, lw=0.8,
            zorder=3, gid=f"group-{k}", clip_on=False,
        )  # fmt: skip
    axes.axvline(view.alpha, color=LIMIT, lw=1.4, ls="--", zorder=2)
    _dress(axes, view, rows, values, places)
    return {f"group-{k}": _title(row) for k, row in enumerate(rows)}


def _title(row: SymmetryRow) -> str:
    return f"{printable(row.group)}: p {number(row.p_value)}, adjusted {number(row.p_adjusted)}: {row.verdict}"


def _dress(axes: Axes, view: RunView, rows: list[SymmetryRow], values: Any, places: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_xlim(min([*values, view.alpha]) / 1.5, 1.2)
    axes.set_ylim(-0.8, len(rows) - 0.2)
    axes.set_yticks(places, [plain(shortened(row.group, SIZES.group_name)) for row in rows])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("adjusted p-value")
    axes.set_title("exact tests of the candidate groups")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    shown = [word for word in VERDICTS if any(row.verdict == word for row in rows)]
    marks = [Line2D([], [], marker=MARKERS[d], ls="", mec=INK, mfc=COLOURS[d], label=w) for w, d in _of(shown)]
    level = Line2D([], [], color=LIMIT, ls="--", label=f"alpha = {view.alpha:g}")
    height = 0.5 / (0.25 * len(rows) + 1)
    axes.legend(
        handles=[*marks, level], frameon=False, fontsize=8.5, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -height)
    )


def _of(words: list[str]) -> list[tuple[str, Decision | None]]:
    return [(word, VERDICTS[word]) for word in words]
