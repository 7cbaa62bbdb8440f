"""Closed subgroups of O(n) whose connected part turns subspaces freely: SO(2) about an axis, D_6, O(3) x O(2).

Such a group is the product of SO(V) over orthogonal subspaces V with a finite group that maps each of them to itself.
Point groups are the case without subspaces; they are in `point_groups`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError
from sharefind.exact.matrices import common_matrices, identity_matrix, sparse_matrix, to_float
from sharefind.groups.compact_product import CompactProduct
from sharefind.groups.group import CompactGroup, FiniteGroup, Group
from sharefind.groups.images import Matrices
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class OrthogonalSubgroup(CompactGroup):
    """Rotations of orthogonal subspaces with finitely many elements beside them.

    Args:
        blocks: Orthonormal bases of the subspaces that are turned freely, (n, m) each with m of 2 or more.
        elements: A finite group that meets every component, float (order, n, n), the identity first.
    """

    blocks: tuple[FloatArray, ...] = field(default=(), repr=False)
    elements: FloatArray = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False)

    @property
    def order(self) -> int | None:
        """Number of elements, None where a subspace is turned."""
        return None if self.blocks else len(self.elements)

    def sample(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Haar draws, float64 (size, n, n): a free rotation of each subspace times one of the finite elements."""
        drawn = self.elements[rng.integers(len(self.elements), size=size)]
        for basis in self.blocks:
            turned = CompactGroup("SO", basis.shape[1], (), ()).sample(rng, size)
            drawn = (np.eye(self.n) + basis @ (turned - np.eye(basis.shape[1])) @ basis.T) @ drawn
        return np.asarray(drawn)

    def contains(self, matrices: FloatArray, close: float = 1e-7) -> bool:
        """Return whether all of some matrices are elements.

        Args:
            matrices: Shape (count, n, n).
            close: Largest difference that counts as rounding.
        """
        return all(self._has(matrix, close) for matrix in matrices)

    def _has(self, matrix: FloatArray, close: float) -> bool:
        rest = self.elements.transpose(0, 2, 1) @ matrix
        fits = np.ones(len(rest), dtype=bool)
        outside = np.eye(self.n)
        for basis in self.blocks:
            inner = basis.T @ rest @ basis
            fits &= np.abs(np.linalg.det(inner) - 1) < close
            fits &= np.abs(rest @ basis - basis @ inner).max((1, 2)) < close
            outside = outside - basis @ basis.T
        fits &= np.abs((rest - np.eye(self.n)) @ outside).max((1, 2)) < close
        return bool(fits.any())

    @cached_property
    def algebra(self) -> FloatArray:
        """Its Lie algebra, float (dimension, n, n)."""
        return np.array([to_float(matrix) for matrix in self.lie_algebra]).reshape(-1, self.n, self.n)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrthogonalSubgroup):
            return NotImplemented
        return self.name == other.name and is_compact_subgroup(self, other) and is_compact_subgroup(other, self)

    def __hash__(self) -> int:
        return hash((self.n, self.name))


def is_compact_subgroup(inner: Group, outer: Group) -> bool:
    """Return whether every element of one group is one of another: subgroups of one O(n), permutations, products of
    such.

    Args:
        inner: The group.
        outer: The other group.
    """
    if isinstance(inner, FiniteGroup) and isinstance(outer, FiniteGroup):
        return inner.is_subgroup_of(outer)
    if isinstance(inner, CompactProduct) and isinstance(outer, CompactProduct):
        pairs = zip(inner.factors, outer.factors, strict=False)
        return len(inner.factors) == len(outer.factors) and all(is_compact_subgroup(a, b) for a, b in pairs)
    if not _are_plain(inner, outer) or not isinstance(inner, CompactGroup) or not isinstance(outer, CompactGroup):
        return False
    if inner.n != outer.n:
        return False
    one, other = as_subgroup(inner), as_subgroup(outer)
    return _turns_inside(one, other) and other.contains(one.elements)


def _are_plain(*groups: Group) -> bool:
    return not any(isinstance(group, CompactProduct) for group in groups)


def as_subgroup(group: CompactGroup) -> OrthogonalSubgroup:
    """Return SO(n), O(n) or a subgroup of it as an `OrthogonalSubgroup`.

    Args:
        group: The group.
    """
    if isinstance(group, OrthogonalSubgroup):
        return group
    elements = np.stack([np.eye(group.n), *(to_float(matrix) for matrix in group.discrete)])
    return OrthogonalSubgroup(group.name, group.n, group.lie_algebra, group.discrete, (np.eye(group.n),), elements)


def _turns_inside(inner: OrthogonalSubgroup, outer: OrthogonalSubgroup, close: float = 1e-7) -> bool:
    """Whether each subspace that the one turns lies in one that the other turns."""
    return all(
        any(np.abs(basis - other @ (other.T @ basis)).max() < close for other in outer.blocks) for basis in inner.blocks
    )


@dataclass(frozen=True, eq=False)
class Frame:
    """An exact orthonormal frame of R^n.

    Attributes:
        matrix: Its vectors as columns, rational, (n, n), of determinant 1.
    """

    matrix: DomainMatrix

    @property
    def n(self) -> int:
        """Dimension of the space."""
        return int(self.matrix.shape[0])

    @cached_property
    def columns(self) -> FloatArray:
        """The vectors, float (n, n)."""
        return to_float(self.matrix)

    def turned(self, matrices: Matrices) -> Matrices:
        """Return matrices in the coordinates of the space.

        Args:
            matrices: The matrices in the frame's coordinates.
        """
        if not matrices:
            return ()
        *found, frame = common_matrices([*matrices, self.matrix])
        return tuple((frame * matrix * frame.transpose()).to_sparse() for matrix in found)


def frame_near(rotation: FloatArray, close: float = 1e-3) -> Frame:
    """Return the simplest rational frame near a rotation, by Cayley's transform of a rational skew matrix.

    Args:
        rotation: Float, (n, n), of determinant 1.
        close: Largest error of an entry of the skew matrix: half an angle, in radians.

    Raises:
        GroupError: It is no rotation.
    """
    n = len(rotation)
    if not np.allclose(rotation @ rotation.T, np.eye(n), atol=1e-6) or np.linalg.det(rotation) < 0:
        raise GroupError("a frame needs orthonormal vectors of determinant 1; give a rotation")
    start = signed_start(rotation)
    turned = rotation @ start.T
    skew = np.linalg.solve((np.eye(n) + turned).T, (np.eye(n) - turned).T).T
    rows = {i: {j: _simplest(skew[i, j], close) for j in range(n) if i != j} for i in range(n)}
    for i, j in combinations(range(n), 2):
        rows[j][i] = -rows[i][j]
    exact = sparse_matrix(
        {i: {j: QQ(v.numerator, v.denominator) for j, v in row.items() if v} for i, row in rows.items()}, (n, n)
    )
    one = identity_matrix(n)
    cayley = (one - exact).to_field() * (one + exact).to_field().inv()
    back = sparse_matrix(
        {i: {int(j): QQ(int(start[i, j])) for j in np.flatnonzero(start[i])} for i in range(n)}, (n, n)
    )
    return Frame((cayley.to_sparse() * back).to_sparse())


def signed_start(rotation: FloatArray) -> FloatArray:
    """Return a signed permutation of determinant 1 near a rotation, so that Cayley's transform has small entries.

    Args:
        rotation: Float, (n, n).
    """
    n = len(rotation)
    left, start = np.abs(rotation).copy(), np.zeros((n, n))
    for _ in range(n):
        i, j = np.unravel_index(np.argmax(left), left.shape)
        start[i, j] = 1.0 if rotation[i, j] >= 0 else -1.0
        left[i], left[:, j] = -1, -1
    if np.linalg.det(start) < 0:
        weakest = int(np.argmin(np.abs(rotation[start != 0])))  # the rows of `start` have one entry each, in order
        start[weakest] *= -1
    return start


def _simplest(value: float, close: float) -> Fraction:
    """The fraction of least denominator within `close` of a number."""
    denominator = 1
    while abs(float(found := Fraction(round(value * denominator), denominator)) - value) > close:
        denominator += 1
    return found


def block_subgroups(frame: Frame, sizes: Sequence[int]) -> list[OrthogonalSubgroup]:
    """Return the groups with the connected part SO(V_1) x SO(V_2) x ..., for subspaces that a frame splits the space
    into.

    Args:
        frame: Frame of the space.
        sizes: Dimensions of the subspaces, which take the frame's vectors in turn; those of dimension 1 are not turned,
            and what remains is fixed.
    """
    spans = [(sum(sizes[:k]), size) for k, size in enumerate(sizes)]
    chosen = _sign_groups(len(sizes))
    return [_block_group(frame, spans, signs) for signs in chosen]


def _sign_groups(count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Generators of groups of sign changes of `count` blocks, closed under joins: all of them for two blocks."""
    singles = [tuple(int(k == place) for k in range(count)) for place in range(count)]
    for flags in product((0, 1), repeat=count):
        yield tuple(single for single, flag in zip(singles, flags, strict=True) if flag)
    if count == 2:
        yield ((1, 1),)


def _block_group(
    frame: Frame, spans: Sequence[tuple[int, int]], signs: tuple[tuple[int, ...], ...]
) -> OrthogonalSubgroup:
    n = frame.n
    algebra = [
        sparse_matrix({j: {i: QQ(1)}, i: {j: QQ(-1)}}, (n, n))
        for start, size in spans
        for i, j in combinations(range(start, start + size), 2)
    ]
    discrete = [_reflection(n, [spans[k][0] for k, flips in enumerate(sign) if flips]) for sign in signs]
    exact = frame.turned(tuple(discrete))
    elements = closed_under_products([to_float(matrix) for matrix in exact], n)
    blocks = tuple(frame.columns[:, start : start + size] for start, size in spans if size > 1)
    name = _block_name([size for _, size in spans], signs)
    return OrthogonalSubgroup(name, n, frame.turned(tuple(algebra)), exact, blocks, elements)


def _block_name(sizes: Sequence[int], signs: tuple[tuple[int, ...], ...]) -> str:
    if any(sum(sign) > 1 for sign in signs):
        return f"S({'x'.join(f'O{size}' for size in sizes)})"
    flips = [any(sign[k] for sign in signs) for k in range(len(sizes))]
    parts = [f"{'O' if flip else 'SO'}{size}" for size, flip in zip(sizes, flips, strict=True) if size > 1 or flip]
    return "x".join(parts) or "C1"


def _reflection(n: int, places: Sequence[int]) -> DomainMatrix:
    """diag(1, -1, ...), with -1 at these places."""
    return sparse_matrix({k: {k: QQ(-1 if k in places else 1)} for k in range(n)}, (n, n))


def closed_under_products(generators: Sequence[FloatArray], n: int, most: int = 1000, digits: int = 6) -> FloatArray:
    """Return the finite group that orthogonal matrices (n, n) generate, float (order, n, n), the identity first.

    Args:
        generators: The matrices.
        n: Their size.
        most: Most elements.
        digits: Decimals by which elements are compared.

    Raises:
        GroupError: They generate more than `most` elements.
    """
    found = {_key(np.eye(n), digits): np.eye(n)}
    fresh = [np.eye(n)]
    while fresh:
        images = [element @ g for element in fresh for g in generators]
        fresh = []
        for image in images:
            if _key(image, digits) not in found:
                found[_key(image, digits)] = image
                fresh.append(image)
        if len(found) > most:
            raise GroupError(f"the matrices generate more than {most} elements; give those of a smaller group")
    return np.stack(list(found.values()))


def _key(matrix: FloatArray, digits: int) -> bytes:
    return (np.round(matrix, digits) + 0.0).tobytes()
