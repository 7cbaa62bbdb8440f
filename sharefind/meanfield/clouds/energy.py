"""The energy distance of clouds, and of a cloud to its symmetrisation, without a transport solver.

The theory's public face, for clouds that the reader trained. It vanishes exactly when two measures agree (Szekely &
Rizzo 2013, "Energy statistics"). W2 is in `measures`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sharefind.errors import SpaceError
from sharefind.meanfield.clouds.haar import Estimate
from sharefind.meanfield.clouds.measures import refuse_diverged


def mean_distance(a: Tensor, b: Tensor, held: int = 2**24) -> float:
    """Return E|A - B| for independent draws from two clouds.

    Args:
        a: Particles, shape (D, N).
        b: Particles, shape (D, M).
        held: Distances held at a time (128 MiB of float64); it bounds memory and changes no value.

    Raises:
        SpaceError: The clouds live in different dimensions, are empty or hold values that are not finite.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[0] or 0 in (*a.shape, *b.shape):
        raise SpaceError(f"clouds must have shapes (D, N) and (D, M), not {tuple(a.shape)} and {tuple(b.shape)}")
    refuse_diverged(a, b)
    parts = torch.split(a.t(), max(1, held // b.shape[1]))
    # This mode is exact for rows that are equal.
    total = sum(float(torch.cdist(part, b.t(), compute_mode="donot_use_mm_for_euclid_dist").sum()) for part in parts)
    return total / (a.shape[1] * b.shape[1])


def energy_distance(a: Tensor, b: Tensor) -> float:
    """Return 2 E|A - B| - E|A - A'| - E|B - B'|, the squared energy distance.

    The means run over all pairs, including a particle with itself, so that it is 0 for equal clouds and never negative.

    Args:
        a: Particles, shape (D, N).
        b: Particles, shape (D, M).

    Raises:
        SpaceError: The clouds live in different dimensions, are empty or hold values that are not finite.
    """
    return max(0.0, 2 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b))


def energy_to_symmetrisation(theta: Tensor, images: Tensor) -> Estimate:
    """The squared energy distance of nu and nu^G, from the images of the cloud under group elements.

    For orthogonal M, E|M_g A - M_h A'| over independent Haar g and h is E|A - M_g A'|, so that the distance is
    int E|A - M_g A'| dlambda_G - E|A - A'|: |G| N^2 distances, not |G|^2 N^2.

    Args:
        theta: Particles, shape (D, N).
        images: M_g theta_i, shape (D, m, N), for all elements of the group or for m Haar draws.

    Returns:
        The distance and the standard error of its Monte Carlo mean over the elements, both 0-dimensional. The standard
        error means nothing where the elements are the whole group.
    """
    apart = torch.tensor([mean_distance(theta, images[:, g]) for g in range(images.shape[1])], dtype=torch.float64)
    value = apart.mean() - mean_distance(theta, theta)
    spread = apart.std(correction=1) / len(apart) ** 0.5 if len(apart) > 1 else torch.zeros((), dtype=torch.float64)
    return Estimate(value, spread)
