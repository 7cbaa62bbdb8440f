"""Lie algebras from data: algebra against scipy's rotations, Haar moments, exactness, and small discoveries."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import expm
from scipy.spatial.transform import Rotation
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError
from sharefind.inference import (
    HeldOutLoss,
    SmoothFit,
    algebra_name,
    group_moves,
    lie_algebra_test,
    nearest_algebra,
    randomisation_test,
    skew_basis,
)
from sharefind.inference.continuous.infinitesimal import _velocity_form

LEVEL, COPIES, SURE = 0.05, 19, 1e-3
QUICK = SmoothFit(width=48, steps=600, batch=100, rate=1e-2)

Array = NDArray[np.float64]


def block_algebra(sizes: tuple[int, ...], d: int, seed: int | None = None) -> Array:
    """so(m) for each size on coordinates of their own, in an orthonormal basis turned at random."""
    turn = np.eye(d) if seed is None else np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    found, start = [], 0
    for m in sizes:
        for matrix in skew_basis(m):
            whole = np.zeros((d, d))
            whole[start : start + m, start : start + m] = matrix
            found.append(turn @ whole @ turn.T)
        start += m
    return np.array(found)


def perturbed(algebra: Array, size: float, seed: int) -> Array:
    """An orthonormal span of skew matrices near an algebra."""
    d, rng = algebra.shape[-1], np.random.default_rng(seed)
    noise = rng.normal(size=algebra.shape)
    span = algebra + size * (noise - noise.transpose(0, 2, 1))
    q = np.linalg.qr(span.reshape(len(span), -1).T)[0]
    return q.T.reshape(-1, d, d)


def outside(algebra: Array) -> float:
    """The largest part of a bracket outside the span of an orthonormal basis."""
    brackets = np.einsum("aij,bjk->abik", algebra, algebra)
    brackets = brackets - brackets.transpose(1, 0, 2, 3)
    inside = np.einsum("abij,cij->abc", brackets, algebra)
    return float(np.abs(brackets - np.einsum("abc,cij->abij", inside, algebra)).max())


def test_the_basis_of_so3_is_that_of_rotation_vectors() -> None:
    basis = skew_basis(3)
    assert np.allclose(np.einsum("aij,bij->ab", basis, basis), np.eye(3))
    generators = np.einsum("aij,a->ij", basis, np.array([0.3, -1.2, 0.5]))
    vector = np.array([generators[2, 1], generators[0, 2], generators[1, 0]])
    assert np.allclose(expm(generators), Rotation.from_rotvec(vector).as_matrix())
    assert outside(basis) < 1e-15


CASES = [((3,), 4), ((3, 2), 5), ((4,), 5), ((2, 2), 4), ((3, 3), 6), ((2,), 3)]


@pytest.mark.parametrize(("sizes", "d"), CASES)
def test_the_nearest_algebra_is_found(sizes: tuple[int, ...], d: int) -> None:
    algebra = block_algebra(sizes, d, seed=1)
    found = nearest_algebra(perturbed(algebra, 0.01, seed=2))
    assert found is not None and found.shape == algebra.shape
    assert outside(found) < 1e-11
    assert np.allclose(np.einsum("aij,bij->ab", found, found), np.eye(len(found)))
    assert (np.einsum("aij,bij->ab", found, algebra) ** 2).sum() / len(found) > 0.99
    assert algebra_name(found) == "+".join(f"so({m})" for m in sizes)


def test_algebras_that_are_no_rotations_of_subspaces() -> None:
    """u(2) in R^4: skew matrices that commute with the complex unit."""
    unit = np.kron(np.eye(2), np.array([[0.0, -1.0], [1.0, 0.0]]))
    commutators = np.array([(a @ unit - unit @ a).ravel() for a in skew_basis(4)])
    kernel = np.linalg.svd(commutators.T)[2][2:]
    algebra = np.einsum("ka,aij->kij", kernel, skew_basis(4))
    found = nearest_algebra(perturbed(algebra, 0.01, seed=3))
    assert found is not None and outside(found) < 1e-11 and algebra_name(found) == "dimension 4"


def test_so4_has_no_algebra_of_dimension_5() -> None:
    span = perturbed(skew_basis(4)[:5], 0.1, seed=4)
    assert nearest_algebra(span) is None


@pytest.mark.parametrize("ratio", [(1, 0), (1, 1), (2, 1), (3, 2)])
def test_single_generators_close(ratio: tuple[int, int]) -> None:
    planes = block_algebra((2, 2), 4, seed=5)
    exact = np.einsum("a,aij->ij", np.array(ratio) / np.hypot(*ratio), planes)
    found = nearest_algebra(perturbed(exact[None], 0.01, seed=6))
    assert found is not None
    frequencies = np.sort(np.abs(np.linalg.eigvals(found[0]).imag))[::-2]
    assert np.allclose(frequencies / frequencies[0], np.array(ratio) / ratio[0])
    turns = group_moves(found).draw((500,), np.random.default_rng(7))[0].numpy()
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(4))
    # A whole period, uniform: the mean is the projector on what no turn moves.
    kernel = np.eye(4) + found[0] @ found[0] / frequencies[0] ** 2 if ratio[1] == 0 else np.zeros((4, 4))
    assert np.abs(turns.mean(0) - kernel).max() < 0.15


@pytest.mark.parametrize(("sizes", "d"), [((3,), 3), ((3, 2), 5), ((2, 2), 4)])
def test_draws_have_the_moments_of_haar_measure(sizes: tuple[int, ...], d: int) -> None:
    on_x, on_y = group_moves(block_algebra(sizes, d), 2, 3).draw((4000,), np.random.default_rng(8))
    draws = on_x.numpy()[:, :d, :d]
    assert np.array_equal(draws, on_x.numpy()[:, d:, d:]) and not on_x.numpy()[:, :d, d:].any()
    assert np.allclose(np.linalg.det(draws), 1) and np.allclose(draws @ draws.transpose(0, 2, 1), np.eye(d))
    assert torch.equal(on_y[0], torch.eye(3, dtype=torch.float64))
    first, second = np.zeros((d, d)), np.zeros((d, d))
    start = 0
    for m in sizes:
        second[start : start + m, start : start + m] = 1 / m
        start += m
    first[start:, start:] = second[start:, start:] = np.eye(d - start)
    assert np.abs(draws.mean(0) - first).max() < 5 / math.sqrt(4000)
    assert np.abs((draws**2).mean(0) - second).max() < 5 / math.sqrt(4000)


def test_a_generator_whose_group_is_not_closed_is_refused() -> None:
    generator = np.einsum("a,aij->ij", np.array([0.8, 0.6 * math.sqrt(0.5)]), block_algebra((2, 2), 4))
    with pytest.raises(GroupError, match="not closed"):
        group_moves(generator[None]).draw((5,), np.random.default_rng(0))


def test_the_velocity_form_of_an_invariant_function_is_0_on_skew_matrices() -> None:
    def model(points: Tensor) -> Tensor:
        pairs = points.reshape(-1, 2, 3)
        return torch.stack([pairs[:, 0].norm(dim=1), (pairs[:, 0] * pairs[:, 1]).sum(1)], 1)

    x = torch.from_numpy(np.random.default_rng(9).normal(size=(50, 6)))
    form, skew = _velocity_form([model, model], x, 2), skew_basis(3)
    assert np.abs(np.einsum("aij,ijkl,bkl->ab", skew, form, skew)).max() < 1e-12
    assert np.einsum("ijij->", form) > 1


def test_the_held_out_loss_is_exact() -> None:
    """The model has no symmetry, the law has SO(3)."""

    def model(points: Tensor) -> Tensor:
        return points[..., :1] + points.norm(dim=-1, keepdim=True)

    rng, moves, hits = np.random.default_rng(10), group_moves(skew_basis(3)), 0
    for _ in range(300):
        x = rng.normal(size=(8, 3))
        y = np.linalg.norm(x, axis=1, keepdims=True) + 0.5 * rng.normal(size=(8, 1))
        samples = torch.from_numpy(x), torch.from_numpy(y)
        hits += randomisation_test(*samples, moves, HeldOutLoss(model), rng, COPIES).p_value <= LEVEL
    assert stats.binomtest(hits, 300, LEVEL).pvalue > SURE, hits / 300


def samples(labels: str, n: int, d: int, seed: int) -> tuple[Tensor, Tensor]:
    x = np.random.default_rng(seed).normal(size=(n, d))
    y = {"radial": np.sin(2 * np.linalg.norm(x, axis=1)), "none": np.sin(x[:, 0]) + x[:, 0] * x[:, 1]}[labels]
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


@pytest.mark.slow
@pytest.mark.parametrize(("labels", "name"), [("radial", "so(2)"), ("none", "0")])
def test_small_discoveries_in_the_plane(labels: str, name: str) -> None:
    found = lie_algebra_test(*samples(labels, 600, 2, seed=11), fit=QUICK, seed=1)
    assert found.name == name and found.dimension == len(found.basis) == len(found.estimate)
    assert found.spectrum.shape == (4,) and found.skew_spectrum.shape == (1,) and found.noise >= 0
    assert found.explained > 0.8 and list(found.tests) == [1]
    assert math.isnan(found.share) if name == "0" else found.share > 0.9


def test_results_repeat() -> None:
    x, y = samples("radial", 100, 2, seed=12)
    fit = SmoothFit(width=8, networks=2, steps=20)
    labels = torch.cat([y, y**2], 1)
    first, second = (lie_algebra_test(x.float(), labels, fit=fit, seed=3, copies=99) for _ in range(2))
    # Linear algebra may round differently, by the place of arrays in memory.
    assert np.allclose(first.spectrum, second.spectrum, rtol=1e-3, atol=1e-5)
    assert {k: t.p_value for k, t in first.tests.items()} == {k: t.p_value for k, t in second.tests.items()}


def test_labels_that_do_not_vary_have_every_symmetry() -> None:
    x, _ = samples("radial", 100, 3, seed=13)
    found = lie_algebra_test(x, torch.ones(100, 1), fit=SmoothFit(width=8, steps=20), copies=99)
    assert found.name == "so(3)" and found.explained == 0


def test_bad_input_is_refused_in_one_line() -> None:
    x, y = samples("radial", 50, 4, seed=14)
    with pytest.raises(InputError, match="4 inputs are not 3 vectors"):
        lie_algebra_test(x, y, 3)
    with pytest.raises(InputError, match="two coordinates or more"):
        lie_algebra_test(x, y, 4)
    with pytest.raises(InputError, match="n at least 40"):
        lie_algebra_test(x[:30], y[:30])
    with pytest.raises(InputError, match="not finite"):
        lie_algebra_test(x / 0, y)
    with pytest.raises(InputError, match="all inputs are 0"):
        lie_algebra_test(0 * x, y)
    with pytest.raises(ConfigError, match="alpha"):
        lie_algebra_test(x, y, copies=9)
    with pytest.raises(ConfigError, match="positive"):
        SmoothFit(width=0)
