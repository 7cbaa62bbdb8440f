"""Least risks over convex sets of measures, each with a lower bound that certifies it.

For the squared loss the risk is a quadratic function of the measure, so that its minimum over the mixtures of finitely
many measures is a least-squares problem on the simplex. What the certificate says holds for these mixtures; over all
measures on Z the value is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.meanfield.objectives.losses import SQUARED
from sharefind.meanfield.objectives.risks import Risk
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class CertifiedOptimum:
    """A feasible mixture and a proven bound on its distance from the best one.

    Attributes:
        weights: Nonnegative weights with sum 1, shape (K,).
        value: The risk of the mixture.
        lower_bound: A lower bound of the risk of every mixture.
    """

    weights: FloatArray
    value: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """value - lower_bound: the optimum lies between them."""
        return self.value - self.lower_bound


def least_distance(columns: FloatArray, tolerance: float = 1e-7) -> CertifiedOptimum:
    """Return min |D w|^2 over the simplex: the point of the convex hull of the columns that is closest to the origin.

    SciPy's nonnegative least squares on [D; c 1^T] w = [0; c], normalised, solves it exactly: the optimality conditions
    are the same up to the factor 1^T w. The certificate does not trust the solver: with p = D w, convexity gives |D
    v|^2 >= min_k 2 <p, d_k> - |p|^2, and Cauchy-Schwarz |D v| >= min_k <p, d_k> / |p|, for every v of the simplex.

    Args:
        columns: D, shape (m, K), one column a measure.
        tolerance: Largest gap at which the optimum counts as found, relative to the smallest |d_k|^2, the risk of the
            best single measure.

    Raises:
        ConfigError: There are no columns, or a value is not finite.
        NotConvergedError: The gap is larger than the tolerance.
    """
    from scipy.optimize import nnls

    if columns.ndim != 2 or 0 in columns.shape or not np.isfinite(columns).all():
        raise ConfigError(f"a dictionary of shape {columns.shape} must hold finite columns, at least one")
    norms = (columns**2).sum(0)
    scale = float(np.sqrt(norms.max())) or 1.0
    system = np.vstack([columns / scale, np.ones(columns.shape[1])])
    solution, _ = nnls(system, np.append(np.zeros(len(columns)), 1.0), maxiter=30 * columns.shape[1])
    weights = solution / solution.sum()
    point = columns @ weights
    value = float(point @ point)
    least = float((point @ columns).min())
    bounds = (0.0, 2 * least - value, (max(0.0, least) / np.sqrt(value)) ** 2 if value > 0 else 0.0)
    optimum = CertifiedOptimum(weights, value, min(value, max(bounds)))
    if optimum.gap > tolerance * float(norms.min()):
        raise NotConvergedError(
            f"the least risk lies between {optimum.lower_bound:.6g} and {value:.6g}, a gap above the tolerance; "
            "use a smaller dictionary, or a larger tolerance"
        )
    return optimum


def risk_columns(risk: Risk, clouds: Tensor) -> Tensor:
    """Return the matrix D with |D w|^2 = the risk of the mixture sum_k w_k nu_k, differentiable.

    Each cloud nu_k is one measure of the dictionary: a single particle, or a particle with its images.

    Args:
        risk: The risk.
        clouds: Shape (K, D, P).

    Returns:
        Shape (n' d_out, K).

    Raises:
        ConfigError: The loss is not the squared one, the only loss under which the risk is quadratic.
    """
    if risk.loss is not SQUARED:
        raise ConfigError(
            f"certified optima need the squared loss, under which the risk is quadratic, not {risk.loss.name}"
        )
    law = risk.law.symmetrised(risk.rule) if risk.scheme == "da" and risk.rule is not None else risk.law
    residual = risk.predict(clouds) - law.y.to(clouds).unsqueeze(0)
    return (residual * law.probabilities.to(clouds).sqrt().unsqueeze(-1)).flatten(1).t()


def least_risk(risk: Risk, clouds: Tensor, tolerance: float = 1e-7) -> CertifiedOptimum:
    """Return the least risk over all mixtures of clouds, certified; errors as in `least_distance`.

    Args:
        risk: The risk.
        clouds: The dictionary, shape (K, D, P).
        tolerance: As in `least_distance`.
    """
    return least_distance(np.asarray(risk_columns(risk, clouds).detach().double().numpy()), tolerance)


def better_particles(risk: Risk, clouds: Tensor, optimum: CertifiedOptimum, starts: Tensor, radius: float) -> Tensor:
    """Return particles at which the first variation of the risk at an optimum is locally least: column generation.

    Adding them to the dictionary can only lower the optimum. SciPy's L-BFGS-B descends from all starts at once.

    Args:
        risk: The risk.
        clouds: The dictionary, shape (K, D, P).
        optimum: The optimum over the dictionary.
        starts: Shape (M, D, 1).
        radius: Bound on every coordinate, so that Z is compact and a minimum exists.

    Returns:
        Shape (M, D, 1).
    """
    from scipy.optimize import minimize

    columns = risk_columns(risk, clouds).detach()
    point = columns @ torch.from_numpy(optimum.weights).to(columns)

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        leaf = torch.from_numpy(flat.reshape(starts.shape)).requires_grad_()
        total = 2 * (point @ risk_columns(risk, leaf)).sum()
        (slope,) = torch.autograd.grad(total, leaf)
        return float(total.detach()), slope.numpy().reshape(-1).astype(np.float64)

    begin = starts.clamp(-radius, radius).double().numpy().reshape(-1)
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=[(-radius, radius)] * len(begin))
    return torch.from_numpy(np.asarray(found.x).reshape(starts.shape))
