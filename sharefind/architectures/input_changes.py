"""Linear changes of inputs carried into weights: exactly, or by dropping what no row of the data has."""

from __future__ import annotations

import numpy as np
import torch

from sharefind.architectures.spec import SharingSpec
from sharefind.typing import FloatArray


def composed(spec: SharingSpec, particles: FloatArray, matrix: FloatArray) -> FloatArray:
    """Particles that compute at u what the given ones compute at `matrix` u.

    Args:
        spec: Their architecture.
        particles: Shape (N, D).
        matrix: Shape (d_in, d_in).

    Returns:
        Particles, shape (N, D).
    """
    theta = torch.from_numpy(np.ascontiguousarray(particles.T))[None]
    found = spec.layer.compose(theta, torch.from_numpy(np.ascontiguousarray(matrix)))[0].T
    return np.asarray(found.numpy(), dtype=np.float64)


def keeps_space(spec: SharingSpec, matrix: FloatArray, tolerance: float = 1e-9) -> bool:
    """Return whether W -> W matrix maps the space of a specification into itself.

    It is shown on a random vector of the space.

    Args:
        spec: The specification.
        matrix: Shape (d_in, d_in).
        tolerance: Largest relative distance.
    """
    theta = spec.space.project(np.random.default_rng(0).standard_normal((1, spec.space.ambient)))
    moved = composed(spec, np.asarray(theta), matrix)
    rest = np.abs(moved - spec.space.project(moved)).max(initial=0.0)
    return bool(rest <= tolerance * np.abs(moved).max(initial=0.0))


def seen_inputs(spec: SharingSpec, x: FloatArray, tolerance: float = 1e-10) -> FloatArray | None:
    """The projection on the combinations of inputs that rows have, where they lack some and the group allows it.

    Rows relative to the mean of their points lack the mean: what a training leaves of its start in weights of the mean
    says nothing. Without it, a network does not change when all points move together.

    Args:
        spec: The specification to train.
        x: Rows, shape (n, d_in), in the user's units.
        tolerance: Largest size of a combination that counts as rounding, over that of the largest one.

    Returns:
        The projection, shape (d_in, d_in); None where rows have every combination, where they are too few to tell, or
        where W -> W P leaves the space.
    """
    rows = x - spec.change.centre
    if len(rows) <= spec.d_in:
        return None
    sizes = np.abs(rows).max(axis=0)
    sizes[sizes == 0] = 1.0
    lengths, frame = np.linalg.svd(np.linalg.qr(rows / sizes, mode="r"))[1:]
    lacking = frame[lengths <= tolerance * lengths.max(initial=0.0)].T / sizes[:, None]
    if lacking.shape[1] in (0, spec.d_in):
        return None
    directions = np.linalg.qr(lacking)[0]
    projection = np.eye(spec.d_in) - directions @ directions.T
    return projection if keeps_space(spec, projection) else None
