"""Point groups of the plane and of space in Schoenflies' names, exact, in any frame, with all their subgroups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from operator import mul

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact.fields import cosine_field
from sharefind.exact.matrices import common_matrices, identity_matrix, rows_of, sparse_matrix, to_float
from sharefind.groups.constructors import plane_rotation
from sharefind.groups.group import FiniteGroup
from sharefind.groups.images import Matrices
from sharefind.groups.orthogonal_subgroups import Frame, OrthogonalSubgroup, closed_under_products
from sharefind.groups.subgroups import subgroups
from sharefind.typing import FloatArray, IntArray


def point_group(name: str, generators: Matrices, frame: Frame | None = None) -> OrthogonalSubgroup:
    """Return a finite group of exact orthogonal matrices.

    Args:
        name: Its name.
        generators: Matrices (n, n) in the coordinates of the frame.
        frame: The frame; that of the space by default.
    """
    n = generators[0].shape[0]
    turned = common_matrices(generators) if frame is None else frame.turned(generators)
    elements = closed_under_products([to_float(matrix) for matrix in turned], n)
    return OrthogonalSubgroup(name, n, (), turned, (), elements)


def plane_groups(largest: int) -> dict[str, Matrices]:
    """Return generators of C_2, ..., and D_1, D_2, ... up to an order of the rotation; mirrors keep the first
    coordinate.

    Args:
        largest: The order.
    """
    mirror = _diagonal(1, -1)
    found: dict[str, Matrices] = {"D1": (mirror,)}
    for n in range(2, largest + 1):
        turn = plane_rotation(Fraction(2, n))
        found |= {f"C{n}": (turn,), f"D{n}": (turn, mirror)}
    return found


def space_groups(largest: int) -> dict[str, Matrices]:
    """Return generators of the point groups of space: axial ones about the third coordinate, cubic and icosahedral
    ones.

    Args:
        largest: n of the largest axial rotation C_n.
    """
    inversion, across = _diagonal(-1, -1, -1), _diagonal(1, 1, -1)
    along, half = _diagonal(1, -1, 1), _diagonal(1, -1, -1)
    found: dict[str, Matrices] = {"Ci": (inversion,), "Cs": (across,)}
    for n in range(2, largest + 1):
        turn = _about_third(Fraction(2, n))
        improper = reduce(mul, common_matrices([_about_third(Fraction(1, n)), across]))
        found |= {
            f"C{n}": (turn,),
            f"C{n}v": (turn, along),
            f"C{n}h": (turn, across),
            f"S{2 * n}": (improper.to_sparse(),),
            f"D{n}": (turn, half),
            f"D{n}h": (turn, half, across),
            f"D{n}d": (turn, along, improper.to_sparse()),
        }
    return found | _cubic(inversion) | _icosahedral(inversion)


def _cubic(inversion: DomainMatrix) -> dict[str, Matrices]:
    three, two = _cycle(), _diagonal(-1, -1, 1)
    four = _about_third(Fraction(1, 2))
    improper = four * _diagonal(1, 1, -1)
    return {
        "T": (three, two),
        "Td": (three, two, improper.to_sparse()),
        "Th": (three, two, inversion),
        "O": (three, four),
        "Oh": (three, four, inversion),
    }


def _icosahedral(inversion: DomainMatrix) -> dict[str, Matrices]:
    """The second generator turns by 72 degrees; its entries are halves of 1, the golden ratio phi and phi - 1."""
    field = cosine_field(5)
    half, one = field.cosine(Fraction(1, 5)), field.one * QQ(1, 2)  # phi / 2 and 1 / 2
    rows = [[one, -half, half - one], [half, half - one, -one], [half - one, one, half]]
    five = DomainMatrix(rows, (3, 3), field).to_sparse()
    return {"I": (_cycle(), five), "Ih": (_cycle(), five, inversion)}


def _cycle() -> DomainMatrix:
    """The rotation by 120 degrees about (1, 1, 1)."""
    return sparse_matrix({1: {0: QQ(1)}, 2: {1: QQ(1)}, 0: {2: QQ(1)}}, (3, 3))


def _diagonal(*entries: int) -> DomainMatrix:
    return sparse_matrix({k: {k: QQ(entry)} for k, entry in enumerate(entries)}, (len(entries),) * 2)


def _about_third(turns: Fraction) -> DomainMatrix:
    """The rotation by the angle pi turns about the third coordinate."""
    plane = plane_rotation(turns)
    rows = {i: dict(row) for i, row in rows_of(plane).items()} | {2: {2: plane.domain.one}}
    return sparse_matrix(rows, (3, 3), plane.domain)


def point_subgroups(group: OrthogonalSubgroup, most: int = 60) -> list[OrthogonalSubgroup]:
    """Return the subgroups of a finite group of matrices, itself last and the trivial one left out; closed under joins.

    Args:
        group: A finite group.
        most: Largest number of subgroups that are all listed; of larger groups only normal subgroups are.
    """
    listed = _Listed.of(group)
    every = [g for g in subgroups(listed.regular) if g.order > 1]
    if len(every) > most:
        every = [g for g in every if listed.is_normal(g)]
    named = [listed.subgroup(g) for g in sorted(every, key=lambda g: (g.order, g.generators))]
    named[-1] = group
    return _numbered(named)


def _numbered(groups: list[OrthogonalSubgroup]) -> list[OrthogonalSubgroup]:
    """The same with a number behind names that occur twice: C2.1, C2.2."""
    names = [group.name for group in groups]
    seen: dict[str, int] = {}
    found = []
    for group in groups:
        seen[group.name] = seen.get(group.name, 0) + 1
        is_single = names.count(group.name) == 1
        found.append(group if is_single else replace(group, name=f"{group.name}.{seen[group.name]}"))
    return found


@dataclass(frozen=True)
class _Listed:
    """A finite group of matrices with its regular action. positions: of elements, by their rounded entries."""

    group: OrthogonalSubgroup
    regular: FiniteGroup
    places: IntArray

    @classmethod
    def of(cls, group: OrthogonalSubgroup) -> _Listed:
        elements = group.elements
        flat = elements.reshape(len(elements), -1)
        places = np.array([[_place(flat, a @ b) for b in elements] for a in elements])
        generators = [places[_place(flat, to_float(matrix))] for matrix in group.discrete]
        regular = FiniteGroup(group.name, len(elements), tuple(tuple(map(int, g)) for g in generators))
        return cls(group, regular, places)

    def is_normal(self, subgroup: FiniteGroup) -> bool:
        """Whether the generators of the whole group keep a subgroup."""
        moves = self.regular.generator_array
        return all(subgroup.contains(tuple(g[h][np.argsort(g)])) for g in moves for h in subgroup.generator_array)

    def subgroup(self, regular: FiniteGroup) -> OrthogonalSubgroup:
        """The matrices of a subgroup of the regular action, exact: products along words."""
        whole, n = self.group, self.group.n
        one = identity_matrix(n, whole.discrete[0].domain)
        words = [self.regular.word(self.regular.index(g)) for g in regular.generators]
        letters = self._letters(whole.discrete)
        exact = tuple(reduce(mul, (letters[k] for k in word), one).to_sparse() for word in words)
        # Position k of the regular action is element k: g sends the identity, at 0, there.
        members = whole.elements[[int(g[0]) for g in regular.elements()]]
        return OrthogonalSubgroup(schoenflies(members), n, (), exact, (), members)

    def _letters(self, matrices: Matrices) -> list[DomainMatrix]:
        """Matrices of the generators that the regular action kept: the identity is none."""
        return [m for m in matrices if not np.allclose(to_float(m), np.eye(self.group.n))]


def _place(flat: FloatArray, matrix: FloatArray) -> int:
    return int(np.argmin(((flat - matrix.reshape(-1)) ** 2).sum(1)))


def schoenflies(elements: FloatArray) -> str:
    """Return the name of a finite group of orthogonal matrices; "order 8" in other dimensions than 2 and 3.

    Args:
        elements: Float (order, n, n).
    """
    order, n = elements.shape[:2]
    proper = elements[np.linalg.det(elements) > 0]
    if n == 2:
        return f"C{order}" if len(proper) == order else f"D{order // 2}"
    if n != 3:
        return f"order {order}"
    rotations = _rotation_name(proper)
    if len(proper) == order:
        return rotations
    return _improper_name(elements, proper, rotations)


def _rotation_name(proper: FloatArray) -> str:
    order, largest = len(proper), max(_orders(proper))
    if largest == order:
        return f"C{order}"
    if order == 12 and largest == 3:
        return "T"
    if order == 24 and largest == 4:
        return "O"
    return "I" if order == 60 and largest == 5 else f"D{order // 2}"


def _orders(elements: FloatArray, most: int = 240) -> list[int]:
    """The order of each element."""
    found, powers, one = np.zeros(len(elements), dtype=int), elements.copy(), np.eye(elements.shape[1])
    for k in range(1, most):
        found[(found == 0) & (np.abs(powers - one).max((1, 2)) < 1e-6)] = k
        powers = powers @ elements
    return [int(k) for k in found]


def _improper_name(elements: FloatArray, proper: FloatArray, rotations: str) -> str:
    has_inversion = bool((np.abs(elements + np.eye(3)).max((1, 2)) < 1e-6).any())
    mirrors = [m for m in elements if abs(np.trace(m) - 1) < 1e-6 and np.linalg.det(m) < 0]
    if rotations[0] in "TOI":
        return f"{rotations}h" if has_inversion else f"{rotations}d"
    if rotations == "C1":
        return "Ci" if has_inversion else "Cs"
    n, axis = _main_axis(proper, rotations)
    across = any(np.abs(m @ axis + axis).max() < 1e-6 for m in mirrors)
    if rotations.startswith("C"):
        along = any(np.abs(m @ axis - axis).max() < 1e-6 for m in mirrors)
        if n == 2 and not across and along:
            return "C2v"
        return f"C{n}h" if across else f"C{n}v" if along else f"S{2 * n}"
    if rotations == "D2":  # any of the three axes may be the one of an improper turn
        return "D2h" if has_inversion else "D2d"
    return f"D{n}h" if across else f"D{n}d"


def _main_axis(proper: FloatArray, rotations: str) -> tuple[int, FloatArray]:
    n = int(rotations[1:])
    turn = proper[_orders(proper).index(n)]
    values, vectors = np.linalg.eigh((turn + turn.T) / 2)
    return n, np.asarray(vectors[:, np.argmax(values)])


NAMES: Mapping[int, Callable[[int], dict[str, Matrices]]] = {2: plane_groups, 3: space_groups}
"""Point groups by the dimension of the space."""
