"""The centre of the group algebra K[G]: class sums, their products, and the primitive central idempotents.

It knows the group only; what the idempotents cut out of a representation is left to `isotypic`.
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

    class_of: int64 (order,), the class of each element of `group.elements()`; class 0 is the identity alone.
    constants: int64 (r, r, r), C_a C_b = sum_c constants[a, b, c] C_c for the class sums C_a.
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
        """The first element of each class, int64 (r,)."""
        return _first(self.class_of)


@dataclass(frozen=True)
class CentralIdempotent:
    """A primitive idempotent e = sum_g e(g) g of a `ClassAlgebra` over a field K.

    coefficients: e on each class (r,), elements of K. It collects `conjugates` absolutely irreducible
    characters of dimension `degree`, conjugate over K.
    """

    coefficients: tuple[Any, ...]
    degree: int
    conjugates: int

    @property
    def is_trivial(self) -> bool:
        """True for the mean over the group."""
        return self.degree == self.conjugates == 1 and len(set(self.coefficients)) == 1


def conjugacy_algebra(group: FiniteGroup) -> ClassAlgebra:
    """The whole centre: class sums of the conjugacy classes. Costs order x classes compositions.

    Raises:
        GroupError: the group has too many elements to be listed.
    """
    elements = group.elements()
    targets = [positions_of(group, g[elements[:, np.argsort(g)]]) for g in group.generator_array]
    joined = np.reshape(targets, (len(targets), len(elements))).astype(np.int64)
    class_of = tying.components(joined).astype(np.int64)
    return ClassAlgebra(class_of, _structure_constants(group, class_of))


def rational_algebra(group: FiniteGroup, full: ClassAlgebra) -> ClassAlgebra:
    """The sums over rational classes (g ~ h when they generate conjugate cyclic groups).

    It holds every central idempotent of Q[G], and splits over Q into copies of Q (Serre 1977, Section 13.1).
    """
    fusion = np.array([_rational_class(group, full, x) for x in full.representatives])
    kept, number = np.unique(fusion, return_inverse=True)
    summed = np.zeros((len(kept), len(kept), len(kept)), dtype=np.int64)
    np.add.at(summed, (number[:, None], number[None, :]), full.constants[:, :, kept])
    return ClassAlgebra(number[full.class_of].astype(np.int64), summed)


def central_idempotents(group: FiniteGroup, field: Any) -> tuple[ClassAlgebra, tuple[CentralIdempotent, ...]]:
    """Primitive central idempotents of field[G], and the class algebra that their coefficients refer to."""
    full = conjugacy_algebra(group)
    algebra = rational_algebra(group, full) if field.is_QQ else full
    units = [_described(unit, algebra, full) for unit in _units(_ideals(algebra, field), field)]
    return algebra, tuple(units)


def positions_of(group: FiniteGroup, permutations: IntArray) -> list[int]:
    """The rows of `group.elements()` that hold some permutations (k, degree)."""
    known = group.enumeration().positions
    return [known[row.tobytes()] for row in np.ascontiguousarray(permutations, dtype=np.int64)]


def _first(class_of: IntArray) -> IntArray:
    return np.unique(class_of, return_index=True)[1].astype(np.int64)


def _structure_constants(group: FiniteGroup, class_of: IntArray) -> IntArray:
    """constants[a, b, c] = #{x in class a : x^-1 z in class b} for a member z of class c."""
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
    """The smallest class among the powers of an element that generate the same cyclic group."""
    element = group.elements()[index]
    powers = [np.arange(group.degree)]
    while len(powers) == 1 or not np.array_equal(powers[-1], powers[0]):
        powers.append(element[powers[-1]])
    period = len(powers) - 1
    generating = [power for k, power in enumerate(powers[:period]) if math.gcd(k, period) == 1]
    return int(full.class_of[positions_of(group, np.stack(generating))].min())


def _ideals(algebra: ClassAlgebra, field: Any) -> list[DomainMatrix]:
    """Bases (d, r) of the minimal ideals of the class algebra, each a field of degree d over `field`.

    The algebra is commutative and semisimple, so it is a product of fields; a summand is one as soon as some
    element has an irreducible characteristic polynomial of degree d there. Class sums alone may fail to tell
    two summands apart, weighted sums of all of them do in the end.
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
    """The summands of an ideal that a multiplier tells apart, and whether each is now known to be a field."""
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
    """p(matrix) by Horner's rule, coefficients from the leading one down."""
    identity = identity_matrix(matrix.shape[0], matrix.domain)
    value = identity * polynomial[0]
    for coefficient in polynomial[1:]:
        value = value * matrix + identity * coefficient
    return value


def _units(ideals: list[DomainMatrix], field: Any) -> list[list[Any]]:
    """The unit element of each ideal, (r,) coefficients: the components of the identity of the group."""
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
    """|G| e(1) = degree^2 conjugates, and the rank of e on the whole centre is `conjugates`."""
    traces = np.einsum("abb->a", full.constants)
    pairs = zip(full.representatives, traces, strict=True)
    rank = sum((unit[algebra.class_of[x]] * int(t) for x, t in pairs), start=unit[0] * 0)
    conjugates = _as_integer(rank)
    degree = math.isqrt(_as_integer(unit[0] * algebra.order) // conjugates)
    return CentralIdempotent(tuple(unit), degree, conjugates)


def _as_integer(value: Any) -> int:
    """A rational integer, given as an element of QQ or of an algebraic field."""
    listed = value.to_list() if hasattr(value, "to_list") else [value]
    return int(listed[0]) if listed else 0


def class_function_trace(idempotent: CentralIdempotent, traces: list[Any]) -> int:
    """sum_a e_a traces[a]: the dimension that the idempotent cuts out, for traces (r,) of the class sums."""
    pairs = zip(idempotent.coefficients, traces, strict=True)
    return _as_integer(sum((e * t for e, t in pairs), start=idempotent.coefficients[0] * 0))


def class_traces(sums: list[DomainMatrix], field: Any) -> list[Any]:
    """The traces of the class sums of a representation, elements of `field`; (r,)."""
    return [trace(matrix.convert_to(field)) for matrix in sums]
