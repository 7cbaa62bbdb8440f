"""A network's particles are the projections of the particles that it was made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sharefind.architectures import TrainedNetwork, coefficients
from sharefind.errors import InputError
from sharefind.spaces import Subspace
from tests.architectures.networks import ARCHITECTURES, network_of, spec_of


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_particles_are_the_orthogonal_projections(case: str) -> None:
    spec = network_of(case).spec
    theta = np.random.default_rng(0).standard_normal((9, spec.space.ambient))
    network = TrainedNetwork(spec, coefficients(spec, theta))
    np.testing.assert_allclose(network.particles, spec.space.project(theta), atol=1e-12)


@pytest.mark.parametrize("labels", [[1, 2, 2, 1], [1, -1, 0, 2], [0, 0, 0, 0], [1, 2, -2, -1]], ids=str)
def test_ties_with_signs_and_zeros(labels: list[int]) -> None:
    spec = replace(spec_of("C2", "matrix:tanh", "natural", "natural"), space=Subspace.from_tying(labels))
    theta = np.random.default_rng(1).standard_normal((5, 4))
    network = TrainedNetwork(spec, coefficients(spec, theta))
    np.testing.assert_allclose(network.particles, spec.space.project(theta), atol=1e-14)


def test_a_numerical_space_has_the_same_identity() -> None:
    space = Subspace.numerical(np.random.default_rng(2).standard_normal((2, 4)))
    spec = replace(spec_of("C2", "matrix:tanh", "natural", "natural"), space=space)
    theta = np.random.default_rng(3).standard_normal((5, 4))
    network = TrainedNetwork(spec, coefficients(spec, theta))
    np.testing.assert_allclose(network.particles, space.project(theta), atol=1e-12)


def test_prediction_is_the_formula_of_the_paper() -> None:
    network = network_of("rescaled")
    x = np.random.default_rng(4).standard_normal((6, 2))
    total = np.zeros((6, 2))
    for z in network.particles:
        total += 1 / (1 + np.exp(-((x - 2.5) @ z[:4].reshape(2, 2).T + z[4:])))
    np.testing.assert_allclose(network.predict(x), 0.3 + 4.0 * total / len(network.particles), atol=1e-13)


@pytest.mark.parametrize("shape", [(0, 4), (3, 5), (4,)], ids=str)
def test_coefficients_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="the coefficients have shape"):
        TrainedNetwork(spec_of("C4", "matrix:tanh", "natural", "natural"), np.zeros(shape))


def test_coefficients_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        TrainedNetwork(spec_of("C4", "matrix:tanh", "natural", "natural"), np.full((2, 4), np.nan))
