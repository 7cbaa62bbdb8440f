"""The shallow model Phi_nu = <sigma*, nu>, its symmetrisation Q_G Phi_nu, and the squared loss's covector.

Training a model is left to `sgd`; comparing clouds is left to `measures`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.units import Unit
from sharefind.typing import FloatArray


def predict(unit: Unit, x: Tensor, theta: Tensor) -> Tensor:
    """Phi_nu(x) = mean_i sigma*(x, theta_i): x (R, B, d_in), theta (R, D, N) -> (R, B, d_out)."""
    return unit.values(x, theta).mean(-1).transpose(1, 2)


def predict_labels(unit: Unit, change: Standardisation, x: FloatArray, particles: FloatArray) -> FloatArray:
    """shift + scale Phi_nu(x - centre), in the units of the labels: x (B, d_in), particles (N, D) -> (B, d_out).

    The particles are those of the user's coordinates: of a change of data they hold the matrix, not the origin.
    """
    theta = torch.from_numpy(particles.T.copy())[None]
    centred = np.array(x, dtype=np.float64) - change.centre
    inner = predict(unit, torch.from_numpy(centred)[None], theta)[0]
    return np.asarray(change.shift + change.scale * inner.numpy())


def predict_symmetrised(unit: Unit, action: ParticleAction, x: Tensor, theta: Tensor) -> Tensor:
    """Q_G Phi_nu(x), through Q_G Phi_nu = Phi_{nu^G}: the same shapes as `predict`.

    Maass & Fontbona 2024, Prop. 1. Finite groups only; costs |G| evaluations.
    """
    return predict(unit, x, action.images(theta).flatten(2))


def squared_risk(prediction: Tensor, y: Tensor) -> Tensor:
    """Mean over samples of |Phi(x) - y|^2: (R, B, d_out) twice -> (R,)."""
    return ((prediction - y) ** 2).sum(-1).mean(-1)
