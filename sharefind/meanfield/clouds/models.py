"""The shallow model Phi_nu = <sigma*, nu>, its symmetrisation Q_G Phi_nu, and the squared loss's covector.

`sgd` trains a model; `measures` compares clouds.
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
    """Return Phi_nu(x) = mean_i sigma*(x, theta_i).

    Args:
        unit: The unit sigma*.
        x: Inputs, shape (R, B, d_in).
        theta: Particles, shape (R, D, N).

    Returns:
        Shape (R, B, d_out).
    """
    return unit.values(x, theta).mean(-1).transpose(1, 2)


def predict_labels(unit: Unit, change: Standardisation, x: FloatArray, particles: FloatArray) -> FloatArray:
    """Return shift + scale Phi_nu(x - centre), in the units of the labels.

    The particles are those of the user's coordinates: they hold the matrix of a change of data, but not its origin.

    Args:
        unit: The unit sigma*.
        change: The change of data under which the particles were trained.
        x: Inputs, shape (B, d_in).
        particles: Shape (N, D).

    Returns:
        Shape (B, d_out).
    """
    theta = torch.from_numpy(particles.T.copy())[None]
    centred = np.array(x, dtype=np.float64) - change.centre
    inner = predict(unit, torch.from_numpy(centred)[None], theta)[0]
    return np.asarray(change.shift + change.scale * inner.numpy())


def predict_symmetrised(unit: Unit, action: ParticleAction, x: Tensor, theta: Tensor) -> Tensor:
    """Return Q_G Phi_nu(x), through Q_G Phi_nu = Phi_{nu^G}.

    Maass & Fontbona 2024, Prop. 1. Finite groups only; costs |G| evaluations.

    Args:
        unit: The unit sigma*.
        action: The group's action on particles.
        x: Inputs, shape (R, B, d_in).
        theta: Particles, shape (R, D, N).

    Returns:
        Shape (R, B, d_out).
    """
    return predict(unit, x, action.images(theta).flatten(2))


def squared_risk(prediction: Tensor, y: Tensor) -> Tensor:
    """Return the mean over samples of |Phi(x) - y|^2.

    Args:
        prediction: Phi(x), shape (R, B, d_out).
        y: Labels, shape (R, B, d_out).

    Returns:
        Shape (R,).
    """
    return ((prediction - y) ** 2).sum(-1).mean(-1)
