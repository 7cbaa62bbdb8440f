"""Relations that proposing rows estimate under the ties of subgroups, and the exact tests that compare them."""

import numpy as np
import pytest
import torch

from sharefind.datasets import teacher_student
from sharefind.groups import FiniteGroup, Representation, named_group, natural
from sharefind.inference import randomisation_test
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.proposal.subgroups import SubgroupFinding, propose_subgroups
from tests.proposal.test_subgroup_search import cyclic, dihedral


def samples(truth: FiniteGroup, n: int, seed: int = 0, noise: float = 0.1, activation: str = "logistic"):
    rep, rng = natural(truth), np.random.default_rng([20261130, seed])
    return teacher_student(rep, rep, "wi", rng, noise=noise, activation=activation, particle_scale=1.5).sample(rng, n)


def joint(rep: Representation, group: FiniteGroup) -> JointAction:
    return JointAction(rep.restrict(group), rep.restrict(group))


def found_by(found: SubgroupFinding, rep: Representation, group: FiniteGroup, x, y, seed: int = 0, copies: int = 199):
    contrast = found.relations.contrast(group)
    rng = np.random.default_rng(seed)
    return randomisation_test(torch.tensor(x), torch.tensor(y), joint(rep, group), contrast, rng, copies)


@pytest.fixture(scope="module")
def ring():
    """D_6 in S_6: what 600 rows propose, and 150 others."""
    rep, (x, y) = natural(named_group("S6")), samples(dihedral(6), 750)
    return propose_subgroups(x[:600], y[:600], rep, rep), rep, x[600:], y[600:]


def test_the_kept_relation_is_equivariant_and_the_statistic_is_a_sum_of_squares(ring):
    found, rep, x, y = ring
    group = cyclic(6)
    contrast = found.relations.contrast(group)
    frame = contrast.frame

    def design(rows):
        z = (rows - frame.x_origin) / frame.x_unit
        powers = [np.ones_like(z), z, z**2 - frame.powers.second, z**3 - frame.powers.tilt * z]
        return np.stack(
            [np.prod([powers[e][:, k] for k, e in enumerate(row)], axis=0) for row in contrast.exponents], 1
        )

    g = np.roll(np.eye(6), 1, axis=0)
    kept = design(x) @ contrast.kept.T
    np.testing.assert_allclose(design(x @ g.T) @ contrast.kept.T, kept @ g.T, atol=1e-12)
    np.testing.assert_allclose(frame.x_origin, np.full(6, frame.x_origin[0]), rtol=1e-12)
    other = design(x) @ (contrast.kept + contrast.rest).T + contrast.shift
    left = (y - frame.y_origin) / frame.y_unit - other
    fitted = contrast.bind(joint(rep, group), torch.tensor(x), torch.tensor(y), np.random.default_rng(0))
    np.testing.assert_allclose(fitted.observed(torch.tensor(x)), [[-(left**2 @ contrast.weights).sum()]], rtol=1e-9)


def test_what_does_not_hold_is_rejected_and_what_holds_is_not(ring):
    found, rep, x, y = ring
    assert found.proposed[0].group == dihedral(6)
    whole = found_by(found, rep, named_group("S6"), x, y)
    assert whole.p_value == 1 / 200 and whole.z > 5
    assert found_by(found, rep, dihedral(6), x, y).p_value > 0.05


@pytest.mark.parametrize(("shift", "x_unit", "y_unit"), [(300.0, 10.0, 1e-6), (-5.0, 1e-3, 1e4)])
def test_offsets_and_units_change_no_p_value(shift, x_unit, y_unit):
    rep, (x, y) = natural(named_group("S6")), samples(dihedral(6), 500)
    plain = propose_subgroups(x[:400], y[:400], rep, rep)
    moved = shift + x_unit * x, y_unit * y + shift
    other = propose_subgroups(moved[0][:400], moved[1][:400], rep, rep)
    for group in (named_group("S6"), cyclic(6)):
        first = found_by(plain, rep, group, x[400:], y[400:])
        again = found_by(other, rep, group, moved[0][400:], moved[1][400:])
        assert first.p_value == again.p_value and first.z == pytest.approx(again.z, rel=1e-4)


@pytest.mark.slow
def test_signs_and_labels_of_any_size():
    """B_4 with a turn of order 8; one label is 1e5 times the others, so that no sign-permutation of labels holds."""
    whole = named_group("B4")
    turn = FiniteGroup("C8", 8, ((1, 2, 3, 4, 5, 6, 7, 0),), whole.natural_blocks)
    rep, (x, y) = natural(whole), samples(turn, 700, activation="tanh")
    found = propose_subgroups(x[:500], y[:500], rep, rep)
    assert found_by(found, rep, turn, x[500:], y[500:]).p_value > 0.05
    assert found_by(found, rep, whole, x[500:], y[500:]).p_value == 1 / 200
    y = y * [1e5, 1, 1, 1]
    found = propose_subgroups(x[:500], y[:500], rep, rep)
    assert found_by(found, rep, turn, x[500:], y[500:]).p_value == 1 / 200


@pytest.mark.slow
def test_the_level_holds_whatever_the_proposing_rows_expect():
    """Expectations of 60 rows of another law, heavy tails and noise that follows x: 1,000 tests."""
    group = cyclic(6)
    rep, rng = natural(named_group("S6")), np.random.default_rng(20261130)
    p_values = []
    while len(p_values) < 1000:
        a = rng.normal(size=(60, 6))
        found = propose_subgroups(a, a @ rng.normal(size=(6, 6)) + rng.normal(size=(60, 6)), rep, rep)
        contrast = found.relations.contrast(group) if found.relations else None
        if contrast is None:
            continue
        for _ in range(50):
            x = rng.standard_t(3, size=(30, 6))
            y = np.abs(x - np.roll(x, 1, axis=1)) + rng.standard_t(2, size=(30, 6)) * np.abs(x)
            x, y = torch.tensor(x), torch.tensor(y)
            p_values.append(randomisation_test(x, y, joint(rep, group), contrast, rng, 19).p_value)
    found = np.array(p_values)
    for level in (0.05, 0.2):
        error = np.sqrt(level * (1 - level) / len(found))
        assert abs(np.mean(found <= level) - level) < 4 * error


def test_nothing_to_compare_where_no_relation_breaks_the_group():
    """Swaps of columns that are tied in every relation that was looked at: the group moves what has no signal."""
    whole = named_group("S6xS2")
    rep = natural(whole)
    x, y = samples(cyclic(6), 1200)
    seen = type(rep)(whole, 6, "first", "permutation", rep.perms[:, :6].clip(max=5), rep.signs[:, :6])
    found = propose_subgroups(x, y, seen, seen)
    swap = next(g for g in found.family if g.order == 2 and not np.any(seen.restrict(g).perms != np.arange(6)))
    assert found.relations.contrast(swap) is None
