"""Tying patterns: integer labels that say which parameters are shared; the sparse form of a `Subspace`.

Label 0 means that a coordinate is zero; labels k and -k mean that it equals the value of class k, or its negative. The
pattern `labels` stands for {z : z_i = 0 where the label is 0, s_i z_i equal within a class}. Every function takes time
linear in the number of coordinates, except `orthonormal`, which builds a dense basis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact.matrices import Rows, rows_of, sparse_matrix
from sharefind.typing import FloatArray

Labels = NDArray[np.int32]
AnyInts = NDArray[np.integer]


def canonical(labels: AnyInts) -> Labels:
    """Return the same pattern with classes numbered by first occurrence, each first occurrence positive.

    Two patterns are equal exactly when their canonical labels are.

    Args:
        labels: Shape (n,), integers.

    Returns:
        Shape (n,), int32.
    """
    if _is_canonical(labels):
        return labels.astype(np.int32, copy=False)
    magnitude = _small_ids(np.abs(labels))
    first = _first_positions(magnitude)
    used = np.flatnonzero(first[1:] < labels.size) + 1
    rank = np.zeros(first.size, dtype=np.int32)
    rank[used[np.argsort(first[used])]] = np.arange(1, used.size + 1, dtype=np.int32)
    lead = np.ones(first.size, dtype=np.int32)
    lead[used] = np.sign(labels[first[used]])
    return rank[magnitude] * lead[magnitude] * np.sign(labels).astype(np.int32)


def _is_canonical(labels: AnyInts) -> bool:
    """Check in one pass: the running maximum rises by one at a time, at positive labels only."""
    running = np.maximum.accumulate(np.abs(labels))
    rises = np.diff(running, prepend=0)
    return bool(rises.max() <= 1 and np.all(labels[rises > 0] > 0))


def _small_ids(magnitude: AnyInts) -> AnyInts:
    if magnitude.max() <= magnitude.size:
        return magnitude
    found, ids = np.unique(magnitude, return_inverse=True)
    return np.asarray(ids + (found[0] != 0))


def _first_positions(ids: AnyInts) -> AnyInts:
    """Return the first index of each id in 0..max; n where it is absent. Numpy keeps the last of repeated
    assignments.
    """
    positions = np.full(int(ids.max()) + 1, ids.size, dtype=np.int64)
    positions[ids[::-1]] = np.arange(ids.size - 1, -1, -1)
    return positions


def tied(targets: AnyInts, signs: AnyInts | None = None) -> Labels:
    """Return the largest pattern with z[targets[g, i]] = signs[g, i] z[i] for all g and i.

    A class that is tied to its own negative vanishes. The classes are connected components of the signed double cover,
    or of the plain graph if no sign is negative.

    Args:
        targets: Shape (k, n), integers: indices.
        signs: Shape (k, n), entries 1 and -1; None means 1 everywhere.

    Returns:
        Canonical labels, shape (n,), int32.
    """
    if signs is None or not np.any(signs < 0):
        return canonical(components(targets) + 1)
    n = targets.shape[1]
    flip = np.where(signs < 0, n, 0)
    cover = np.concatenate([targets + flip, targets + (n - flip)], axis=1)
    component = components(cover)
    plus, minus = component[:n], component[n:]
    oriented = np.where(plus < minus, plus + 1, -(minus + 1))
    return canonical(np.where(plus == minus, 0, oriented))


def components(targets: AnyInts, small: int = 64) -> AnyInts:
    """Return the component of each of n nodes, where node i is joined to every targets[g, i]; shape (n,), integers.

    Args:
        targets: Shape (k, n), integers: indices.
        small: As in `connected`.
    """
    k, n = targets.shape
    if n <= small or k == 0:
        return connected(np.tile(np.arange(n), k), targets.ravel(), n, small)
    columns = np.ascontiguousarray(targets.T).ravel()
    return _searched(columns, np.arange(0, k * n + 1, k, dtype=columns.dtype))


def connected(heads: AnyInts, tails: AnyInts, n: int, small: int = 64) -> AnyInts:
    """Return the component of each of n nodes, numbered by smallest member, shape (n,), integers.

    Args:
        heads: Shape (p,), integers: one end of each edge.
        tails: Shape (p,), integers: the other end.
        n: Number of nodes.
        small: Up to this number of nodes, components are found without scipy, which loads slowly. It affects speed
            alone.
    """
    if n > small and heads.size:
        order = np.argsort(heads, kind="stable")
        numbers = _searched(tails[order], np.searchsorted(heads[order], np.arange(n + 1)))
        return canonical(numbers + 1) - np.int32(1)
    lowest, before = np.arange(n), np.full(n, -1)
    while not np.array_equal(lowest, before):
        before = lowest.copy()
        least = np.minimum(before[heads], before[tails])
        for places in (heads, tails, before[heads], before[tails]):
            np.minimum.at(lowest, places, least)
        lowest = lowest[lowest]
    roots = lowest == np.arange(n)
    return np.asarray((np.cumsum(roots) - 1)[lowest])


def _searched(columns: AnyInts, starts: AnyInts) -> AnyInts:
    """Find the components of the graph with edges from i to columns[starts[i]:starts[i + 1]] by scipy; int (n,)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = starts.size - 1
    graph = csr_array((np.ones(columns.size), columns, starts), shape=(n, n))
    # In a graph of permutations every weak component is strong; scipy's weak search takes linear time here.
    return np.asarray(connected_components(graph, directed=True, connection="weak")[1])


def side_by_side(parts: Sequence[Labels]) -> Labels:
    """Return the pattern of a direct sum: the patterns one after another, with no class in two of them.

    Args:
        parts: Canonical patterns, shapes (n_k,).

    Returns:
        Canonical labels, shape (sum of n_k,), int32.
    """
    first = np.cumsum([0, *(dimension(part) for part in parts)])
    moved = [part + np.sign(part) * np.int32(start) for part, start in zip(parts, first, strict=False)]
    return np.concatenate(moved)


def meet(first: Labels, second: Labels) -> Labels:
    """Return the intersection of two tying spaces, again a tying space.

    Args:
        first: Canonical labels, shape (n,).
        second: Canonical labels, shape (n,).
    """
    targets, signs = zip(*(_star(labels) for labels in (first, second)), strict=True)
    return tied(np.stack(targets), np.stack(signs))


def _star(labels: Labels) -> tuple[AnyInts, AnyInts]:
    """Tie each index to the first index of its class, and each zero to its own negative."""
    first = _first_positions(np.abs(labels))
    return np.where(labels == 0, np.arange(labels.size), first[np.abs(labels)]), np.where(labels > 0, 1, -1)


def contains(outer: Labels, inner: Labels) -> bool:
    """Return whether the space of `inner` lies in the space of `outer`.

    This holds if `inner` is constant, up to signs, on the classes of `outer` and zero on its zeros.

    Args:
        outer: Canonical labels, shape (n,).
        inner: Canonical labels, shape (n,).
    """
    first = _first_positions(np.abs(outer))
    pulled = inner[np.minimum(first[np.abs(outer)], outer.size - 1)] * np.sign(outer)
    return bool(np.array_equal(pulled, inner))


def dimension(labels: Labels) -> int:
    """Return the number of classes, which is the dimension of the space.

    Args:
        labels: Canonical labels, shape (n,).
    """
    return int(labels.max())


def to_rows(labels: Labels) -> DomainMatrix:
    """Return the reduced basis over QQ, shape (dim, n), sparse: one row of 0, 1 and -1 per class.

    Args:
        labels: Canonical labels, shape (n,).
    """
    one, minus = QQ.one, -QQ.one
    rows: Rows = {k: {} for k in range(dimension(labels))}
    for i, label in enumerate(labels.tolist()):
        if label:
            rows[abs(label) - 1][i] = one if label > 0 else minus
    return sparse_matrix(rows, (len(rows), labels.size))


def from_rows(basis: DomainMatrix) -> Labels | None:
    """Return the pattern of a reduced basis with entries 0, 1, -1 and disjoint supports; None for any other basis.

    Args:
        basis: Shape (dim, n), in reduced row echelon form.
    """
    if not basis.domain.is_QQ:
        return None
    labels = np.zeros(basis.shape[1], dtype=np.int32)
    units = {QQ.one: 1, -QQ.one: -1}
    for k, row in rows_of(basis).items():
        for j, value in row.items():
            if labels[j] or value not in units:
                return None
            labels[j] = (k + 1) * units[value]
    return labels


def class_sizes(labels: Labels) -> AnyInts:
    """Return the number of entries in class 1, 2, ...; shape (dim,), integers.

    Args:
        labels: Canonical labels, shape (n,).
    """
    return np.bincount(np.abs(labels), minlength=dimension(labels) + 1)[1:]


def projection_rows(labels: Labels) -> DomainMatrix:
    """Return the exact orthogonal projection, shape (n, n), sparse.

    Its entries are s_i s_j / size within a class and 0 elsewhere; the number of nonzero entries is the sum of the
    squared class sizes.

    Args:
        labels: Canonical labels, shape (n,).
    """
    sizes = class_sizes(labels)
    rows: Rows = {}
    for row in rows_of(to_rows(labels)).values():
        weight = QQ(1, int(sizes[abs(int(labels[next(iter(row))])) - 1]))
        for i, sign in row.items():
            rows[i] = {j: sign * other * weight for j, other in row.items()}
    return sparse_matrix(rows, (labels.size, labels.size))


def orthonormal(labels: Labels) -> FloatArray:
    """Return a dense orthonormal basis, shape (dim, n), float64.

    Args:
        labels: Canonical labels, shape (n,).
    """
    basis = np.zeros((dimension(labels), labels.size))
    used = np.flatnonzero(labels)
    classes = np.abs(labels[used]) - 1
    basis[classes, used] = np.sign(labels[used]) / np.sqrt(class_sizes(labels))[classes]
    return basis


def project(labels: Labels, vectors: FloatArray) -> FloatArray:
    """Return the orthogonal projection of vectors, shape (m, n), float64, without a dense matrix.

    Each coordinate becomes its sign times the signed mean of its class.

    Args:
        labels: Canonical labels, shape (n,).
        vectors: Shape (m, n), float64.
    """
    classes = np.abs(labels).astype(np.int64)
    signs = np.sign(labels)
    width = dimension(labels) + 1
    cells = classes + width * np.arange(vectors.shape[0])[:, None]
    sums = np.bincount(cells.ravel(), weights=(vectors * signs).ravel(), minlength=width * vectors.shape[0])
    means = sums.reshape(-1, width) / np.concatenate([[1], class_sizes(labels)])
    projected: FloatArray = means[:, classes] * signs
    return projected
