"""The centre of the group algebra K[G]: class sums, their products, and the primitive central idempotents.

This module knows the group only. `isotypic` applies the idempotents to a representation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import Rows, identity_matrix, rows_of, sparse_matrix, trace
from sharefind.groups import FiniteGroup
from sharefind.spaces import tying
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class ClassAlgebra:
    """A commutative subalgebra of K[G] spanned by sums over classes of elements.

    Write C_a for the sum of the elements in class a. Then C_a C_b = sum_c constants[a, b, c] C_c.

    Attributes:
        class_of: Shape (order,), int64: the class of each element of `group.elements()`. Class 0 holds the identity
            alone.
        constants: Shape (r, r, r), int64: the structure constants of the r class sums.
    """

    class_of: IntArray
    constants: IntArray

    @property
    def size(self) -> int:
        """Number r of classes."""
        return len(self.constants)

    @property
    def order(self) -> int:
        """Order of the group."""
        return len(self.class_of)

    @property
    def representatives(self) -> IntArray:
        """Index of the first element of each class, shape (r,), int64."""
        return _first(self.class_of)


@dataclass(frozen=True)
class CentralIdempotent:
    """A primitive idempotent e = sum_g e(g) g of a `ClassAlgebra` over a field K.

    It is the sum of the idempotents of some absolutely irreducible characters that are conjugate over K.

    Attributes:
        coefficients: Length r: the value of e on each class, an element of K.
        degree: Dimension of each of these characters.
        conjugates: Number of these characters.
    """

    coefficients: tuple[Any, ...]
    degree: int
    conjugates: int

    @property
    def is_trivial(self) -> bool:
        """Whether this is the mean over the group, which belongs to the trivial character."""
        return self.degree == self.conjugates == 1 and len(set(self.coefficients)) == 1


def conjugacy_algebra(group: FiniteGroup) -> ClassAlgebra:
    """Return the centre of the group algebra, spanned by the sums over conjugacy classes.

    This takes (order of the group) x (number of classes) compositions of permutations.

    Args:
        group: The group.

    Raises:
        GroupError: The group has too many elements to list.
    """
    elements = group.elements()
    targets = [positions_of(group, g[elements[:, np.argsort(g)]]) for g in group.generator_array]
    joined = np.reshape(targets, (len(targets), len(elements))).astype(np.int64)
    class_of = tying.components(joined).astype(np.int64)
    return ClassAlgebra(class_of, _structure_constants(group, class_of))


def rational_algebra(group: FiniteGroup, full: ClassAlgebra) -> ClassAlgebra:
    """Return the algebra spanned by the sums over rational classes.

    Two elements are in one rational class if they generate conjugate cyclic groups. The algebra contains every central
    idempotent of Q[G], and over Q it is a product of copies of Q (Serre 1977, Section 13.1).

    Args:
        group: The group.
        full: Its algebra of conjugacy classes, from `conjugacy_algebra`.
    """
    fusion = np.array([_rational_class(group, full, x) for x in full.representatives])
    kept, number = np.unique(fusion, return_inverse=True)
    summed = np.zeros((len(kept), len(kept), len(kept)), dtype=np.int64)
    np.add.at(summed, (number[:, None], number[None, :]), full.constants[:, :, kept])
    return ClassAlgebra(number[full.class_of].astype(np.int64), summed)


def central_idempotents(group: FiniteGroup, field: Any) -> tuple[ClassAlgebra, tuple[CentralIdempotent, ...]]:
    """Compute the primitive central idempotents of a group algebra.

    Args:
        group: The group.
        field: The field of coefficients: `QQ` or a `CosineField`.

    Returns:
        The class algebra, to whose classes the coefficients refer, and the idempotents.
    """
    full = conjugacy_algebra(group)
    algebra = rational_algebra(group, full) if field.is_QQ else full
    units = [_described(unit, algebra, full) for unit in _units(_ideals(algebra, field), field)]
    return algebra, tuple(units)


def positions_of(group: FiniteGroup, permutations: IntArray) -> list[int]:
    """Return the row of `group.elements()` that holds each permutation.

    Args:
        group: The group.
        permutations: Shape (k, degree), integers; each must be an element of the group.
    """
    known = group.enumeration().positions
    return [known[row.tobytes()] for row in np.ascontiguousarray(permutations, dtype=np.int64)]


def _first(class_of: IntArray) -> IntArray:
    return np.unique(class_of, return_index=True)[1].astype(np.int64)


def _structure_constants(group: FiniteGroup, class_of: IntArray) -> IntArray:
    """Return constants[a, b, c] = #{x in class a : x^-1 z in class b} for a member z of class c."""
    elements = group.elements()
    inverses = np.argsort(elements, axis=1)
    representatives = _first(class_of)
    size = len(representatives)
    constants = np.empty((size, size, size), dtype=np.int64)
    for c, z in enumerate(representatives):
        other = class_of[positions_of(group, inverses[:, elements[z]])]
        constants[:, :, c] = np.bincount(class_of * size + other, minlength=size**2).reshape(size, size)
    return constants


def _rational_class(group: FiniteGroup, full: ClassAlgebra, index: int) -> int:
    """Return the smallest class among the powers of an element that generate the same cyclic group."""
    element = group.elements()[index]
    powers = [np.arange(group.degree)]
    while len(powers) == 1 or not np.array_equal(powers[-1], powers[0]):
        powers.append(element[powers[-1]])
    period = len(powers) - 1
    generating = [power for k, power in enumerate(powers[:period]) if math.gcd(k, period) == 1]
    return int(full.class_of[positions_of(group, np.stack(generating))].min())


def _ideals(algebra: ClassAlgebra, field: Any) -> list[DomainMatrix]:
    """Return bases (d, r) of the minimal ideals of the class algebra, each a field of degree d over `field`.

    The algebra is commutative and semisimple, so it is a product of fields. A summand is a field if some element acts
    on it with an irreducible characteristic polynomial of degree d. Single class sums can fail to separate two
    summands; weighted sums of all of them separate them eventually.
    """
    pending, done = [identity_matrix(algebra.size, field)], []
    for multiplier in _multipliers(algebra, field):
        pieces = [piece for basis in pending for piece in _split(basis, multiplier)]
        done += [basis for basis, is_field in pieces if is_field]
        pending = [basis for basis, is_field in pieces if not is_field]
        if not pending:
            break
    return done


def _multipliers(algebra: ClassAlgebra, field: Any) -> Iterator[DomainMatrix]:
    """Multiplication by each class sum, then by sum_a k^a C_a for k = 2, 3, ...: (r, r), acting on rows."""
    for a in range(algebra.size):
        yield _integer_matrix(algebra.constants[a].astype(object), field)
    for k in count(2):
        weights = np.array([k**a for a in range(algebra.size)], dtype=object)
        yield _integer_matrix(np.tensordot(weights, algebra.constants.astype(object), axes=1), field)


def _integer_matrix(entries: NDArray[np.object_], field: Any) -> DomainMatrix:
    rows: Rows = {
        i: {j: field.convert(QQ(int(value))) for j, value in enumerate(row) if value} for i, row in enumerate(entries)
    }
    return sparse_matrix(rows, entries.shape, field)


def _split(basis: DomainMatrix, multiplier: DomainMatrix) -> list[tuple[DomainMatrix, bool]]:
    """Split an ideal by a multiplier; return the summands, and whether each is proven to be a field."""
    dim, field = basis.shape[0], basis.domain
    if dim == 1:
        return [(basis, True)]
    pivots = [min(rows_of(basis)[i]) for i in range(dim)]
    action = (basis * multiplier).extract(range(dim), pivots)
    factors = action.charpoly_factor_list()
    if len(factors) == 1:
        return [(basis, factors[0][1] == 1)]
    pieces = []
    for factor, multiplicity in factors:
        inside = linear.kernel(_evaluate(factor, action).transpose()).convert_to(field)
        pieces.append((linear.reduced(inside * basis).convert_to(field), multiplicity == 1))
    return pieces


def _evaluate(polynomial: list[Any], matrix: DomainMatrix) -> DomainMatrix:
    """Evaluate p(matrix) by Horner's rule; the leading coefficient comes first."""
    identity = identity_matrix(matrix.shape[0], matrix.domain)
    value = identity * polynomial[0]
    for coefficient in polynomial[1:]:
        value = value * matrix + identity * coefficient
    return value


def _units(ideals: list[DomainMatrix], field: Any) -> list[list[Any]]:
    """Return the unit element of each ideal, (r,) coefficients: the components of the identity of the group."""
    stacked = linear.stacked(*ideals).convert_to(field)
    size = stacked.shape[0]
    one = sparse_matrix({0: {0: field.one}}, (1, size), field)
    weights = (one * stacked.inv()).to_sparse()
    units, start = [], 0
    for ideal in ideals:
        stop = start + ideal.shape[0]
        unit = weights.extract([0], range(start, stop)) * ideal
        units.append(unit.to_list_flat())
        start = stop
    return units


def _described(unit: list[Any], algebra: ClassAlgebra, full: ClassAlgebra) -> CentralIdempotent:
    """Use |G| e(1) = degree^2 conjugates, and that the rank of e on the whole centre is `conjugates`."""
    traces = np.einsum("abb->a", full.constants)
    pairs = zip(full.representatives, traces, strict=True)
    rank = sum((unit[algebra.class_of[x]] * int(t) for x, t in pairs), start=unit[0] * 0)
    conjugates = _as_integer(rank)
    degree = math.isqrt(_as_integer(unit[0] * algebra.order) // conjugates)
    return CentralIdempotent(tuple(unit), degree, conjugates)


def _as_integer(value: Any) -> int:
    """Convert an element of QQ or of an algebraic field to the rational integer that it is."""
    listed = value.to_list() if hasattr(value, "to_list") else [value]
    return int(listed[0]) if listed else 0


def class_function_trace(idempotent: CentralIdempotent, traces: list[Any]) -> int:
    """Return the dimension of the image of an idempotent in a representation: sum_a e_a traces[a].

    Args:
        idempotent: The idempotent e.
        traces: Length r: the traces of the class sums in the representation, in the field of the coefficients.
    """
    pairs = zip(idempotent.coefficients, traces, strict=True)
    return _as_integer(sum((e * t for e, t in pairs), start=idempotent.coefficients[0] * 0))


def class_traces(sums: list[DomainMatrix], field: Any) -> list[Any]:
    """Return the traces of the class sums of a representation, r elements of `field`.

    Args:
        sums: The r class sums, matrices of shape (dim, dim).
        field: The field of the traces.
    """
    return [trace(matrix.convert_to(field)) for matrix in sums]
