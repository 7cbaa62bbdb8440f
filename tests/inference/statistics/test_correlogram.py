"""The correlogram against its definition in loops, what must not depend on positions, its level and its power."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, Representation, named_group, natural, subgroups, trivial
from sharefind.inference import (
    CandidateFamily,
    Correlogram,
    axis_rotations,
    family_test,
    randomisation_test,
    subgroup_family,
)
from sharefind.inference.statistics.correlogram import _Features
from sharefind.meanfield import JointAction

pytestmark = pytest.mark.usefixtures("independent_rows")

ROUNDING = 1e-9


SMALL: dict[str, Any] = {"landmarks": 48}
"""Few landmarks: the mathematics is the same."""


def statistic(
    rep: Representation, out: Representation | None = None, **settings: Any
) -> tuple[CandidateFamily, Correlogram]:
    family = subgroup_family(rep, out or rep)
    groups = tuple(c.group for c in family.candidates if c.group is not None)
    return family, Correlogram(rep, out or rep, groups, **settings)


def teacher(
    rep: Representation, group: FiniteGroup, n: int, rng: np.random.Generator, noise: float = 0.1
) -> tuple[torch.Tensor, torch.Tensor]:
    """A weakly invariant teacher: particles N(0, 1.5^2) with all their images, logistic units, X ~ N(0, 4 I)."""
    matrices = rep.restrict(group).float_matrices()
    particles = rng.normal(0, 1.5, size=(5, rep.dim, rep.dim))
    x = 2 * rng.normal(size=(n, rep.dim))
    y: NDArray[np.float64] = np.zeros((n, rep.dim))
    for g in matrices:
        for z in particles:
            y = y + 1 / (1 + np.exp(-x @ (g @ z @ g.T).T)) / (len(matrices) * len(particles))
    return torch.from_numpy(x), torch.from_numpy(y + noise * rng.normal(size=y.shape))


def cyclic(degree: int) -> FiniteGroup:
    return FiniteGroup("shifts", degree, (tuple((i + 1) % degree for i in range(degree)),))


def test_the_kernel_is_the_one_of_infinitely_many_units() -> None:
    """2/pi arcsin is E erf(w.x + b) erf(w.x' + b) for Gaussian weights (Williams 1998), by Monte Carlo."""
    from scipy.special import erf

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    expected = np.zeros((2, 4))
    c3 = natural(named_group("C3"))
    model = Correlogram(c3, c3, (c3.finite_group,))
    for bias in model.biases:
        w = model.inverse_length * rng.normal(size=(400_000, 3))
        c = bias * rng.normal(size=(400_000, 1))
        expected += erf(w @ a.T + c).T @ erf(w @ b.T + c) / 400_000 / len(model.biases)
    found = model.kernel(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(found, expected, atol=5e-3)


def features(rep: Representation, x: torch.Tensor, seed: int = 0, **settings: Any) -> _Features:
    model = Correlogram(rep, rep, (rep.finite_group,), **SMALL, **settings)
    return _Features(model, x, np.random.default_rng(seed))


def samples(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, 3))), torch.from_numpy(rng.normal(size=(n, 3)))


def test_correlations_by_their_definition() -> None:
    group = named_group("D3")
    on_y = torch.from_numpy(natural(group).float_matrices())
    table = torch.from_numpy(group.multiplication_table().astype(np.int64))
    moments = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, group.order, 3)))
    seen = torch.einsum("gba,rigb->riga", on_y, moments)  # rhohat_g^{-1} B[i, g]
    found = features(natural(group), samples(5, 1)[0]).correlations(seen)
    for row in range(2):
        split = moments[row]
        for h in range(group.order):
            moved = torch.zeros_like(split)
            for g in range(group.order):
                moved[:, table[h, g]] = split[:, g] @ on_y[h].t()
            assert float(found[row, h]) == pytest.approx(float((split * moved).sum()), abs=ROUNDING)


@pytest.mark.parametrize("members", [[0], list(range(6))])
def test_residuals_are_those_of_a_symmetric_gaussian_process(members: list[int]) -> None:
    """With every sample a landmark, the ridge regression is the one of the kernel mean_h kappa(x, h x') rhohat_h."""
    rep = natural(named_group("D3"))
    on = torch.from_numpy(rep.float_matrices())[members]
    x, y = samples(7, 2)
    made = features(rep, x)
    assert len(made.landmarks) == 7 * 6
    covariance = torch.zeros(7, 3, 7, 3, dtype=torch.float64)
    for g in on:
        covariance += torch.einsum("ij,ab->iajb", made.model.kernel(made.x, made.x @ g.t()), g / len(on))
    matrix = covariance.reshape(21, 21) + made.model.noise * torch.eye(21, dtype=torch.float64)
    centred = y - y.mean(0) @ on.mean(0).t()
    expected = torch.linalg.solve(matrix, centred.reshape(-1)).reshape(7, 3)
    torch.testing.assert_close(made.residuals(centred, torch.tensor(members)), expected, rtol=0, atol=1e-6)


def test_residuals_move_with_their_samples() -> None:
    rep = natural(named_group("D3"))
    matrices, members = torch.from_numpy(rep.float_matrices()), torch.arange(6)
    x, y = samples(7, 2)
    elements = matrices[torch.from_numpy(np.random.default_rng(3).integers(6, size=7))]
    moved_x, moved_y = (torch.einsum("nij,nj->ni", elements, v) for v in (x, y))
    plain = features(rep, x).residuals(y, members)
    moved = features(rep, moved_x).residuals(moved_y, members)
    torch.testing.assert_close(moved, torch.einsum("nij,nj->ni", elements, plain), rtol=0, atol=1e-7)


def test_the_whitening_commutes_with_the_group() -> None:
    made = features(natural(named_group("D3")), samples(9, 3)[0])
    for h in range(6):
        place = torch.cat([6 * i + made.table[h] for i in range(len(made.landmarks) // 6)])
        torch.testing.assert_close(made.whitening[place][:, place], made.whitening, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [2**10, 2**26])
@pytest.mark.parametrize("numbers", [[0, 1, 3], [0]], ids=["rotations", "trivial"])
def test_moments_of_moves_are_moments_of_moved_samples(numbers: list[int], size: int) -> None:
    """B by its definition, sum_i W phi(g_i x_i) (rhohat_{g_i} a_i)^T, whole and in pieces."""
    rep = natural(named_group("D3"))
    matrices, members = torch.from_numpy(rep.float_matrices()), torch.tensor(numbers)
    x, a = samples(7, 4)
    made = features(rep, x, piece_bytes=size)
    assert (len(made.pieces) > 1) == (size == 2**10)
    elements = torch.from_numpy(np.random.default_rng(5).integers(len(numbers), size=(2, 7)))
    found = torch.einsum("gab,rigb->riga", made.on_y, made.moments(a, members)(elements))
    for row, moves in zip(found, matrices[members[elements]], strict=True):
        moved_x, moved_a = (torch.einsum("nij,nj->ni", moves, v) for v in (made.x, a))
        expected = made.whitening @ made.model.kernel(made.landmarks, moved_x) @ moved_a
        torch.testing.assert_close(row.flatten(0, 1), expected, rtol=0, atol=1e-7)


def test_one_move_for_all_samples_permutes_the_scores() -> None:
    """T_K of data moved by one element u of the hypothesis is T of the conjugate subgroup."""
    rep = natural(named_group("S3"))
    family, scores = statistic(rep, **SMALL)
    x, y = teacher(rep, cyclic(3), 20, np.random.default_rng(4))
    bound = scores.bind(JointAction(rep, rep), x, y, np.random.default_rng(0))
    assert bound.of_moves is not None
    plain = bound.observed(x)[0]
    for u in range(6):
        moved = bound.of_moves(torch.full((1, 20), u))[0]
        torch.testing.assert_close(moved.sort().values, plain.sort().values, rtol=0, atol=1e-7)
    assert len(plain) == len(family.candidates) + 1  # all but the whole group; the trivial one, and the inputs


def test_inputs_that_are_not_invariant_are_seen_without_any_relation() -> None:
    rep = natural(named_group("C4"))
    _, scores = statistic(rep)
    rng = np.random.default_rng(8)
    x = torch.from_numpy(rng.normal(size=(100, 4)) + np.array([0.8, 0.0, 0.0, 0.0]))
    y = torch.from_numpy(rng.normal(size=(100, 4)))
    test = randomisation_test(x, y, JointAction(rep, rep), scores, rng, 99)
    assert test.p_value == 0.01


@pytest.mark.slow
def test_the_level() -> None:
    rep = natural(named_group("S4"))
    family, scores = statistic(rep, **SMALL)
    (place,) = [k for k, c in enumerate(family.candidates) if c.group == cyclic(4)]
    p_values = []
    for seed in range(600):
        rng = np.random.default_rng([5, seed])
        x, y = teacher(rep, cyclic(4), 30, rng)
        p_values.append(randomisation_test(x, y, family.candidates[place].moves, scores, rng, 19).p_value)
    for level in (0.05, 0.2, 0.5):
        error = 3.5 * (level * (1 - level) / 600) ** 0.5
        assert abs(float(np.mean(np.array(p_values) <= level + ROUNDING)) - level) < error


@pytest.mark.slow
@pytest.mark.ci
def test_the_lattice_of_s4_finds_the_shifts() -> None:
    """Little noise: nothing is left to chance but the level."""
    rep = natural(named_group("S4"))
    family, scores = statistic(rep)
    x, y = teacher(rep, cyclic(4), 200, np.random.default_rng(6), noise=0.02)
    found = family_test(x, y, family, scores, alpha=0.02, copies=99)
    holds = {c.name for c in family.candidates if c.group is not None and c.group.is_subgroup_of(cyclic(4))}
    assert set(found.accepted) == holds
    assert found.conflict == ()


def test_invariant_outputs_and_signs() -> None:
    group = named_group("B2")
    family, scores = statistic(natural(group), trivial(group, 1))
    rng = np.random.default_rng(7)
    x = torch.from_numpy(rng.normal(size=(60, 2)))
    y = (-x[:, :1].abs()).exp() + 0.02 * torch.from_numpy(rng.normal(size=(60, 1)))
    quarter = family.candidates[family.place("C4")]
    assert randomisation_test(x, y, quarter.moves, scores, rng, 99).p_value == 0.01


def test_what_it_cannot_compare() -> None:
    c3, so2 = named_group("C3"), named_group("SO2")
    with pytest.raises(ConfigError, match="finite group"):
        Correlogram(natural(so2), natural(so2), (c3,))
    with pytest.raises(ConfigError, match="at least one"):
        Correlogram(natural(c3), natural(c3), ())
    scores = Correlogram(natural(c3), natural(c3), subgroups(c3))
    x = torch.ones(5, 3, dtype=torch.float64)
    with pytest.raises(GroupError, match="subgroups of the group"):
        scores.bind(axis_rotations([0, 0, 1], 3), x, x, np.random.default_rng(0))
