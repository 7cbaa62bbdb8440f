"""Draws the panels of an outcome as one PNG. Only this module loads matplotlib, and only to draw."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sharefind.paper.demonstration import Outcome, Panel, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#4d4d4d", "#8c564b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
STYLES = ("-", "--", "-.", ":")
"""Line styles by the position of a series; they distinguish series without colours, and lines that coincide."""

REFERENCE = ", reference"
"""End of the label of a reference series; it is drawn as stars in the colour of the series that it belongs to."""

REFERENCE_NAME = "reference values"
"""Name of these stars in the legend."""

FLOOR_COLOUR = "#9aa5b1"


@dataclass(frozen=True)
class PictureSizes:
    """Sizes of a picture.

    Attributes:
        dpi: Dots per inch.
        columns: Largest number of panels in a row.
        panel: Width and height of one of several panels, in inches.
        single: Width and height of a single panel, in inches.
        legend_line: Height in inches of one entry of a legend below a panel.
        legend_width: Width in inches of a legend at the end of a row.
        legend_below: Position of the top of a legend below a panel with horizontal names, in heights of a panel.
        legend_below_turned: The same below a panel with rotated names.
        title_width: Characters of the title per inch of picture.
        tick_characters: Characters of all tick names per inch of panel; longer names are rotated.
        log_range: On a log axis, values below this share of the largest are rounding errors or zero; they are drawn on
            a line at the bottom.
    """

    dpi: int = 110
    columns: int = 3
    panel: tuple[float, float] = (4.4, 3.6)
    single: tuple[float, float] = (8.6, 4.6)
    legend_line: float = 0.19
    legend_width: float = 2.2
    legend_below: float = -0.16
    legend_below_turned: float = -0.4
    title_width: float = 11.0
    tick_characters: int = 28
    log_range: float = 1e-18

    def size(self, panels: Sequence[Panel], columns: int, rows: int) -> tuple[float, float]:
        """Return width and height of the picture in inches, with room for legends.

        Args:
            panels: The panels.
            columns: Number of columns.
            rows: Number of rows.
        """
        if len(panels) <= 1:
            entries = len(panels[0].series) if panels else 0
            return self.single[0], self.single[1] + self.legend_line * entries
        below = max((len(p.series) for p in panels if not _shares_legend(panels[:columns])), default=0)
        return columns * self.panel[0] + self.legend_width, rows * (self.panel[1] + self.legend_line * below)


SIZES = PictureSizes()


def draw(outcome: Outcome, title: str, sizes: PictureSizes = SIZES) -> bytes | None:
    """Return all panels of an outcome as one PNG; None if matplotlib is not installed.

    Args:
        outcome: The outcome; the title shows its verdict.
        title: The title, broken into lines as needed.
        sizes: Sizes of the picture.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    panels = outcome.panels
    columns = max(1, min(sizes.columns, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    width, height = sizes.size(panels, columns, rows)
    figure = Figure(figsize=(width, height), layout="constrained")
    verdict = "holds" if outcome.holds else "fails"
    lines = textwrap.wrap(f"{title} [{verdict}]", int(width * sizes.title_width))
    figure.suptitle(_plain("\n".join(lines)), fontsize=11)
    axes = figure.subplots(rows, columns, squeeze=False)
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        draw_panel(axes[row][column], panel, _legend_place(panels, columns, place), sizes)
    for place in range(len(panels), rows * columns):
        axes[place // columns][place % columns].set_visible(False)
    buffer = io.BytesIO()
    # No name of the software, so that the same outcome gives the same bytes with the same library.
    figure.savefig(buffer, format="png", dpi=sizes.dpi, metadata={"Software": None})
    return buffer.getvalue()


def _shares_legend(in_row: Sequence[Panel]) -> bool:
    """Return whether one panel of a row names every series of the row, so that one legend is enough."""
    labels = [set(_labels(panel)) for panel in in_row]
    return len(in_row) > 1 and all(each <= labels[0] | max(labels, key=lambda some: len(some)) for each in labels)


def _labels(panel: Panel) -> tuple[str, ...]:
    return tuple(s.label for s in panel.series if not s.label.endswith(REFERENCE))


def _legend_place(panels: Sequence[Panel], columns: int, place: int) -> str:
    """Return the position of a panel's legend: "below", "right" of the last panel of a row that shares it, or "none".

    A row whose series all occur in the legend of a row above needs no legend.
    """
    row, column = divmod(place, columns)
    in_row = panels[row * columns : (row + 1) * columns]
    above = [panels[r * columns : (r + 1) * columns] for r in range(row)]
    named = [{label for p in one for label in _labels(p)} for one in above if _shares_legend(one)]
    if any({label for p in in_row for label in _labels(p)} <= labels for labels in named):
        return "none"
    if not _shares_legend(in_row):
        return "below"
    return "right" if column == len(in_row) - 1 else "none"


@dataclass(frozen=True)
class _Floor:
    """The line at the bottom of a log axis on which smaller values are drawn."""

    bound: float
    height: float

    def lift(self, value: float) -> float:
        """Return the height at which a value is drawn; a gap stays a gap."""
        return self.height if value < self.bound else value

    def holds(self, values: Sequence[float]) -> bool:
        """Return whether a value lies below the bound."""
        return any(math.isfinite(value) and value < self.bound for value in values)

    def below(self, panel: Panel) -> str:
        """Return the largest value below the line, in words."""
        largest = max((v for s in panel.series for v in s.y if math.isfinite(v) and v < self.bound), default=0.0)
        return f"{largest:.0e} at most" if largest > 0 else "0"


def draw_panel(axes: Axes, panel: Panel, legend: str = "below", sizes: PictureSizes = SIZES) -> None:
    """Draw one panel: lines with markers and error bars, or bars over named ticks.

    Args:
        axes: Where to draw.
        panel: The panel.
        legend: "below" the axes, "right" of them, or "none".
        sizes: Sizes of the picture.
    """
    floor = _floor(panel, sizes.log_range)
    axes.set_title(_plain(panel.title), fontsize=10)
    axes.set_xlabel(_plain(panel.x_label))
    axes.set_ylabel(_plain(panel.y_label))
    axes.set_xscale("linear" if panel.bars else panel.x_scale)
    axes.set_yscale(panel.y_scale)
    for place, series in enumerate(panel.series):
        if panel.bars:
            _draw_bars(axes, series, place, len(panel.series), floor)
        else:
            _draw_line(axes, series, place, panel, floor)
    if floor is not None and panel.bars:
        # After everything is drawn: setting one limit stops the automatic scaling of the other.
        axes.set_ylim(bottom=floor.height / 3)
    if floor is not None and any(floor.holds(s.y) for s in panel.series):
        axes.axhline(floor.bound, color=FLOOR_COLOUR, lw=0.8, ls=":", zorder=0)
        axes.set_ylim(bottom=floor.height / 3)
        axes.set_xlabel(f"{_plain(panel.x_label)} (below the dotted line: {floor.below(panel)})")
    is_turned = bool(panel.ticks) and _name_ticks(axes, panel, sizes)
    axes.grid(axis="y", color="#e4e7eb", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _place_legend(axes, legend, sizes.legend_below_turned if is_turned else sizes.legend_below)


def _floor(panel: Panel, log_range: float) -> _Floor | None:
    """Return the floor of a log axis; None for a linear axis."""
    if panel.y_scale != "log":
        return None
    positive = [v for s in panel.series for v in s.y if math.isfinite(v) and v > 0]
    if not positive:
        return _Floor(1e-16, 1e-17)
    bound = max(positive) * log_range
    visible = min(v for v in positive if v >= bound)
    # The line lies just below the drawn values, not at the end of the allowed range.
    line = 10.0 ** math.floor(math.log10(visible) - 0.5) if visible > 10 * bound else bound
    return _Floor(line, line / 10)


def _draw_line(axes: Axes, series: Series, place: int, panel: Panel, floor: _Floor | None) -> None:
    x, y = list(series.x), [_finite(v) for v in series.y]
    if series.label.endswith(REFERENCE):
        names, owner_name = [s.label for s in panel.series], series.label.removesuffix(REFERENCE)
        owner = names.index(owner_name) if owner_name in names else place
        axes.plot(x, y, ls="none", marker="*", ms=11, mfc="none", mec=_colour(owner), label=REFERENCE_NAME, zorder=4)
        return
    heights = y if floor is None else [floor.lift(v) for v in y]
    bars = _error_bars(series, heights, floor)
    axes.errorbar(
        x, heights, yerr=bars, color=_colour(place), marker=MARKERS[place % len(MARKERS)], ms=5.5, mfc="white", lw=1.4,
        ls=STYLES[place % len(STYLES)], capsize=2.5, label=_plain(series.label),
    )  # fmt: skip


def _error_bars(series: Series, heights: Sequence[float], floor: _Floor | None) -> list[list[float]] | None:
    """Return lengths downwards and upwards; on a log axis no bar goes below the floor or starts on it."""
    if not series.low or not series.high:
        return None
    low, high = [_finite(v) for v in series.low], [_finite(v) for v in series.high]
    if floor is not None:
        low = [max(v, floor.bound) if h >= floor.bound else h for v, h in zip(low, heights, strict=True)]
        high = [v if h >= floor.bound else h for v, h in zip(high, heights, strict=True)]
    down = [max(0.0, h - v) for v, h in zip(low, heights, strict=True)]
    up = [max(0.0, v - h) for v, h in zip(high, heights, strict=True)]
    return [down, up]


def _draw_bars(axes: Axes, series: Series, place: int, count: int, floor: _Floor | None) -> None:
    """Draw bars beside those of the other series; on a log axis they start at the bottom."""
    width = 0.8 / count
    x = [float(v) + (place - (count - 1) / 2) * width for v in series.x]
    y = [_finite(v) for v in series.y]
    heights = y if floor is None else [floor.lift(v) for v in y]
    bottom = 0.0 if floor is None else floor.height / 3
    bars = _error_bars(series, heights, floor)
    axes.bar(
        x, [h - bottom for h in heights], width * 0.9, bottom=bottom, yerr=bars, capsize=2.5, color=_colour(place),
        label=_plain(series.label), ecolor="#1f2933",
    )  # fmt: skip


def _name_ticks(axes: Axes, panel: Panel, sizes: PictureSizes) -> bool:
    """Write the names of the ticks; return whether they had to be rotated."""
    inches = sizes.panel[0] * axes.get_position().width
    long = sum(len(tick) for tick in panel.ticks) > sizes.tick_characters * inches / 2
    axes.set_xticks(range(len(panel.ticks)), [_plain(tick) for tick in panel.ticks], fontsize=8)
    if long:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    return long


def _place_legend(axes: Axes, legend: str, below: float) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if legend == "none" or not handles:
        return
    entries = dict(zip(labels, handles, strict=True))
    drawn = axes.legend(list(entries.values()), list(entries), fontsize=8, frameon=False)
    is_right = legend == "right"
    drawn.set_loc("center left" if is_right else "upper center")
    drawn.set_bbox_to_anchor((1.02, 0.5) if is_right else (0.5, below), transform=axes.transAxes)


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _finite(value: float) -> float:
    """Replace a value that is not finite by a gap."""
    return value if math.isfinite(value) else math.nan


def _plain(text: str) -> str:
    """Return text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")
