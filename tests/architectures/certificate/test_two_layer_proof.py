"""Two-layer specifications: proven, and refused where they lie."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sharefind.architectures import GeneratorPair, certify, from_json, to_json
from sharefind.errors import ExportError
from sharefind.spaces import Subspace
from tests.architectures.two_layer import CASES, identity, two_layer_spec


@pytest.mark.parametrize("case", CASES)
def test_specifications_are_proven_and_read_back(case: str) -> None:
    spec = two_layer_spec(case)
    certificate = certify(spec)
    assert certificate.is_proven == spec.space.is_exact
    assert certificate.is_fixed_space == (case not in ("c2_zero", "numerical"))
    assert certificate.error < 1e-12
    again = from_json(to_json(spec))
    assert again == spec and again.d_hidden == spec.block("weight").shape[0]
    assert certify(again) == certificate


def test_claims_that_do_not_hold_are_refused() -> None:
    spec = two_layer_spec("c4")
    assert spec.space.tying is not None
    with pytest.raises(ExportError, match="generator 0 of C4 moves a parameter"):
        certify(replace(spec, space=Subspace.full(spec.space.ambient)))
    with pytest.raises(ExportError, match=r"the space has dimension 1 and E\^C4 has 9"):
        certify(replace(spec, space=Subspace.from_tying(spec.space.tying * (spec.space.tying == 1))))
    still = tuple(replace(pair, on_hidden=identity(4)) for pair in spec.generators)
    with pytest.raises(ExportError, match="moves a parameter"):
        certify(replace(spec, generators=still))
    mixing = (("3/5", "4/5"), ("-4/5", "3/5"))
    turned = replace(two_layer_spec("b2_signed"), generators=(GeneratorPair(identity(2), identity(2), mixing),))
    with pytest.raises(ExportError, match=r"infinite group|tanh does not commute with generator 0 of B2 on hidden"):
        certify(turned)


def test_a_sign_on_hidden_units_needs_an_odd_activation() -> None:
    with pytest.raises(ExportError, match=r"logistic does not commute with generator . of B2 on hidden units"):
        certify(replace(two_layer_spec("b2_signed"), unit="two-layer:logistic"))
