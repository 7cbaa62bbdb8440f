"""Families closed under joins, and subgroups of large groups, against lists of all subgroups and against sympy."""

from itertools import combinations

import numpy as np
import pytest

from sharefind.groups import FiniteGroup, named_group, subgroups
from sharefind.groups.joins import JoinClosed, generated_subgroup, subgroups_below


@pytest.mark.parametrize("seed", range(4))
def test_a_family_has_all_joins_and_nothing_else(seed):
    whole = named_group("S4")
    listed = [g for g in subgroups(whole) if 1 < g.order < whole.order]
    chosen = [listed[k] for k in np.random.default_rng(seed).choice(len(listed), 4, replace=False)]
    family = JoinClosed(whole)
    assert family.add(chosen)
    expected = {whole}
    for size in range(1, 5):
        for some in combinations(chosen, size):
            expected.add(generated_subgroup(whole, [g for one in some for g in one.generators]))
    assert set(family.members) == expected


def test_too_many_joins_change_nothing():
    whole = named_group("S4")
    family = JoinClosed(whole, most=3)
    assert family.add([FiniteGroup("C4", 4, ((1, 2, 3, 0),))])
    before = set(family.members)
    assert not family.add([g for g in subgroups(whole) if g.order == 2])
    assert set(family.members) == before


def test_subgroups_below():
    assert len(subgroups_below(named_group("C12"))) == 5  # C12, C6, C4, C3, C2
    assert len(subgroups_below(named_group("S4"))) == 29
    normal = subgroups_below(named_group("S4"), most=10)
    assert sorted(g.order for g in normal) == [4, 12, 24]


@pytest.mark.parametrize("name", ["S6", "S5xS3", "B5"])
def test_normal_subgroups_of_what_cannot_be_listed(name):
    whole = named_group(name)
    found = subgroups_below(whole)
    assert found[0] is whole and found[1].order == whole.sympy.derived_subgroup().order()
    for inner in found[1:]:
        assert inner.is_subgroup_of(whole) and inner.sympy.is_normal(whole.sympy)
    if name == "S5xS3":
        assert {6, 120} <= {g.order for g in found}  # one factor, where the other one's points stay
