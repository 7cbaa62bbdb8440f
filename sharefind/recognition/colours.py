"""A subspace as a complete coloured digraph on the points of a layout, whose automorphisms fix it pointwise.

`automorphisms` computes these automorphisms.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.errors import SpaceError
from sharefind.exact.matrices import rows_of
from sharefind.recognition.layout import Layout
from sharefind.spaces.subspace import Subspace
from sharefind.typing import IntArray


def entry_labels(space: Subspace, margin: float = 1e-6) -> IntArray:
    """Label the coordinates of a space by equality.

    On the space, z_i = z_j for equal labels, z_i = -z_j for opposite labels, and z_i = 0 for label 0. The labels of a
    tying space are its own. The coordinates of a numerical space are clustered up to its tolerance.

    Args:
        space: The subspace.
        margin: Smallest distance, in units of the largest coordinate, at which entries of a numerical subspace count as
            different. The tolerance of the subspace replaces it if that is larger.

    Returns:
        Labels, shape (ambient,), int64.

    Raises:
        SpaceError: The entries of a numerical space do not fall into clear clusters.
    """
    if space.labels is not None:
        return space.labels.astype(np.int64)
    return _numerical_labels(space, max(margin, space.tolerance)) if space.floats is not None else _exact_labels(space)


def _exact_labels(space: Subspace) -> IntArray:
    """Number the columns of the reduced basis up to sign."""
    columns: list[dict[int, object]] = [{} for _ in range(space.ambient)]
    minus: list[dict[int, object]] = [{} for _ in range(space.ambient)]
    for k, row in rows_of(space.exact_rows()).items():
        for j, value in row.items():
            columns[j][k], minus[j][k] = value, -value
    numbers: dict[frozenset[tuple[int, object]], int] = {frozenset(): 0}
    labels = np.zeros(space.ambient, dtype=np.int64)
    for j, (plus, opposite) in enumerate(zip(columns, minus, strict=True)):
        key = frozenset(plus.items())
        if key not in numbers:
            numbers[key] = 1 + len(numbers) // 2
            numbers[frozenset(opposite.items())] = -numbers[key]
        labels[j] = numbers[key]
    return labels


def _numerical_labels(space: Subspace, relative: float) -> IntArray:
    """Cluster the columns of an orthonormal basis greedily; each cluster must be far from every other."""
    columns = space.orthonormal().T
    margin = relative * float(np.abs(columns).max())
    labels = np.full(len(columns), len(columns) + 1)
    labels[np.linalg.norm(columns, axis=1) <= margin] = 0
    tree, used = scipy.spatial.cKDTree(columns), 0
    for i in range(len(columns)):
        if labels[i] > len(columns):
            used += 1
            labels[tree.query_ball_point(-columns[i], margin)] = -used
            labels[tree.query_ball_point(columns[i], margin)] = used
    _refuse_unless_separated(tree, columns, labels, 2 * margin)
    return labels


def _refuse_unless_separated(
    tree: scipy.spatial.cKDTree, columns: NDArray[np.float64], labels: IntArray, margin: float
) -> None:
    close = tree.query_pairs(margin, output_type="ndarray")
    small = np.flatnonzero(np.linalg.norm(columns, axis=1) <= margin)
    if np.any(labels[close[:, 0]] != labels[close[:, 1]]) or np.any(labels[small] != 0):
        raise SpaceError(
            "entries of the numerical subspace are neither equal nor clearly different; snap it to an exact one first"
        )


def point_colours(labels: IntArray, layout: Layout) -> IntArray:
    """Colour all ordered pairs of points, so that the automorphisms are the moves that fix the space.

    The permutations g with colours[g i, g j] = colours[i, j] are exactly the moves of the layout with M_g z = z for
    every z with these labels. The pair of points that represents s_i e_i and s_j e_j has the colour (s_i s_j) z_ij.

    Args:
        labels: Shape (dim,), int64, from `entry_labels`.
        layout: The index sets of the parameters.

    Returns:
        Colours, shape (points, points), int64; the diagonal holds the colours of single points.

    Raises:
        SpaceError: The number of labels differs from the number of parameters of the layout.
    """
    if labels.size != layout.dim:
        raise SpaceError(f"a space of R^{labels.size} does not fill a layout of {layout.dim} parameters; correct it")
    colours, start = _frame(layout), 0
    for block in layout.blocks:
        shape = layout.shape(block)
        size = int(np.prod(shape))
        layer = _layer(labels[start : start + size].reshape(shape), block, layout)
        # Two layers at a time, so that the product of their numbers of colours never overflows.
        colours = _renumbered(colours * (int(layer.max()) + 1) + layer)
        start += size
    return colours


def _frame(layout: Layout) -> IntArray:
    """Colour what every move preserves: the axes of a pair, a point and its negative, and each index of a
    fixed axis.
    """
    axis_of = np.repeat(np.arange(len(layout.axes)), [axis.points for axis in layout.axes])
    frame = 3 * (axis_of[:, None] * len(layout.axes) + axis_of)
    np.fill_diagonal(frame, np.diagonal(frame) + 1)
    fresh = int(frame.max()) + 3
    for start, axis in zip(layout.starts, layout.axes, strict=True):
        here = np.arange(start, start + axis.size)
        if axis.is_signed:
            frame[here, here + axis.size] += 2
            frame[here + axis.size, here] += 2
        elif axis.moves == "none":
            frame[here, here] = fresh + here
    return _renumbered(frame)


def _layer(labels: IntArray, block: tuple[int, ...], layout: Layout) -> IntArray:
    """Return the labels of one block on pairs of points, shifted to be positive; 0 elsewhere."""
    values = labels
    for position, k in enumerate(block):
        if layout.axes[k].is_signed:
            values = np.concatenate([values, -values], axis=position)
    layer = np.zeros((layout.points, layout.points), dtype=np.int64)
    values = values - int(values.min()) + 1
    first = layout.starts[block[0]] + np.arange(values.shape[0])
    if len(block) == 1:
        layer[first, first] = values
    else:
        second = layout.starts[block[1]] + np.arange(values.shape[1])
        layer[np.ix_(first, second)] = values
    return layer


def _renumbered(colours: IntArray) -> IntArray:
    return np.unique(colours, return_inverse=True)[1].reshape(colours.shape).astype(np.int64)
