"""The escape and the growth rules, on residuals whose law is known."""

from typing import Any

import numpy as np
import pytest
import torch

from sharefind.architectures.searched_spec import spec_from_outcome
from sharefind.datasets import finite_task, load_task, teacher_student
from sharefind.datasets.task import fresh_task
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.recognition import matrix_layout
from sharefind.search import (
    Engine,
    EscapeGrowth,
    Growth,
    MeanGrowth,
    SearchLattice,
    SearchNode,
    build_problem,
    measure_escape,
    search_config,
)
from sharefind.search.engine import _next
from sharefind.search.experiments import Training
from sharefind.search.hypotheses import TestedProblem as WithTests
from sharefind.search.own_groups import cyclic_spaces, spaces_of_subgroups
from sharefind.search.persistence.recalled_nodes import belongs
from sharefind.search.result_record import result_record
from sharefind.search.rules.registry import is_named
from sharefind.search.search_lattice import Snap
from sharefind.spaces import Subspace, invariant_lattice, matrix_space
from tests.search.problems import problem

NOBODY = FiniteGroup("C1", 1, ())

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


def blind(name: str = "c2-wi") -> WithTests:
    """A search of a task without a candidate."""
    case = build_problem(search_config(blind=True, growth="escape", unit="matrix"), load_task(name), NOBODY)
    return WithTests.of(case, None)


def candidate() -> WithTests:
    return WithTests.of(problem(load_task("c2-wi"), growth="escape"), None)


def start(case: WithTests) -> SearchNode:
    return SearchNode("{0}", Subspace.zero(DIM), None if case.lattice is None else 0, "{0}")


def swapped() -> np.ndarray:
    """Particles that leave {0} within span(I, swap), by both: (4, 200)."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=200), rng.normal(size=200)
    return np.stack([a, b, b, a])


@pytest.mark.parametrize("make", [candidate, blind])
def test_a_tilted_direction_is_snapped_to_the_smallest_exact_space_that_contains_it(make: Any) -> None:
    case = make()
    escape = measure_escape(training(swapped(), 0.5), Subspace.zero(DIM))
    found = EscapeGrowth().propose(case, start(case), escape, SearchLattice())
    assert [p.node.space for p in found] == [Subspace.from_tying([1, 2, 2, 1]), Subspace.full(DIM)]
    snap = found[0].growth.snap
    assert snap is not None and abs(snap.outside) < 0.02 and abs(snap.errors) < 4 and snap.p_value > 0.01
    tilt = np.linalg.eigh(escape.second_moment)[1][:, -2:].T
    assert Subspace.from_tying([1, 2, 2, 1]).distance2(tilt).max() > 1e-6, "the measured directions are not exact"
    assert all(is_named(p, start(case)) and belongs(case, p.node) for p in found)


def test_what_is_clearly_outside_is_no_snap() -> None:
    signal = swapped()
    signal[0] += 0.3 * np.random.default_rng(4).normal(size=200)
    escape = measure_escape(training(signal, 0.3), Subspace.zero(DIM))
    for case in (candidate(), blind()):
        found = EscapeGrowth().propose(case, start(case), escape, SearchLattice())
        assert [p.node.space for p in found] == [Subspace.full(DIM)]


@pytest.mark.parametrize("make", [candidate, blind])
def test_noise_and_rounding_are_not_grown(make: Any) -> None:
    case, found = make(), 0
    for seed in range(50):
        escape = measure_escape(training(np.zeros((DIM, 200)), 1.0, seed=seed), Subspace.zero(DIM))
        found += bool(EscapeGrowth().propose(case, start(case), escape, SearchLattice()))
    assert found <= 4  # binomial(50, .01) is above 4 with probability 2e-4
    still = Training(torch.zeros(1, DIM, 9), torch.full((10, DIM, 9), 1e-30) + torch.ones(10, DIM, 9), torch.zeros(10))
    assert measure_escape(still, Subspace.full(DIM)).outside(Subspace.full(DIM)).p_value == 1


def test_the_leftover_is_the_trace_outside_and_its_p_value_has_its_level_under_noise() -> None:
    space, p_values = Subspace.from_tying([1, 2, 2, 1]), []
    for seed in range(200):
        case = training(swapped(), 0.7, particles=200, seed=seed)
        escape = measure_escape(case, Subspace.zero(DIM))
        left = escape.outside(space)
        inside = escape.explained_by(space) * escape.energy
        assert left.energy == pytest.approx(escape.energy - inside, abs=1e-10)
        p_values.append(left.p_value)
    counts = [np.count_nonzero(np.array(p_values) <= level) for level in (0.01, 0.05, 0.25)]
    for count, (low, high) in zip(counts, ((0, 9), (2, 22), (28, 73)), strict=True):
        assert low <= count <= high


def test_what_is_left_of_a_group_goes_to_its_subgroups() -> None:
    """From E^D4 on four points, where nothing is significant: the spaces of the subgroups of D4 and no others."""
    layout = matrix_layout((4, 4))
    home = Subspace.from_tying([1, 2, 3, 2, 2, 1, 2, 3, 3, 2, 1, 2, 2, 3, 2, 1])
    spaces = spaces_of_subgroups(home, layout)
    assert Subspace.from_tying([1, 2, 3, 4, 4, 1, 2, 3, 3, 4, 1, 2, 2, 3, 4, 1]) in spaces
    rep = natural(named_group("D4"))
    assert set(spaces) - {Subspace.zero(16)} == {
        node.space for node in invariant_lattice(matrix_space(rep, rep).action).nodes if not node.space.is_zero
    }
    assert set(spaces) - {Subspace.zero(16)} <= {*cyclic_spaces(layout, 24), *meets(cyclic_spaces(layout, 24))}


def meets(spaces: tuple[Subspace, ...]) -> set[Subspace]:
    return {a.meet(b) for a in spaces for b in spaces}


def test_small_snapped_spaces_are_visited_first() -> None:
    lattice, case = SearchLattice(), blind()
    lattice.add(start(case))
    for key, labels, explained in (("a", [1, 2, 3, 4], 1.0), ("b", [1, 2, 2, 1], 0.9), ("c", [1, 2, 3, 1], 0.95)):
        lattice.add(SearchNode(key, Subspace.from_tying(labels), None, key))
        lattice.connect(Growth("{0}", key, "escape", explained, (), Snap(1 - explained, 1.0, 0.2)))
    assert _next(case, lattice).key == "b"
    again = SearchLattice.from_json(lattice.to_json())
    assert list(again.growths()) == list(lattice.growths())


@pytest.mark.slow
@pytest.mark.parametrize("make", [candidate, blind])
def test_the_papers_own_task_is_found_with_100_particles(make: Any) -> None:
    """Growth `escape`, whose unsnapped directions ended at Z in every seed."""
    outcome = Engine(make(), diagnose=lambda *seen: {}).run()
    assert outcome.finished and outcome.e_star.space == Subspace.from_tying([1, 2, 2, 1])


@pytest.mark.slow
@pytest.mark.parametrize("rows", [None, 2000])
def test_circulants_are_found_without_a_candidate(rows: int | None) -> None:
    rep, rng = natural(named_group("C4")), np.random.default_rng([11, 1])
    teacher = teacher_student(rep, rep, "wi", rng, noise=0.05)
    task = (
        fresh_task("C4", teacher, 4, 4, description="")
        if rows is None
        else finite_task("C4", *teacher.sample(rng, rows))
    )
    settings = search_config(blind=True, growth="escape", unit="matrix", particles=100)
    outcome = Engine(build_problem(settings, task, NOBODY), diagnose=lambda *seen: {}).run()
    assert outcome.finished and outcome.e_star.label == "E^C4" and outcome.e_star.space.dim == 4
    record = result_record(outcome, None, "run", 0.0, "lattice.json").to_json()
    assert record["e_star"]["exact"] and record["e_star"]["stabiliser"]["name"] == "C4" and record["accepted"] == ["C4"]
    assert spec_from_outcome(outcome).group_name == "C4"


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
