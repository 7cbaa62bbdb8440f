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
from sharefind.inference.continuous.group_draws import part_drawing
from sharefind.inference.continuous.infinitesimal import _velocity_form
from sharefind.inference.continuous.vector_parts import VectorParts, axis_of, turning_words

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
    form, skew = _velocity_form([model, model], x, VectorParts(((3, 2),))), skew_basis(3)
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


PLANES = VectorParts(((2, 1), (2, 1)))


def exact_form(function, parts: VectorParts, d_in: int) -> np.ndarray:
    x = torch.from_numpy(np.random.default_rng(20).normal(size=(200, d_in)))
    return _velocity_form([function, function], x, parts)


def test_velocities_of_several_subspaces_vanish_on_what_is_kept() -> None:
    def apart(x: Tensor) -> Tensor:
        return (x[:, :2].square().sum(1) * x[:, 2:4].square().sum(1) + x[:, 4]).unsqueeze(1)

    def together(x: Tensor) -> Tensor:
        return (x[:, :2] * x[:, 2:4]).sum(1, keepdim=True)

    skew = PLANES.skew
    kept = np.einsum("aij,ijkl,bkl->ab", skew, exact_form(apart, PLANES, 5), skew)
    assert np.abs(kept).max() < 1e-12
    values = np.linalg.eigvalsh(np.einsum("aij,ijkl,bkl->ab", skew, exact_form(together, PLANES, 4), skew))
    assert abs(values[0]) < 1e-12 < values[1]  # both planes turn by one angle


def test_velocities_of_labels_that_turn_vanish() -> None:
    parts = VectorParts(((3, 5),), (1,))

    def dipole(x: Tensor) -> Tensor:
        points = x.reshape(len(x), 5, 3)
        vector = (points * points.square().sum(2, keepdim=True)).sum(1)
        return torch.cat([vector, vector.square().sum(1, keepdim=True)], 1)

    form = np.einsum("aij,ijkl,bkl->ab", parts.skew, exact_form(dipole, parts, 15), parts.skew)
    assert np.abs(form).max() < 1e-9
    still = VectorParts(((3, 5),))
    form = np.einsum("aij,ijkl,bkl->ab", parts.skew, exact_form(dipole, still, 15), parts.skew)
    assert np.linalg.eigvalsh(form)[0] > 1


def test_moves_turn_each_subspace_and_its_labels() -> None:
    parts = VectorParts(((3, 2), (2, 1)), (1, 1))
    moves = parts.moves(part_drawing(parts.skew, parts), 9, 6)
    x, y = torch.arange(9.0, dtype=torch.float64), torch.arange(6.0, dtype=torch.float64)
    moved, labels = moves.move(moves.draw((1, 50), np.random.default_rng(0)), x.expand(1, 50, 9), y.expand(1, 50, 6))
    for got, given in ((moved, x), (labels, y)):
        assert torch.allclose(got[0, :, -1], given[-1])  # scalars stay
    assert torch.allclose(moved[0, :, :3].norm(dim=1), x[:3].norm())
    inner = (moved[0, :, :3] * moved[0, :, 3:6]).sum(1)
    assert torch.allclose(inner, x[:3] @ x[3:6])
    with_label = (moved[0, :, :3] * labels[0, :, :3]).sum(1)
    assert torch.allclose(with_label, x[:3] @ y[:3])
    assert torch.allclose((moved[0, :, 6:8] * labels[0, :, 3:5]).sum(1), x[6:8] @ y[3:5])


def test_words_say_what_turns() -> None:
    about = np.zeros((1, 3, 3))
    about[0, 0, 1], about[0, 1, 0] = -math.sqrt(0.5), math.sqrt(0.5)
    space = VectorParts(((3, 1),))
    assert np.allclose(axis_of(about[0]), [0, 0, 1])
    assert turning_words(about, space, "so(2)", 0.3) == "turns about (0, 0, 1), dimension 1, axis within 0.3 degrees"
    assert turning_words(space.skew, space, "so(3)", None) == "all rotations of 3 dimensions, so(3), dimension 3"
    both = "turns so(2) of subspace 1 and so(2) of subspace 2"
    assert turning_words(PLANES.skew, PLANES, "so(2)+so(2)", None) == f"{both}, dimension 2"
    one = (PLANES.skew[:1] + PLANES.skew[1:]) / math.sqrt(2)
    assert turning_words(one, PLANES, "dimension 1", None) == f"{both} turned together, dimension 1"
    assert turning_words(about[:0], space, "0", None) == "turns nothing, dimension 0"


def test_impossible_parts_are_refused() -> None:
    with pytest.raises(InputError, match="dimension of 2 or more"):
        VectorParts(((1, 3),))
    with pytest.raises(InputError, match="each of 2"):
        VectorParts(((3, 1), (2, 1)), (1,))
    x, y = samples("radial", 50, 4, seed=14)
    with pytest.raises(InputError, match="parts need 9 inputs and 0 labels; there are 4"):
        lie_algebra_test(x, y, VectorParts(((3, 3),)))


@pytest.mark.slow
def test_five_points_turn_together_and_planes_apart() -> None:
    rng = np.random.default_rng(21)
    x = rng.normal(size=(1500, 15))
    points = x.reshape(-1, 5, 3)
    y = np.tanh((points**2).sum(2)).sum(1) + 0.1 * (points[:, 0] * points[:, 1]).sum(1)
    found = lie_algebra_test(torch.from_numpy(x), torch.from_numpy(y[:, None]), 5, fit=QUICK)
    assert (found.name, found.words) == ("so(3)", "all rotations of 3 dimensions, so(3), dimension 3")
    x = rng.normal(size=(1500, 5))
    y = np.hypot(x[:, 0], x[:, 1]) * x[:, 4] + np.sin(2 * np.hypot(x[:, 2], x[:, 3]))
    found = lie_algebra_test(torch.from_numpy(x), torch.from_numpy(y[:, None]), PLANES, fit=QUICK)
    assert found.name == "so(2)+so(2)" and found.dimension == 2
    assert found.words == "turns so(2) of subspace 1 and so(2) of subspace 2, dimension 2"


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
