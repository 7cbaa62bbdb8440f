"""A subspace of Z for people: its tying pattern as a matrix of letters, or its basis vectors as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from sharefind.report.text.number_words import plural, tied_entry
from sharefind.report.text.text_style import STYLE
from sharefind.spaces.block_matrices import BlockLike, matrices

if TYPE_CHECKING:
    from sharefind.spaces import Subspace

CLASS_STYLES = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta")
"""Colours of the classes of a tying pattern, used in turn."""

INDENT = "  "


def space_view(space: Subspace, blocks: Sequence[BlockLike]) -> RenderableType:
    """A subspace block by block: letters where entries are tied, else basis vectors, exact or rounded."""
    if space.is_zero:
        return Text(f"{INDENT}every parameter is 0")
    if space.tying is not None:
        return Group(*_pattern(space.tying, space.dim, blocks))
    if space.is_exact:
        return Group(*_vectors(np.array(space.basis_strings(), dtype=object), "exact basis", blocks))
    rounded = [[f"{value:.3g}" for value in row] for row in space.orthonormal()]
    title = "numerical, orthonormal basis (rounded to three digits)"
    return Group(*_vectors(np.array(rounded, dtype=object), title, blocks))


def _pattern(labels: NDArray[np.int32], dim: int, blocks: Sequence[BlockLike]) -> Iterator[Text]:
    yield Text(f"{INDENT}tying pattern, {plural(dim, 'free number')}: one for each letter")
    for block, part in matrices(labels, blocks):
        yield _block_title(block, part)
        yield _matrix([[tied_entry(int(v)) for v in row] for row in part], part)


def _vectors(rows: NDArray[Any], title: str, blocks: Sequence[BlockLike]) -> Iterator[Text]:
    yield Text(f"{INDENT}{title}, {plural(len(rows), 'vector')}")
    for k, row in enumerate(rows[: STYLE.vectors]):
        for block, part in matrices(row, blocks):
            yield _block_title(block, part, f"vector {k + 1}, ")
            yield _matrix([[str(v) for v in line] for line in part], None)
    if len(rows) > STYLE.vectors:
        yield Text(f"{INDENT}and {len(rows) - STYLE.vectors} more; --json has all of them", style="dim")


def _block_title(block: BlockLike, part: NDArray[Any], before: str = "") -> Text:
    rows, columns = part.shape
    cut = rows > STYLE.rows or columns > STYLE.columns
    note = f" (the first {min(rows, STYLE.rows)} x {min(columns, STYLE.columns)}; --json has all)" if cut else ""
    return Text(f"{INDENT}{before}{block.name} {' x '.join(map(str, block.shape))}{note}", style="dim")


def _matrix(cells: list[list[str]], labels: NDArray[Any] | None) -> Text:
    """Cells aligned to the right; coloured by class where labels are given."""
    shown = [row[: STYLE.columns] for row in cells[: STYLE.rows]]
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
