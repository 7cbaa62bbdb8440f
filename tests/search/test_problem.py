"""The problem that a search works on: names, places and the configuration that builds it again."""

from dataclasses import replace

from sharefind.search import SearchNode, build_problem
from sharefind.spaces import Subspace
from tests.search.problems import problem, teacher_task


def test_the_resolved_configuration_builds_the_same_problem() -> None:
    task = teacher_task("C3", 3, 300, 0)
    case = problem(task, "S3", seed=4)
    again = build_problem(case.resolved, task, case.candidate.group)
    assert again.settings.sgd == case.settings.sgd
    assert replace(again.settings, config=case.settings.config) == case.settings


def test_every_group_of_the_lattice_has_a_name_of_its_own() -> None:
    case = problem(teacher_task("C3", 3, 60, 0), "S3")
    groups = [g for place in case.lattice.nodes for g in place.groups]
    names = case.labels_of(groups)
    assert len(set(names)) == len(groups)
    assert [case.label_of(g) for g in groups] == list(names)
    assert case.label_of(case.candidate.group) == "S3"


def test_an_escape_is_looked_for_along_what_covers_a_node() -> None:
    case = problem(teacher_task("C3", 3, 60, 0), "S3")
    place = next(p for p in case.lattice.nodes if p.label == "E^C3")
    node = SearchNode(place.label, place.space, place.index, place.label)
    assert case.lattice_node(node) is place
    *above, full = case.directions(node)
    assert full.is_full and all(place.space < space < full for space in above)
    other = SearchNode("mean:1", Subspace.zero(9), None, "E_1")
    assert case.lattice_node(other) is None and case.directions(other) == (Subspace.full(9),)
