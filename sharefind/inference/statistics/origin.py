"""Samples about the origin and at the scale of a hypothesis: what no verdict may depend on is taken out first.

A hypothesis H leaves its own fixed vectors alone, so the part of the mean that H fixes says nothing about it; nor does
a scale that commutes with it. Both are read from orbits alone: every copy has the same ones, and tests stay exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from sharefind.exact.matrices import rows_of
from sharefind.groups import FiniteGroup, Representation, hom
from sharefind.inference.ambient_moves import UNMOVED, Moves, moved_coordinates
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import LAST_PLACES
from sharefind.spaces import fixed_space

FloatArray = NDArray[np.float64]
Project = Callable[[FloatArray], FloatArray]
"""Vectors (..., d) -> their part that the group fixes, the same shape."""

DRAWS = 64
"""Elements from which the fixed vectors of a group that is known by a sampler alone are computed."""

FIXED = 1e-9
"""Distance from 1 up to which an eigenvalue of their mean belongs to a vector that all of them fix."""

LISTED = 4096
"""Largest group over whose elements second moments are averaged one by one; others go through their fixed space."""

FLOOR = 1e-9
"""Relative floor of a second moment's eigenvalues before its inverse root is taken."""

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class OrbitScale:
    """x' = A (x - x_shift) and y' = y_scale (y - y_shift), which commute with the group and read orbits alone.

    Attributes:
        x_shift: Shape (d_in,), fixed by the group.
        x_matrix: A, shape (d_in, d_in).
        y_shift: Shape (d_out,), fixed by the group.
        y_scale: Shape (d_out,), positive, one number for each block of outputs that the group mixes.
        moved: Shape (d_in,), the coordinates that the group moves.
        snap_x: Removes what rounding leaves of a part of x that the group should move.
        snap_y: The same for y.
        resolution: Largest relative rounding error of a scaled value, from the offset of the samples.
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
        """Scale samples.

        Args:
            x: Inputs as they were measured, shape (n, d_in).
            y: Labels as they were measured, shape (n, d_out).

        Returns:
            The same, scaled, float64.
        """
        inputs = torch.from_numpy(self.snap_x((x.double() - self.x_shift).numpy()))
        labels = torch.from_numpy(self.snap_y((y.double() - self.y_shift).numpy()))
        return inputs @ self.x_matrix.t(), labels * self.y_scale


def orbit_scale(
    moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, whole: JointAction | None = None
) -> OrbitScale:
    """The origin and the scale at which a hypothesis is tested.

    Each block of coordinates that the group mixes gets spread 1 about what the group fixes of its mean. The moved
    coordinates of X are then whitened by their second moment, averaged over the group and shrunk towards spheres by
    d / (n + d); so are the others, apart. Groups known by a sampler alone are not averaged over: their blocks keep
    their shape.

    Args:
        moves: The hypothesis.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        rng: Of the elements that show what a sampler moves and fixes.
        whole: A group that contains the hypothesis and whose action the whitening must commute with; the hypothesis
            itself where None.

    Returns:
        The change of X and Y.
    """
    shape = _shape_of(moves, x.shape[1], y.shape[1], rng)
    inputs, labels = (v.detach().double().numpy(force=True) for v in (x, y))
    x_shift, y_shift = shape.project_x(inputs.mean(0)), shape.project_y(labels.mean(0))
    centred, centred_y = inputs - x_shift, labels - y_shift
    snap_x, snap_y = (
        _snap(project, blocks, values)
        for project, blocks, values in (
            (shape.project_x, shape.blocks_x, inputs),
            (shape.project_y, shape.blocks_y, labels),
        )
    )
    scale_x = _block_scale(centred, inputs, shape.blocks_x)
    scale_y = _block_scale(centred_y, labels, shape.blocks_y)
    moved = moved_coordinates(moves, x.shape[1], y.shape[1], rng)
    averaging = whole if whole is not None else moves
    mixed = moved_coordinates(averaging, x.shape[1], y.shape[1], rng) if whole is not None else moved
    matrix = _whitening(snap_x(centred) * scale_x, averaging, mixed) * scale_x
    resolution = max(
        float(np.max(EPS * np.abs(v).max(0) * s, initial=0.0)) for v, s in ((inputs, scale_x), (labels, scale_y))
    )
    tensors = [torch.tensor(v) for v in (x_shift, matrix, y_shift, scale_y)]
    return OrbitScale(tensors[0], tensors[1], tensors[2], tensors[3], moved, snap_x, snap_y, resolution)


@dataclass(frozen=True)
class _Shape:
    """How a group acts: projections on what it fixes, and the block of each coordinate, blocks counted from 0."""

    project_x: Project
    project_y: Project
    blocks_x: NDArray[np.int64]
    blocks_y: NDArray[np.int64]


def _shape_of(moves: Moves, d_in: int, d_out: int, rng: np.random.Generator) -> _Shape:
    if isinstance(moves, JointAction):
        projections = [_exact_projection(rep) for rep in (moves.in_rep, moves.out_rep)]
        if isinstance(moves.group, FiniteGroup):
            blocks = [_blocks(*_generator_support(rep), rep.dim) for rep in (moves.in_rep, moves.out_rep)]
            return _Shape(projections[0], projections[1], blocks[0], blocks[1])
        drawn = _drawn_matrices(moves, d_in, d_out, rng)
        blocks = [_blocks(*_matrix_support(m), m.shape[1]) for m in drawn]
        return _Shape(projections[0], projections[1], blocks[0], blocks[1])
    drawn = _drawn_matrices(moves, d_in, d_out, rng)
    blocks = [_blocks(*_matrix_support(m), m.shape[1]) for m in drawn]
    return _Shape(_numerical_projection(drawn[0]), _numerical_projection(drawn[1]), blocks[0], blocks[1])


def _exact_projection(rep: Representation) -> Project:
    space = fixed_space(rep)
    return lambda vectors: np.asarray(space.project(vectors), dtype=np.float64)


def _numerical_projection(matrices: FloatArray) -> Project:
    """On the vectors that orthogonal matrices (k, d, d) fix: v^T g v = |v|^2 for all of them."""
    mean = matrices.mean(axis=0)
    values, vectors = np.linalg.eigh((mean + mean.T) / 2)
    basis = vectors[:, values > 1 - FIXED]
    return lambda rows: np.asarray((rows @ basis) @ basis.T, dtype=np.float64)


def _drawn_matrices(moves: Moves, d_in: int, d_out: int, rng: np.random.Generator) -> list[FloatArray]:
    """`DRAWS` elements as matrices on X and on Y, (k, d, d) each."""
    size = max(d_in, d_out)
    basis = [torch.eye(size, d, dtype=torch.float64).unsqueeze(0) for d in (d_in, d_out)]
    images = [moves.move(moves.draw((1, 1), rng), basis[0], basis[1]) for _ in range(DRAWS)]
    on_x = np.stack([x.expand(1, size, d_in)[0, :d_in].t().numpy() for x, _ in images])
    on_y = np.stack([y.expand(1, size, d_out)[0, :d_out].t().numpy() for _, y in images])
    return [on_x, on_y]


def _generator_support(rep: Representation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the entries of the generators that are not 0."""
    pairs = [(i, j) for g in rep.generator_matrices for i, row in rows_of(g).items() for j in row]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _matrix_support(matrices: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, columns = np.nonzero(np.abs(matrices).max(axis=0) > UNMOVED)
    return rows.astype(np.int64), columns.astype(np.int64)


def _blocks(rows: NDArray[np.int64], columns: NDArray[np.int64], dim: int) -> NDArray[np.int64]:
    """The block of each coordinate: coordinates that some element mixes are in one block, (dim,)."""
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(dim, dim))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _snap(project: Project, blocks: NDArray[np.int64], raw: FloatArray) -> Project:
    """Takes centred samples to their fixed part in the blocks where the rest is rounding of the raw ones (n, d)."""
    centred = raw - project(raw.mean(0))
    rest = _largest_of_blocks(np.abs(centred - project(centred)).max(0), blocks)
    still = rest <= LAST_PLACES * EPS * _largest_of_blocks(np.abs(raw).max(0), blocks)
    return lambda rows: np.where(still, project(rows), rows)


def _largest_of_blocks(values: FloatArray, blocks: NDArray[np.int64]) -> FloatArray:
    largest = np.zeros(int(blocks.max()) + 1)
    np.maximum.at(largest, blocks, values)
    return np.asarray(largest[blocks])


def _block_scale(centred: FloatArray, raw: FloatArray, blocks: NDArray[np.int64]) -> FloatArray:
    """One over the spread of each coordinate's block, (d,); 1 where nothing but rounding varies."""
    sums = np.bincount(blocks, (centred**2).mean(0))
    spread = np.sqrt(sums / np.bincount(blocks))[blocks]
    varies = spread > LAST_PLACES * EPS * _largest_of_blocks(np.abs(raw).max(0), blocks)
    return np.where(varies, 1 / np.where(varies, spread, 1.0), 1.0)


def _whitening(x: FloatArray, moves: Moves, moved: NDArray[np.bool_]) -> FloatArray:
    """The matrix that whitens moved coordinates of x (n, d), and the others apart; it commutes with the group."""
    matrix = np.eye(x.shape[1])
    if not isinstance(moves, JointAction):
        return matrix
    moment = averaged_moment(x, moves)
    for mask in (moved, ~moved):
        if mask.any():
            matrix[np.ix_(mask, mask)] = _inverse_root(moment[np.ix_(mask, mask)], len(x))
    return matrix


def averaged_moment(x: FloatArray, moves: JointAction) -> FloatArray:
    """The second moment of x (n, d) averaged over the group, (d, d)."""
    moment = x.T @ x / len(x)
    group = moves.group
    if isinstance(group, FiniteGroup) and group.is_listable and group.order <= LISTED:
        averaged = _listed_mean(torch.from_numpy(moment), moves, group.order).numpy()
    else:
        space = fixed_space(hom(moves.in_rep, moves.in_rep))
        averaged = space.project(moment.reshape(-1)).reshape(moment.shape)
    return np.asarray((averaged + averaged.T) / 2, dtype=np.float64)


def _listed_mean(moment: Tensor, moves: JointAction, order: int) -> Tensor:
    """The mean of g C g^T over all elements, C (d, d)."""
    labels = torch.zeros(1, len(moment), moves.out_rep.dim, dtype=torch.float64)
    total = torch.zeros_like(moment)
    for number in range(order):
        element = torch.full((1, 1), number)
        half = moves.move(element, moment.unsqueeze(0), labels)[0][0]  # rows g c_i
        total += moves.move(element, half.t().unsqueeze(0), labels)[0][0]
    return total / order


def _inverse_root(moment: FloatArray, n: int) -> FloatArray:
    """C^{-1/2} of a second moment (d, d) of n samples, shrunk towards a multiple of the identity by d / (n + d)."""
    d = len(moment)
    size = float(np.trace(moment)) / d
    if size <= 0:
        return np.eye(d)
    share = d / (n + d)
    values, vectors = np.linalg.eigh((1 - share) * moment + share * size * np.eye(d))
    floored = np.maximum(values, FLOOR * values[-1])
    return np.asarray((vectors / np.sqrt(floored)) @ vectors.T, dtype=np.float64)
