"""Tests of weak and strong invariance: level by simulation, power, and agreement with exact transport."""

import numpy as np
import pytest
import torch
from scipy import stats

from sharefind.errors import ConfigError, GroupError, SpaceError
from sharefind.groups import Representation, from_matrices, hom, named_group, natural
from sharefind.meanfield import (
    ParticleAction,
    Projector,
    energy_distance,
    is_strongly_invariant,
    rmd2_between,
    second_moment,
    si_test,
    w2_squared,
    wi_test,
)
from sharefind.meanfield.clouds.energy import mean_distance
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


@pytest.mark.slow
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
        [wi_test(invariant_cloud(action, 14, rng), action, rng, "w2", COPIES).p_value for _ in range(120)]
    )
    assert all(has_level(p_values, level) for level in LEVELS), [np.mean(p_values <= x + 1e-12) for x in LEVELS]


def test_the_level_of_the_w2_statistic_under_an_infinite_group() -> None:
    """Haar draws shared by the cloud and its copies leave the p-value exact, however few they are."""
    rng, action = np.random.default_rng(11), action_of("SO2")
    p_values = np.array(
        [wi_test(invariant_cloud(action, 5, rng), action, rng, "w2", COPIES, 3).p_value for _ in range(120)]
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
    with pytest.raises(ConfigError, match="draws=1 cannot stand for SO2"):
        wi_test(cloud, action, np.random.default_rng(0), draws=1)


def test_w2_reports_its_monte_carlo_error_too() -> None:
    action = action_of("SO2")
    cloud = torch.from_numpy(np.random.default_rng(4).normal(size=(4, 12))) + 1.0
    values = [wi_test(cloud, action, np.random.default_rng(s), "w2", 1, 60) for s in range(40)]
    spread = float(np.std([v.statistic for v in values], ddof=1))
    assert spread / 2 < float(np.mean([v.monte_carlo_error for v in values])) < 2 * spread


def test_relative_sizes() -> None:
    """RMD^2 for W2, the coefficient of inhomogeneity for the energy; both see a cloud that sits at one point."""
    rng, action = np.random.default_rng(10), action_of("C2")
    cloud = torch.from_numpy(rng.normal(size=(4, 8))) + 1.0
    whole = ParticleAction(action).images(cloud.unsqueeze(0))[0].flatten(1)
    assert wi_test(cloud, action, rng, "w2", 1).relative == pytest.approx(
        rmd2_between(cloud.t().numpy(), whole.t().numpy())
    )
    between = 2 * mean_distance(cloud, whole)
    assert wi_test(cloud, action, rng, "energy", 1).relative == pytest.approx(energy_distance(cloud, whole) / between)
    at_one_point = torch.tensor([[1.0], [0.0], [0.0], [0.0]]).repeat(1, 5)
    # Half of the images stay: E|Z - Z^G| = sqrt(2) / 2, E|Z - Z'| = 0, E|Z^G - Z^G'| = sqrt(2) / 2.
    assert wi_test(at_one_point, action, rng, "energy", 1).relative == pytest.approx(0.5)
    assert wi_test(torch.zeros(4, 5), action, rng, "energy", 1).relative == 0.0


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
    scale = 2 * float((second_moment(clouds) + second_moment(projector(clouds))).mean())
    assert found.relative == pytest.approx(found.statistic / scale)


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
    with pytest.raises(ConfigError, match=r"give \(R, 4, N\)"):
        si_test(torch.zeros(3, 5, 5), Projector(fixed_space(action)), rng)
    with pytest.raises(ConfigError, match="N of at least 1"):
        si_test(torch.zeros(3, 4, 0), Projector(fixed_space(action)), rng)
    skew = from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "skew")
    with pytest.raises(GroupError, match="not orthogonal"):
        wi_test(torch.zeros(2, 5), skew, rng)


def test_diverged_clouds_are_refused() -> None:
    """Comparisons with NaN are false: they would read as a rejection at the smallest p-value."""
    rng, action = np.random.default_rng(12), action_of("C2")
    cloud = torch.ones(4, 5)
    cloud[2, 3] = torch.nan
    for statistic in ("energy", "w2"):
        with pytest.raises(SpaceError, match="not finite"):
            wi_test(cloud, action, rng, "energy" if statistic == "energy" else "w2", 3)
    projector = Projector(fixed_space(action))
    with pytest.raises(SpaceError, match="not finite"):
        si_test(torch.stack([cloud, cloud]), projector, rng)
    assert not bool(is_strongly_invariant(cloud.unsqueeze(0), projector, 1.0).any())


def test_clouds_in_training_can_be_tested() -> None:
    rng, action = np.random.default_rng(13), action_of("C2")
    clouds = torch.from_numpy(rng.normal(size=(3, 4, 6))).requires_grad_()
    assert 0 < wi_test(clouds[0], action, rng, copies=3).p_value <= 1
    assert 0 < si_test(clouds, Projector(fixed_space(action)), rng).p_value <= 1


@pytest.mark.parametrize("statistic", ["energy", "w2"])
def test_copies_that_move_nothing_are_ties(statistic: str) -> None:
    """On E^G every copy is the cloud itself, up to rounding: the test must not reject."""
    rng, action = np.random.default_rng(14), action_of("C3")
    on = Projector(fixed_space(action))(torch.from_numpy(rng.normal(size=(1, 9, 6))))[0]
    assert wi_test(on, action, rng, "energy" if statistic == "energy" else "w2", 19).p_value == 1.0
    far = torch.full((9, 1), 3.0) + torch.arange(9.0).unsqueeze(1)
    # Equal distances for every element: one particle is as far from its orbit wherever on it it stands.
    assert wi_test(far, action, rng, "energy" if statistic == "energy" else "w2", 19).p_value == 1.0


def test_strong_invariance_is_relative() -> None:
    rng = np.random.default_rng(15)
    clouds, projector = replicates(rng, 0.0)
    verdicts = [is_strongly_invariant(scale * clouds, projector, 0.5).tolist() for scale in (1e-6, 1.0, 1e6)]
    assert verdicts == [[True] * len(clouds)] * 3
