"""How a hypothesis moves samples: independent Haar elements of one group acting on (x, y).

Finite groups and SO(n), O(n) come as `meanfield.clouds.actions.JointAction`; here are groups known by a sampler alone,
and rotations of a coordinate plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.exact.matrices import rows_of
from sharefind.groups import FiniteGroup, Representation
from sharefind.meanfield.clouds.actions import JointAction, move_by_matrices

Sampler = Callable[[np.random.Generator, int], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""(rng, size) -> (on_x (size, d_in, d_in), on_y (size, d_out, d_out)): Haar draws as they act on X and on Y."""


class AmbientMoves(Protocol):
    """A group acting on samples, as far as a randomisation test needs it."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Return independent Haar elements.

        Args:
            shape: Shape of the elements.
            rng: Source of the draws.
        """
        ...

    def move(self, elements: Any, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return moved samples, (rho_g x, rhohat_g y).

        Args:
            elements: Elements, shape (R, n).
            x: Inputs, shape (R or 1, n, d_in).
            y: Labels, shape (R or 1, n, d_out).
        """
        ...


@dataclass(frozen=True)
class SampledMoves:
    """A compact group given by Haar draws of its orthogonal matrices.

    Attributes:
        sampler: Draws pairs of matrices.
    """

    sampler: Sampler

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return pairs of matrices.

        Args:
            shape: Shape of the elements.
            rng: Source of the draws.

        Returns:
            Matrices on X, shape `(*shape, d_in, d_in)`, and on Y, shape `(*shape, d_out, d_out)`.
        """
        on_x, on_y = (torch.from_numpy(m) for m in self.sampler(rng, int(np.prod(shape))))
        return on_x.reshape(*shape, *on_x.shape[1:]), on_y.reshape(*shape, *on_y.shape[1:])

    def move(self, elements: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return moved samples, (rho_g x, rhohat_g y).

        Args:
            elements: The result of `draw`.
            x: As in `AmbientMoves.move`.
            y: As in `AmbientMoves.move`.
        """
        return move_by_matrices(elements, x, y)


def element_bytes(moves: AmbientMoves, x: Tensor, y: Tensor) -> int:
    """Return the number of bytes of the elements that move all samples once.

    These are numbers of a listed group's elements, otherwise at most a pair of matrices for each sample.

    Args:
        moves: The group.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
    """
    if isinstance(moves, JointAction):
        if moves.is_listed:
            return 8 * len(x)
        if moves.draws_codes and isinstance(moves.group, FiniteGroup):
            return 4 * (moves.group.degree + 6 * x.shape[1] + 6 * y.shape[1]) * len(x)
    return 8 * len(x) * (x.shape[1] ** 2 + y.shape[1] ** 2)


def axis_rotations(axis: Sequence[float], d_out: int = 1) -> SampledMoves:
    """Return all rotations of R^3 about an axis, which do not change the labels (Rodrigues' formula).

    Args:
        axis: Direction of the axis, three numbers.
        d_out: Number of labels.

    Raises:
        GroupError: The axis has no direction, or not three coordinates.
    """
    direction = np.asarray(axis, dtype=np.float64)
    length = float(np.linalg.norm(direction))
    if direction.shape != (3,) or not 0 < length < np.inf:
        raise GroupError(f"{list(axis)} is no axis of R^3; give three numbers that are not all 0")
    x, y, z = direction / length
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])

    def sample(rng: np.random.Generator, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        angle = rng.uniform(0, 2 * np.pi, size=(size, 1, 1))
        on_x = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
        return on_x, np.broadcast_to(np.eye(d_out), (size, d_out, d_out)).copy()

    return SampledMoves(sample)


def moved_coordinates(
    moves: AmbientMoves, d_in: int, d_out: int, rng: np.random.Generator, probes: int = 64, unmoved: float = 1e-9
) -> NDArray[np.bool_]:
    """Return which coordinates of X the group moves: some element changes their basis vector.

    The generators of a finite group determine them. For other groups elements are drawn: the elements that fix a vector
    are a subgroup, so that at least half of all elements move a vector that is moved at all, and a coordinate is missed
    with probability 2^-probes.

    Args:
        moves: The group.
        d_in: Dimension of X.
        d_out: Dimension of Y.
        rng: Source of the elements.
        probes: Elements that are drawn for each coordinate.
        unmoved: Largest change of a basis vector that is rounding.

    Returns:
        Shape (d_in,).
    """
    # Drawn of every group, so that what is drawn next is the same for all.
    elements = moves.draw((probes, d_in), rng)
    if isinstance(moves, JointAction) and isinstance(moves.group, FiniteGroup):
        return _moved_by_generators(moves.in_rep)
    basis = torch.eye(d_in, dtype=torch.float64).unsqueeze(0)
    images, _ = moves.move(elements, basis, torch.zeros(1, d_in, d_out, dtype=torch.float64))
    return np.asarray(((images - basis).abs().amax((0, 2)) > unmoved).numpy())


def _moved_by_generators(rep: Representation) -> NDArray[np.bool_]:
    """Return which basis vectors some generator changes, (dim,), exactly."""
    moved = np.zeros(rep.dim, dtype=bool)
    if rep.is_sparse:
        perms, signs = rep.sparse_generators
        return np.asarray(((perms != np.arange(rep.dim)) | (signs != 1)).any(axis=0) | moved)
    for matrix in rep.generator_matrices:
        rows, one = rows_of(matrix), matrix.domain.one
        moved[[j for i, row in rows.items() for j in row if i != j]] = True
        moved[[k for k in range(rep.dim) if rows.get(k, {}).get(k) != one]] = True
    return moved
