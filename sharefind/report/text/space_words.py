"""A subspace of Z for people: its tying pattern as a matrix of letters, or its basis vectors as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from sharefind.column_names import NO_LABELS, BlockLabels, BlockNames
from sharefind.report.text.column_labels import legend, narrow, padded
from sharefind.report.text.text_style import STYLE
from sharefind.spaces.block_matrices import BlockLike, matrices
from sharefind.written import plural, tied_entry

if TYPE_CHECKING:
    from sharefind.spaces import Subspace

CLASS_STYLES = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta")
"""Colours of the classes of a tying pattern, used in turn."""

INDENT = "  "

GAP = "  "
"""Gap between columns that have names."""

LEGEND = f"{INDENT * 2}columns  "
"""Beginning of a legend of names."""


def space_view(space: Subspace, blocks: Sequence[BlockLike], names: BlockNames | None = None) -> RenderableType:
    """Show a subspace block by block: letters for tied entries, else basis vectors, exact or rounded.

    Args:
        space: The space.
        blocks: The blocks of Z.
        names: Names of the rows and columns of the blocks, if they have names.

    Returns:
        Something that a rich console can print.
    """
    names = names or {}
    if space.is_zero:
        return Text(f"{INDENT}every parameter is 0")
    if space.tying is not None:
        return Group(*_pattern(space.tying, space.dim, blocks, names))
    if space.is_exact:
        return Group(*_vectors(np.array(space.basis_strings(), dtype=object), "exact basis", blocks, names))
    rounded = [[f"{value:.3g}" for value in row] for row in space.orthonormal()]
    title = "numerical, orthonormal basis (rounded to three digits)"
    return Group(*_vectors(np.array(rounded, dtype=object), title, blocks, names))


def _pattern(labels: NDArray[np.int32], dim: int, blocks: Sequence[BlockLike], names: BlockNames) -> Iterator[Text]:
    yield Text(f"{INDENT}tying pattern, {plural(dim, 'free number')}: one for each letter")
    for block, part in matrices(labels, blocks):
        cells = [[tied_entry(int(v)) for v in row] for row in _shown(part)]
        yield from _block(_block_title(block, part), cells, part, names.get(block.name))


def _vectors(rows: NDArray[Any], title: str, blocks: Sequence[BlockLike], names: BlockNames) -> Iterator[Text]:
    yield Text(f"{INDENT}{title}, {plural(len(rows), 'vector')}")
    for k, row in enumerate(rows[: STYLE.vectors]):
        for block, part in matrices(row, blocks):
            cells = [[str(v) for v in line] for line in _shown(part)]
            yield from _block(_block_title(block, part, f"vector {k + 1}, "), cells, None, names.get(block.name))
    if len(rows) > STYLE.vectors:
        yield Text(f"{INDENT}and {len(rows) - STYLE.vectors} more; --json has all of them", style="dim")


def _block_title(block: BlockLike, part: NDArray[Any], before: str = "") -> Text:
    rows, columns = part.shape
    cut = rows > STYLE.rows or columns > STYLE.columns
    note = f" (the first {min(rows, STYLE.rows)} x {min(columns, STYLE.columns)}; --json has all)" if cut else ""
    return Text(f"{INDENT}{before}{block.name} {' x '.join(map(str, block.shape))}{note}", style="dim")


def _shown(part: NDArray[Any]) -> NDArray[Any]:
    return part[: STYLE.rows, : STYLE.columns]


def _block(
    title: Text, cells: list[list[str]], labels: NDArray[Any] | None, names: BlockLabels | None
) -> Iterator[Text]:
    """Yield a block under its title, with the names of its rows and columns if there are any."""
    if names is None or names == NO_LABELS:
        yield title
        yield _matrix(cells, labels)
    else:
        yield from _named(title, cells, labels, names)


def _named(title: Text, cells: list[list[str]], labels: NDArray[Any] | None, names: BlockLabels) -> Iterator[Text]:
    """Yield cells below the names of their columns, or below numbers with a legend if names would make
    lines too long.
    """
    own = [narrow(name, STYLE.label) for name in names.rows[: len(cells)]] or [""] * len(cells)
    heads = [narrow(name, STYLE.label) for name in names.columns[: len(cells[0])]] or [""] * len(cells[0])
    layout = _Layout.of(title, own, heads, cells, labels is None)
    yield from layout.heading(title, heads) if names.columns else [title]
    yield layout.rows(own, cells, labels)
    if layout.is_wide and names.columns:
        room = STYLE.matrix_width - len(LEGEND)
        for k, line in enumerate(legend(names.columns[: len(heads)], room, STYLE.name)):
            yield Text(f"{LEGEND if k == 0 else ' ' * len(LEGEND)}{line}", style="dim")


@dataclass(frozen=True)
class _Layout:
    """Positions of the columns of a named matrix.

    Attributes:
        start: Number of cells before the first column.
        widths: Number of cells of each column.
        gap: Text between columns.
        is_wide: Whether numbers replace the names of columns.
        is_right: Whether entries are aligned to the right.
    """

    start: int
    widths: tuple[int, ...]
    gap: str
    is_wide: bool
    is_right: bool

    @classmethod
    def of(cls, title: Text, own: list[str], heads: list[str], cells: list[list[str]], is_right: bool) -> _Layout:
        start = max(cell_len(INDENT * 2 + name) for name in own) + len(GAP)
        if len(title) <= STYLE.title:
            start = max(start, len(title) + len(GAP))
        entries = max(len(cell) for row in cells for cell in row)
        widths = tuple(max(cell_len(head), entries) for head in heads)
        if start + sum(widths) + len(GAP) * len(widths) <= STYLE.matrix_width:
            return cls(start, widths, GAP, False, is_right)
        return cls(start, (max(len(str(len(heads) - 1)), entries),) * len(heads), " ", True, is_right)

    def heading(self, title: Text, heads: list[str]) -> Iterator[Text]:
        """Yield the names of columns in the line of the title, or below it if the title is too long."""
        shown = [str(k) for k in range(len(heads))] if self.is_wide else heads
        before = title.plain
        if len(before) + len(GAP) > self.start:
            yield title
            before = ""
        yield Text(before.ljust(self.start) + self._line(shown).rstrip(), style="dim", no_wrap=True, overflow="crop")

    def rows(self, own: list[str], cells: list[list[str]], labels: NDArray[Any] | None) -> Text:
        """Return the entries after the names of their rows, coloured by class if labels are given."""
        text = Text(no_wrap=True, overflow="crop")
        for i, (name, row) in enumerate(zip(own, cells, strict=True)):
            text.append("\n" if i else "").append(padded(INDENT * 2 + name, self.start), style="dim")
            for j, cell in enumerate(row):
                style = "" if labels is None else _class_style(int(labels[i, j]))
                text.append(self._cell(j, cell), style=style).append(self.gap if j + 1 < len(row) else "")
        return text

    def _line(self, texts: list[str]) -> str:
        return self.gap.join(self._cell(j, text) for j, text in enumerate(texts))

    def _cell(self, column: int, text: str) -> str:
        is_last = column + 1 == len(self.widths)
        return text if is_last and not self.is_right else padded(text, self.widths[column], is_right=self.is_right)


def _matrix(shown: list[list[str]], labels: NDArray[Any] | None) -> Text:
    """Return cells aligned to the right, coloured by class if labels are given."""
    width = max(len(cell) for row in shown for cell in row)
    text = Text(no_wrap=True, overflow="crop")
    for i, row in enumerate(shown):
        text.append("\n" if i else "").append(INDENT * 2)
        for j, cell in enumerate(row):
            style = "" if labels is None else _class_style(int(labels[i, j]))
            text.append(cell.rjust(width), style=style).append("  " if labels is None else " ")
    return text


def _class_style(label: int) -> str:
    return "dim" if label == 0 else CLASS_STYLES[(abs(label) - 1) % len(CLASS_STYLES)]
