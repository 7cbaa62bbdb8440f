"""Images of a finite group's generators and elements, as arrays and exact matrices, and limits on their size.

This module has the array computations; `representation` defines their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.fields import CosineField
from sharefind.exact.matrices import identity_matrix, signed_permutation_matrix, to_float
from sharefind.groups.group import FiniteGroup

PermArray = NDArray[np.integer[Any]]
SignArray = NDArray[np.int8]
SparseImages = tuple[PermArray, SignArray]
"""Perms and signs, shape (n, dim) each: e_i -> signs[k, i] e_{perms[k, i]}."""

Matrices = tuple[DomainMatrix, ...]


def index_type(dim: int) -> type[np.signedinteger]:
    """Return the integer type for indices below `dim`: int32 if possible, which halves the memory.

    Args:
        dim: The dimension.
    """
    return np.int32 if dim <= np.iinfo(np.int32).max else np.int64


def as_index(perms: PermArray, dim: int) -> PermArray:
    """Return the same indices in the type used for a dimension.

    Args:
        perms: Integers.
        dim: The dimension.
    """
    return perms.astype(index_type(dim), copy=False)


def ones(n_generators: int, dim: int) -> SignArray:
    """Return read-only signs of 1, shape (n_generators, dim), int8, that take no memory.

    Args:
        n_generators: Number of rows.
        dim: Number of columns.
    """
    return np.broadcast_to(np.int8(1), (n_generators, dim))


def check_dim(dim: int, sparse: bool, most: int = 30_000_000, most_by_matrices: int = 20_000) -> None:
    """Refuse a dimension that would not fit into memory.

    Args:
        dim: The dimension.
        sparse: Whether every element acts by a signed permutation.
        most: Largest dimension of such a representation: 120 MB per generator.
        most_by_matrices: Largest dimension of a representation by exact matrices.

    Raises:
        RepresentationError: The dimension exceeds its limit.
    """
    limit = most if sparse else most_by_matrices
    if dim > limit:
        raise RepresentationError(
            f"the representation would have dimension {dim}, above the limit of {limit}, a hard one; use a smaller one"
        )


def sparse_sum(first: SparseImages, second: SparseImages, is_signed: bool) -> SparseImages:
    """Return direct sums of signed permutations; the signs take no memory if none is negative.

    Args:
        first: Images, shape (n, dim_1) each.
        second: Images, shape (n, dim_2) each.
        is_signed: Whether a sign is negative.
    """
    (p, s), (q, t) = first, second
    dim = p.shape[1] + q.shape[1]
    perms = np.concatenate([as_index(p, dim), as_index(q, dim) + p.shape[1]], axis=1).astype(index_type(dim))
    return perms, np.concatenate([s, t], axis=1) if is_signed else ones(len(p), dim)


def sparse_multiple(images: SparseImages, count: int, is_signed: bool) -> SparseImages:
    """Return direct sums of `count` times the same signed permutations.

    Args:
        images: Images, shape (n, dim) each.
        count: The multiplicity.
        is_signed: Whether a sign is negative.
    """
    p, s = images
    dim = count * p.shape[1]
    offsets = np.arange(count, dtype=index_type(dim))[:, None] * p.shape[1]
    perms = (as_index(p, dim)[:, None, :] + offsets).reshape(len(p), dim)
    return perms, np.tile(s, (1, count)) if is_signed else ones(len(p), dim)


def sparse_word(images: SparseImages, word: tuple[int, ...]) -> SparseImages:
    """Return the product of generators, shape (dim,) each.

    Args:
        images: Images of the generators, shape (n, dim) each.
        word: Indices of the generators.
    """
    perms, signs = images
    perm: PermArray = np.arange(perms.shape[1], dtype=perms.dtype)
    sign: SignArray = np.ones(perms.shape[1], dtype=np.int8)
    for letter in word:
        perm, sign = perm[perms[letter]], sign[perms[letter]] * signs[letter]
    return perm, sign


def check_product_work(
    name: str, groups: tuple[Matrices, Matrices], algebras: tuple[Matrices, Matrices], most: int = 2_500_000
) -> None:
    """Refuse a tensor product whose exact matrices would take long to compute.

    Args:
        name: Name of the product.
        groups: Matrices of the generators in both factors.
        algebras: Matrices of the Lie algebra in both factors.
        most: Largest number of rational numbers; the default takes about two seconds.

    Raises:
        RepresentationError: The number of entries times the degree of their field exceeds `most`.
    """
    work = sum(x.nnz() * y.nnz() * max(_cost(x), _cost(y)) for x, y in zip(*groups, strict=True))
    work += sum((x.nnz() + x.shape[0]) * y.shape[0] + x.shape[0] * y.nnz() for x, y in zip(*algebras, strict=True))
    if work > most:
        raise RepresentationError(
            f"{name} would take {work} steps of exact arithmetic, above the limit of {most}, a hard one; "
            "use fewer or smaller factors"
        )


def _cost(matrix: DomainMatrix) -> int:
    """Return the cost of a product of two entries relative to rational numbers: ten times the degree of a
    cosine field.
    """
    domain = matrix.domain
    return 10 * int(domain.mod.degree()) if isinstance(domain, CosineField) else 1


def generator_matrices(perms: PermArray, signs: SignArray) -> Matrices:
    """Return sparse rational matrices of signed permutations, shape (dim, dim) each.

    Args:
        perms: Shape (n_generators, dim), integers.
        signs: Shape (n_generators, dim), int8.
    """
    return tuple(signed_permutation_matrix(p, s) for p, s in zip(perms, signs, strict=True))


def sparse_images(group: FiniteGroup, perms: PermArray, signs: SignArray) -> SparseImages:
    """Return (perms, signs) of every element, shape (order, dim) each.

    They follow from rho(h) rho(g) e_i = signs_g[i] signs_h[perms_g[i]] e_{perms_h[perms_g[i]]}.

    Args:
        group: The group.
        perms: Images of the generators, shape (n_generators, dim), integers.
        signs: Signs of the generators, shape (n_generators, dim), int8.
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


def matrix_images(group: FiniteGroup, matrices: Matrices, dim: int, largest_order: int = 20_000) -> Matrices:
    """Return the exact image of every element, shape (dim, dim) each.

    Args:
        group: The group.
        matrices: Matrices of the generators, shape (dim, dim) each.
        dim: The dimension.
        largest_order: Largest order of the group.

    Raises:
        RepresentationError: The order exceeds `largest_order`.
    """
    if group.order > largest_order:
        raise RepresentationError(
            f"{group.name} has {group.order} elements, too many for exact matrices "
            f"(limit {largest_order}, a hard one); use float_matrices or a permutation representation"
        )
    parent, generator = group.words()
    images = [identity_matrix(dim, matrices[0].domain if matrices else QQ)]
    for k in range(1, group.order):
        images.append(images[parent[k]] * matrices[generator[k]])
    return tuple(images)


def float_images(group: FiniteGroup, matrices: Matrices, dim: int) -> NDArray[np.float64]:
    """Return every image rounded, shape (order, dim, dim), float64, from products of rounded generators along the
    words.

    Args:
        group: The group.
        matrices: Matrices of the generators, shape (dim, dim) each.
        dim: The dimension.
    """
    check_size(group, dim * dim)
    parent, generator = group.words()
    steps = [to_float(m) for m in matrices]
    images = np.empty((group.order, dim, dim), dtype=np.float64)
    images[0] = np.eye(dim)
    for k in range(1, group.order):
        images[k] = images[parent[k]] @ steps[generator[k]]
    return images


def dense_from_sparse(perms: PermArray, signs: SignArray, most: int = 200_000_000) -> NDArray[np.float64]:
    """Return dense matrices of signed permutations, shape (order, dim, dim), float64.

    Args:
        perms: Shape (order, dim), integers.
        signs: Shape (order, dim), int8.
        most: Largest number of entries.

    Raises:
        RepresentationError: There would be more entries than `most`.
    """
    order, dim = perms.shape
    if order * dim * dim > most:
        raise RepresentationError(
            f"{order} dense {dim} x {dim} matrices do not fit the limit of {most} entries; "
            "use act_float, which needs none"
        )
    dense = np.zeros((order, dim, dim), dtype=np.float64)
    dense[np.arange(order)[:, None], perms, np.arange(dim)] = signs
    return dense


def block_diagonal(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return block diagonal matrices, shape (size, sum of dim_k, sum of dim_k), float64.

    Args:
        parts: Stacks of matrices, shapes (size, dim_k, dim_k).
    """
    stops = np.cumsum([part.shape[1] for part in parts])
    blocks = np.zeros((len(parts[0]), stops[-1], stops[-1]))
    for part, stop in zip(parts, stops, strict=True):
        here = slice(stop - part.shape[1], stop)
        blocks[:, here, here] = part
    return blocks


def block_places(labels: Sequence[int]) -> NDArray[np.int64]:
    """Return the number of the type of each coordinate, counted by first coordinates, shape (dim,), int64.

    Args:
        labels: Labels as in `vector_types`, length dim.
    """
    keys = [label or -(k + 1) for k, label in enumerate(labels)]
    known = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([known[key] for key in keys], dtype=np.int64)


def pair_places(labels: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which coordinates of two halves of a space are multiplied: those of a type with those of its copy.

    Args:
        labels: As in `vector_types`, shape (2 h,); the second half repeats the first.

    Returns:
        For each of p products its coordinate in the first half, and that in the second; shape (p,) each.
    """
    half = len(labels) // 2
    places = block_places(labels[:half])
    first, second = np.nonzero(places[:, None] == places)
    return first, second + half


def permuted_types(matrices: NDArray[np.float64], labels: Sequence[int]) -> NDArray[np.float64]:
    """Return how orthogonal matrices that preserve types exchange them, shape (size, types, types), float64.

    Args:
        matrices: Shape (size, dim, dim), float64.
        labels: Labels as in `vector_types`, length dim.
    """
    places = block_places(labels)
    members = (places == np.arange(places.max() + 1)[:, None]).astype(np.float64)
    shares = np.einsum("ki,nij,lj->nkl", members, matrices**2, members)
    return np.asarray(np.rint(shares / members.sum(axis=1)), dtype=np.float64)


def paired(matrices: NDArray[np.float64], labels: Sequence[int]) -> NDArray[np.float64]:
    """Return how matrices that keep types act on the p products of two halves of coordinates, shape (size, p, p).

    Args:
        matrices: Shape (size, 2 h, 2 h).
        labels: Types of the coordinates, see `pair_places`.
    """
    first, second = pair_places(labels)
    products = matrices[:, first[:, None], first] * matrices[:, second[:, None], second]
    return np.asarray(products, dtype=np.float64)


def check_size(group: FiniteGroup, entries: int, most: int = 200_000_000) -> None:
    """Refuse to list images with too many entries.

    Args:
        group: The group.
        entries: Number of entries per element.
        most: Largest number of entries in all.

    Raises:
        RepresentationError: order x entries exceeds the limit.
    """
    if group.order * entries > most:
        raise RepresentationError(
            f"the images of {group.name} need more than {most} entries, a hard limit; "
            "take a smaller group or a smaller representation"
        )
