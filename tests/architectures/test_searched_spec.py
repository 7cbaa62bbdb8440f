"""From the end of a search to a specification; the searches are put together by hand, nothing is trained."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import cast

import numpy as np
import pytest

from sharefind.architectures import certify, from_json, spec_from_outcome, to_json, torch_source
from sharefind.datasets import finite_task, load_task
from sharefind.errors import ExportError
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import identity_standardisation
from sharefind.search.building import build_problem
from sharefind.search.engine import SearchOutcome
from sharefind.search.presets import search_config
from sharefind.search.problem import ActingGroup, Problem
from sharefind.search.rules.growth import candidate_node
from sharefind.search.samples_of_task import TaskLike
from sharefind.search.search_lattice import SearchLattice, SearchNode
from sharefind.spaces import LatticeNode, Subspace, invariant_lattice, matrix_space


def _problem(task: TaskLike, group: str, **values: object) -> Problem:
    return build_problem(search_config(group=group, **values), task, named_group(group))


def _ended(problem: Problem, node: SearchNode, finished: bool = True) -> SearchOutcome:
    lattice = SearchLattice()
    lattice.add(node)
    return SearchOutcome(problem, lattice, (node,), finished)


def _place(problem: Problem, label: str) -> LatticeNode:
    if problem.lattice is None:
        raise ValueError("a blind search has no lattice")
    return next(node for node in problem.lattice.nodes if node.label == label)


def test_the_c2_task_gives_its_fixed_space() -> None:
    problem = _problem(load_task("c2-wi"), "C2")
    spec = spec_from_outcome(_ended(problem, candidate_node(_place(problem, "E^C2"))))
    assert (spec.group_name, spec.group_order, spec.space.dim, spec.d_in, spec.d_out) == ("C2", 2, 2, 2, 2)
    assert spec.unit == problem.unit.name and spec.particles == problem.settings.sgd.particles
    certificate = certify(spec)
    assert certificate.is_proven and certificate.is_fixed_space
    assert from_json(to_json(spec)) == spec
    assert "c2-wi: E^C2" in torch_source(spec)


def test_every_space_of_a_candidate_is_certified_with_its_own_stabiliser() -> None:
    rng = np.random.default_rng(0)
    task = finite_task("squares", rng.normal(3.0, 2.0, (80, 4)), 5 * rng.standard_normal((80, 4)))
    problem = _problem(task, "D4", unit="matrix+bias:tanh")
    assert problem.lattice is not None and problem.change.rescales_labels
    for place in problem.lattice.nodes:
        spec = spec_from_outcome(_ended(problem, candidate_node(place)))
        certificate = certify(spec)
        assert certificate.is_proven and certificate.dim == place.dim
        assert spec.group_order == certificate.generated_order == (place.group.order if place.group else 1)
        assert np.array_equal(spec.change.matrix, problem.change.matrix)


def test_infinite_groups_have_their_stabilisers_too() -> None:
    group = named_group("SO2")
    in_rep, out_rep = (parse_representation(text, group) for text in ("natural*natural", "trivial"))
    space = matrix_space(in_rep, out_rep)
    problem = cast(Problem, SimpleNamespace(
        task=SimpleNamespace(name="forms", inputs=(), outputs=(), classes=()),
        candidate=ActingGroup(group, in_rep, out_rep), space=space,
        unit=SimpleNamespace(name="matrix:tanh", hidden_rep=None), lattice=invariant_lattice(space.action),
        settings=SimpleNamespace(sgd=SimpleNamespace(particles=8)), change=identity_standardisation(4, 1),
    ))  # fmt: skip
    for name in ("lattice_node", "representations_of"):
        setattr(problem, name, MethodType(getattr(Problem, name), problem))
    spec = spec_from_outcome(_ended(problem, candidate_node(_place(problem, "E^SO2"))))
    assert (spec.group_name, spec.group_order, len(spec.lie_generators)) == ("SO2", None, 1)
    assert certify(spec).is_fixed_space
    whole = spec_from_outcome(_ended(problem, candidate_node(_place(problem, "Z"))))
    assert (whole.group_order, whole.generators, whole.lie_generators) == (1, (), ())
    assert certify(whole).dim == 4


def test_a_space_outside_the_lattice_claims_no_group() -> None:
    problem = _problem(load_task("c2-wi"), "C2", growth="mean", stop="calibrated")
    space = Subspace.numerical(np.random.default_rng(0).standard_normal((1, 4)))
    spec = spec_from_outcome(_ended(problem, SearchNode("mean:1", space, None, "E_1")))
    assert (spec.group_name, spec.group_order, spec.generators) == ("C1", 1, ())
    assert not certify(spec).is_proven


def test_a_search_that_did_not_finish_is_not_exported() -> None:
    problem = _problem(load_task("c2-wi"), "C2")
    with pytest.raises(ExportError, match="does not hold"):
        spec_from_outcome(_ended(problem, candidate_node(_place(problem, "{0}")), finished=False))


def test_every_space_of_a_search_is_exported_with_its_stabiliser_on_hidden_units() -> None:
    rng = np.random.default_rng(0)
    task = finite_task("squares", rng.normal(3.0, 2.0, (80, 4)), 5 + rng.standard_normal((80, 1)))
    config = search_config(group="D4", out_rep="trivial", unit="two-layer:tanh")
    problem = build_problem(config, task, named_group("D4"))
    assert problem.lattice is not None and problem.change.rescales_labels
    for place in problem.lattice.nodes:
        lattice, node = SearchLattice(), candidate_node(place)
        lattice.add(node)
        spec = spec_from_outcome(SearchOutcome(problem, lattice, (node,), True))
        certificate = certify(spec)
        assert certificate.is_proven and certificate.dim == place.dim
        assert (spec.d_hidden, spec.hidden_rep is not None) == (8, True)
        assert spec.group_order == certificate.generated_order == (place.group.order if place.group else 1)
