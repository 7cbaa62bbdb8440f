"""Gradients of the four schemes against autograd of the risks that define them, each risk written out plainly."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield import (
    AugmentedSource,
    Batch,
    JointAction,
    MatrixUnit,
    ParticleAction,
    Projector,
    Scheme,
    gaussian_start,
    predict,
    predict_symmetrised,
    scheme_gradient,
)
from sharefind.meanfield.objectives.schemes import Gradient
from sharefind.spaces import fixed_space

Model = Callable[[MatrixUnit, Tensor, Tensor], Tensor]
Phi = Callable[[Tensor, Tensor], Tensor]

DOUBLE = 1e-10
"""Largest entry of the difference from autograd in float64; entries of the gradients are of order one."""
SINGLE = 1e-5
"""The same for float32 against float64."""
REPLICATES, SAMPLES, PARTICLES = 2, 5, 3


class OneBatch:
    """The same minibatch at every step."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self._batch = Batch(x, y)

    def batch(self, step: int) -> Batch:
        return self._batch


def setting(unit: MatrixUnit, replicates: int = REPLICATES) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(replicates, SAMPLES, unit.d_in)))
    y = torch.from_numpy(rng.normal(size=(replicates, SAMPLES, unit.d_out)))
    return x, y, torch.from_numpy(rng.normal(size=(replicates, unit.space.dim, PARTICLES)))


def gradient_of(scheme: Scheme, unit: MatrixUnit) -> Gradient:
    fixed = Projector(fixed_space(unit.space.action))
    return scheme_gradient(scheme, unit, ParticleAction(unit.space.action), fixed)


def plain_phi(scheme: Scheme, unit: MatrixUnit, model: Model) -> Phi:
    """The model that a scheme trains, from its definition and the dense matrices of the group."""
    rho, rhohat, m = (torch.from_numpy(r.float_matrices()) for r in (unit.in_rep, unit.out_rep, unit.space.action))
    if scheme is Scheme.FA:
        return lambda x, theta: torch.stack(
            [model(unit, x @ a.t(), theta) @ b for a, b in zip(rho, rhohat, strict=True)]
        ).mean(0)
    if scheme is Scheme.EA:
        return lambda x, theta: model(unit, x, m.mean(0) @ theta)
    return lambda x, theta: model(unit, x, theta)


def autograd(phi: Phi, x: Tensor, y: Tensor, theta: Tensor) -> Tensor:
    """N times the gradient of mean_b |Phi(x_b) - y_b|^2, for each replicate."""
    leaf = theta.clone().requires_grad_()
    predictions = torch.stack([phi(a, b) for a, b in zip(x, leaf, strict=True)])
    risk = ((predictions - y) ** 2).sum(-1).mean(-1).sum()
    (slope,) = torch.autograd.grad(risk, leaf)
    return slope * theta.shape[-1]


@pytest.mark.parametrize("scheme", [Scheme.VANILLA, Scheme.FA, Scheme.EA])
def test_closed_forms_are_autograds(scheme: Scheme, unit: MatrixUnit, model: Model) -> None:
    x, y, theta = setting(unit)
    slope, prediction = gradient_of(scheme, unit)(x, y, theta)
    phi = plain_phi(scheme, unit, model)
    torch.testing.assert_close(slope, autograd(phi, x, y, theta), rtol=0, atol=DOUBLE)
    expected = torch.stack([phi(a, b) for a, b in zip(x, theta, strict=True)])
    torch.testing.assert_close(prediction, expected, rtol=0, atol=DOUBLE)


def test_data_augmentation_is_the_vanilla_gradient_at_moved_samples(unit: MatrixUnit, model: Model) -> None:
    x, y, theta = setting(unit)
    action = JointAction(unit.in_rep, unit.out_rep)
    source = AugmentedSource(OneBatch(x, y), action, REPLICATES, np.random.default_rng(5))
    batch = source.batch(0)
    slope, _ = gradient_of(Scheme.DA, unit)(batch.x, batch.y, theta)
    elements = action.draw((REPLICATES, SAMPLES), np.random.default_rng(5))
    rho, rhohat = (torch.from_numpy(r.float_matrices())[elements] for r in (unit.in_rep, unit.out_rep))
    moved_x, moved_y = torch.einsum("rbij,rbj->rbi", rho, x), torch.einsum("rbij,rbj->rbi", rhohat, y)
    expected = autograd(plain_phi(Scheme.DA, unit, model), moved_x, moved_y, theta)
    torch.testing.assert_close(slope, expected, rtol=0, atol=DOUBLE)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_single_precision(scheme: Scheme, unit: MatrixUnit) -> None:
    x, y, theta = setting(unit)
    gradient = gradient_of(scheme, unit)
    single, prediction = gradient(x.float(), y.float(), theta.float())
    assert single.dtype == prediction.dtype == torch.float32
    torch.testing.assert_close(single.double(), gradient(x, y, theta)[0], rtol=SINGLE, atol=SINGLE)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_replicates_may_share_their_samples(scheme: Scheme, unit: MatrixUnit) -> None:
    x, y, theta = setting(unit)
    gradient = gradient_of(scheme, unit)
    shared = gradient(x[:1], y[:1], theta)
    alone = gradient(x[:1].expand_as(x), y[:1].expand_as(y), theta)
    for a, b in zip(shared, alone, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_the_mean_over_the_group_of_data_augmentation(unit: MatrixUnit) -> None:
    """R^DA of one sample is the mean of R over its orbit: on E^G its gradient lies in E^G."""
    x, y, theta = setting(unit, 1)
    action, projector = JointAction(unit.in_rep, unit.out_rep), Projector(fixed_space(unit.space.action))
    order = unit.in_rep.finite_group.order
    on_fixed = projector(theta)
    slopes = []
    for g in range(order):
        moved = action.move(torch.full((1, SAMPLES), g), x, y)
        slopes.append(gradient_of(Scheme.DA, unit)(*moved, on_fixed)[0])
    mean = torch.stack(slopes).mean(0)
    torch.testing.assert_close(projector(mean), mean, rtol=0, atol=DOUBLE)


@pytest.mark.parametrize("scheme", [Scheme.FA, Scheme.EA])
def test_on_the_fixed_space_gradients_stay_in_it(scheme: Scheme, unit: MatrixUnit) -> None:
    x, y, _ = setting(unit)
    space = fixed_space(unit.space.action)
    theta = gaussian_start(space, PARTICLES, 1.0, np.random.default_rng(1), REPLICATES)
    slope, prediction = gradient_of(scheme, unit)(x, y, theta)
    torch.testing.assert_close(Projector(space)(slope), slope, rtol=0, atol=DOUBLE)
    # There FA, EA and the model itself agree, and FA's and EA's gradients are the projected vanilla one.
    torch.testing.assert_close(prediction, predict(unit, x, theta), rtol=0, atol=DOUBLE)
    other = gradient_of(Scheme.EA if scheme is Scheme.FA else Scheme.FA, unit)(x, y, theta)[0]
    torch.testing.assert_close(slope, other, rtol=0, atol=DOUBLE)
    plain = gradient_of(Scheme.VANILLA, unit)(x, y, theta)[0]
    torch.testing.assert_close(slope, Projector(space)(plain), rtol=0, atol=DOUBLE)


def test_feature_averaging_predicts_with_the_symmetrised_model(unit: MatrixUnit) -> None:
    x, y, theta = setting(unit)
    _, prediction = gradient_of(Scheme.FA, unit)(x, y, theta)
    expected = predict_symmetrised(unit, ParticleAction(unit.space.action), x, theta)
    torch.testing.assert_close(prediction, expected, rtol=0, atol=1e-12)


def test_a_perfect_fit_has_no_gradient(unit: MatrixUnit) -> None:
    x, _, theta = setting(unit)
    slope, _ = gradient_of(Scheme.VANILLA, unit)(x, predict(unit, x, theta), theta)
    assert float(slope.abs().max()) < 1e-13


def test_only_vanilla_training_is_evidence() -> None:
    assert [s for s in Scheme if s.is_evidence] == [Scheme.VANILLA]


@pytest.mark.parametrize("scheme", [Scheme.FA, Scheme.EA])
def test_schemes_that_need_a_group_say_so(scheme: Scheme, build: Callable[..., MatrixUnit]) -> None:
    unit = build("C2", "natural", "natural", "matrix")
    with pytest.raises(ConfigError, match=rf"scheme {scheme.value} needs a group.*--scheme vanilla"):
        scheme_gradient(scheme, unit)
