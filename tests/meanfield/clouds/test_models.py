"""Phi_nu against a plain double loop, and Prop. 1: symmetrising the model is symmetrising the measure."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sharefind.meanfield import (
    JointAction,
    MatrixUnit,
    ParticleAction,
    Projector,
    predict,
    predict_symmetrised,
    squared_risk,
    symmetrise,
)
from sharefind.spaces import fixed_space

Model = Callable[[MatrixUnit, Tensor, Tensor], Tensor]
TOLERANCE = 1e-10


def setting(unit: MatrixUnit, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(0, 2, size=(3, 6, unit.d_in)))
    return x, torch.from_numpy(rng.normal(size=(3, unit.space.dim, 4)))


def moved_by(unit: MatrixUnit, g: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return JointAction(unit.in_rep, unit.out_rep).move(torch.full(x.shape[:2], g), x, y)


def test_the_model_is_the_mean_of_its_units(unit: MatrixUnit, model: Model) -> None:
    x, theta = setting(unit)
    expected = torch.stack([model(unit, a, b) for a, b in zip(x, theta, strict=True)])
    torch.testing.assert_close(predict(unit, x, theta), expected, rtol=0, atol=1e-12)


def test_symmetrising_the_model_is_symmetrising_the_measure(unit: MatrixUnit, model: Model) -> None:
    """Maass & Fontbona 2024, Prop. 1: Q_G Phi_nu = Phi_{nu^G}, the left side from its definition."""
    x, theta = setting(unit)
    rho, rhohat = (torch.from_numpy(rep.float_matrices()) for rep in (unit.in_rep, unit.out_rep))
    averaged = []
    for samples, particles in zip(x, theta, strict=True):
        terms = [
            model(unit, samples @ a.t(), particles) @ torch.linalg.inv(b).t() for a, b in zip(rho, rhohat, strict=True)
        ]
        averaged.append(torch.stack(terms).mean(0))
    action = ParticleAction(unit.space.action)
    symmetrised = predict_symmetrised(unit, action, x, theta)
    torch.testing.assert_close(symmetrised, torch.stack(averaged), rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(predict(unit, x, symmetrise(theta, action)), symmetrised, rtol=0, atol=1e-14)


def test_invariant_measures_have_equivariant_models(unit: MatrixUnit) -> None:
    """Both WI and SI measures, at every element of the group."""
    x, theta = setting(unit, 1)
    action = ParticleAction(unit.space.action)
    on_fixed = Projector(fixed_space(unit.space.action))(theta)
    for particles in (symmetrise(theta, action), on_fixed):
        prediction = predict(unit, x, particles)
        for g in range(action.order):
            moved_x, moved_prediction = moved_by(unit, g, x, prediction)
            torch.testing.assert_close(predict(unit, moved_x, particles), moved_prediction, rtol=0, atol=TOLERANCE)


def test_symmetrising_changes_no_equivariant_model(unit: MatrixUnit) -> None:
    x, theta = setting(unit, 2)
    action = ParticleAction(unit.space.action)
    wi = symmetrise(theta, action)
    torch.testing.assert_close(predict_symmetrised(unit, action, x, wi), predict(unit, x, wi), rtol=0, atol=TOLERANCE)


def test_the_squared_risk_by_hand() -> None:
    prediction = torch.tensor([[[1.0, 2.0], [0.0, 0.0]]])
    y = torch.tensor([[[0.0, 0.0], [3.0, 0.0]]])
    assert squared_risk(prediction, y).tolist() == [(1 + 4 + 9) / 2]
