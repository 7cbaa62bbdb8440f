"""Structure names against known isomorphisms."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.groups import FiniteGroup, named_group, regular, structure_name, subgroups
from sharefind.groups.templates import templates


@pytest.mark.parametrize(
    ("name", "structure"),
    [
        ("C1", "C1"), ("S1", "C1"), ("A2", "C1"), ("C6", "C6"), ("C2xC3", "C6"), ("V4", "V4"),
        ("C2xC2", "V4"),
        ("D2", "V4"), ("C2xC2xC2", "C2xC2xC2"), ("C2xC4", "C4xC2"), ("C4xC2", "C4xC2"), ("C6xC4", "C12xC2"),
        ("S3", "S3"), ("D3", "S3"), ("S3xC2", "D6"), ("D5xC2", "D10"), ("D4", "D4"), ("B2", "D4"),
        ("B3", "S4xC2"),
        ("A4", "A4"), ("S4", "S4"), ("A5", "A5"), ("S5", "S5"), ("D4xC2", "D4xC2"), ("R7", "C7"),
        ("S2xS2", "V4"),
        ("C3xC5xC7", "C105"), ("C2xC2xC3xC3", "C6xC6"), ("C8xC3", "C24"), ("D12", "D12"), ("C500", "C500"),
        ("S8", "order 40320"), ("C3xC3xS3", "order 54"),
    ],
)  # fmt: skip
def test_structure_names(name, structure):
    assert structure_name(named_group(name)) == structure


@pytest.mark.parametrize("order", [8, 12, 16, 18, 20, 21, 24, 36, 42, 60, 72, 120, 168])
def test_templates_have_their_order_and_their_own_name(order):
    models = list(templates(order))
    assert models
    for model in models:
        assert model.sympy.order() == order
        assert structure_name(model) == model.name


def test_groups_with_the_same_element_orders_are_told_apart():
    """Q8 x C2, C4 : C4 and C4 x C4 share their element orders; the first has no name here."""
    quaternions = next(iter(templates(8)))
    double = FiniteGroup(
        "Q8xC2", 10, (*((*g, 8, 9) for g in quaternions.generators), (*range(8), 9, 8)), known_order=16
    )
    assert structure_name(double) == "order 16"
    assert structure_name(named_group("C4xC4")) == "C4xC4"


@given(st.sampled_from(["S3", "D4", "A4", "C6", "V4", "S4", "D5", "C4xC2"]))
def test_names_do_not_depend_on_the_action(name):
    group = named_group(name)
    perms = regular(group).perms
    again = FiniteGroup("regular", group.order, tuple(tuple(int(i) for i in p) for p in perms))
    assert structure_name(again) == structure_name(group)


def test_the_subgroups_of_s5_by_structure():
    """The table of marks of S5 (GAP): 19 classes, 156 subgroups."""
    counts = Counter(s.name for s in subgroups(named_group("S5")))
    assert counts == {
        "C1": 1, "C2": 25, "C3": 10, "V4": 20, "C4": 15, "C5": 6, "C6": 10, "S3": 20, "D4": 15, "D5": 6,
        "A4": 5,
        "D6": 10, "F20": 6, "S4": 5, "A5": 1, "S5": 1,
    }  # fmt: skip
