"""Both estimators of the entropy against Gaussians' closed forms, derivatives against autograd, and invariance."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import ConfigError, SpaceError
from sharefind.meanfield import KernelEntropy, Unit, entropy_knn, haar_rule, silverman_bandwidth
from sharefind.testing import random_units

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Absolute errors of entropies of order one, declared for each precision."""


def gaussian(spread: list[float], particles: int, replicates: int = 1, seed: int = 0) -> torch.Tensor:
    """Independent draws from N(0, diag(spread^2)), (R, D, N)."""
    rng = np.random.default_rng(seed)
    scale = np.asarray(spread)[None, :, None]
    return torch.from_numpy(scale * rng.normal(size=(replicates, len(spread), particles)))


def closed_form(spread: list[float]) -> float:
    """H of N(0, diag(spread^2)): -(d/2) log(2 pi e) - sum log s."""
    return -len(spread) / 2 * math.log(2 * math.pi * math.e) - float(np.log(spread).sum())


def smoothed_form(spread: list[float], bandwidth: float) -> float:
    """int log N(z; 0, S + eps^2) dN(0, S): what the kernel estimate tends to at a fixed bandwidth."""
    s2 = np.asarray(spread) ** 2
    total = s2 + bandwidth**2
    return float(-0.5 * np.log(2 * np.pi * total).sum() - 0.5 * (s2 / total).sum())


@pytest.mark.parametrize("spread", [[1.0], [0.3, 2.0], [1.0, 0.5, 2.0, 1.5]])
def test_nearest_neighbours_on_gaussians(spread: list[float]) -> None:
    values = entropy_knn(gaussian(spread, 2000, replicates=20))
    error = float(values.std()) / 20**0.5
    # Five standard errors, and a bias of at most 1 % a dimension at 2,000 particles.
    assert abs(float(values.mean()) - closed_form(spread)) < 5 * error + 0.01 * len(spread)


def test_nearest_neighbours_get_better() -> None:
    spread = [1.0, 0.5, 2.0]
    errors = [abs(float(entropy_knn(gaussian(spread, n, 40)).mean()) - closed_form(spread)) for n in (30, 300, 3000)]
    assert errors[2] < errors[0] / 3


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "bandwidth"), [([1.0], 0.3), ([0.5, 2.0], 0.4), ([1.0, 0.7, 1.2], 0.6)])
def test_kernels_on_gaussians(spread: list[float], bandwidth: float) -> None:
    values = KernelEntropy(bandwidth).value(gaussian(spread, 1500, replicates=20))
    error = float(values.std()) / 20**0.5
    assert abs(float(values.mean()) - smoothed_form(spread, bandwidth)) < 5 * error + 0.02 * len(spread)
    # The smoothed form itself tends to the entropy as the bandwidth falls.
    assert abs(smoothed_form(spread, 1e-4) - closed_form(spread)) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("spread", [[1.0], [1.0, 0.5, 2.0, 1.5]])
def test_kernels_get_better(spread: list[float]) -> None:
    """With Silverman's bandwidth the kernel estimate tends to the entropy itself."""
    errors = []
    for n in (50, 1600):
        theta = gaussian(spread, n, replicates=10)
        value = KernelEntropy(silverman_bandwidth(theta)).value(theta).mean()
        errors.append(abs(float(value) - closed_form(spread)))
    assert errors[1] < errors[0] / 2


@pytest.mark.slow
def test_the_entropy_on_a_subspace() -> None:
    basis = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    theta = gaussian([1.0, 1.0, 0.5], 3000, replicates=10)
    assert abs(float(entropy_knn(theta, basis=basis).mean()) - closed_form([1.0, 0.5])) < 0.03
    kernel = KernelEntropy(0.3, basis)
    assert abs(float(kernel.value(theta).mean()) - smoothed_form([1.0, 0.5], 0.3)) < 0.03
    slope = kernel.derivative(theta[:, :, :50])
    inside = torch.einsum("md,me,ren->rdn", basis, basis, slope)
    torch.testing.assert_close(inside, slope, rtol=0, atol=1e-12)


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(2, 7), st.floats(0.2, 2.0), st.booleans(), st.integers(0, 2**16))
def test_derivatives(d: int, n: int, bandwidth: float, on_subspace: bool, seed: int) -> None:
    """D_mu H at a particle is N times the gradient in it; elsewhere, the gradient of the first variation."""
    rng = np.random.default_rng(seed)
    basis = torch.from_numpy(np.linalg.qr(rng.normal(size=(d, d)))[0][: max(1, d - 1)].copy()) if on_subspace else None
    kernel = KernelEntropy(bandwidth, basis)
    theta = torch.from_numpy(rng.normal(size=(2, d, n)))
    leaf = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(kernel.value(leaf).sum(), leaf)
    torch.testing.assert_close(kernel.derivative(theta), slope * n, rtol=1e-7, atol=1e-8)
    at = torch.from_numpy(rng.normal(size=(2, d, 3)))
    leaf = at.clone().requires_grad_()
    (slope,) = torch.autograd.grad(kernel.first_variation(theta, leaf).sum(), leaf)
    torch.testing.assert_close(kernel.derivative(theta, at), slope, rtol=1e-7, atol=1e-8)


@settings(max_examples=40)
@given(random_units(hidden=False), st.sampled_from([torch.float64, torch.float32]), st.integers(0, 2**16))
def test_the_kernel_entropy_is_invariant(unit: Unit, dtype: torch.dtype, seed: int) -> None:
    theta = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, unit.space.dim, 6))).to(dtype)
    images = haar_rule(unit).images(theta)[0].permute(1, 0, 2)
    kernel = KernelEntropy(1.0)
    expected = kernel.value(theta).expand(len(images))
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(kernel.value(images), expected, rtol=0, atol=scale * TOLERANCE[dtype])


def test_the_kernel_entropy_sees_what_is_not_orthogonal() -> None:
    theta, shear = gaussian([1.0, 1.0], 20), torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    kernel = KernelEntropy(1.0)
    # A shear keeps volume, and with it the entropy of a density: only the kernel is not invariant.
    assert abs(float(kernel.value(shear @ theta) - kernel.value(theta))) > 1e-2


def test_single_precision_agrees_with_double() -> None:
    theta, kernel = gaussian([1.0, 0.5, 2.0], 30), KernelEntropy(0.5)
    for method in (kernel.value, kernel.first_variation, kernel.derivative):
        torch.testing.assert_close(
            method(theta.float()).double(), method(theta), rtol=TOLERANCE[torch.float32], atol=TOLERANCE[torch.float32]
        )


def test_pieces_of_the_kernel_change_nothing() -> None:
    theta, kernel = gaussian([1.0, 2.0], 37), KernelEntropy(0.4)
    whole = kernel.value(theta), kernel.derivative(theta), kernel.first_variation(theta)
    kernel = KernelEntropy(0.4, held=500)
    for a, b in zip(whole, (kernel.value(theta), kernel.derivative(theta), kernel.first_variation(theta)), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


def test_silvermans_rule() -> None:
    """On the line it is sigma (4 / (3 N))^(1/5)."""
    theta = gaussian([2.0], 5000)
    assert abs(silverman_bandwidth(theta) - 2.0 * (4 / 15000) ** 0.2) < 0.02
    plane = gaussian([2.0, 2.0], 5000)
    assert abs(silverman_bandwidth(plane) - 2.0 * (1 / 5000) ** (1 / 6)) < 0.02


def test_what_has_no_entropy() -> None:
    with pytest.raises(SpaceError, match="4-th neighbours"):
        entropy_knn(torch.zeros(1, 2, 4))
    with pytest.raises(SpaceError, match="not finite"):
        entropy_knn(torch.full((1, 2, 10), torch.nan))
    for bandwidth in (0.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match=f"bandwidth is {bandwidth}"):
            KernelEntropy(bandwidth)


@pytest.mark.parametrize("k", [1, 4])
def test_one_atom_among_many_particles_is_refused(k: int) -> None:
    """Whatever k: the 4-th neighbours of two particles that coincide are at a positive distance."""
    theta = gaussian([1.0, 1.0], 20)
    theta[0, :, 7] = theta[0, :, 3]
    with pytest.raises(SpaceError, match="particles coincide"):
        entropy_knn(theta, k)


def test_bases_that_do_not_fit() -> None:
    theta = gaussian([1.0, 1.0], 20)
    with pytest.raises(ConfigError, match="not orthonormal"):
        KernelEntropy(1.0, torch.ones(2, 3))
    with pytest.raises(ConfigError, match="not orthonormal"):
        entropy_knn(theta, basis=2 * torch.eye(2))
    with pytest.raises(SpaceError, match=r"R\^3 does not fit particles in R\^2"):
        entropy_knn(theta, basis=torch.eye(3))
    with pytest.raises(SpaceError, match=r"R\^3 does not fit particles in R\^2"):
        KernelEntropy(1.0, torch.eye(3)).value(theta)
