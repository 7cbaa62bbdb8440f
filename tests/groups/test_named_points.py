"""Subgroups of a point group by Schoenflies' names: counts from tables of subgroups, names from the catalogue."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sharefind.groups import FiniteGroup, named_group, subgroup_label, subgroup_labels, subgroups
from sharefind.groups.files import group_at_rest
from sharefind.groups.named_points import PointGroup

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)


def methane() -> PointGroup:
    found = group_at_rest("methane", np.concatenate([np.zeros((1, 3)), TETRAHEDRON]), ["C", *"HHHH"]).group
    assert isinstance(found, PointGroup)
    return found


def test_the_subgroups_of_a_tetrahedron() -> None:
    group = methane()
    labels = subgroup_labels(subgroups(group), group)
    assert len(set(labels)) == 30
    counts = Counter(label.split(".")[0] for label in labels)
    expected = {"C1": 1, "Cs": 6, "C2": 3, "C3": 4, "S4": 3, "D2": 1, "C2v": 3, "C3v": 4, "D2d": 3, "T": 1, "Td": 1}
    assert counts == expected
    assert {"T", "D2", "Td"} <= set(labels), "a name that one subgroup has needs no number"


def test_a_label_does_not_depend_on_what_else_is_listed() -> None:
    group = methane()
    listed = subgroups(group)
    whole = dict(zip(listed, subgroup_labels(listed, group), strict=True))
    for subgroup in listed[::3]:
        assert subgroup_labels([subgroup], group) == (whole[subgroup],) == (subgroup_label(subgroup, group),)


def test_a_name_of_the_catalogue_has_its_order() -> None:
    group = methane()
    orders = {label: subgroup.order for subgroup, label in group.subgroup_names.items()}
    assert orders["D2"] == named_group("D2").order
    assert "S4" not in orders, "the catalogue's S4 has 24 elements, and that of Schoenflies 4"


def test_matrices_follow_the_permutations() -> None:
    group = methane()
    for a, b in zip(group.elements()[::5], group.elements()[3::5], strict=False):
        both = group._matrices[tuple(map(int, a[b]))]
        assert np.allclose(group._matrices[tuple(map(int, a))] @ group._matrices[tuple(map(int, b))], both)
    plain = FiniteGroup(group.name, group.degree, group.generators)
    assert plain == group and hash(plain) == hash(group)
