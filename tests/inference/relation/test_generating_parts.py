"""Parts of large groups: they generate them, and their tests are one of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.inference.relation.generating_parts import generating_parts, part_moves
from sharefind.inference.relation.relation_test import relation_test
from sharefind.meanfield.clouds.actions import JointAction


@pytest.mark.parametrize("name", ["S6", "A7", "B4", "C6xS6"])
def test_parts_are_small_subgroups_that_generate_the_group(name: str) -> None:
    group = named_group(name)
    parts = generating_parts(group)
    generators = tuple(g for part in parts for g in part.generators)
    assert FiniteGroup("generated", group.degree, generators).order == group.order
    assert all(part.order <= 200 and part.is_subgroup_of(group) for part in parts)
    assert len(parts) <= 5


def test_a_cycle_of_more_elements_falls_into_smaller_ones() -> None:
    shift = [*range(1, 8), 0, *range(9, 17), 8, *range(18, 28), 17]  # 8, 9 and 11 points: 792 elements
    group = FiniteGroup("C792", 28, (tuple(shift),))
    assert sorted(part.order for part in generating_parts(group)) == [8, 99]  # a stabiliser, and what is missing


def test_groups_with_few_elements_are_tested_whole_and_infinite_ones_refused() -> None:
    small = JointAction(natural(named_group("S5")), natural(named_group("S5")))
    assert part_moves(small) == (small,)
    turns = natural(named_group("SO2"))
    with pytest.raises(GroupError, match="finite groups"):
        part_moves(JointAction(turns, turns))


@pytest.mark.parametrize("broken", [False, True])
def test_a_large_group_is_rejected_where_the_relation_breaks_it(broken: bool) -> None:
    """Inputs with other means each, so that their law has no symmetry; labels are those of a layer on sets."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(70, 6)) + 0.2 * np.arange(6)
    y = np.tanh(x) - 0.5 * x.mean(axis=1, keepdims=True)
    y[:, 0] += 0.8 * x[:, 1] * broken
    y += 0.1 * rng.normal(size=y.shape)
    whole = natural(named_group("S6"))
    found = relation_test(torch.from_numpy(x), torch.from_numpy(y), JointAction(whole, whole), rng, copies=19)
    assert found.test.copies == 39 and found.detectable is None and 0 < found.overlap <= 1
    assert found.p_value == pytest.approx((found.test.exceeding + 1) / 40)
    assert (found.p_value <= 0.05) is broken
