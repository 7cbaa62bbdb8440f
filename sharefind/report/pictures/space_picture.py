"""A subspace of Z as a picture: its tying pattern in colours and letters, or its basis vectors as heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from sharefind.column_names import NO_LABELS, BlockLabels, BlockNames
from sharefind.exact.matrices import to_float
from sharefind.report.pictures.lattice_picture import plain
from sharefind.report.pictures.palette import FAINT, INK, NEGATIVE, POSITIVE, class_colour
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.text.column_labels import narrow
from sharefind.report.text.text_style import STYLE
from sharefind.spaces.block_matrices import BlockLike, matrices
from sharefind.written import plural, tied_entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sharefind.spaces import Subspace


@dataclass(frozen=True)
class Panel:
    """One matrix of the picture.

    Attributes:
        title: Title above it.
        cells: Shape (rows, columns): labels of a tying pattern, or numbers.
        texts: Shape (rows, columns): the text of each cell.
        is_pattern: Whether the cells are labels.
        names: Names of its rows and columns, already shortened.
    """

    title: str
    cells: NDArray[Any]
    texts: NDArray[np.object_]
    is_pattern: bool
    names: BlockLabels = NO_LABELS

    @property
    def left(self) -> float:
        """Width of the names of its rows, in inches."""
        return _length(self.names.rows)

    @property
    def below(self) -> float:
        """Height of the names of its columns, which are written upwards, in inches."""
        return _length(self.names.columns)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the matrix, in inches."""
        rows, columns = self.cells.shape
        cell = SIZES.wide_cell if not self.is_pattern and self.is_written else SIZES.cell
        return max(SIZES.least_side, cell * columns), cell * rows

    @property
    def is_written(self) -> bool:
        """Whether the text of each cell is drawn."""
        return self.is_pattern or self.cells.shape[1] <= SIZES.written_columns


def _length(names: Sequence[str]) -> float:
    return SIZES.character * (max(map(cell_len, names)) + 1) if names else 0.0


def panels(space: Subspace, blocks: Sequence[BlockLike], names: BlockNames | None = None) -> list[Panel]:
    """Return the matrices that are drawn for a space: the first blocks of the first basis vectors.

    Args:
        space: The space.
        blocks: The blocks of Z.
        names: Names of their rows and columns, if they have names.
    """
    known = {block.name: _cut_names((names or {}).get(block.name, NO_LABELS)) for block in blocks}
    if space.tying is not None:
        parts = list(matrices(space.tying, blocks))[: SIZES.blocks]
        return [replace(_pattern_panel(block.name, part), names=known[block.name]) for block, part in parts]
    return list(_heat_panels(space, blocks, known))


def _cut_names(names: BlockLabels) -> BlockLabels:
    rows, columns = names.rows[: STYLE.rows], names.columns[: STYLE.columns]
    return BlockLabels(*(tuple(narrow(name, SIZES.label) for name in side) for side in (rows, columns)))


def _cut(part: NDArray[Any]) -> NDArray[Any]:
    return part[: STYLE.rows, : STYLE.columns]


def _pattern_panel(name: str, part: NDArray[Any]) -> Panel:
    shown = _cut(part)
    texts = np.array([["" if v == 0 else tied_entry(int(v)) for v in row] for row in shown], dtype=object)
    return Panel(_panel_title(name, part), shown, texts, True)


def _panel_title(name: str, part: NDArray[Any]) -> str:
    rows, columns = part.shape
    cut = rows > STYLE.rows or columns > STYLE.columns
    note = f",\nfirst {min(rows, STYLE.rows)} x {min(columns, STYLE.columns)}" if cut else ""
    return f"{name} {rows} x {columns}{note}"


def _heat_panels(space: Subspace, blocks: Sequence[BlockLike], known: BlockNames) -> Iterator[Panel]:
    values = np.asarray(space.orthonormal())[: STYLE.vectors]
    words = space.basis_strings()[: STYLE.vectors] if space.is_exact else [[f"{v:.2g}" for v in row] for row in values]
    if space.is_exact:
        values = to_float(space.exact_rows())
    for k, (row, texts) in enumerate(zip(values, words, strict=True), 1):
        pairs = zip(matrices(row, blocks), matrices(np.array(texts, dtype=object), blocks), strict=True)
        for (block, part), (_, written) in list(pairs)[: SIZES.blocks]:
            title = f"vector {k}, {_panel_title(block.name, part)}"
            yield Panel(title, _cut(part), _cut(written), False, known[block.name])


def what_is_left_out(space: Subspace, blocks: Sequence[BlockLike]) -> str:
    """Return what a picture of a space does not show; "" if it shows everything.

    Args:
        space: The space.
        blocks: The blocks of Z.
    """
    missing = []
    if len(blocks) > SIZES.blocks:
        missing.append(f"the first {SIZES.blocks} of {len(blocks)} blocks")
    if space.tying is None and space.dim > STYLE.vectors:
        missing.append(f"the first {STYLE.vectors} of {space.dim} basis vectors")
    if any(max(part.shape[0] - STYLE.rows, part.shape[1] - STYLE.columns) > 0 for _, part in _parts(space, blocks)):
        missing.append(f"at most {STYLE.rows} x {STYLE.columns} entries of a block")
    return f"Drawn are {', '.join(missing)}; result.json has all." if missing else ""


def _parts(space: Subspace, blocks: Sequence[BlockLike]) -> Iterator[tuple[BlockLike, NDArray[Any]]]:
    return matrices(np.zeros(space.ambient), blocks)


def space_caption(space: Subspace) -> str:
    """Return a description of the picture of a space.

    Args:
        space: The space.
    """
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


def picture_size(space: Subspace, blocks: Sequence[BlockLike], names: BlockNames | None = None) -> tuple[float, float]:
    """Return width and height of the picture of a space, in inches.

    Args:
        space: The space.
        blocks: The blocks of Z.
        names: Names of their rows and columns, if they have names.
    """
    rows = _arranged(panels(space, blocks, names))
    width = max(sum(_wide(panel) for panel in row) for row in rows)
    return max(3.4, width), sum(max(map(_high, row)) + SIZES.margin for row in rows)


def _wide(panel: Panel) -> float:
    return panel.left + panel.size[0] + SIZES.margin


def _high(panel: Panel) -> float:
    return panel.size[1] + panel.below


def _arranged(found: list[Panel]) -> list[list[Panel]]:
    rows: list[list[Panel]] = [[]]
    width = 0.0
    for panel in found:
        width += _wide(panel)
        if rows[-1] and width > SIZES.panels_width:
            rows.append([])
            width = _wide(panel)
        rows[-1].append(panel)
    return rows


def draw_space(figure: Figure, space: Subspace, blocks: Sequence[BlockLike], names: BlockNames | None = None) -> None:
    """Draw the panels of a space row by row, all on the same scale.

    Args:
        figure: An empty figure.
        space: The space.
        blocks: The blocks of Z.
        names: Names of their rows and columns, if they have names.
    """
    _draw_panels(figure.add_axes, tuple(figure.get_size_inches()), panels(space, blocks, names))


def draw_space_onto(axes: Axes, space: Subspace, blocks: Sequence[BlockLike], names: BlockNames | None = None) -> None:
    """Draw the panels of a space into axes, which lose their frame.

    Args:
        axes: The axes.
        space: The space.
        blocks: The blocks of Z.
        names: Names of their rows and columns, if they have names.
    """
    axes.set_axis_off()
    _draw_panels(axes.inset_axes, picture_size(space, blocks, names), panels(space, blocks, names))


def _draw_panels(
    add_axes: Callable[[tuple[float, float, float, float]], Axes], size: tuple[float, float], found: list[Panel]
) -> None:
    """Draw panels on axes at positions that are shares of `size`, in inches."""
    width, top = size
    height = top
    for row in _arranged(found):
        tall = max(map(_high, row))
        left = SIZES.margin / 8
        for panel in row:
            wide, high = panel.size
            bottom = top - SIZES.title - high
            left += panel.left
            axes = add_axes((left / width, bottom / height, wide / width, high / height))
            _draw_panel(axes, panel)
            left += wide + SIZES.margin
        top -= tall + SIZES.margin


def _draw_panel(axes: Axes, panel: Panel) -> None:
    rows, columns = panel.cells.shape
    (_draw_classes if panel.is_pattern else _draw_heat)(axes, panel.cells)
    if panel.is_written:
        _write(axes, panel.texts)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_aspect("equal", anchor="NW")
    _label(axes, panel.names)
    axes.set_title(plain(panel.title), fontsize=8.5, loc="left")
    axes.spines[:].set_color(FAINT)


def _label(axes: Axes, names: BlockLabels) -> None:
    """Write the names of rows and columns beside the cells."""
    axes.set_xticks([k + 0.5 for k in range(len(names.columns))], [plain(name) for name in names.columns])
    axes.set_yticks([k + 0.5 for k in range(len(names.rows))], [plain(name) for name in names.rows])
    axes.tick_params(length=0, pad=2, labelsize=SIZES.label_size)
    axes.tick_params(axis="x", labelrotation=90)


def _write(axes: Axes, texts: NDArray[np.object_]) -> None:
    for (i, j), text in np.ndenumerate(texts):
        size = next(s for most, s in SIZES.letters if len(text) <= most)
        axes.text(j + 0.5, i + 0.5, plain(text), ha="center", va="center", fontsize=size, color=INK)


def _draw_classes(axes: Axes, labels: NDArray[Any]) -> None:
    for label in np.unique(np.abs(labels)):
        if label != 0:
            _fill(axes, np.abs(labels) == label, class_colour(int(label)), 1.0)


def _draw_heat(axes: Axes, values: NDArray[Any]) -> None:
    largest = float(np.abs(values).max()) or 1.0
    steps = np.ceil(SIZES.shades * np.abs(values) / largest - SIZES.rounding).astype(int)
    for step in range(1, SIZES.shades + 1):
        for sign, colour in ((1, POSITIVE), (-1, NEGATIVE)):
            _fill(axes, (steps == step) & (np.sign(values) == sign), colour, SIZES.darkest * step / SIZES.shades)


def _fill(axes: Axes, where: NDArray[np.bool_], colour: str, opacity: float) -> None:
    """Draw the cells of one colour as one path, which keeps files of large patterns small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    cells = [Path([(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1), (j, i)], closed=True) for i, j in np.argwhere(where)]
    if cells:
        path = Path.make_compound_path(*cells)
        axes.add_patch(PathPatch(path, facecolor=colour, alpha=opacity, edgecolor="none", lw=0))
