"""The search lattice: paths, what is open, and its JSON."""

import json

import pytest

from sharefind.datasets import load_task
from sharefind.search import Decision, Engine, Growth, NodeEvidence, SearchLattice, SearchNode
from sharefind.spaces import Subspace
from tests.search.problems import problem


@pytest.mark.slow
def test_the_lattice_survives_json_exactly_and_has_a_graphml_form() -> None:
    found = Engine(problem(load_task("c2-arbitrary"), horizon=2.0, copies=199)).run().lattice
    text = found.dumps()
    again = SearchLattice.from_json(json.loads(text))
    assert again.dumps() == text
    assert json.loads(text)["edges"], "the edge key is named explicitly"
    assert "<graphml" in found.to_graphml()


def evidence(decision: Decision) -> NodeEvidence:
    """Some evidence."""
    return NodeEvidence(0.5, 0.1, 0.25, None, None, 0.5, 0.01, 1.0, 10, decision, "fixed", "because")


def lattice() -> SearchLattice:
    """{0} -> a, b -> Z, where the way by b explains more."""
    made = SearchLattice()
    spaces = {"{0}": [], "a": [[1, 0, 0]], "b": [[0, 1, 0], [0, 0, 1]], "Z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    for key, rows in spaces.items():
        space = Subspace.numerical(rows) if rows else Subspace.zero(3)
        made.add(SearchNode(key, space, None, key))
    for source, target, explained in (("{0}", "a", 0.2), ("{0}", "b", 0.8), ("a", "Z", 0.3), ("b", "Z", 0.9)):
        made.connect(Growth(source, target, "escape", explained))
    return made


def test_the_path_goes_back_along_what_explained_most() -> None:
    assert [node.key for node in lattice().path_to("Z")] == ["{0}", "b", "Z"]


def test_growths_are_open_until_their_target_is_visited() -> None:
    made = lattice()
    made.mark("Z", evidence(Decision.STAY), 0)
    made.mark("a", evidence(Decision.GROW), 1)
    assert [(g.source, g.target) for g in made.open_growths()] == [("{0}", "b")]
    assert [node.key for node in made.visited()] == ["Z", "a"]
