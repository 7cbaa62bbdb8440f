"""The escape and the growth rules, on residuals whose law is known."""

import numpy as np
import pytest
import torch

from sharefind.datasets import load_task
from sharefind.search import EscapeGrowth, MeanGrowth, SearchLattice, SearchNode, measure_escape
from sharefind.search.experiments import Training
from sharefind.spaces import Subspace
from tests.search.problems import problem

DIM = 4


def training(signal: np.ndarray, noise: float, replicates: int = 10, particles: int = 200, seed: int = 0) -> Training:
    """Replicates that left {0} by common displacements signal (D, N) and independent noise."""
    rng = np.random.default_rng(seed)
    final = signal[None] + noise * rng.normal(size=(replicates, DIM, particles))
    return Training(torch.zeros(1, DIM, particles), torch.from_numpy(final), torch.zeros(replicates))


def two_sided(direction: np.ndarray, particles: int = 200) -> np.ndarray:
    """Half the particles leave along a direction and half against it: (D, N)."""
    signs = np.where(np.arange(particles) % 2 == 0, 1.0, -1.0)
    return direction[:, None] * signs[None]


def root() -> SearchNode:
    return SearchNode("{0}", Subspace.zero(DIM), None, "{0}")


def test_the_mean_cancels_when_particles_leave_on_both_sides_and_the_second_moment_does_not() -> None:
    direction = np.array([0.6, 0.8, 0.0, 0.0])
    escape = measure_escape(training(two_sided(direction), 0.1), Subspace.zero(DIM))
    assert np.linalg.norm(escape.mean) < 0.01
    np.testing.assert_allclose(escape.second_moment, np.outer(direction, direction), atol=0.01)


def test_independent_noise_averages_to_zero_in_the_cross_fitted_moment() -> None:
    energies = [
        measure_escape(training(np.zeros((DIM, 50)), 1.0, particles=50, seed=s), Subspace.zero(DIM)).energy
        for s in range(400)
    ]
    assert abs(np.mean(energies)) < 4 * np.std(energies) / np.sqrt(400)


def test_the_cross_fitted_moment_equals_the_mean_over_pairs() -> None:
    case = training(two_sided(np.ones(DIM), 7), 0.5, replicates=3, particles=7)
    residual = case.final.numpy()
    pairs = [residual[r] @ residual[s].T / 7 for r in range(3) for s in range(3) if r != s]
    np.testing.assert_allclose(measure_escape(case, Subspace.zero(DIM)).second_moment, np.mean(pairs, axis=0))


def test_explained_energy_is_the_share_inside_a_space() -> None:
    escape = measure_escape(training(two_sided(np.array([3.0, 3.0, 4.0, 0.0])), 0.0), Subspace.zero(DIM))
    assert escape.explained_by(Subspace.full(DIM)) == pytest.approx(1)
    assert escape.explained_by(Subspace.from_tying([1, 1, 0, 0])) == pytest.approx(18 / 34)
    assert escape.explained_by(Subspace.from_tying([1, -1, 0, 0])) == pytest.approx(0, abs=1e-12)


def test_escape_growth_adds_the_significant_directions_and_no_others() -> None:
    signal = np.zeros((DIM, 200))
    signal[0], signal[1] = two_sided(np.ones(DIM))[0], np.where(np.arange(200) < 100, 0.7, -0.7)
    escape = measure_escape(training(signal, 0.3), Subspace.zero(DIM))
    (proposal,) = EscapeGrowth().propose(problem(load_task("c2-wi")), root(), escape, SearchLattice())
    assert proposal.node.space.dim == 2
    off = Subspace.from_tying([1, 2, 0, 0]).distance2(proposal.node.space.orthonormal())
    assert np.sqrt(off.max()) < 0.05


def test_escape_growth_proposes_nothing_when_all_is_noise() -> None:
    found = 0
    for seed in range(50):
        escape = measure_escape(training(np.zeros((DIM, 200)), 1.0, seed=seed), Subspace.zero(DIM))
        found += len(EscapeGrowth().propose(problem(load_task("c2-wi")), root(), escape, SearchLattice()))
    assert found <= 15


def test_mean_growth_adds_the_mean_residual() -> None:
    shift = np.array([1.0, 2.0, 2.0, 0.0])
    escape = measure_escape(training(np.tile(shift[:, None], 200), 0.05), Subspace.zero(DIM))
    (proposal,) = MeanGrowth().propose(problem(load_task("c2-wi")), root(), escape, SearchLattice())
    np.testing.assert_allclose(np.abs(proposal.node.space.orthonormal()[0]), shift / 3, atol=0.01)


@pytest.mark.slow
def test_the_papers_heuristic_shows_the_chain_of_dimensions_0_1_2() -> None:
    """`--growth mean --preset paper` with N = 1000; docs/theory says where it fails."""
    from sharefind.search import Engine

    outcome = Engine(problem(load_task("c2-wi"), growth="mean", preset="paper")).run()
    assert [n.space.dim for n in outcome.chain] == [0, 1, 2]
    off = outcome.problem.fixed_space.distance2(outcome.e_star.space.orthonormal())
    assert np.sqrt(off.max()) < 0.2
