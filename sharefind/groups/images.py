"""Images of every element of a finite group, filled along the words of its elements.

`representation` decides what to ask for; here are the array loops and the limits on their size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import identity_matrix, signed_permutation_matrix, to_float
from sharefind.groups.group import FiniteGroup

PermArray = NDArray[np.integer[Any]]
SignArray = NDArray[np.int8]

MAX_IMAGE_ENTRIES = 200_000_000
"""Largest number of entries (order x dim, or order x dim^2 for dense matrices) that is held at once."""

MAX_EXACT_MATRICES = 20_000
"""Largest order whose images are listed as exact matrices."""


def generator_matrices(perms: PermArray, signs: SignArray) -> tuple[DomainMatrix, ...]:
    """Sparse rational matrices of signed permutations (n_generators, dim)."""
    return tuple(signed_permutation_matrix(p, s) for p, s in zip(perms, signs, strict=True))


def sparse_images(group: FiniteGroup, perms: PermArray, signs: SignArray) -> tuple[PermArray, SignArray]:
    """(perms, signs) of every element, (order, dim) each, from those of the generators (n_generators, dim).

    rho(h) rho(g) e_i = signs_g[i] signs_h[perms_g[i]] e_{perms_h[perms_g[i]]}.
    """
    dim = perms.shape[1]
    check_size(group, dim)
    parent, generator = group.words()
    all_perms = np.empty((group.order, dim), dtype=perms.dtype)
    all_signs = np.ones((group.order, dim), dtype=np.int8)
    all_perms[0] = np.arange(dim)
    for k in range(1, group.order):
        p, s = perms[generator[k]], signs[generator[k]]
        all_perms[k] = all_perms[parent[k]][p]
        all_signs[k] = all_signs[parent[k]][p] * s
    return all_perms, all_signs


def matrix_images(group: FiniteGroup, matrices: tuple[DomainMatrix, ...], dim: int) -> tuple[DomainMatrix, ...]:
    """The exact image of every element, (dim, dim) each."""
    if group.order > MAX_EXACT_MATRICES:
        raise RepresentationError(
            f"{group.name} has {group.order} elements, too many for exact matrices "
            f"(limit {MAX_EXACT_MATRICES}, a hard one); use float_matrices or a permutation representation"
        )
    parent, generator = group.words()
    images = [identity_matrix(dim, matrices[0].domain if matrices else QQ)]
    for k in range(1, group.order):
        images.append(images[parent[k]] * matrices[generator[k]])
    return tuple(images)


def float_images(group: FiniteGroup, matrices: tuple[DomainMatrix, ...], dim: int) -> NDArray[np.float64]:
    """Every image rounded, float64 (order, dim, dim); products of rounded generators along the words."""
    check_size(group, dim * dim)
    parent, generator = group.words()
    steps = [to_float(m) for m in matrices]
    images = np.empty((group.order, dim, dim), dtype=np.float64)
    images[0] = np.eye(dim)
    for k in range(1, group.order):
        images[k] = images[parent[k]] @ steps[generator[k]]
    return images


def dense_from_sparse(perms: PermArray, signs: SignArray) -> NDArray[np.float64]:
    """Dense float64 (order, dim, dim) matrices of signed permutations (order, dim)."""
    order, dim = perms.shape
    if order * dim * dim > MAX_IMAGE_ENTRIES:
        raise RepresentationError(
            f"{order} dense {dim} x {dim} matrices do not fit the limit of {MAX_IMAGE_ENTRIES} entries; "
            "use act_float, which needs none"
        )
    dense = np.zeros((order, dim, dim), dtype=np.float64)
    dense[np.arange(order)[:, None], perms, np.arange(dim)] = signs
    return dense


def sparse_character(perms: PermArray, signs: SignArray) -> NDArray[np.int64]:
    """Traces of signed permutations (order, dim): int64 (order,)."""
    fixed = perms == np.arange(perms.shape[1])
    traces: NDArray[np.int64] = np.where(fixed, signs, 0).sum(axis=1, dtype=np.int64)
    return traces


def act_sparse(perms: PermArray, signs: SignArray, indices: NDArray[np.integer[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """rho(g_k) x_k for rows k of (perms, signs), each (order, dim); x and the result are (n, dim)."""
    moved = np.empty_like(x)
    np.put_along_axis(moved, perms[indices], signs[indices] * x, axis=1)
    return moved


def check_size(group: FiniteGroup, entries: int) -> None:
    """Refuse to list images of more than `MAX_IMAGE_ENTRIES` entries in all.

    Raises:
        RepresentationError: order x entries is above the limit.
    """
    if group.order * entries > MAX_IMAGE_ENTRIES:
        raise RepresentationError(
            f"the images of {group.name} need more than {MAX_IMAGE_ENTRIES} entries, a hard limit; "
            "take a smaller group or a smaller representation"
        )
