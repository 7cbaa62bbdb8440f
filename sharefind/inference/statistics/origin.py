"""The origin and the scale of samples under a hypothesis, which are removed first because no verdict may depend on
them.

A hypothesis H fixes some vectors, so the part of the mean that H fixes is not informative about it; nor is a scale that
commutes with it. Both are computed from orbits only. Every copy has the same ones, so tests stay exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.exact.matrices import rows_of
from sharefind.groups import FiniteGroup, Representation
from sharefind.inference.ambient_moves import AmbientMoves, moved_coordinates
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.second_moments import averaged_moment, inverse_root
from sharefind.meanfield.clouds.standardise import LAST_PLACES
from sharefind.spaces import fixed_space
from sharefind.spaces.tying import connected
from sharefind.typing import FloatArray

Support = tuple[NDArray[np.int64], NDArray[np.int64]]
Project = Callable[[FloatArray], FloatArray]
"""Function from vectors (..., d) to their part that the group fixes, the same shape."""


@dataclass(frozen=True)
class OrbitScale:
    """The change x' = A (x - x_shift), y' = y_scale (y - y_shift), which commutes with the group and depends only on
    orbits.

    Attributes:
        x_shift: Shape (d_in,), fixed by the group.
        x_matrix: A, shape (d_in, d_in).
        y_shift: Shape (d_out,), fixed by the group.
        y_scale: Shape (d_out,), positive, one number for each block of outputs that the group mixes.
        moved: Shape (d_in,), bool: the coordinates that the group moves.
        snap_x: Removes rounding errors in parts of x that the group should move.
        snap_y: The same for y.
        resolution: Largest relative rounding error of a scaled value, caused by the offset of the samples.
    """

    x_shift: Tensor
    x_matrix: Tensor
    y_shift: Tensor
    y_scale: Tensor
    moved: NDArray[np.bool_]
    snap_x: Project
    snap_y: Project
    resolution: float

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled samples, float64.

        Args:
            x: Inputs in the user's units, shape (n, d_in).
            y: Labels in the user's units, shape (n, d_out).
        """
        inputs = torch.from_numpy(self.snap_x((x.double() - self.x_shift).numpy()))
        labels = torch.from_numpy(self.snap_y((y.double() - self.y_shift).numpy()))
        return inputs @ self.x_matrix.t(), labels * self.y_scale

    def rounding_of(self, y: Tensor) -> Tensor:
        """Return the largest rounding error of scaled labels, shape (d_out,).

        Args:
            y: Labels in the user's units, shape (n, d_out).
        """
        return LAST_PLACES * torch.finfo(torch.float64).eps * y.double().abs().amax(0) * self.y_scale

    def fitted(
        self, x: Tensor, y: Tensor, evaluate: Callable[[Tensor, Tensor], Tensor], row_bytes: int
    ) -> FittedStatistic:
        """Return a statistic of scaled samples.

        Args:
            x: Inputs in the user's units, shape (n, d_in).
            y: Labels in the user's units, shape (n, d_out).
            evaluate: Function of scaled samples (R, n, d_in), (R, n, d_out) -> (R, K).
            row_bytes: As in `FittedStatistic`.
        """
        inputs, labels = self(x, y)
        return FittedStatistic(labels, evaluate, None, row_bytes, inputs, self.resolution)


@dataclass(frozen=True)
class OrbitScaling:
    """Settings for the origin and the scale of a hypothesis.

    Attributes:
        draws: Number of elements from which the fixed vectors are computed for a group that is known only by a sampler.
        fixed: Distance from 1 up to which an eigenvalue of their mean belongs to a vector that all of them fix.
        unmoved: Largest entry of a matrix that is a rounding error.
        most_listed: Largest order of a group over which second moments are averaged element by element; larger ones use
            their fixed space.
        floor: Relative floor of a second moment's eigenvalues before its inverse root is taken.
    """

    draws: int = 64
    fixed: float = 1e-9
    unmoved: float = 1e-9
    most_listed: int = 4096
    floor: float = 1e-9

    def sides(self, moves: AmbientMoves, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> tuple[_Side, _Side]:
        """Return how the group acts on X and on Y, for samples.

        Args:
            moves: The hypothesis.
            x: Shape (n, d_in), float64.
            y: Shape (n, d_out), float64.
            rng: Source of the draws of a sampler.
        """
        if isinstance(moves, JointAction):
            reps = (moves.in_rep, moves.out_rep)
            projections = [_exact_projection(rep) for rep in reps]
            if isinstance(moves.group, FiniteGroup):
                supports = [_generator_support(rep) for rep in reps]
            else:
                supports = [self._support(m) for m in self._drawn(moves, x.shape[1], y.shape[1], rng)]
        else:
            drawn = self._drawn(moves, x.shape[1], y.shape[1], rng)
            projections, supports = [self._projection(m) for m in drawn], [self._support(m) for m in drawn]
        first, second = (
            _Side.of(values, project, _blocks(*support, values.shape[1]))
            for values, project, support in zip((x, y), projections, supports, strict=True)
        )
        return first, second

    def _drawn(self, moves: AmbientMoves, d_in: int, d_out: int, rng: np.random.Generator) -> list[FloatArray]:
        """Return `draws` elements as matrices on X and on Y, (k, d, d) each."""
        size = max(d_in, d_out)
        basis = [torch.eye(size, d, dtype=torch.float64).unsqueeze(0) for d in (d_in, d_out)]
        images = [moves.move(moves.draw((1, 1), rng), *basis) for _ in range(self.draws)]
        return [
            np.stack([pair[k].expand(1, size, d)[0, :d].t().numpy() for pair in images])
            for k, d in enumerate((d_in, d_out))
        ]

    def _projection(self, matrices: FloatArray) -> Project:
        """Return the projection on the vectors that orthogonal matrices (k, d, d) fix: v^T g v = |v|^2 for all
        of them.
        """
        mean = matrices.mean(axis=0)
        values, vectors = np.linalg.eigh((mean + mean.T) / 2)
        basis = vectors[:, values > 1 - self.fixed]
        return lambda rows: np.asarray((rows @ basis) @ basis.T, dtype=np.float64)

    def _support(self, matrices: FloatArray) -> Support:
        rows, columns = np.nonzero(np.abs(matrices).max(axis=0) > self.unmoved)
        return rows.astype(np.int64), columns.astype(np.int64)

    def whitening(self, x: FloatArray, moves: AmbientMoves, moved: NDArray[np.bool_]) -> FloatArray:
        """Return the matrix that whitens moved coordinates, and separately the others; it commutes with the group.

        Args:
            x: Shape (n, d), float64.
            moves: The hypothesis.
            moved: Shape (d,), bool: the coordinates that the group moves.
        """
        matrix = np.eye(x.shape[1])
        if not isinstance(moves, JointAction):
            return matrix
        moment = averaged_moment(x, moves.in_rep, self.most_listed)
        for mask in (moved, ~moved):
            if mask.any():
                matrix[np.ix_(mask, mask)] = self._shrunk_root(moment[np.ix_(mask, mask)], len(x))
        return matrix

    def _shrunk_root(self, moment: FloatArray, n: int) -> FloatArray:
        """Return C^{-1/2} of a second moment (d, d) of n samples, shrunk towards a multiple of the identity by d / (n +
        d).
        """
        d = len(moment)
        size = float(np.trace(moment)) / d
        if size <= 0:
            return np.eye(d)
        share = d / (n + d)
        shrunk = (1 - share) * moment + share * size * np.eye(d)
        return inverse_root(shrunk, lambda values: np.maximum(values, self.floor * values[-1]))


def orbit_scale(
    moves: AmbientMoves,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    whole: JointAction | None = None,
    settings: OrbitScaling | None = None,
) -> OrbitScale:
    """Return the origin and the scale at which a hypothesis is tested.

    Each block of coordinates that the group mixes gets spread 1 about the part of its mean that the group fixes. The
    moved coordinates of X are then whitened by their second moment, averaged over the group and shrunk towards spheres
    by d / (n + d). The other coordinates are whitened separately. A group known only by a sampler is not averaged over;
    its blocks keep their shape.

    Args:
        moves: The hypothesis.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        rng: Source of the elements that show what a sampler moves and fixes.
        whole: A group that contains the hypothesis and with whose action the whitening must commute; None for the
            hypothesis itself.
        settings: Settings; None for `OrbitScaling()`.
    """
    settings = settings or OrbitScaling()
    raw_x, raw_y = (v.detach().double().numpy(force=True) for v in (x, y))
    inputs, labels = settings.sides(moves, raw_x, raw_y, rng)
    moved = moved_coordinates(moves, x.shape[1], y.shape[1], rng)
    mixed = moved if whole is None else moved_coordinates(whole, x.shape[1], y.shape[1], rng)
    matrix = settings.whitening(inputs.snap(inputs.centred) * inputs.scale, whole or moves, mixed) * inputs.scale
    return OrbitScale(
        x_shift=torch.tensor(inputs.shift),
        x_matrix=torch.tensor(matrix),
        y_shift=torch.tensor(labels.shift),
        y_scale=torch.tensor(labels.scale),
        moved=moved,
        snap_x=inputs.snap,
        snap_y=labels.snap,
        resolution=max(side.resolution for side in (inputs, labels)),
    )


@dataclass(frozen=True)
class _Side:
    """X or Y under a group, from raw samples (n, d).

    Attributes:
        shift: Shape (d,): the vector that is subtracted.
        centred: Shape (n, d): samples minus the shift.
        scale: Shape (d,): one over the spread of each coordinate's block.
        snap: Replaces centred samples by their fixed part in blocks whose other part is a rounding error.
        resolution: Relative rounding error of a scaled value.
    """

    shift: FloatArray
    centred: FloatArray
    scale: FloatArray
    snap: Project
    resolution: float

    @classmethod
    def of(cls, raw: FloatArray, project: Project, blocks: NDArray[np.int64]) -> _Side:
        """Return the side from a projection on the fixed vectors, and the block of each coordinate, counted from 0."""
        shift = project(raw.mean(0))
        centred, eps = raw - shift, float(np.finfo(np.float64).eps)
        rounding = LAST_PLACES * eps * _largest_of_blocks(np.abs(raw).max(0), blocks)
        still = _largest_of_blocks(np.abs(centred - project(centred)).max(0), blocks) <= rounding
        spread = np.sqrt(np.bincount(blocks, (centred**2).mean(0)) / np.bincount(blocks))[blocks]
        varies = spread > rounding
        scale = np.where(varies, 1 / np.where(varies, spread, 1.0), 1.0)
        resolution = float(np.max(eps * np.abs(raw).max(0) * scale, initial=0.0))
        return cls(shift, centred, scale, lambda rows: np.where(still, project(rows), rows), resolution)


def _exact_projection(rep: Representation) -> Project:
    space = fixed_space(rep)
    return lambda vectors: np.asarray(space.project(vectors), dtype=np.float64)


def _generator_support(rep: Representation) -> Support:
    """Return rows and columns of the nonzero entries of the generators."""
    pairs = [(i, j) for g in rep.generator_matrices for i, row in rows_of(g).items() for j in row]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _blocks(rows: NDArray[np.int64], columns: NDArray[np.int64], dim: int) -> NDArray[np.int64]:
    """Return the block of each coordinate, (dim,); coordinates that some element mixes are in one block."""
    return np.asarray(connected(rows, columns, dim), dtype=np.int64)


def _largest_of_blocks(values: FloatArray, blocks: NDArray[np.int64]) -> FloatArray:
    largest = np.zeros(int(blocks.max()) + 1)
    np.maximum.at(largest, blocks, values)
    return np.asarray(largest[blocks])
