"""HTML of a subspace for a notebook: its tying pattern in letters and colours, or its basis vectors as matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from sharefind.html import Names, joined, matrix, paragraph, pattern
from sharefind.spaces.block_matrices import BlockLike, matrices
from sharefind.spaces.subspace import Subspace
from sharefind.written import plural

NO_NAMES: Mapping[str, Names] = MappingProxyType({})
"""Default of `names`: rows and columns have no names."""


def space_html(space: Subspace, blocks: Sequence[BlockLike], names: Mapping[str, Names] = NO_NAMES) -> Markup:
    """Return the HTML of a subspace, block by block.

    Args:
        space: The subspace.
        blocks: The blocks of Z.
        names: Names of the rows and columns of each block; a bias is one row.
    """
    if space.is_zero:
        return zero_html()
    if space.tying is not None:
        return tying_html(space.tying, blocks, names)
    if space.is_exact:
        return basis_html(np.array(space.basis_strings(), dtype=object), blocks, names, is_exact=True)
    rounded = [[f"{value:.3g}" for value in row] for row in space.orthonormal()]
    return basis_html(np.array(rounded, dtype=object), blocks, names, is_exact=False)


def zero_html() -> Markup:
    """Return the HTML of the subspace {0}."""
    return paragraph("Every parameter is 0.")


def tying_html(labels: NDArray[Any], blocks: Sequence[BlockLike], names: Mapping[str, Names] = NO_NAMES) -> Markup:
    """Return the HTML of a tying pattern, one matrix per block.

    Args:
        labels: Shape (D,), integers: canonical labels.
        blocks: The blocks of Z.
        names: Names of the rows and columns of each block.
    """
    parts = (pattern(block.name, part.tolist(), _names(block, names)) for block, part in matrices(labels, blocks))
    count = plural(int(np.abs(labels).max()), "free number")
    return _side_by_side(parts) + paragraph(f"{count}: one for each letter; a blank is 0.")


def basis_html(
    rows: NDArray[Any], blocks: Sequence[BlockLike], names: Mapping[str, Names] = NO_NAMES, *, is_exact: bool,
    most: int = 6,
) -> Markup:  # fmt: skip
    """Return the HTML of basis vectors, one matrix per vector and block.

    Args:
        rows: Shape (dim, D), texts: the vectors.
        blocks: The blocks of Z.
        names: Names of the rows and columns of each block.
        is_exact: Whether the entries are exact.
        most: Largest number of vectors shown.
    """
    parts = (
        matrix(f"vector {k}, {block.name}", part.tolist(), _names(block, names))
        for k, row in enumerate(rows[:most], 1)
        for block, part in matrices(row, blocks)
    )
    kind = "an exact basis" if is_exact else "an orthonormal basis, rounded to three digits"
    count = "" if len(rows) <= most else f"; the first {most} are shown"
    return _side_by_side(parts) + paragraph(f"{plural(len(rows), 'vector')} of {kind}{count}.")


def _names(block: BlockLike, names: Mapping[str, Names]) -> Names:
    return names.get(block.name, ((), ()))


def _side_by_side(parts: Any) -> Markup:
    return Markup('<div class="matrices">\n{}\n</div>\n').format(joined(parts))
