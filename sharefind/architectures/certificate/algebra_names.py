"""Whether Lie generators and reflections are a representation of the SO(n) or O(n) that a specification names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.certificate.group_names import Naming, WrongNameError
from sharefind.exact.matrices import direct_sum, rows_of, to_float
from sharefind.groups import CompactGroup
from sharefind.groups.compact_product import CompactProduct
from sharefind.typing import IntArray


def infinite_naming(
    named: CompactGroup, lie: Sequence[tuple[DomainMatrix, ...]], discrete: Sequence[tuple[DomainMatrix, ...]]
) -> Naming:
    """Return how the name of SO(n) or O(n) relates to d rho and to the generators of components.

    Proven where the matrices satisfy the relations of the catalogue's own basis of so(n), exactly, and where exp(2 pi d
    rho(X)) is 1 for a rotation X in a coordinate plane: then they are a representation of the group itself.

    Args:
        named: The group of that name.
        lie: Lie generators on each side.
        discrete: Generators of components on each side.

    Raises:
        WrongNameError: The Lie algebra that they generate has a dimension that so(n) and its images do not have.
    """
    algebra = [reduce(direct_sum, move) for move in lie]
    ours = [_whole(matrix) for matrix in (*algebra, *(reduce(direct_sum, move) for move in discrete))]
    theirs = [_whole(matrix) for matrix in (*named.lie_algebra, *named.discrete)]
    count = len(named.lie_algebra)
    exact = [matrix for matrix in ours if matrix is not None]
    model = [matrix for matrix in theirs if matrix is not None]
    is_alike = len(algebra) == count and len(exact) == len(ours) == len(model) == len(theirs)
    if is_alike and _is_representation(model, exact, count) and _is_periodic(exact[0]):
        spanned = np.linalg.matrix_rank(np.stack([matrix.ravel() for matrix in exact[:count]]).astype(np.float64))
        return Naming.PROVEN if int(spanned) == count else Naming.IMAGE
    dim = _generated_dim([to_float(matrix) for matrix in algebra], 2 * count)
    if dim not in _dims_of(named):
        raise WrongNameError(
            f"which has a Lie algebra of dimension {count}, and the generators generate one of {_text(dim, count)}"
        )
    return Naming.UNCHECKED


def _text(dim: int, count: int) -> str:
    return f"more than {dim}" if dim > 2 * count else str(dim)


def _dims_of(group: CompactGroup) -> set[int]:
    """Dimensions of the images of a group's Lie algebra; those of a product are sums over its factors."""
    if not isinstance(group, CompactProduct):
        return set(_dims(group.n))
    parts = [_dims(factor.n) for factor in group.factors if isinstance(factor, CompactGroup)]
    return {sum(chosen) for chosen in product(*parts)}


def _dims(n: int) -> tuple[int, ...]:
    """Dimensions of the images of so(n): it is simple, but for n = 2 and for so(4) = so(3) + so(3)."""
    whole = n * (n - 1) // 2
    return (0, 3, whole) if n == 4 else (0, whole)


def _whole(matrix: DomainMatrix, largest: int = 1_000) -> IntArray | None:
    """A matrix of whole numbers up to `largest` as int64, whose products are exact there; None for another."""
    entries = [value for row in rows_of(matrix).values() for value in row.values()]
    if not matrix.domain.is_QQ or any(v.denominator != 1 or abs(v.numerator) > largest for v in entries):
        return None
    return np.rint(to_float(matrix)).astype(np.int64)


def _is_representation(theirs: list[IntArray], ours: list[IntArray], count: int) -> bool:
    """[A_i, A_j] = sum_k c_ijk A_k and r A_i r^-1 = sum_k d_ik A_k with the structure constants of the model."""
    pairs = [(i, j) for i in range(count) for j in range(i)]
    brackets = all(
        _agree(_bracket(theirs[i], theirs[j]), _bracket(ours[i], ours[j]), theirs, ours, count) for i, j in pairs
    )
    return brackets and all(
        np.array_equal(r @ r, np.eye(len(r)))
        and all(_agree(s @ theirs[i] @ s, r @ ours[i] @ r, theirs, ours, count) for i in range(count))
        for s, r in zip(theirs[count:], ours[count:], strict=True)
    )


def _bracket(a: IntArray, b: IntArray) -> IntArray:
    return np.asarray(a @ b - b @ a)


def _agree(wanted: IntArray, found: IntArray, theirs: list[IntArray], ours: list[IntArray], count: int) -> bool:
    """Whether `found` is the combination of our basis that `wanted` is of theirs, whose entries are disjoint."""
    total = np.zeros_like(found)
    for k in range(count):
        place = np.unravel_index(np.argmax(theirs[k] != 0), theirs[k].shape)
        weight = wanted[place] // theirs[k][place]
        if weight:
            total = total + weight * ours[k]
    return bool(np.array_equal(total, found))


def _is_periodic(generator: IntArray) -> bool:
    """Whether exp(2 pi A) = 1: the eigenvalues of a skew A are whole multiples of i."""
    values = np.linalg.eigvalsh(1j * generator.astype(np.float64))
    return bool(np.allclose(values, np.rint(values), rtol=0, atol=1e-6))


def _generated_dim(matrices: list[NDArray[np.float64]], most: int, tolerance: float = 1e-9) -> int:
    """The dimension of the Lie algebra that matrices generate, or one above `most` where it is larger.

    tolerance: Relative singular values below count as 0; nothing is proven by them, a wrong name is refused.
    """
    basis: list[NDArray[np.float64]] = []
    pending = [m for m in matrices if np.abs(m).max(initial=0.0) > 0]
    while pending and len(basis) <= most:
        found = pending.pop(0)
        rest = found / np.linalg.norm(found)
        for _ in range(2):  # Gram and Schmidt, twice against rounding
            rest = rest - sum((float(np.vdot(b, rest)) * b for b in basis), start=np.zeros_like(rest))
        if np.linalg.norm(rest) > tolerance:
            rest = rest / np.linalg.norm(rest)
            pending += [bracket for b in basis if np.linalg.norm(bracket := b @ rest - rest @ b) > tolerance]
            basis.append(rest)
    return len(basis)
