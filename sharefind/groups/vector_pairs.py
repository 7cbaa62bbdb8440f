"""Tensors of order 2: products of a space's vectors with their copies in a second half, decided exactly as types are.

Types themselves are in `vector_types`.
"""

from __future__ import annotations

from functools import partial

from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import identity_matrix, rows_of, sparse_matrix
from sharefind.groups.group import CompactGroup
from sharefind.groups.images import pair_places
from sharefind.groups.representation import Construction, Representation
from sharefind.groups.vector_types import Labels, on_types


def on_pairs(rep: Representation, labels: Labels) -> Representation:
    """How the group acts on the products h_k (x) h'_k of each type of one half with its copy in the other.

    Args:
        rep: An orthogonal representation r + r, on R^(2 h).
        labels: Its types (`sharefind.groups.vector_types`), shape (2 h,); r must keep them.

    Returns:
        A part of r * r, on R^p with p the sum of squares of the dimensions of the types of r, in the order of
        `sharefind.groups.images.pair_places`.

    Raises:
        RepresentationError: The halves are not alike, or a generator tears a type apart; the message names it.
    """
    on_types(rep, labels)
    if not (are_halves(labels) and all(map(is_doubled, (*rep.group_matrices, *rep.lie)))):
        raise RepresentationError(f"{rep.name} is not twice one representation")
    group_part = tuple(pair_matrix(matrix, labels) for matrix in rep.group_matrices)
    lie = tuple(pair_derivative(matrix, labels) for matrix in rep.lie)
    count, name = len(pair_places(labels)[0]), f"pairs({rep.name})"
    step = Construction("pairs", partial(on_pairs, labels=labels), (rep,), order=labels)
    if isinstance(rep.group, CompactGroup):
        return Representation(rep.group, count, name, "matrix", lie=lie, discrete=group_part, construction=step)
    return Representation(rep.group, count, name, "matrix", matrices=group_part, construction=step)


def are_halves(labels: Labels) -> bool:
    """Return whether the second half of labels repeats the first, with vectors of its own.

    Args:
        labels: The labels.
    """
    half = len(labels) // 2
    vectors = max(labels[:half], default=0)
    return tuple(labels[half:]) == tuple(label and label + vectors for label in labels[:half])


def is_doubled(matrix: DomainMatrix) -> bool:
    """Return whether a matrix does the same to both halves of a space, and exchanges nothing between them.

    Args:
        matrix: The matrix.
    """
    half, rows = matrix.shape[0] // 2, rows_of(matrix)
    upper = {row: entries for row, entries in rows.items() if row < half}
    lower = {
        row - half: {column - half: value for column, value in entries.items()}
        for row, entries in rows.items()
        if row >= half
    }
    return upper == lower and all(column < half for entries in upper.values() for column in entries)


def pair_matrix(matrix: DomainMatrix, labels: Labels) -> DomainMatrix:
    """Return the action on products, (p, p), of a matrix that keeps types and does the same to both halves.

    Args:
        matrix: The matrix.
        labels: Labels of the types.
    """
    return _on_pairs(matrix, matrix, labels)


def pair_derivative(matrix: DomainMatrix, labels: Labels) -> DomainMatrix:
    """Return the infinitesimal action on products, (p, p), by the product rule.

    Args:
        matrix: An element of the Lie algebra, that is the derivative of a path of group elements at the identity.
        labels: Labels of the types.
    """
    identity = identity_matrix(matrix.shape[0], matrix.domain)
    return _on_pairs(matrix, identity, labels) + _on_pairs(identity, matrix, labels)


def _on_pairs(left: DomainMatrix, right: DomainMatrix, labels: Labels) -> DomainMatrix:
    """The Kronecker product of a matrix on the first half and one on the second, on products within a type."""
    pairs = [(int(a), int(b)) for a, b in zip(*pair_places(labels), strict=True)]
    places = {pair: place for place, pair in enumerate(pairs)}
    on_left, on_right = rows_of(left), rows_of(right)
    rows = {
        place: {
            places[c, d]: x * y
            for c, x in on_left.get(a, {}).items()
            for d, y in on_right.get(b, {}).items()
            if (c, d) in places
        }
        for place, (a, b) in enumerate(pairs)
    }
    return sparse_matrix(rows, (len(pairs), len(pairs)), left.domain)
