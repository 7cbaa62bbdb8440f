"""The shallow model Phi_nu = <sigma*, nu>, its symmetrisation Q_G Phi_nu, and the squared loss's covector.

Training a model is left to `sgd`; comparing clouds is left to `measures`.
"""

from __future__ import annotations

from torch import Tensor

from sharefind.meanfield.actions import ParticleAction
from sharefind.meanfield.units import Unit


def predict(unit: Unit, x: Tensor, theta: Tensor) -> Tensor:
    """Phi_nu(x) = mean_i sigma*(x, theta_i): x (R, B, d_in), theta (R, D, N) -> (R, B, d_out)."""
    return unit.values(x, theta).mean(-1).transpose(1, 2)


def predict_symmetrised(unit: Unit, action: ParticleAction, x: Tensor, theta: Tensor) -> Tensor:
    """Q_G Phi_nu(x), through Q_G Phi_nu = Phi_{nu^G}: the same shapes as `predict`.

    Maass & Fontbona 2024, Prop. 1. Finite groups only; costs |G| evaluations.
    """
    return predict(unit, x, action.images(theta).flatten(2))


def squared_risk(prediction: Tensor, y: Tensor) -> Tensor:
    """Mean over samples of |Phi(x) - y|^2: (R, B, d_out) twice -> (R,)."""
    return ((prediction - y) ** 2).sum(-1).mean(-1)
