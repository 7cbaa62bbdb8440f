"""Which coordinates of a representation form vectors that a group turns and exchanges as wholes, decided exactly.

A representation falls into types: vectors, whose length no element changes, and scalars, which elements only exchange.
Functions of lengths and of scalars then commute with the group as functions of permuted numbers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import rows_of, zero_matrix
from sharefind.groups.group import CompactGroup
from sharefind.groups.images import block_places, generator_matrices, ones
from sharefind.groups.representation import Construction, Representation, signed_permutations

Labels = tuple[int, ...]
"""Label of each coordinate: 0 for a scalar, or the number of its vector, from 1 in the order of first coordinates."""


def vector_labels(rep: Representation) -> Labels:
    """The finest types of a representation.

    Args:
        rep: An orthogonal representation.

    Returns:
        Its labels, shape (dim,). A coordinate of its own is a scalar where no generator changes its sign, nor that of a
        coordinate that it is exchanged with.
    """
    matrices = rep.group_matrices
    blocks = _closed(_Blocks(rep.dim), rep.lie, matrices)
    scalars = _scalars(blocks, matrices)
    numbers: dict[int, int] = {}
    return tuple(0 if k in scalars else numbers.setdefault(blocks.of(k), len(numbers) + 1) for k in range(rep.dim))


def on_types(rep: Representation, labels: Labels) -> Representation:
    """The permutations of the types: how the group acts on lengths and scalars.

    Args:
        rep: An orthogonal representation.
        labels: Labels of its coordinates, shape (dim,); they may be coarser than those of `vector_labels`.

    Returns:
        A representation on R^(number of types), types in the order of their first coordinates.

    Raises:
        RepresentationError: A generator tears a vector apart, or changes a scalar; the message names it.
    """
    images = []
    for place, matrix in enumerate(rep.group_matrices):
        image = type_image(matrix, labels)
        if image is None:
            raise RepresentationError(f"generator {place} of {rep.group.name} does not keep the types of {rep.name}")
        images.append(image)
    if any(not keeps_types(matrix, labels) for matrix in rep.lie):
        raise RepresentationError(f"the Lie algebra of {rep.group.name} does not keep the types of {rep.name}")
    count = int(block_places(labels).max()) + 1
    name, step = f"types({rep.name})", Construction("types", partial(on_types, labels=labels), (rep,), order=labels)
    perms = np.array(images, dtype=np.int64).reshape(len(images), count)
    if isinstance(rep.group, CompactGroup):
        lie = tuple(zero_matrix(count) for _ in rep.lie)
        discrete = generator_matrices(perms, ones(*perms.shape))
        return Representation(rep.group, count, name, "matrix", lie=lie, discrete=discrete, construction=step)
    return signed_permutations(rep.group, name, (perms, ones(*perms.shape)), "permutation", step)


def type_image(matrix: DomainMatrix, labels: Labels) -> list[int] | None:
    """Return the type that an orthogonal matrix sends each type to; None where it splits a vector or changes a scalar.

    Args:
        matrix: The matrix.
        labels: Labels of the types.
    """
    places = block_places(labels)
    targets: dict[int, set[int]] = {}
    for row, entries in rows_of(matrix).items():
        for column, value in entries.items():
            targets.setdefault(places[column], set()).add(places[row])
            if (labels[row] == 0) != (labels[column] == 0) or (labels[row] == 0 and value != matrix.domain.one):
                return None
    image = [next(iter(targets[place])) for place in range(len(targets))]
    is_whole = all(len(found) == 1 for found in targets.values()) and len(set(image)) == len(image)
    return image if is_whole and len(image) == max(places) + 1 else None


def keeps_types(matrix: DomainMatrix, labels: Labels) -> bool:
    """Return whether a derivative of group elements stays inside each vector, and does not change scalars.

    Args:
        matrix: The derivative.
        labels: Labels of the types.
    """
    entries = ((row, column) for row, found in rows_of(matrix).items() for column in found)
    return all(labels[row] == labels[column] and labels[row] != 0 for row, column in entries)


def kinds_of(rep: Representation, has_pairs: bool = False) -> list[str]:
    """The kinds of vectors and scalars that a representation is a sum of, each once, as expressions.

    Multiples and tensor products with trivial representations are the kinds of their parts. A representation that was
    not composed is one kind.

    Args:
        rep: The representation.
        has_pairs: Whether vectors of permuted points become vectors of ordered pairs of points. Maps that commute with
            all permutations of points take x_i to a x_i + b sum_j x_j, which shows no difference x_i - x_j.

    Returns:
        Expressions.
    """
    return list(dict.fromkeys(_kinds(rep, has_pairs)))


def _kinds(rep: Representation, has_pairs: bool) -> list[str]:
    step = rep.construction
    operation = None if step is None else step.operation
    if step is None or operation not in ("sum", "multiple", "reorder", "tensor", "trivial"):
        return [rep.name]
    if operation == "trivial":
        return ["trivial"]
    if operation != "tensor":
        return [kind for part in step.parts for kind in _kinds(part, has_pairs)]
    left, right = (_kinds(part, has_pairs) for part in step.parts)
    if has_pairs:
        points = [_moves_points(part) for part in step.parts]
        left = [_product(a, a) for a in left] if points[0] and not points[1] else left
        right = [_product(b, b) for b in right] if points[1] and not points[0] else right
    return [_product(a, b) for a in left for b in right]


def _moves_points(rep: Representation) -> bool:
    """Whether a group permutes coordinates, and some of them."""
    if any(not derivative.is_zero_matrix for derivative in rep.lie):
        return False
    images = [type_image(matrix, (0,) * rep.dim) for matrix in rep.group_matrices]
    return None not in images and any(image != list(range(rep.dim)) for image in images)


def _product(left: str, right: str) -> str:
    """The expression of a tensor product of two kinds."""
    return right if left == "trivial" else left if right == "trivial" else f"{left}*{right}"


class _Blocks:
    """Coordinates joined into blocks."""

    def __init__(self, dim: int) -> None:
        self.parents = list(range(dim))

    def of(self, k: int) -> int:
        """The first coordinate of the block of a coordinate."""
        while self.parents[k] != k:
            k = self.parents[k]
        return k

    def join(self, coordinates: Iterable[int]) -> bool:
        """Join the blocks of some coordinates; return whether anything changed."""
        roots = {self.of(k) for k in coordinates}
        for root in roots:
            self.parents[root] = min(roots)
        return len(roots) > 1

    def listed(self) -> list[list[int]]:
        """The coordinates of each block."""
        found: dict[int, list[int]] = {}
        for k in range(len(self.parents)):
            found.setdefault(self.of(k), []).append(k)
        return list(found.values())


def _closed(blocks: _Blocks, lie: Sequence[DomainMatrix], matrices: Sequence[DomainMatrix]) -> _Blocks:
    """The finest blocks that a Lie algebra keeps and matrices exchange."""
    for derivative in lie:
        for row, entries in rows_of(derivative).items():
            blocks.join([row, *entries])
    supports = [rows_of(side) for matrix in matrices for side in (matrix, matrix.transpose())]
    is_changing = True
    while is_changing:
        is_changing = False
        for support in supports:
            for block in blocks.listed():
                is_changing |= blocks.join(image for k in block for image in support.get(k, ()))
    return blocks


def _scalars(blocks: _Blocks, matrices: Sequence[DomainMatrix]) -> set[int]:
    """Coordinates that are blocks of their own and keep their signs, with all that they are exchanged with."""
    found = {block[0] for block in blocks.listed() if len(block) == 1}
    edges = [
        (row, column, value == matrix.domain.one)
        for matrix in matrices
        for row, entries in rows_of(matrix).items()
        for column, value in entries.items()
        if row in found
    ]
    orbits = _Blocks(len(blocks.parents))
    for row, column, _ in edges:
        orbits.join((row, column))
    turned = {orbits.of(row) for row, _, is_kept in edges if not is_kept}
    return {k for k in found if orbits.of(k) not in turned}
