"""Tests of weak and strong invariance: level by simulation, power, and agreement with exact transport."""

import numpy as np
import pytest
import torch
from scipy import stats

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import Representation, from_matrices, hom, named_group, natural
from sharefind.meanfield import (
    ParticleAction,
    Projector,
    is_strongly_invariant,
    si_test,
    w2_squared,
    wi_test,
)
from sharefind.spaces import fixed_space

SIMULATIONS, COPIES = 600, 19
LEVELS = (0.05, 0.2, 0.5)
"""Multiples of 1/20, at which the test with 19 copies is exact."""
SURE = 1e-4
"""Two-sided binomial probability below which a simulated level counts as wrong; six comparisons a test."""


def action_of(name: str) -> Representation:
    rep = natural(named_group(name))
    return hom(rep, rep)


def invariant_cloud(action: Representation, n: int, rng: np.random.Generator) -> torch.Tensor:
    """Independent draws from a skew law moved by Haar elements: WI, and nothing like a Gaussian."""
    skew = np.exp(rng.normal(size=(n, action.dim))) * np.arange(1, action.dim + 1)
    if action.group.order is None:
        return torch.from_numpy(np.einsum("nde,ne->dn", action.sample_matrices(rng, n), skew))
    elements = np.asarray(action.finite_group.sample(rng, n))
    return torch.from_numpy(action.act_float(elements, skew)).t()


def has_level(p_values: np.ndarray, level: float) -> bool:
    hits = int((p_values <= level + 1e-12).sum())
    return bool(stats.binomtest(hits, len(p_values), level).pvalue > SURE)


@pytest.mark.parametrize("name", ["C4", "B2", "SO2"])
def test_the_level_of_the_wi_test(name: str) -> None:
    rng, action = np.random.default_rng(0), action_of(name)
    p_values = np.array(
        [
            wi_test(invariant_cloud(action, 6, rng), action, rng, copies=COPIES, draws=3).p_value
            for _ in range(SIMULATIONS)
        ]
    )
    assert all(has_level(p_values, level) for level in LEVELS), [np.mean(p_values <= x + 1e-12) for x in LEVELS]


def test_the_level_of_the_w2_statistic() -> None:
    """With 14 particles: with few, copies coincide, ties count against rejection, and the level is below alpha."""
    rng, action = np.random.default_rng(1), action_of("C2")
    p_values = np.array(
        [wi_test(invariant_cloud(action, 14, rng), action, rng, "w2", COPIES).p_value for _ in range(200)]
    )
    assert all(has_level(p_values, level) for level in LEVELS), [np.mean(p_values <= x + 1e-12) for x in LEVELS]


@pytest.mark.parametrize("statistic", ["energy", "w2"])
@pytest.mark.parametrize("name", ["C3", "B2"])
def test_clouds_without_symmetry_are_rejected(name: str, statistic: str) -> None:
    rng, action = np.random.default_rng(2), action_of(name)
    cloud = invariant_cloud(action, 40, rng)
    cloud[0] += 6 * float(cloud.std())
    found = wi_test(cloud, action, rng, "energy" if statistic == "energy" else "w2", copies=99)
    assert found.p_value == 0.01
    assert found.relative > 0.05
    assert found.monte_carlo_error == 0.0


def test_statistics_are_what_they_say() -> None:
    rng, action = np.random.default_rng(3), action_of("C3")
    cloud = torch.from_numpy(rng.normal(size=(9, 8)))
    whole = ParticleAction(action).images(cloud.unsqueeze(0))[0].flatten(1)
    expected = w2_squared(cloud.t().numpy(), whole.t().numpy())
    assert abs(wi_test(cloud, action, rng, "w2", 3).statistic - expected) < 1e-12
    assert wi_test(whole, action, rng, "w2", 3).statistic < 1e-12
    assert wi_test(whole, action, rng, "energy", 3).statistic < 1e-12


def test_infinite_groups_report_their_monte_carlo_error() -> None:
    action = action_of("SO2")
    cloud = torch.from_numpy(np.random.default_rng(4).normal(size=(4, 30))) + 1.0
    values = [wi_test(cloud, action, np.random.default_rng(s), copies=1, draws=400) for s in range(20)]
    spread = float(np.std([v.statistic for v in values], ddof=1))
    # The standard deviation of 20 values is within a factor 2 of the truth, all but surely.
    assert spread / 2 < float(np.mean([v.monte_carlo_error for v in values])) < 2 * spread


def replicates(rng: np.random.Generator, drift: float, count: int = 6) -> tuple[torch.Tensor, Projector]:
    action = action_of("C3")
    projector = Projector(fixed_space(action))
    start = projector(torch.from_numpy(rng.normal(size=(1, 9, 10))))
    noise = torch.from_numpy(rng.laplace(size=(count, 9, 10)))
    off = projector.residual(torch.from_numpy(rng.normal(size=(1, 9, 10))))
    return start + 0.1 * noise + drift * off, projector


def test_the_level_of_the_si_test() -> None:
    rng = np.random.default_rng(5)
    p_values = np.array([si_test(*replicates(rng, 0.0), rng).p_value for _ in range(SIMULATIONS)])
    # 2^5 = 32 patterns: p-values are multiples of 1/32.
    assert all(has_level(p_values, level) for level in (1 / 32, 0.25, 0.5))


def test_the_power_of_the_si_test_and_its_statistic() -> None:
    rng = np.random.default_rng(6)
    clouds, projector = replicates(rng, 0.2)
    found = si_test(clouds, projector, rng)
    assert found.p_value == 1 / 32
    assert found.copies == 31
    residual = projector.residual(clouds)
    pairs = [float((residual[a] * residual[b]).sum()) for a in range(6) for b in range(6) if a != b]
    assert abs(found.statistic - np.mean(pairs) / 10) < 1e-12


def test_many_replicates_draw_their_signs() -> None:
    rng = np.random.default_rng(7)
    clouds, projector = replicates(rng, 0.3, count=14)
    assert si_test(clouds, projector, rng, copies=199).p_value == 1 / 200


def test_strong_invariance_of_a_cloud() -> None:
    rng = np.random.default_rng(8)
    clouds, projector = replicates(rng, 0.0)
    on = projector(clouds)
    assert bool(is_strongly_invariant(on, projector, 1e-12).all())
    assert not bool(is_strongly_invariant(clouds, projector, 1e-3).any())
    single = projector(clouds.float())
    assert bool(is_strongly_invariant(single, projector, 1e-5).all())


def test_what_cannot_be_tested() -> None:
    rng, action = np.random.default_rng(9), action_of("C2")
    with pytest.raises(ConfigError, match="does not fit"):
        wi_test(torch.zeros(3, 5), action, rng)
    with pytest.raises(ConfigError, match="give 1 or more"):
        wi_test(torch.zeros(4, 5), action, rng, copies=0)
    with pytest.raises(ConfigError, match="R of at least 2"):
        si_test(torch.zeros(1, 4, 5), Projector(fixed_space(action)), rng)
    skew = from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "skew")
    with pytest.raises(GroupError, match="not orthogonal"):
        wi_test(torch.zeros(2, 5), skew, rng)
