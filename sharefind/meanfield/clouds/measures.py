"""Empirical measures nu = (1/N) sum_i delta_{theta_i}: their projections, symmetrisations and distances.

Distances to a projection have a closed form and need no transport solver; POT computes the distance between two general
clouds, and its status is checked.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import NotConvergedError, SpaceError
from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.clouds.standardise import refuse_magnitude
from sharefind.typing import FloatArray


def refuse_diverged(*clouds: Tensor) -> None:
    """Check that particles are finite; comparisons with NaN would look like an answer.

    Args:
        *clouds: The particles.

    Raises:
        SpaceError: A value is not finite.
    """
    if not all(bool(torch.isfinite(cloud).all()) for cloud in clouds):
        raise SpaceError("a cloud holds values that are not finite; training diverged, use a smaller step")


def second_moment(theta: Tensor) -> Tensor:
    """Return E|Z|^2 under nu; M(nu) in the RMD is twice this.

    Args:
        theta: Particles, shape (R, D, N).

    Returns:
        Shape (R,).
    """
    return (theta**2).sum(1).mean(-1)


def dist2(theta: Tensor, projector: Projector) -> Tensor:
    """Return W2^2(nu, P#nu) = mean_i |theta_i - P theta_i|^2.

    Closed form, exact: |a - P b|^2 = |a - P a|^2 + |P a - P b|^2, so no coupling beats the identity. A point of E near
    the cloud is subtracted first, since P would round it.

    Args:
        theta: Particles, shape (R, D, N).
        projector: The projection P on E.

    Returns:
        Shape (R,).
    """
    near = theta - projector.anchor(theta)
    return (projector.residual(near) ** 2).sum(1).mean(-1)


def rmd2(theta: Tensor, projector: Projector) -> Tensor:
    """Return RMD^2(nu, P#nu) = W2^2(nu, P#nu) / (M(nu) + M(P#nu)), M(mu) = 2 E|Z|^2; 0 for a cloud at 0.

    The moments are about 0, so that the RMD of a cloud falls as it moves away from 0.

    Args:
        theta: Particles, shape (R, D, N).
        projector: The projection P on E.

    Returns:
        Shape (R,).
    """
    theta = theta / _power_of_two(float(theta.detach().abs().amax()))
    projected = projector(theta)
    scale = 2 * second_moment(theta) + 2 * second_moment(projected)
    distance = dist2(theta, projector)
    return torch.where(scale > 0, distance / scale.clamp(min=torch.finfo(theta.dtype).tiny), torch.zeros_like(scale))


def _power_of_two(size: float) -> float:
    """One near a size, by which numbers are divided without rounding; 1 for 0 and for what is no number."""
    return math.ldexp(1.0, math.frexp(size)[1] - 1) if size > 0 and math.isfinite(size) else 1.0


def symmetrise(theta: Tensor, action: ParticleAction) -> Tensor:
    """Return nu^G = (1/|G|) sum_g M_g#nu as a cloud.

    Args:
        theta: Particles, shape (R, D, N).
        action: The group's action on particles.

    Returns:
        Shape (R, D, |G| N).
    """
    return action.images(theta).flatten(2)


def w2_squared(a: FloatArray, b: FloatArray, max_iterations: int = 1_000_000) -> float:
    """Return W2^2 between two clouds of equal weights by POT's exact network simplex, right to rounding wherever 0
    lies.

    Costs come from the differences of coordinates, so that the position of the clouds costs no digit. The simplex loses
    what is small beside the largest cost. Costs above what an optimal plan can pay are therefore cut, and the problem
    is solved again until no cost is cut. Weights are whole numbers, so that plans are exact.

    Args:
        a: Particles, one a row, shape (N, D), float64.
        b: Particles, one a row, shape (M, D), float64.
        max_iterations: Most iterations of the simplex; N = M = 1000 needs well under the default.

    Returns:
        The squared distance.

    Raises:
        SpaceError: The clouds live in different dimensions, are empty or hold values that are not finite.
        DataError: Their squares overflow or vanish.
        NotConvergedError: The solver did not reach the optimum.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise SpaceError(f"clouds must have shapes (N, D) and (M, D), not {a.shape} and {b.shape}")
    if len(a) == 0 or len(b) == 0:
        raise SpaceError(f"clouds of {len(a)} and {len(b)} particles have no distance; give at least one particle each")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise SpaceError("a cloud holds values that are not finite; training diverged, use a smaller step")
    refuse_magnitude(np.concatenate([a.ravel(), b.ravel()]), "a cloud")
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    # The widest axis decides: the largest difference on an axis is that of two extreme coordinates.
    size = _power_of_two(float(np.maximum(a.max(0) - b.min(0), b.max(0) - a.min(0)).max(initial=0.0)))
    return _transport(_squared_distances(a, b, size), max_iterations) * size**2


def _squared_distances(a: FloatArray, b: FloatArray, size: float) -> FloatArray:
    """|(a_i - b_j) / size|^2, size a power of two, each right to rounding: a (N, D), b (M, D) -> (N, M).

    |a|^2 + |b|^2 - 2 <a, b> would lose the digits that clouds far from 0 have in common.
    """
    total = np.zeros((len(a), len(b)))
    for x, y in zip(a.T, b.T, strict=True):
        total += ((x[:, None] - y) / size) ** 2
    return total


def _transport(cost: FloatArray, max_iterations: int, rounds: int = 40, margin: float = 1e-6) -> float:
    """The least mean cost of a plan with equal weights, cost (N, M).

    An optimal plan moves multiples of 1 / L, L = lcm(N, M), so that none uses a cost above L times the value of any
    plan. Each round brings the largest cost nearer to the value, by the precision of the simplex; two or three are
    usual. A cost may exceed what an optimal plan can pay by `margin` before it is cut, against rounding.
    """
    whole = math.lcm(*cost.shape)
    best = math.inf
    for _ in range(rounds):
        best = min(best, float((_plan(cost, max_iterations) * cost).sum() / whole))
        most = whole * best * (1 + margin)
        if cost.max() <= most:
            return best
        if best == 0:
            return 0.0
        cost = np.minimum(cost, most)
    raise NotConvergedError("the transport solver did not settle; give clouds of fewer particles")


def _plan(cost: FloatArray, max_iterations: int) -> FloatArray:
    """A plan of whole numbers with row sums L / N and column sums L / M: cost (N, M) -> (N, M).

    Raises:
        NotConvergedError: The solver stopped early, or what it returned is no such plan.
    """
    import ot

    n, m = cost.shape
    whole = math.lcm(n, m)
    rows, columns = np.full(n, whole / n), np.full(m, whole / m)
    with warnings.catch_warnings():
        # POT also warns of what the status says; the status is raised below.
        warnings.simplefilter("ignore", UserWarning)
        # The solver's tolerance is for costs of order 1.
        scaled = cost / _power_of_two(float(cost.max()))
        plan, log = ot.emd(rows, columns, scaled, numItermax=max_iterations, log=True)
    if log["warning"] is not None:
        raise NotConvergedError(f"the transport solver stopped early: {log['warning']}; raise max_iterations")
    plan = np.rint(plan)
    if not (np.array_equal(plan.sum(1), rows) and np.array_equal(plan.sum(0), columns)):
        raise NotConvergedError("the transport solver returned no plan; give clouds of fewer particles")
    return np.asarray(plan, dtype=np.float64)


def rmd2_between(a: FloatArray, b: FloatArray) -> float:
    """Return RMD^2 of two general clouds, through `w2_squared`; see `rmd2`.

    Args:
        a: Particles, one a row, shape (N, D).
        b: Particles, one a row, shape (M, D).
    """
    size = _power_of_two(max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0))))
    a, b = a / size, b / size
    scale = 2 * float((a**2).sum(1).mean()) + 2 * float((b**2).sum(1).mean())
    return w2_squared(a, b) / scale if scale > 0 else 0.0
