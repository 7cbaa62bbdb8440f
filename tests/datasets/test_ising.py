"""The Ising model on a torus: its group is the graph's, counted by another library, and leaves the energy alone."""

import networkx as nx
import numpy as np
import pytest
from networkx.algorithms.isomorphism import GraphMatcher

from sharefind.datasets import GivenAction, ising_action, load_task
from sharefind.datasets.ising import energy, neighbours

FLIPS = pytest.mark.parametrize(("has_flip", "order"), [(False, 384), (True, 768)])


def _torus() -> nx.Graph:
    """The same graph by networkx, cells counted row by row."""
    torus = nx.grid_2d_graph(4, 4, periodic=True)
    return nx.relabel_nodes(torus, {(row, column): 4 * row + column for row, column in torus})


def test_neighbours_are_those_of_the_torus() -> None:
    edges = {frozenset(edge) for edge in _torus().edges}
    assert {frozenset(pair) for pair in neighbours().tolist()} == edges and len(neighbours()) == len(edges) == 32


def test_the_automorphisms_are_all_of_the_graph() -> None:
    found = {tuple(move[cell] for cell in range(16)) for move in GraphMatcher(_torus(), _torus()).isomorphisms_iter()}
    assert {tuple(map(int, element)) for element in ising_action().group.elements()} == found
    assert len(found) == 384


@FLIPS
def test_the_energy_is_invariant_under_the_whole_group(has_flip: bool, order: int) -> None:
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(5, 16))
    images = ising_action(has_flip).in_rep.float_matrices()
    assert len(np.unique(images, axis=0)) == len(images) == order
    moved = np.einsum("gab,nb->gna", images, x)
    np.testing.assert_array_equal(energy(moved.reshape(-1, 16)).reshape(order, 5), np.tile(energy(x).T, (order, 1)))


def test_no_other_signs_keep_the_energy() -> None:
    """A sign for each cell keeps it only if all are equal: 768 is the whole group of signed permutations."""
    signs = 1.0 - 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)
    assert np.flatnonzero(energy(signs)[:, 0] == -32).tolist() == [0, 2**16 - 1]


def test_energies_and_their_noise() -> None:
    task = load_task("ising:4x4")
    assert task.x is not None and task.y is not None
    assert set(np.unique(task.x)) == {-1.0, 1.0} and task.outputs == ("energy",) and task.inputs[6] == "spin_1_2"
    noise = task.y - energy(task.x)
    assert noise.std() == pytest.approx(0.1 * np.sqrt(32), rel=0.05) and energy(task.x).std() == pytest.approx(
        np.sqrt(32), rel=0.05
    )
    assert isinstance(task.action, GivenAction) and task.action.group.order == 384
