"""Empirical measures nu = (1/N) sum_i delta_{theta_i}: their projections, symmetrisations and distances.

Distances to a projection have a closed form and need no transport solver; the distance between two general clouds
is left to POT, whose status is checked.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import NotConvergedError, SpaceError
from sharefind.meanfield.actions import ParticleAction
from sharefind.meanfield.projection import Projector
from sharefind.meanfield.standardise import refuse_magnitude


def refuse_diverged(*clouds: Tensor) -> None:
    """Check that particles are numbers; comparisons with NaN would read as an answer.

    Raises:
        SpaceError: a value is not finite.
    """
    if not all(bool(torch.isfinite(cloud).all()) for cloud in clouds):
        raise SpaceError("a cloud holds values that are not finite; training diverged, use a smaller step")


def second_moment(theta: Tensor) -> Tensor:
    """E|Z|^2 under nu: theta (R, D, N) -> (R,). M(nu) of the RMD is twice this."""
    return (theta**2).sum(1).mean(-1)


def dist2(theta: Tensor, projector: Projector) -> Tensor:
    """W2^2(nu, P#nu) = mean_i |theta_i - P theta_i|^2: theta (R, D, N) -> (R,).

    Closed form, exact: |a - P b|^2 = |a - P a|^2 + |P a - P b|^2, so no coupling beats the identity.
    """
    return (projector.residual(theta) ** 2).sum(1).mean(-1)


def rmd2(theta: Tensor, projector: Projector) -> Tensor:
    """RMD^2(nu, P#nu) = W2^2(nu, P#nu) / (M(nu) + M(P#nu)), M(mu) = 2 E|Z|^2: (R, D, N) -> (R,); 0 for a cloud at 0."""
    theta = theta / _power_of_two(float(theta.detach().abs().amax()))
    projected = projector(theta)
    scale = 2 * second_moment(theta) + 2 * second_moment(projected)
    distance = ((theta - projected) ** 2).sum(1).mean(-1)
    return torch.where(scale > 0, distance / scale.clamp(min=torch.finfo(theta.dtype).tiny), torch.zeros_like(scale))


def _power_of_two(size: float) -> float:
    """One near a size, by which numbers are divided without rounding; 1 for 0 and for what is no number."""
    return math.ldexp(1.0, math.frexp(size)[1] - 1) if size > 0 and math.isfinite(size) else 1.0


def symmetrise(theta: Tensor, action: ParticleAction) -> Tensor:
    """nu^G = (1/|G|) sum_g M_g#nu as a cloud: theta (R, D, N) -> (R, D, |G| N)."""
    return action.images(theta).flatten(2)


def w2_squared(a: NDArray[np.float64], b: NDArray[np.float64], max_iterations: int = 1_000_000) -> float:
    """W2^2 between two clouds of equal weights, a (N, D) and b (M, D), by POT's exact network simplex.

    Args:
        a, b: particles, one a row.
        max_iterations: of the simplex; N = M = 1000 needs well under the default.

    Raises:
        SpaceError: the clouds live in different dimensions, are empty or hold values that are not finite. DataError:
            their squares overflow or vanish. NotConvergedError: the solver did not reach the optimum.
    """
    import ot

    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise SpaceError(f"clouds must have shapes (N, D) and (M, D), not {a.shape} and {b.shape}")
    if len(a) == 0 or len(b) == 0:
        raise SpaceError(f"clouds of {len(a)} and {len(b)} particles have no distance; give at least one particle each")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise SpaceError("a cloud holds values that are not finite; training diverged, use a smaller step")
    refuse_magnitude(np.concatenate([a.ravel(), b.ravel()]), "a cloud")
    # The solver's tolerance is for costs of order 1.
    size = _power_of_two(max(float(np.abs(a).max()), float(np.abs(b).max())))
    a, b = a / size, b / size
    cost = ot.dist(a, b, metric="sqeuclidean")
    with warnings.catch_warnings():
        # POT also warns of what the status says; the status is raised below.
        warnings.simplefilter("ignore", UserWarning)
        plan, log = ot.emd(ot.unif(len(a)), ot.unif(len(b)), cost, numItermax=max_iterations, log=True)
    if log["warning"] is not None:
        raise NotConvergedError(f"the transport solver stopped early: {log['warning']}; raise max_iterations")
    return float((plan * cost).sum()) * size**2


def rmd2_between(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """RMD^2 of two general clouds (N, D) and (M, D), through `w2_squared`; see `rmd2`."""
    size = _power_of_two(max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0))))
    a, b = a / size, b / size
    scale = 2 * float((a**2).sum(1).mean()) + 2 * float((b**2).sum(1).mean())
    return w2_squared(a, b) / scale if scale > 0 else 0.0
