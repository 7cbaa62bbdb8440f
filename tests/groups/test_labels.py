"""Labels of subgroups, which are unique in their parent."""

import pytest

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, named_group, subgroup_label, subgroup_labels, subgroups


@pytest.mark.parametrize("name", ["C6", "V4", "D4", "D6", "S4", "A5", "S5", "D4xC2", "B3", "R6", "C2xC2xC2xC2"])
def test_labels_are_unique(name):
    parent = named_group(name)
    found = subgroups(parent)
    labels = subgroup_labels(found, parent)
    assert len(set(labels)) == len(found)
    assert labels[-1] == name
    assert labels[0] == "C1"


def test_labels_of_s4():
    parent = named_group("S4")
    found = subgroups(parent)
    labels = dict(zip(subgroup_labels(found, parent), found, strict=True))
    for standard in ("C4", "D4", "V4", "A4", "S4"):
        assert labels[standard] == named_group(standard)
    assert sum(label.startswith("C4:<(") for label in labels) == 2
    for label, subgroup in list(labels.items())[::5]:
        assert subgroup_label(subgroup, parent) == subgroup_label(subgroup, parent, found) == label


def test_a_misleading_parent_name_does_not_collide():
    parent = FiniteGroup("C2", 4, named_group("D4").generators)
    labels = subgroup_labels(subgroups(parent), parent)
    assert len(set(labels)) == 10


def test_strangers_have_no_label():
    with pytest.raises(GroupError, match="not a subgroup"):
        subgroup_label(named_group("C4"), named_group("A4"))
