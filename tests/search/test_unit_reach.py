"""What networks on E^G cannot see or give is said before a search, against ranks by hand."""

import pytest

from sharefind.groups import named_group, parse_representation
from sharefind.meanfield import build_unit
from sharefind.meanfield.units import SearchedUnit
from sharefind.search.searched_unit import default_unit
from sharefind.search.unit_reach import reach_warnings


@pytest.mark.parametrize(
    ("group", "out_rep", "unit"),
    [
        ("O3", "trivial", "gated"),
        ("O3", "natural", "gated"),
        ("O3", "natural*natural", "gated-tensors"),
        ("O3", "sign*natural", "gated-tensors"),
        ("O3", "sign", "gated"),
        ("SO3", "natural", "gated-tensors"),
        ("SO2", "natural", "gated"),
        ("R5", "natural", "two-layer"),
    ],
)
def test_products_are_the_default_where_labels_need_them(group: str, out_rep: str, unit: str) -> None:
    """Characters: natural*natural of O3 holds 1, spin 1 (axial) and spin 2, of which lengths give the first alone."""
    acting = named_group(group)
    assert default_unit(*(parse_representation(text, acting) for text in ("2*natural", out_rep))) == unit


def warnings_of(group: str, unit: str, in_rep: str, out_rep: str, hidden: str | None = None) -> tuple[str, ...]:
    acting = named_group(group)
    reps = [parse_representation(text, acting) for text in (in_rep, out_rep)]
    hidden_rep = None if hidden is None else parse_representation(hidden, acting)
    found = build_unit(unit, *reps, hidden_rep)
    assert isinstance(found, SearchedUnit)
    return reach_warnings(found)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (("O3", "matrix+bias", "5*natural", "trivial"), ("sees 0 of 15", "every such network is constant", "gated")),
        (("O3", "two-layer", "5*natural", "trivial", "trivial"), ("sees 0 of 15", "try unit gated")),
        (("SO2", "two-layer", "natural+trivial", "trivial", "trivial"), ("sees 1 of 3", "of the inputs; try unit")),
        (
            ("O3", "gated", "natural", "natural*natural", "2*natural"),
            ("gives 1 of 9", "try unit gated-tensors"),
        ),
        (("O3", "gated", "3*natural", "sign", "3*natural"), ("gives 0 of 1", "constant", "triple product")),
        (("O3", "gated-tensors", "3*natural", "sign", "4*natural"), ("gives 0 of 1", "constant", "triple product")),
        (("SO3", "gated", "3*natural", "trivial", "4*natural"), ("commute with reflections", "triple product")),
        (("S3xSO3", "gated", "S3.natural*SO3.natural", "trivial", "S3.natural*SO3.natural"), ("reflections",)),
        (("O3", "gated", "natural+trivial", "trivial", "2*natural"), ("sees 3 of 4", "inputs", "another hidden_rep")),
        (("R5", "gated", "natural", "natural", "trivial"), ("sees 0 of 2", "every such network is constant")),
        (("SO3", "radial", "trivial:2", "natural"), ("sees 0 of 2", "constant")),
    ],
)
def test_what_is_not_reached_is_said(case: tuple[str, ...], said: tuple[str, ...]) -> None:
    lines = " ".join(warnings_of(*case))
    assert all(words in lines for words in said), lines


@pytest.mark.parametrize(
    "case",
    [
        ("O3", "gated", "5*natural", "trivial", "8*natural"),
        ("O3", "gated", "2*natural+trivial", "natural+trivial", "2*natural+trivial"),
        ("SO2", "gated", "natural", "natural", "natural"),
        ("SO2", "gated", "2*natural", "trivial", "2*natural"),
        ("O3", "gated-tensors", "2*natural", "natural*natural", "2*natural"),
        ("O3", "gated-tensors", "2*natural", "sign*natural", "2*natural"),
        ("SO3", "gated-tensors", "2*natural", "natural", "2*natural"),
        ("SO3", "radial", "natural", "natural"),
        ("C4", "matrix", "natural", "trivial"),
        ("C2", "two-layer", "sign", "trivial", "trivial"),
    ],
)
def test_units_that_reach_everything_are_left_alone(case: tuple[str, ...]) -> None:
    assert warnings_of(*case) == ()
