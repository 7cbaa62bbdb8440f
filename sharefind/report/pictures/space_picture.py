"""A subspace of Z as a picture: its tying pattern in colours and letters, or its basis vectors as heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sharefind.exact.matrices import to_float
from sharefind.report.pictures.lattice_picture import plain
from sharefind.report.pictures.palette import FAINT, INK, NEGATIVE, POSITIVE, class_colour
from sharefind.report.text.number_words import plural, tied_entry
from sharefind.report.text.space_words import MAX_COLUMNS, MAX_ROWS, MAX_VECTORS, BlockLike, matrices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sharefind.spaces import Subspace

MAX_BLOCKS = 4
"""Most blocks of Z that are drawn."""

MAX_WRITTEN = 8
"""Most columns of a heat map whose values are written into it."""

SHADES = 6
"""Steps of a heat map's scale."""

ROUNDING = 1e-9
"""What a value may exceed a step of that scale by and still belong to it, in steps."""

DARKEST = 0.6
"""Opacity of the largest value of a heat map: ink stays readable on it."""

WIDE_CELL = 0.46
"""Inches of an entry into which a value is written."""

CELL, LEAST_SIDE, MARGIN, TITLE = 0.27, 1.3, 0.5, 0.34
"""Inches of an entry, of a panel at least, of what surrounds a panel, and of its title of two lines."""


@dataclass(frozen=True)
class Panel:
    """One matrix of the picture: labels of a tying pattern, or values (numbers and how they are written)."""

    title: str
    cells: NDArray[Any]
    texts: NDArray[np.object_]
    is_pattern: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of what is drawn, in inches."""
        rows, columns = self.cells.shape
        cell = WIDE_CELL if not self.is_pattern and self.is_written else CELL
        return max(LEAST_SIDE, cell * columns), cell * rows

    @property
    def is_written(self) -> bool:
        """Whether entries are written into their cells."""
        return self.is_pattern or self.cells.shape[1] <= MAX_WRITTEN


def panels(space: Subspace, blocks: Sequence[BlockLike]) -> list[Panel]:
    """The matrices that are drawn of a space: at most `MAX_BLOCKS` blocks of at most `MAX_VECTORS` vectors."""
    if space.tying is not None:
        parts = list(matrices(space.tying, blocks))[:MAX_BLOCKS]
        return [_pattern_panel(block.name, part) for block, part in parts]
    return list(_heat_panels(space, blocks))


def _cut(part: NDArray[Any]) -> NDArray[Any]:
    return part[:MAX_ROWS, :MAX_COLUMNS]


def _pattern_panel(name: str, part: NDArray[Any]) -> Panel:
    shown = _cut(part)
    texts = np.array([["" if v == 0 else tied_entry(int(v)) for v in row] for row in shown], dtype=object)
    return Panel(_panel_title(name, part), shown, texts, True)


def _panel_title(name: str, part: NDArray[Any]) -> str:
    rows, columns = part.shape
    cut = rows > MAX_ROWS or columns > MAX_COLUMNS
    note = f",\nfirst {min(rows, MAX_ROWS)} x {min(columns, MAX_COLUMNS)}" if cut else ""
    return f"{name} {rows} x {columns}{note}"


def _heat_panels(space: Subspace, blocks: Sequence[BlockLike]) -> Iterator[Panel]:
    values = np.asarray(space.orthonormal())[:MAX_VECTORS]
    words = space.basis_strings()[:MAX_VECTORS] if space.is_exact else [[f"{v:.2g}" for v in row] for row in values]
    if space.is_exact:
        values = to_float(space.exact_rows())
    for k, (row, texts) in enumerate(zip(values, words, strict=True), 1):
        pairs = zip(matrices(row, blocks), matrices(np.array(texts, dtype=object), blocks), strict=True)
        for (block, part), (_, names) in list(pairs)[:MAX_BLOCKS]:
            yield Panel(f"vector {k}, {_panel_title(block.name, part)}", _cut(part), _cut(names), False)


def what_is_left_out(space: Subspace, blocks: Sequence[BlockLike]) -> str:
    """What of a space its picture does not show, "" if all of it is drawn."""
    missing = []
    if len(blocks) > MAX_BLOCKS:
        missing.append(f"the first {MAX_BLOCKS} of {len(blocks)} blocks")
    if space.tying is None and space.dim > MAX_VECTORS:
        missing.append(f"the first {MAX_VECTORS} of {space.dim} basis vectors")
    if any(max(part.shape[0] - MAX_ROWS, part.shape[1] - MAX_COLUMNS) > 0 for _, part in _parts(space, blocks)):
        missing.append(f"at most {MAX_ROWS} x {MAX_COLUMNS} entries of a block")
    return f"Drawn are {', '.join(missing)}; result.json has all." if missing else ""


def _parts(space: Subspace, blocks: Sequence[BlockLike]) -> Iterator[tuple[BlockLike, NDArray[Any]]]:
    return matrices(np.zeros(space.ambient), blocks)


def space_caption(space: Subspace) -> str:
    """What the picture of a space shows."""
    if space.is_zero:
        return "Every parameter is 0."
    if space.tying is not None:
        return (
            f"Entries with the same letter and colour share {plural(space.dim, 'free number')}, one for each letter; "
            "a minus sign stands for the opposite number, a blank for 0."
        )
    kind = "exact" if space.is_exact else "numerical, orthonormal"
    return (
        f"No tying of single entries describes this space; these are the vectors of its {kind} basis. "
        "The stronger a cell is coloured, the larger its entry (blue: positive, orange: negative)."
    )


def picture_size(space: Subspace, blocks: Sequence[BlockLike]) -> tuple[float, float]:
    """Width and height of the picture of a space, in inches."""
    rows = _arranged(panels(space, blocks))
    width = max(sum(panel.size[0] + MARGIN for panel in row) for row in rows)
    return max(3.4, width), sum(max(panel.size[1] for panel in row) + MARGIN for row in rows)


LETTERS = ((2, 9.0), (3, 7.5), (5, 6.5), (1000, 5.0))
"""Size of what is written into a cell, in points, by the most characters that have it."""

MAX_WIDTH = 9.0
"""Inches after which a row of panels is broken."""


def _arranged(found: list[Panel]) -> list[list[Panel]]:
    rows: list[list[Panel]] = [[]]
    width = 0.0
    for panel in found:
        width += panel.size[0] + MARGIN
        if rows[-1] and width > MAX_WIDTH:
            rows.append([])
            width = panel.size[0] + MARGIN
        rows[-1].append(panel)
    return rows


def draw_space(figure: Figure, space: Subspace, blocks: Sequence[BlockLike]) -> None:
    """Draw the panels of a space row by row, one unit of length the same in all of them."""
    width, height = figure.get_size_inches()
    top = height
    for row in _arranged(panels(space, blocks)):
        tall = max(panel.size[1] for panel in row)
        left = MARGIN / 8
        for panel in row:
            wide, high = panel.size
            bottom = top - TITLE - high
            axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
            _draw_panel(axes, panel)
            left += wide + MARGIN
        top -= tall + MARGIN


def _draw_panel(axes: Axes, panel: Panel) -> None:
    rows, columns = panel.cells.shape
    (_draw_classes if panel.is_pattern else _draw_heat)(axes, panel.cells)
    if panel.is_written:
        _write(axes, panel.texts)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_aspect("equal", anchor="NW")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(plain(panel.title), fontsize=8.5, loc="left")
    axes.spines[:].set_color(FAINT)


def _write(axes: Axes, texts: NDArray[np.object_]) -> None:
    for (i, j), text in np.ndenumerate(texts):
        size = next(s for most, s in LETTERS if len(text) <= most)
        axes.text(j + 0.5, i + 0.5, plain(text), ha="center", va="center", fontsize=size, color=INK)


def _draw_classes(axes: Axes, labels: NDArray[Any]) -> None:
    for label in np.unique(np.abs(labels)):
        if label != 0:
            _fill(axes, np.abs(labels) == label, class_colour(int(label)), 1.0)


def _draw_heat(axes: Axes, values: NDArray[Any]) -> None:
    largest = float(np.abs(values).max()) or 1.0
    steps = np.ceil(SHADES * np.abs(values) / largest - ROUNDING).astype(int)
    for step in range(1, SHADES + 1):
        for sign, colour in ((1, POSITIVE), (-1, NEGATIVE)):
            _fill(axes, (steps == step) & (np.sign(values) == sign), colour, DARKEST * step / SHADES)


def _fill(axes: Axes, where: NDArray[np.bool_], colour: str, opacity: float) -> None:
    """The cells of one colour as one path, so that large patterns stay small files."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    cells = [Path([(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1), (j, i)], closed=True) for i, j in np.argwhere(where)]
    if cells:
        path = Path.make_compound_path(*cells)
        axes.add_patch(PathPatch(path, facecolor=colour, alpha=opacity, edgecolor="none", lw=0))
