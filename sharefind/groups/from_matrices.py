"""Representations given by the matrices of the generators, accepted only if they are a homomorphism.

`constructors` has predefined representations; `files` reads matrices from files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.fields import CosineField
from sharefind.exact.matrices import as_signed_permutation, common_matrices, identity_matrix
from sharefind.exact.numbers import Exact, exact_matrix
from sharefind.groups.group import FiniteGroup
from sharefind.groups.images import sparse_images
from sharefind.groups.representation import Representation
from sharefind.typing import IntArray

MatrixLike: TypeAlias = DomainMatrix | Sequence[Sequence[Exact]]


def from_matrices(group: FiniteGroup, matrices: Sequence[MatrixLike], name: str) -> Representation:
    """Return the representation that sends each generator of a group to a matrix, checked over the Cayley graph.

    Signed permutation matrices are recognised and stored as index arrays. The check takes order x n_generators exact
    products.

    Args:
        group: A finite group.
        matrices: One matrix per generator, shape (dim, dim): a `DomainMatrix` or nested lists of exact numbers.
        name: Name of the representation.

    Raises:
        RepresentationError: The number or the sizes of the matrices are wrong, or they are not a homomorphism; the
            message names the word.
        GroupError: An entry is not an exact number.
    """
    if not matrices or len(matrices) != len(group.generators):
        raise RepresentationError(
            f"{group.name} has {len(group.generators)} generators and {name} gives {len(matrices)} matrices; "
            "give one each (a trivial group has only trivial representations)"
        )
    exact = [_exact(m) for m in matrices]
    rep = unchecked(group, exact, name)
    check_homomorphism(rep)
    return rep


def _exact(matrix: MatrixLike) -> DomainMatrix:
    """Return the matrix over QQ or a cosine field; other sympy fields are converted entry by entry."""
    if not isinstance(matrix, DomainMatrix):
        return exact_matrix(matrix)
    if matrix.domain.is_QQ or isinstance(matrix.domain, CosineField):
        return matrix
    return exact_matrix(matrix.to_Matrix().tolist())


def unchecked(group: FiniteGroup, matrices: Sequence[DomainMatrix], name: str) -> Representation:
    """Return such a representation without the check, for matrices that are a homomorphism by construction.

    Args:
        group: A finite group.
        matrices: One matrix per generator, shape (dim, dim).
        name: Name of the representation.

    Raises:
        RepresentationError: The matrices have different sizes.
    """
    dim = matrices[0].shape[0]
    for position, matrix in enumerate(matrices):
        if matrix.shape != (dim, dim):
            raise RepresentationError(f"generator {position} of {name} is {matrix.shape}, not ({dim}, {dim})")
    images = [as_signed_permutation(m) for m in matrices]
    found = [image for image in images if image is not None]
    if len(found) == len(matrices):
        perms = np.array([p for p, _ in found], dtype=np.int32)
        signs = np.array([s for _, s in found], dtype=np.int8)
        kind = "permutation" if bool((signs == 1).all()) else "signed"
        return Representation(group, dim, name, kind, perms=perms, signs=signs)  # type: ignore[arg-type]
    return Representation(group, dim, name, "matrix", matrices=common_matrices(matrices))


def check_homomorphism(rep: Representation) -> None:
    """Check rho(g_k) rho(gen_j) = rho(g_k gen_j) on every edge of the Cayley graph, which is sufficient.

    Args:
        rep: The representation.

    Raises:
        RepresentationError: An edge fails; the message has both words for the same element.
    """
    failure = first_failure(rep)
    if failure is not None:
        k, j = failure
        group = rep.finite_group
        right = group.enumeration().right
        raise RepresentationError(
            f"{rep.name} is not a homomorphism: {word_text((*group.word(k), j))} and "
            f"{word_text(group.word(int(right[k, j])))} are one element of {group.name} but two matrices; "
            "correct the matrices"
        )


def first_failure(rep: Representation) -> tuple[int, int] | None:
    """Return the first edge (k, j) of the Cayley graph with rho(g_k) rho(gen_j) != rho(g_k gen_j), or None.

    Args:
        rep: The representation.
    """
    right = rep.finite_group.enumeration().right
    edges = _sparse_failures(rep, right) if rep.is_sparse else _matrix_failures(rep, right)
    return next(edges, None)


def word_text(word: Sequence[int]) -> str:
    """Return a word in the generators as text: `g0*g1*g0`, or `1` for the empty word.

    Args:
        word: Indices of the generators.
    """
    return "*".join(f"g{letter}" for letter in word) or "1"


def _sparse_failures(rep: Representation, right: IntArray) -> Iterator[tuple[int, int]]:
    perms, signs = rep.sparse_generators
    all_perms, all_signs = sparse_images(rep.finite_group, perms, signs)
    for j, (p, s) in enumerate(zip(perms, signs, strict=True)):
        wrong_perm = (all_perms[:, p] != all_perms[right[:, j]]).any(axis=1)
        wrong_sign = (all_signs[:, p] * s != all_signs[right[:, j]]).any(axis=1)
        for k in np.flatnonzero(wrong_perm | wrong_sign):
            yield int(k), j


def _matrix_failures(rep: Representation, right: IntArray) -> Iterator[tuple[int, int]]:
    """Yield edges that fail; images are built along the breadth-first tree, so that a failure may be found early."""
    matrices = rep.generator_matrices
    images = {0: identity_matrix(rep.dim, matrices[0].domain)} if matrices else {}
    for k in range(len(right) if matrices else 0):
        for j, matrix in enumerate(matrices):
            image, target = images[k] * matrix, int(right[k, j])
            if images.setdefault(target, image) != image:
                yield k, j
