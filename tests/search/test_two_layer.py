"""Searches of the two-layer unit: lattice against Burnside counts, exact standardisation, saddles, whole searches."""

import numpy as np
import pytest
import torch

from sharefind.datasets import Task, finite_task
from sharefind.errors import GroupError, RepresentationError, UnitError
from sharefind.groups import FiniteGroup, named_group, parse_representation
from sharefind.meanfield import build_pointwise_unit, predict
from sharefind.search import (
    Decision,
    Engine,
    InvariantGrowth,
    Problem,
    SearchLattice,
    build_problem,
    hypotheses,
    measure_escape,
    search_config,
)
from sharefind.search.experiments import CopiesPlan, copies_experiment, escape_training
from sharefind.search.rules.growth import candidate_node
from sharefind.search.search_lattice import SearchNode
from sharefind.search.searched_unit import default_hidden, default_unit
from sharefind.spaces import Subspace
from tests.search.problems import problem, representation, teacher_task

QUICK = {"copies": 19, "alpha": 0.1, "particles": 16, "unit": "two-layer:tanh"}
SMALL = {**QUICK, "copies": 99, "alpha": 0.02, "particles": 12}


def even_task(n: int = 200) -> Task:
    """y = exp(-|x_1|) + noise: even in both coordinates, with no linear signal at all."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, np.sqrt(2), (n, 2))
    return finite_task("even", x, np.exp(-np.abs(x[:, :1])) + 0.05 * rng.normal(size=(n, 1)))


def far_task(degree: int, n: int = 60) -> Task:
    """Labels far from 0, and correlated inputs: both are changed by the standardisation."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, degree)) @ rng.normal(size=(degree, degree)) + 2.0
    return finite_task("far", x, 30 + 7 * rng.normal(size=(n, degree)))


def zero_node(found: Problem) -> SearchNode:
    assert found.lattice is not None
    return candidate_node(found.lattice.zero)


ACTIONS = (
    ("C4", "natural", "natural", "regular"),
    ("S3", "natural", "trivial:2", "2*natural"),
    ("D4", "natural", "trivial", "regular"),
    ("B2", "natural", "natural", "natural"),
    ("S4", "natural", "natural", "natural+trivial"),
)


@pytest.mark.parametrize(("name", "in_text", "out_text", "hidden"), ACTIONS)
def test_fixed_spaces_have_the_dimensions_that_burnside_counts(
    name: str, in_text: str, out_text: str, hidden: str
) -> None:
    """dim E^H = mean over H of chi_Y chi_H + chi_H chi_X + chi_H; real characters, so that no inverse is needed."""
    group = named_group(name)
    reps = [parse_representation(text, group) for text in (in_text, out_text, hidden)]
    task = finite_task("any", np.random.default_rng(0).normal(size=(30, reps[0].dim)), np.zeros((30, reps[1].dim)))
    found = problem(task, name, in_rep=in_text, out_rep=out_text, hidden_rep=hidden, unit="two-layer:tanh")
    assert found.lattice is not None
    assert found.space.dim == reps[1].dim * reps[2].dim + reps[2].dim * reps[0].dim + reps[2].dim
    for node in found.lattice.nodes:
        for subgroup in node.groups:
            assert isinstance(subgroup, FiniteGroup)
            matrices = [rep.restrict(subgroup).float_matrices() for rep in reps]
            chi_in, chi_out, chi_hidden = (np.trace(m, axis1=1, axis2=2) for m in matrices)
            assert node.dim == pytest.approx((chi_hidden * (chi_out + chi_in + 1)).mean())


def test_a_regular_hidden_layer_tells_all_subgroups_apart() -> None:
    found = problem(even_task(), "B2", in_rep="natural", out_rep="trivial", unit="two-layer")
    assert found.lattice is not None
    assert [node.dim for node in found.lattice.nodes] == [0, 4, *[8] * 3, *[16] * 5, 32]
    assert all(len(node.groups) == 1 for node in found.lattice.nodes[1:])


@pytest.mark.parametrize("unit", ["matrix:logistic", "matrix+bias:tanh", "two-layer:logistic", "two-layer:tanh"])
@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_carried_back_particles_predict_what_they_did(unit: str, preset: str) -> None:
    found = problem(far_task(3), "S3", unit=unit, preset=preset)
    theta = torch.from_numpy(np.random.default_rng(2).normal(size=(2, found.space.dim, 5)))
    raw = np.random.default_rng(3).normal(2, 3, (7, 3))
    inner, _ = found.change.apply(raw, np.zeros((7, 3)))
    assert np.abs(inner - raw).max() > 0.1 and found.change.moves_inputs
    before = predict(found.unit, torch.from_numpy(inner).expand(2, -1, -1), theta)
    centred = torch.from_numpy(raw - found.change.centre)
    after = predict(found.unit, centred.expand(2, -1, -1), found.to_user_coordinates(theta))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12)
    back = found.change.shift + found.change.scale * after.numpy()
    np.testing.assert_allclose(found.change.apply(raw, back[0])[1], before[0], atol=1e-12)


def test_carrying_back_keeps_every_candidate_space() -> None:
    found = problem(far_task(4), "D4", unit="two-layer:tanh", hidden_rep="natural")
    assert found.lattice is not None
    rng = np.random.default_rng(4)
    for node in found.lattice.nodes:
        cloud = node.space.project(rng.normal(size=(3, found.space.dim)))
        carried = found.to_user_coordinates(torch.from_numpy(cloud.T[None].copy()))[0].numpy().T
        np.testing.assert_allclose(node.space.project(carried), carried, atol=1e-10)


@pytest.mark.parametrize("sigma", ["logistic", "tanh"])
@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_labels_of_unbounded_outputs_are_centred_and_scaled(sigma: str, preset: str) -> None:
    found = problem(far_task(3), "S3", unit=f"two-layer:{sigma}", preset=preset)
    assert found.y is not None and found.task.y is not None
    assert float(found.y.mean()) == pytest.approx(0, abs=1e-12)
    assert float((found.y**2).mean()) == pytest.approx(1)
    assert np.ptp(found.change.shift) < 1e-12 and found.change.rescales_labels


@pytest.mark.parametrize("sigma", ["logistic", "tanh"])
@pytest.mark.parametrize("std", [0.25, 1.0])
def test_the_gain_is_twice_the_tangent_kernel_on_the_diagonal(sigma: str, std: float) -> None:
    rep = representation("C4", 4)
    unit = build_pointwise_unit(f"two-layer:{sigma}", rep, rep, parse_representation("2*natural", rep.group))
    rng = np.random.default_rng(5)
    theta = torch.from_numpy(rng.normal(0, std, (1, unit.space.dim, 4000)))
    x = torch.from_numpy(rng.normal(size=4))
    x = (x / x.norm() * 2)[None, None]
    first = torch.zeros(1, 4, 1, dtype=torch.float64)
    first[0, 0, 0] = 1
    gradients = unit.linearise(x, theta)[1](first)
    assert unit.gain(std) == pytest.approx(2 * float((gradients**2).sum(1).mean()), rel=0.03)


def test_the_gain_of_a_matrix_is_that_of_a_linear_signal() -> None:
    rep = representation("C2", 2)
    gains = [build_pointwise_unit(f"matrix:{sigma}", rep, rep).gain(0.25) for sigma in ("logistic", "tanh")]
    assert gains == [0.125, 2.0]


def test_the_resolved_configuration_builds_the_same_problem() -> None:
    found = problem(teacher_task("C3", 3, 60, 0), "S3", unit="two-layer:tanh")
    resolved = found.resolved
    assert (resolved.unit, resolved.hidden_rep) == ("two-layer:tanh", "regular")
    again = build_problem(resolved, found.task, named_group("S3"))
    assert again.resolved == resolved
    assert again.settings.sgd == found.settings.sgd
    assert problem(found.task, "S3").resolved.hidden_rep is None


@pytest.mark.parametrize(
    ("group", "in_rep", "out_rep", "unit", "hidden"),
    [
        ("D4", "natural", "trivial", "two-layer", "regular"),
        ("S5", "natural", "trivial", "two-layer", "natural"),
        ("S6", "2*natural", "trivial:2", "two-layer", "natural"),
        ("C64", "natural", "trivial", "two-layer", "natural"),
        ("C4", "natural", "natural", "matrix+bias", "regular"),
        ("C4", "trivial:4", "trivial", "matrix+bias", "regular"),
        ("S3", "natural", "sign", "two-layer", "regular"),
        ("SO3", "natural+trivial", "trivial", "gated", "8*(natural+trivial)"),
        ("SO3", "natural", "trivial", "gated", "8*natural"),
        ("O2", "trivial:5*natural", "natural", "gated", "8*natural"),
        ("O2", "trivial:2", "trivial", "matrix+bias", "trivial"),
        ("R5", "natural", "natural", "two-layer", "regular"),
        ("R64xC3", "natural", "natural", "gated", "8*natural"),
    ],
)
def test_defaults_suit_the_labels(group: str, in_rep: str, out_rep: str, unit: str, hidden: str) -> None:
    reps = [parse_representation(text, named_group(group)) for text in (in_rep, out_rep)]
    assert (default_unit(*reps), default_hidden(*reps, unit=unit)) == (unit, hidden)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"hidden_rep": "natural"}, UnitError, "drop hidden_rep, or use unit two-layer"),
        ({"unit": "cubic"}, UnitError, "unit 'cubic' is unknown"),
        ({"unit": "two-layer", "hidden_rep": "nature"}, (GroupError, RepresentationError), "'nature'"),
        ({"unit": "two-layer", "hidden_rep": "sign"}, UnitError, "use unit two-layer:tanh or hidden_rep trivial"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        problem(teacher_task("S3", 3, 60, 0), "S3", **settings)


def test_rotations_of_hidden_units_are_refused() -> None:
    task = even_task()
    with pytest.raises(UnitError, match=r"the two-layer unit is not equivariant.*use hidden_rep trivial"):
        problem(task, "R3", out_rep="trivial", unit="two-layer:tanh", hidden_rep="natural")
    with pytest.raises(UnitError, match=r"rotates the hidden units .natural. continuously"):
        problem(task, "SO2", out_rep="trivial", unit="two-layer:tanh", hidden_rep="natural")


def test_at_zero_nothing_moves_and_growth_goes_on_without_guidance() -> None:
    """A = 0 and W = 0 are stationary whatever the data are: every copy stays, and the open spaces are proposed."""
    found = hypotheses.TestedProblem.of(problem(even_task(), "B2", in_rep="natural", out_rep="trivial", **QUICK), None)
    node, full = zero_node(found), Subspace.full(found.space.dim)
    result = copies_experiment(CopiesPlan(found, node.space, node.key, None, (full,), "copies:test"))
    assert not result.components.any() and not result.dist2.any()
    assert result.clearest_checkpoint() == 0
    training = escape_training(found, node.space, node.key)
    assert not training.final.any() and not training.rmd2(node.space).any()
    escape = measure_escape(training, node.space)
    assert escape.energy == 0
    proposals = InvariantGrowth().propose(found, node, escape, _rejected_zero(found, node))
    assert [(p.node.label, p.growth.explained) for p in proposals] == [("E^B2", 0.0)]


def _rejected_zero(found: Problem, node: SearchNode) -> SearchLattice:
    """A search lattice in which {0} alone was visited and rejected."""
    from sharefind.search import NodeEvidence

    lattice = SearchLattice()
    lattice.add(node)
    evidence = NodeEvidence(
        dist2=0.0, rmd2=0.0, delta=0.0, p_value=0.001, p_adjusted=0.001, relative_escape=0.0, risk=1.0, horizon=1.0,
        replicates=20, decision=Decision.GROW, rule="randomisation", reason="a saddle",
    )  # fmt: skip
    lattice.mark(node.key, evidence, 0)
    return lattice


@pytest.mark.slow
def test_a_search_from_the_saddle_finds_an_even_function() -> None:
    found = problem(even_task(), "B2", in_rep="natural", out_rep="trivial", **SMALL)
    outcome = Engine(found).run()
    zero = outcome.chain[0].evidence
    assert zero is not None and zero.stationary_not_optimal and zero.dist2 == 0
    assert zero.reason.startswith("stationary but not optimal: particles started on {0} stay")
    assert outcome.finished
    assert (outcome.e_star.label, outcome.e_star.space.dim) == ("E^V4:<(0 2), (1 3)>", 8)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", ["logistic", "tanh"])
def test_a_search_finds_the_group_of_a_teacher(sigma: str) -> None:
    found = problem(teacher_task("C3", 3, 400, 0), "S3", **{**SMALL, "unit": f"two-layer:{sigma}"})
    outcome = Engine(found).run()
    assert (outcome.e_star.label, outcome.finished) == ("E^C3", True)
    assert outcome.e_star.space.dim == 6 * (3 + 3 + 1) // 3


@pytest.mark.parametrize("scheme", ["da", "fa", "ea"])
def test_schemes_that_impose_the_symmetry_run(scheme: str) -> None:
    found = problem(teacher_task("C3", 3, 60, 0), "C3", scheme=scheme, **QUICK)
    assert Engine(found).run().finished


def test_a_blind_search_says_that_it_cannot_leave_the_saddle() -> None:
    config = search_config(
        blind=True, growth="mean", delta=1e-3, unit="two-layer:tanh", hidden_rep="trivial:4", particles=16
    )
    found = build_problem(config, teacher_task("C3", 3, 60, 0), named_group("C1"))
    outcome = Engine(found).run()
    assert outcome.e_star.space.is_zero and outcome.e_star.evidence is not None
    assert outcome.e_star.evidence.stationary_not_optimal
    assert "stationary but not optimal" in outcome.e_star.evidence.reason


def test_fresh_samples_get_a_step_that_a_wide_hidden_layer_survives() -> None:
    from sharefind.datasets import load_task

    wide = problem(load_task("c2-si"), "C2", unit="two-layer:tanh", hidden_rep="8*regular", replicates=2)
    narrow = problem(load_task("c2-si"), "C2")
    assert wide.settings.sgd.alpha < narrow.settings.sgd.alpha == 50
    training = escape_training(wide, wide.fixed_space, "E^C2")
    assert bool(torch.isfinite(training.final).all())
    assert float(training.risk.mean()) < 0.1
