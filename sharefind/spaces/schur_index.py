"""Schur indices of the irreducible characters in a part, computed from the group alone.

The index m of a character divides its degree and its multiplicity in every rational representation. It is 2 if the
Frobenius-Schur indicator is -1, and at most 2 if the indicator is not 0 (Isaacs 1976, Ch. 4 and 10; Brauer and
Speiser).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sharefind.groups import FiniteGroup
from sharefind.groups.enumeration import closure
from sharefind.groups.group import MAX_TABLE_ORDER
from sharefind.spaces.class_algebra import CentralIdempotent, ClassAlgebra, class_function_trace, positions_of


def schur_indices(
    group: FiniteGroup,
    algebra: ClassAlgebra,
    units: list[CentralIdempotent],
    multiples: list[int],
    most_subgroups: int = 3_000,
) -> list[int | None]:
    """Return the Schur index, over a real field, of the characters of each idempotent; None where it is not determined.

    Args:
        group: The group.
        algebra: Its class algebra, to whose classes the coefficients refer.
        units: Primitive central idempotents.
        multiples: For each idempotent, a known multiple of the index, such as a multiplicity; 0 if none is known.
        most_subgroups: Largest number of subgroups whose permutation characters are tried. For a small group, all
            subgroups that two elements generate are tried.
    """
    squares = _squares(group, algebra)
    kinds = [_indicator(unit, squares) for unit in units]
    bounds = [math.gcd(unit.degree, known) for unit, known in zip(units, multiples, strict=True)]
    bounds = [math.gcd(bound, 2) if kind else bound for bound, kind in zip(bounds, kinds, strict=True)]
    open_ones = [k for k, bound in enumerate(bounds) if bound > 1 and kinds[k] >= 0]
    for traces in _permutation_characters(group, algebra, most_subgroups) if open_ones else ():
        for k in open_ones:
            held = class_function_trace(units[k], traces) // (units[k].degree * units[k].conjugates)
            bounds[k] = math.gcd(bounds[k], held)
        open_ones = [k for k in open_ones if bounds[k] > 1]
        if not open_ones:
            break
    # A quaternionic character, of indicator -1, is real and belongs to no real representation.
    return [2 if kind < 0 else 1 if bound == 1 else None for kind, bound in zip(kinds, bounds, strict=True)]


def _squares(group: FiniteGroup, algebra: ClassAlgebra) -> list[int]:
    """Return, for each class, the number of elements whose square lies in it."""
    elements = group.elements()
    squares = algebra.class_of[positions_of(group, np.take_along_axis(elements, elements, axis=1))]
    return [int(n) for n in np.bincount(squares, minlength=algebra.size)]


def _indicator(unit: CentralIdempotent, squares: list[int]) -> int:
    """Return (1/|G|) sum_g chi(g^2): 1, 0 or -1 for real, complex and quaternionic characters.

    e(g) is chi(1)/|G| times the sum of the conjugates of chi at g^-1. Therefore sum_g e(g^2) counts every conjugate.
    """
    return class_function_trace(unit, squares) // (unit.degree * unit.conjugates)


def _permutation_characters(group: FiniteGroup, algebra: ClassAlgebra, most: int) -> Iterator[list[int]]:
    """Yield the traces of the class sums (r,) on the cosets of subgroups: |G| |H cap a| / |H| for each class a.

    The powers of the points come first, then cyclic groups, then the groups that two elements generate.
    """
    yield from _powers_of_the_points(group, algebra)
    if group.order > MAX_TABLE_ORDER:
        return
    table = group.multiplication_table()
    first = algebra.representatives.tolist()
    pairs = ((x, y) for y in range(group.order) for x in first)
    seen: set[bytes] = set()
    for number, generators in enumerate([*((x, x) for x in first), *pairs]):
        if number >= most:
            return
        inside = np.flatnonzero(closure(table, generators))
        counts = np.bincount(algebra.class_of[inside], minlength=algebra.size)
        key = counts.tobytes()
        if key not in seen:
            seen.add(key)
            yield [group.order * int(n) // len(inside) for n in counts]


def _powers_of_the_points(group: FiniteGroup, algebra: ClassAlgebra) -> Iterator[list[int]]:
    """Yield powers of the character of the points, as many as it has values; they contain every character (Burnside and
    Brauer).
    """
    sizes = np.bincount(algebra.class_of).tolist()
    fixed = np.sum(group.elements()[algebra.representatives] == np.arange(group.degree), axis=1).tolist()
    for power in range(1, len(set(fixed))):
        yield [size * points**power for size, points in zip(sizes, fixed, strict=True)]
