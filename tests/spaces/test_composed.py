"""Fixed spaces of composed actions: the same as by one elimination, for subgroups in turned frames too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sharefind.groups import named_group, parse_representation
from sharefind.groups.axes import INPUT_AXES, Axes
from sharefind.groups.axis_expressions import representation_of
from sharefind.groups.compact_product import compact_product
from sharefind.groups.factors import factors_of
from sharefind.groups.orthogonal_subgroups import block_subgroups, frame_near
from sharefind.groups.representation import hom
from sharefind.spaces import fixed_space
from sharefind.spaces.fixed import fixed_space_of


def turned_axis_groups():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(1.1), -np.sin(1.1)], [0, np.sin(1.1), np.cos(1.1)]])
    return block_subgroups(frame_near(turn @ tilt, 1e-2), (2, 1))


@pytest.mark.parametrize("name", ["O2", "S(O2xO1)"])
@pytest.mark.parametrize("whole", [True, False])
def test_subgroups_of_a_product_on_axes(name: str, whole: bool) -> None:
    group = named_group("S4xO3")
    rep = representation_of(
        "points:S4.natural coords:O3.natural+trivial", group, Axes(("points", "coords"), (4, 4)), INPUT_AXES
    )
    action = hom(rep, rep) + 2 * rep
    permuting, _ = factors_of(group)
    turning = next(g for g in turned_axis_groups() if g.name == name)
    inner = compact_product("K", (permuting if whole else named_group("C4"), turning))
    assert fixed_space_of(action, inner) == fixed_space(action.rebuilt(inner), "nullspace")


@pytest.mark.parametrize("text", ["natural*natural+3*natural+2*trivial", "natural*natural*natural", "trivial"])
def test_sums_and_products_of_one_group(text: str) -> None:
    rep = parse_representation(text, named_group("SO3"))
    assert fixed_space(rep) == fixed_space(rep, "nullspace")
    inner = turned_axis_groups()[0]
    assert fixed_space_of(rep, inner) == fixed_space(rep.rebuilt(inner), "nullspace")


def test_an_action_that_was_given_by_matrices() -> None:
    rep = parse_representation("2*natural", named_group("SO3"))
    bare = replace(rep, construction=None)
    assert fixed_space(bare) == fixed_space(rep, "nullspace")
