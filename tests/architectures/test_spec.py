"""Specifications whose parts do not fit are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sharefind.architectures import GeneratorPair, SharingSpec, class_names, generator_pairs, to_json
from sharefind.errors import InputError
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import build_unit
from sharefind.meanfield.clouds.standardise import identity_standardisation
from sharefind.spaces import fixed_space
from tests.architectures.two_layer import identity, two_layer_spec
from tests.specs import spec_on


def test_matrix_specifications_are_written_as_before() -> None:
    rep = parse_representation("natural", named_group("C2"))
    unit = build_unit("matrix:tanh", rep, rep)
    spec = SharingSpec(
        name="m", unit=unit.name, particles=1, blocks=unit.space.blocks, group_name="C2", group_order=2,
        in_rep="natural", out_rep="natural", generators=generator_pairs(rep, rep),
        space=fixed_space(unit.space.action), change=identity_standardisation(2, 2),
    )  # fmt: skip
    record = json.loads(to_json(spec))
    assert "hidden_rep" not in record
    assert set(record["generators"][0]) == {"in", "out"}
    assert class_names(spec) == ("SharedShallowNetwork", "SharedLinear", "check_equivariance")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_rep": None}, "hidden_rep is None for the unit two-layer"),
        ({"unit": "matrix:tanh"}, "the first block is output; a unit matrix:tanh begins with weight"),
        ({"unit": "radial"}, "radial"),
        ({"generators": (GeneratorPair(identity(4), identity(4)),)}, "has 2 matrices and the unit .* needs 3"),
        ({"generators": (GeneratorPair(identity(4), identity(4), identity(3)),)}, "on hidden units is not 4 x 4"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(two_layer_spec("c4"), **change)


def test_a_notebook_shows_formula_widths_group_and_tying() -> None:
    rep = natural(named_group("C3"))
    spec = spec_on((rep, rep), "matrix+bias:tanh", 8)
    shown = spec._repr_html_()
    assert "matrix+bias:tanh: tanh(W_i x + b_i)" in shown
    assert "3 inputs, 3 outputs" in shown and "C3, order 3" in shown
    assert shown.count('<td class="class-') == 12
    assert repr(spec) == (
        "<SharingSpec 'test: C3': tanh(W_i x + b_i), 3 inputs, 3 outputs, group C3, order 3, dimension 4 of 12>"
    )
    assert "<b>" not in replace(spec, group_name="<b>")._repr_html_()
