"""Which subgroups of a group do samples propose? Teachers whose symmetry is known."""

from itertools import combinations, product

import numpy as np
import pytest

from sharefind.datasets import load_task, teacher_student
from sharefind.errors import InputError
from sharefind.groups import FiniteGroup, named_group, natural, trivial
from sharefind.proposal.subgroups import propose_subgroups
from tests.proposal.test_subgroup_search import cyclic, dihedral


def samples(truth: FiniteGroup, n: int = 1500, seed: int = 0, activation: str = "logistic"):
    rep, rng = natural(truth), np.random.default_rng([20261130, seed])
    teacher = teacher_student(rep, rep, "wi", rng, noise=0.1, activation=activation)
    return teacher.sample(rng, n)


def test_the_group_of_a_teacher_is_proposed_with_the_groups_below_it():
    rep = natural(named_group("S6"))
    found = propose_subgroups(*samples(cyclic(6)), rep, rep)
    assert [p.group for p in found.proposed] == [cyclic(6)] and found.proposed[0].share > 0.95
    assert sorted(g.order for g in found.family) == [2, 3, 6, 720]
    assert found.log_evidence[cyclic(6)] > max(v for g, v in found.log_evidence.items() if g.order != 6)
    assert found.has_signal and found.is_exhaustive and found.samples == 1500


@pytest.mark.parametrize("shift", [0.0, 300.0])
def test_offsets_and_units_change_nothing(shift):
    rep, (x, y) = natural(named_group("S6")), samples(dihedral(6))
    found = propose_subgroups(shift + 10 * x, 1e-6 * y + shift, rep, rep)
    assert found.proposed[0].group == dihedral(6)


def test_signs():
    """B_4, 384 elements; the teacher commutes with a turn of order 8, e_3 to -e_0."""
    whole = named_group("B4")
    turn = FiniteGroup("C8", 8, ((1, 2, 3, 4, 5, 6, 7, 0),), whole.natural_blocks)
    rep = natural(whole)
    found = propose_subgroups(*samples(turn, activation="tanh"), rep, rep)
    assert found.proposed[0].group == turn


def test_invariant_labels():
    """y = the products of neighbours on a ring, summed: linear coefficients say nothing, those of pairs say D_7."""
    whole, rng = named_group("S7"), np.random.default_rng(0)
    x = rng.normal(size=(1500, 7))
    y = (x * np.roll(x, 1, axis=1)).sum(axis=1, keepdims=True) + 0.1 * rng.normal(size=(1500, 1))
    found = propose_subgroups(x, y, natural(whole), trivial(whole))
    assert found.proposed[0].group == dihedral(7)


def test_no_signal_proposes_nothing():
    rng, rep = np.random.default_rng(0), natural(named_group("S6"))
    found = propose_subgroups(rng.normal(size=(400, 6)), rng.normal(size=(400, 6)), rep, rep)
    assert found.proposed == () and found.family == (named_group("S6"),) and not found.has_signal


def test_no_symmetry_proposes_nothing():
    rng, rep = np.random.default_rng(0), natural(named_group("S6"))
    x = rng.normal(size=(800, 6))
    found = propose_subgroups(x, x @ rng.normal(size=(6, 6)) + 0.1 * rng.normal(size=(800, 6)), rep, rep)
    assert found.proposed == () and [g.order for g in found.family] == [720] and found.has_signal


def test_the_whole_group_is_proposed_where_it_holds():
    rep = natural(named_group("S6"))
    found = propose_subgroups(*samples(named_group("S6")), rep, rep)
    assert found.proposed[0].group.order in (360, 720)


def test_elements_that_move_no_column_belong_to_every_proposal():
    """S_6 x C_2, where the swap moves nothing that is seen."""
    whole = named_group("S6xS2")
    rep = natural(named_group("S6xS2"))
    x, y = samples(cyclic(6))
    seen = type(rep)(whole, 6, "first", "permutation", rep.perms[:, :6].clip(max=5), rep.signs[:, :6])
    found = propose_subgroups(x, y, seen, seen)
    assert found.proposed[0].group.order == 12


def test_too_few_samples_are_refused():
    rep = natural(named_group("S6"))
    with pytest.raises(InputError, match="too few"):
        propose_subgroups(np.ones((10, 6)), np.ones((10, 6)), rep, rep)


def test_the_lines_of_a_plane_show_in_products():
    """PSL(2,7) on the seven points of the plane of order 2: its linear coefficients are those of all permutations."""
    points = [p for p in product((0, 1), repeat=3) if any(p)]
    lines = [line for line in combinations(range(7), 3) if not (sum(np.array(points[k]) for k in line) % 2).any()]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1500, 7))
    y = x + 0.1 * rng.normal(size=x.shape)
    for line in lines:
        for k in line:
            first, second = (j for j in line if j != k)
            y[:, k] += 0.5 * x[:, first] * x[:, second]
    rep = natural(named_group("S7"))
    found = propose_subgroups(x, y, rep, rep)
    assert [(p.group.name, p.group.order) for p in found.proposed] == [("PSL(2,7)", 168)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "order"), [("S16", 384), ("B16", 768)])
def test_the_symmetries_of_the_ising_energy(name: str, order: int):
    """The torus' automorphisms inside all permutations of 16 spins, and with the flip inside the signed ones."""
    task, group = load_task("ising:4x4"), named_group(name)
    found = propose_subgroups(task.x, task.y, natural(group), trivial(group, 1))
    assert found.proposed[0].group.order == order and found.is_exhaustive
