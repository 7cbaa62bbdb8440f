"""The space in a result for a notebook. A result may come from a stranger: what has not the shape of Z is not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from sharefind.html import Names, paragraph
from sharefind.spaces import Block
from sharefind.spaces.space_html import NO_NAMES, basis_html, tying_html, zero_html


def shown_space(
    dim: int,
    tying: list[Any] | None,
    basis: list[Any],
    blocks: Sequence[Block],
    names: Mapping[str, Names] = NO_NAMES,
    *,
    is_exact: bool,
) -> Markup:
    """Return E_* as `sharefind.result/1` has it.

    Args:
        dim: Its dimension.
        tying: Labels by blocks, nested lists of integers; None where it ties no entries.
        basis: Each vector by blocks, nested lists of texts.
        blocks: The blocks of Z.
        names: Names of rows and columns, by block.
        is_exact: Whether the basis is exact.
    """
    if dim == 0:
        return zero_html()
    labels = None if tying is None else _flat(tying, blocks, int)
    if labels is not None:
        return tying_html(labels, blocks, names)
    rows = [_flat(vector, blocks, str) for vector in basis]
    vectors = [row for row in rows if row is not None]
    if not vectors or len(vectors) != len(rows):
        return paragraph("The record has no basis that fits its parameters.")
    return basis_html(np.array(vectors, dtype=object), blocks, names, is_exact=is_exact)


def _flat(parts: Any, blocks: Sequence[Block], kind: type) -> NDArray[Any] | None:
    """Nested lists, one a block, as one vector (D,); None where they do not fit the blocks or hold something else."""
    if not isinstance(parts, list) or len(parts) != len(blocks):
        return None
    try:
        arrays = [np.array(part, dtype=object) for part in parts]
    except ValueError:
        return None
    if any(array.shape != block.shape for array, block in zip(arrays, blocks, strict=True)):
        return None
    vector = np.concatenate([array.ravel() for array in arrays])
    return vector if all(type(value) is kind for value in vector) else None
