"""The point group of points at rest, such as the atoms of a molecule: each element turns vectors and permutes points.

A function of displacements from rest that depends on where like points are, as an energy does, is invariant under each
rotation that takes the points at rest to one another, if it turns the displacements and moves them along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError
from sharefind.exact.matrices import Rows, common_matrices, rows_of, sparse_matrix, to_float
from sharefind.groups.images import Matrices
from sharefind.groups.orthogonal_subgroups import Frame, closed_under_products, frame_near
from sharefind.groups.point_groups import schoenflies, space_groups
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class RestingPoints:
    """Points of space and what they are.

    Attributes:
        positions: Positions at rest, float (k, 3).
        kinds: Kind of each point, such as its element; points of one kind are alike.
        close: Largest distance of two positions that are the same, relative to the largest distance from the centre.
        largest: n of the largest axial rotation C_n that is looked for.
        frame_close: Half an angle, in radians, by which a frame is moved to a rational one.

    Raises:
        GroupError: There are too few points, two coincide, or all lie on a line, about which all rotations hold.
    """

    positions: FloatArray
    kinds: tuple[str, ...]
    close: float = 1e-3
    largest: int = 12
    frame_close: float = 3e-4

    def __post_init__(self) -> None:
        if self.positions.ndim != 2 or self.positions.shape[1] != 3 or len(self.positions) != len(self.kinds):
            raise GroupError("points at rest need three coordinates and one kind each; give positions (k, 3)")
        if len(self.positions) < 3 or np.linalg.matrix_rank(self.centred, tol=self.slack) < 2:
            raise GroupError("points at rest lie on a line, about which all rotations hold; give at least three others")
        gaps = np.linalg.norm(self.centred[:, None] - self.centred[None], axis=2)
        if float((gaps + np.eye(len(gaps)) * 10 * self.slack).min()) < 2 * self.slack:
            raise GroupError("two points at rest coincide; give each point a place of its own")

    @property
    def centred(self) -> FloatArray:
        """Positions about their mean, which every element leaves where it is."""
        return np.asarray(self.positions - self.positions.mean(0))

    @property
    def slack(self) -> float:
        """Distance of two positions that are the same."""
        return self.close * float(np.linalg.norm(self.centred, axis=1).max(initial=1e-300))

    def elements(self) -> FloatArray:
        """Return the point group, float (order, 3, 3), the identity first."""
        found = [turn for turn in self._candidates() if self.moved(turn) is not None]
        ordered = sorted(found, key=lambda turn: round(-float(np.trace(turn)), 6))
        return np.stack(ordered)

    def moved(self, turn: FloatArray) -> IntArray | None:
        """Return where an orthogonal matrix takes each point, (k,); None where it takes one to no like point.

        Args:
            turn: The matrix, shape (3, 3).
        """
        images = self.centred @ turn.T
        gaps = np.linalg.norm(images[:, None] - self.centred[None], axis=2)
        place = gaps.argmin(1)
        fits = gaps[np.arange(len(place)), place] < self.slack
        alike = all(self.kinds[k] == self.kinds[j] for k, j in enumerate(place.tolist()))
        return place if bool(fits.all()) and alike and len(set(place.tolist())) == len(place) else None

    def _candidates(self) -> Iterator[FloatArray]:
        """Orthogonal matrices that take two points that span a plane, and a third one, to like points."""
        first, second = self._basis()
        frame = _frame(self.centred[first], self.centred[second])
        lengths = np.linalg.norm(self.centred, axis=1)
        seen: list[FloatArray] = []
        for i, j in permutations(range(len(lengths)), 2):
            if (self.kinds[i], self.kinds[j]) != (self.kinds[first], self.kinds[second]):
                continue
            here, there = (self.centred[[first, second]], self.centred[[i, j]])
            if np.abs(here @ here.T - there @ there.T).max() > 4 * self.slack * lengths.max():
                continue
            for side in (1.0, -1.0):
                turn = _frame(self.centred[i], self.centred[j]) @ np.diag([1, 1, side]) @ frame.T
                if not any(np.abs(turn - known).max() < 1e-6 for known in seen):
                    seen.append(turn)
                    yield turn

    def _basis(self) -> tuple[int, int]:
        """Two points that with the centre span a plane best."""
        areas = np.linalg.norm(np.cross(self.centred[:, None], self.centred[None]), axis=2)
        i, j = np.unravel_index(int(np.argmax(areas)), areas.shape)
        return int(i), int(j)


def _frame(first: FloatArray, second: FloatArray) -> FloatArray:
    """Orthonormal columns: along a vector, in the plane of two, across it."""
    along = first / np.linalg.norm(first)
    inside = second - (second @ along) * along
    inside = inside / np.linalg.norm(inside)
    return np.stack([along, inside, np.cross(along, inside)], axis=1)


@dataclass(frozen=True, eq=False)
class RestingGroup:
    """The point group of points at rest, exact.

    Attributes:
        name: Schoenflies name.
        turns: Generators as they turn vectors, exact (3, 3).
        moves: Permutations of the points by the same generators, (k,) each.
        degrees: Angle by which the frame was moved to a rational one.
    """

    name: str
    turns: Matrices
    moves: tuple[IntArray, ...]
    degrees: float

    def on_points(self) -> list[DomainMatrix]:
        """Return the generators on a vector for each point, exact (3 k, 3 k)."""
        found = []
        for turn, place in zip(common_matrices(self.turns), self.moves, strict=True):
            rows: Rows = {
                3 * int(to) + i: {3 * k + j: value for j, value in row.items()}
                for k, to in enumerate(place)
                for i, row in rows_of(turn).items()
            }
            found.append(sparse_matrix(rows, (3 * len(place),) * 2, turn.domain))
        return found


def resting_group(points: RestingPoints) -> RestingGroup:
    """Return the point group of points at rest, in exact matrices.

    Args:
        points: The points.

    Raises:
        GroupError: The points have no symmetry but the identity.
    """
    elements = points.elements()
    name = schoenflies(elements)
    generators = space_groups(points.largest).get("Cs" if name == "C1h" else name)
    if len(elements) == 1 or generators is None:
        raise GroupError(f"the points at rest have the point group {name}, for which nothing can be tested")
    rotation = _frame_of(generators, elements)
    frame = frame_near(rotation, points.frame_close)
    turns = frame.turned(generators)
    moves = []
    for turn in turns:
        nearest = elements[int(((elements - to_float(turn)) ** 2).sum((1, 2)).argmin())]
        place = points.moved(nearest)
        if place is None:
            raise GroupError("the point group of the points at rest could not be written exactly; give matrices")
        moves.append(place)
    return RestingGroup(name, turns, tuple(moves), _degrees(frame, rotation))


def _degrees(frame: Frame, rotation: FloatArray) -> float:
    """The angle between two frames."""
    cosine = (float(np.trace(frame.columns.T @ rotation)) - 1) / 2
    return float(np.degrees(np.arccos(min(1.0, max(-1.0, cosine)))))


def _frame_of(generators: Matrices, elements: FloatArray) -> FloatArray:
    """A rotation R with R t R^-1 in a group for all t of the group of some generators, by common intertwiners."""
    given = [to_float(matrix) for matrix in generators]
    if len(closed_under_products(given, 3)) != len(elements):
        raise GroupError("the points at rest have an unknown point group; give matrices")
    plain = next((turn for turn in _axis_frames() if _is_inside([turn @ t @ turn.T for t in given], elements)), None)
    if plain is not None:
        return plain
    for images in product(*(_of_class(matrix, elements) for matrix in given)):
        found = _intertwiner(given, images)
        if found is not None:
            return found
    raise GroupError("no frame of the point group of the points at rest was found; give matrices")


def _axis_frames() -> Iterator[FloatArray]:
    """Rotations that permute the axes, the identity first: no frame is exact more simply."""
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.eye(3)[list(order)] * np.array(signs)[:, None]
            if np.linalg.det(turn) > 0:
                yield turn


def _is_inside(matrices: Sequence[FloatArray], elements: FloatArray, close: float = 1e-3) -> bool:
    """Whether each of some matrices is an element."""
    return all(float(np.abs(elements - matrix).max((1, 2)).min()) < close for matrix in matrices)


def _of_class(matrix: FloatArray, elements: FloatArray) -> FloatArray:
    """Elements with the trace and the determinant of a matrix."""
    same = np.abs(np.trace(elements, axis1=1, axis2=2) - np.trace(matrix)) < 1e-6
    return np.asarray(elements[same & (np.abs(np.linalg.det(elements) - np.linalg.det(matrix)) < 1e-6)])


def _intertwiner(given: Sequence[FloatArray], images: Sequence[FloatArray]) -> FloatArray | None:
    """A rotation R with R t = e R for each pair (t, e); None where there is none."""
    one = np.eye(3)
    equations = np.concatenate([np.kron(one, t.T) - np.kron(e, one) for t, e in zip(given, images, strict=True)])
    _, sizes, rows = np.linalg.svd(equations)
    free = rows[sizes < 1e-3]
    if not len(free):
        return None
    mixed = np.tensordot(np.sqrt(np.arange(2.0, 2 + len(free))), free, axes=1).reshape(3, 3)
    left, stretch, right = np.linalg.svd(mixed)
    if stretch[-1] < 1e-3 * stretch[0]:
        return None
    turn = left @ right
    return np.asarray(turn * np.sign(np.linalg.det(turn)))
