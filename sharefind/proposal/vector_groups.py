"""The subgroup of O(n), in its frame, that samples support best: axes in space, mirrors, point groups.

Functions of vectors are fitted to the labels (`vector_features`). The score of a group in a frame is the misfit of the
coefficients from the functions that it keeps, plus a price for each free parameter (Schwarz 1978). In the plane and in
space it compares all point groups and the groups of an axis, in frames that fill the rotations and are then moved to
the least misfit; in more dimensions the Lie algebra proposes the subspaces. Exact tests on other rows decide whether
the group holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from sharefind.exact.matrices import to_float
from sharefind.groups import CompactGroup
from sharefind.groups.orthogonal_subgroups import (
    Frame,
    OrthogonalSubgroup,
    as_subgroup,
    block_subgroups,
    frame_near,
    is_compact_subgroup,
    signed_start,
)
from sharefind.groups.point_groups import plane_groups, point_group, point_subgroups, space_groups
from sharefind.inference.continuous.algebras import nearest_algebra, skew_basis
from sharefind.inference.vectors.rotated_bases import Basis, random_turns
from sharefind.inference.vectors.vector_features import LabelFit
from sharefind.proposal.frame_fits import FittedFrame, cayley, fitted_frame, plane_turns
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class VectorProposing:
    """How widely the search looks for groups and frames.

    Attributes:
        largest_axial: n of the largest axial point group in space.
        frames: Number of frames that fill the rotations.
        refined: Number of groups whose frames are moved to the least misfit, beside the cubic and icosahedral ones.
        starts: Number of frames, for each group, from which the search for the least misfit starts.
        steps: Largest number of steps of one such search.
        close: Half the largest angle by which a frame is moved to a rational one, in radians.
        most_below: Largest number of subgroups of a point group for which all are tested.
    """

    largest_axial: int = 6
    frames: int = 1000
    refined: int = 8
    starts: int = 3
    steps: int = 90
    close: float = 3e-4
    most_below: int = 60


PROPOSING_VECTORS = VectorProposing()


@dataclass(frozen=True, eq=False)
class PlacedGroup:
    """A group that samples support, in its frame.

    Attributes:
        group: The exact group in its frame.
        log_odds: Log evidence minus that of no symmetry, by Schwarz' criterion.
        axes: The vectors of the frame as rows, shape (n, n).
        error: Standard error of the frame, in degrees; None where it has none.
    """

    group: CompactGroup
    log_odds: float
    axes: FloatArray
    error: float | None


@dataclass(frozen=True, eq=False)
class VectorFinding:
    """The subgroups of O(n) that are proposed for tests.

    Attributes:
        proposed: The likeliest group; None where the whole group or no symmetry is likelier.
        family: The groups to test, closed under joins, the trivial group first and the whole group last.
    """

    proposed: PlacedGroup | None
    family: tuple[CompactGroup, ...]


def propose_vector_groups(
    fits: Sequence[LabelFit], whole: CompactGroup, settings: VectorProposing = PROPOSING_VECTORS
) -> VectorFinding:
    """Return the subgroup of SO(n) or O(n) that labels support best, with the groups to test.

    Args:
        fits: Fits of the labels.
        whole: SO(n) or O(n).
        settings: How widely the search looks.
    """
    alone = (_rotations(whole), whole) if whole.discrete else (whole,)
    if not fits:
        return VectorFinding(None, (no_turns(whole.n), *alone))
    search = _Search(tuple(fits), whole, settings)
    best = search.best()
    if best is None:
        return VectorFinding(None, (no_turns(whole.n), *alone))
    template, turn, gain = best
    settled = search.settled(template, turn)
    frame = frame_near(_plain(settled) if template.freedom == 2 else settled.turn, settings.close)
    group = template.placed(frame)
    placed = PlacedGroup(group, gain, frame.columns.T, None if settled.error is None else math.degrees(settled.error))
    return VectorFinding(placed, _family(template, frame, group, whole, alone, settings))


def _plain(found: FittedFrame, errors: float = 2.5) -> FloatArray:
    """A frame along the coordinates if its axis is within this number of standard errors, else the frame found.

    Users mostly choose axes along coordinates. An axis near a coordinate also gives an exact basis with entries of all
    sizes, on which trainings diverge.
    """
    plain = signed_start(found.turn)
    across = float(np.linalg.norm(np.cross(found.turn[:, -1], plain[:, -1])))
    return plain if found.error is not None and across <= errors * found.error else found.turn


def no_turns(n: int) -> OrthogonalSubgroup:
    """Return the trivial group of R^n.

    Args:
        n: Dimension.
    """
    return OrthogonalSubgroup("C1", n, (), (), (), np.eye(n)[None])


def _rotations(whole: CompactGroup) -> CompactGroup:
    return CompactGroup(f"SO{whole.n}", whole.n, whole.lie_algebra, ())


def _family(
    template: _Template,
    frame: Frame,
    group: CompactGroup,
    whole: CompactGroup,
    alone: tuple[CompactGroup, ...],
    settings: VectorProposing,
) -> tuple[CompactGroup, ...]:
    """The subgroups of a point group, the groups of its axis or subspaces, SO(n) and O(n): closed under joins."""
    below: list[CompactGroup] = []
    if isinstance(group, OrthogonalSubgroup) and group.order is not None:
        below += point_subgroups(group, settings.most_below)
    if template.sizes:
        below += [g for g in block_subgroups(frame, template.sizes) if is_compact_subgroup(g, whole)]
    return (no_turns(whole.n), *below, *alone)


@dataclass(frozen=True, eq=False)
class _Template:
    """A group in the coordinates of a frame that is not known yet.

    Attributes:
        group: The group in the standard frame.
        sizes: Dimensions of its invariant subspaces whose rotations are tested, too; none for cubic groups.
        freedom: Number of parameters of the frame.
    """

    group: OrthogonalSubgroup
    sizes: tuple[int, ...]
    freedom: int

    def placed(self, frame: Frame) -> OrthogonalSubgroup:
        """The group in a frame."""
        own = self.group
        if own.order is not None:
            return point_group(own.name, own.discrete, frame)
        return next(g for g in block_subgroups(frame, self.sizes) if g.name == own.name)


@dataclass(frozen=True, eq=False)
class _Search:
    fits: tuple[LabelFit, ...]
    whole: CompactGroup
    settings: VectorProposing

    @property
    def n(self) -> int:
        return self.whole.n

    @cached_property
    def price(self) -> float:
        """Price of a parameter: log of the number of rows."""
        return math.log(max(fit.rows for fit in self.fits))

    def best(self) -> tuple[_Template, FloatArray, float] | None:
        """The group of largest evidence with its frame and its log odds against none; None where none has more."""
        nothing = -self.price * sum(fit.b.size for fit in self.fits) / 2
        whole = self.score(_Template(as_subgroup(self.whole), (), 0), np.eye(self.n))
        found = max(self._refined(), key=_rank, default=None)
        if found is None or found[2] <= max(whole, nothing):
            return None
        return found[0], found[1], found[2] - nothing

    def settled(self, template: _Template, turn: FloatArray) -> FittedFrame:
        """The frame in which what the group keeps fits the labels best."""
        if not template.freedom:
            return FittedFrame(turn, None)
        models = [fit.sharpest for fit in self.fits]
        kept = [self.kept_of(template, model.basis, model.labels.shape[1]) for model in models]
        return fitted_frame(models, kept, turn)

    def _refined(self) -> Iterator[tuple[_Template, FloatArray, float]]:
        if self.n > 3:
            for template, frame in self._from_algebra():
                yield template, frame, self.score(template, frame)
            return
        turns = random_turns(self.n, self.settings.frames)
        moved = [fit.turned(turns) for fit in self.fits]
        rough = []
        for template in self._templates():
            misfits = sum(_misfit(fit, m, self.kept(template, fit)) for fit, m in zip(self.fits, moved, strict=True))
            order = np.argsort(np.asarray(misfits))[: self.settings.starts]
            rough.append((template, turns[order], self._score_of(template, float(np.asarray(misfits)[order[0]]))))
        # The frame of a large group is sharp, so that the frames looked at so far may all be far from it.
        ranked = sorted(rough, key=lambda item: -item[2])
        sharp = [item for item in ranked[self.settings.refined :] if not item[0].sizes and self.n == 3]
        for template, starts, _ in (*ranked[: self.settings.refined], *sharp):
            yield max((self._moved(template, start) for start in starts), key=lambda item: item[2])

    def _templates(self) -> Iterator[_Template]:
        """Groups inside the whole one, but for itself and its rotations."""
        standard = frame_near(np.eye(self.n))
        axis = (2, 1) if self.n == 3 else ()
        named = space_groups(self.settings.largest_axial) if self.n == 3 else plane_groups(self._most_harmonics)
        groups = [point_group(name, generators) for name, generators in named.items()]
        axial = [g for g in block_subgroups(standard, axis)] if self.n == 3 else []
        for group in (*groups, *axial):
            if is_compact_subgroup(group, self.whole):
                is_axial = group.name[0] not in "TOI" or group.order is None
                yield _Template(group, axis if is_axial else (), _freedom(group))

    @property
    def _most_harmonics(self) -> int:
        return max(2, min(fit.basis.degree for fit in self.fits))

    def _from_algebra(self) -> Iterator[tuple[_Template, FloatArray]]:
        """Subspaces that the algebras next to the directions of least velocity turn, in more than three dimensions."""
        skew, step = skew_basis(self.n), 1e-4
        velocities = []
        for direction in skew:
            ahead, behind = cayley(step * direction), cayley(-step * direction)
            parts = [((fit.turned(ahead) - fit.turned(behind)) / (2 * step)).ravel() for fit in self.fits]
            velocities.append(np.concatenate(parts))
        form = np.array(velocities) @ np.array(velocities).T
        _, vectors = np.linalg.eigh(form)
        for k in range(len(skew) - 1, 0, -1):
            algebra = nearest_algebra(np.einsum("ak,aij->kij", vectors[:, :k], skew))
            blocks = None if algebra is None else _blocks_of(algebra)
            if blocks is None:
                continue
            sizes, frame = blocks
            for group in block_subgroups(frame_near(np.eye(self.n)), sizes):
                if is_compact_subgroup(group, self.whole):
                    yield _Template(group, sizes, self.n * (self.n - 1) // 2), frame

    def kept(self, template: _Template, fit: LabelFit) -> FloatArray:
        """Orthonormal functions in the basis of a fit that the template keeps, (p q, k)."""
        return self.kept_of(template, fit.basis, fit.b.shape[2])

    def kept_of(self, template: _Template, basis: Basis, q: int) -> FloatArray:
        """Orthonormal functions of a basis that the template keeps, with labels of q coordinates, (p q, k)."""
        key = (template.group.name, basis, q)
        if key not in self._known:
            total = np.zeros((basis.size * q,) * 2)
            for element in _generic(template.group):
                moved = basis.turned(element)
                defect = np.kron(moved, element.T if q > 1 else np.eye(1)) - np.eye(basis.size * q)
                total += defect.T @ defect
            values, vectors = np.linalg.eigh(total)
            self._known[key] = vectors[:, values < 1e-9]
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, Basis, int], FloatArray]:
        return {}

    def misfit(self, template: _Template, turn: FloatArray) -> float:
        """Squared distance from what the group keeps in a frame, in units of the error."""
        return sum(float(_misfit(fit, fit.turned(turn)[None], self.kept(template, fit))[0]) for fit in self.fits)

    def score(self, template: _Template, turn: FloatArray) -> float:
        """Log evidence of the group in a frame, but for a constant."""
        return self._score_of(template, self.misfit(template, turn))

    def _score_of(self, template: _Template, misfit: float) -> float:
        left = sum(len(fit.b) * self.kept(template, fit).shape[1] for fit in self.fits) + template.freedom
        return float(-(misfit + self.price * left) / 2)

    def _moved(
        self, template: _Template, start: FloatArray, spread: float = 0.2
    ) -> tuple[_Template, FloatArray, float]:
        """The frame of least misfit near a start; `spread` is the length of the first steps."""
        skew = plane_turns(self.n)

        def turned(angles: FloatArray) -> FloatArray:
            return np.asarray(start @ cayley(np.einsum("a,aij->ij", angles, skew)))

        size = len(skew)
        spread = spread if self.n > 2 else min(spread, math.pi / self.settings.frames * 2)
        simplex = np.vstack([np.zeros(size), spread * np.eye(size)])
        found = scipy.optimize.minimize(
            lambda angles: self.misfit(template, turned(angles)),
            np.zeros(size),
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "maxfev": self.settings.steps, "xatol": 1e-5, "fatol": 1e-4},
        )
        frame = turned(np.asarray(found.x))
        return template, frame, self._score_of(template, float(found.fun))


def _rank(item: tuple[_Template, FloatArray, float]) -> tuple[float, int, int]:
    """Sorting key: the evidence; for groups that keep the same functions, the size."""
    group = item[0].group
    return round(item[2], 2), len(group.lie_algebra), len(group.elements)


def _freedom(group: OrthogonalSubgroup) -> int:
    """Number of parameters of the frame of a group: those of its axis, and of the angle about it."""
    if group.n == 2:
        return 1 if group.name.startswith("D") else 0
    if group.name == "Ci":
        return 0
    is_about_axis = group.order is None or group.name == "Cs" or re.fullmatch(r"[CS]\d+h?", group.name) is not None
    return 2 if is_about_axis else 3


def _generic(group: OrthogonalSubgroup) -> list[FloatArray]:
    """Elements that keep exactly the functions that the whole group keeps."""
    turns = [cayley(1.2345 * k * matrix) for k, matrix in enumerate(group.algebra, start=1)]
    return [*turns, *(to_float(matrix) for matrix in group.discrete)]


def _misfit(fit: LabelFit, moved: FloatArray, kept: FloatArray) -> FloatArray:
    """|b|^2 less the part that is kept, for b in several frames, (frames, m, p, q) -> (frames,)."""
    flat = moved.reshape(len(moved), len(fit.b), -1)
    inside = flat @ kept
    return np.asarray((flat**2).sum((1, 2)) - (inside**2).sum((1, 2)))


def _blocks_of(algebra: FloatArray, close: float = 1e-3) -> tuple[tuple[int, ...], FloatArray] | None:
    """Dimensions and frame of the subspaces that an algebra rotates freely; None for other algebras."""
    casimir = -np.einsum("kij,kjl->il", algebra, algebra)
    values, vectors = np.linalg.eigh(casimir)
    sizes = np.rint(2 * values + 1).astype(int)
    if np.abs(2 * values + 1 - sizes).max() > close:
        return None
    blocks: list[tuple[int, FloatArray]] = []
    for size in sorted(set(map(int, sizes)), reverse=True):
        own = vectors[:, sizes == size]
        if size > 1 and own.shape[1] != size:
            return None  # several subspaces of one dimension, which this does not tell apart
        blocks.append((own.shape[1], own))
    if sum(size * (size - 1) // 2 for size in set(map(int, sizes))) != len(algebra):
        return None
    frame = np.concatenate([own for _, own in blocks], axis=1)
    if np.linalg.det(frame) < 0:
        frame[:, -1] *= -1
    fixed = [1] if blocks[-1][0] == 1 and int(min(sizes)) == 1 else []
    turned = [count for count, own in blocks if count > 1 and _is_turned(own, algebra)]
    return (*turned, *fixed), frame


def _is_turned(basis: FloatArray, algebra: FloatArray) -> bool:
    return bool(np.abs(algebra @ basis).max() > 1e-6)
