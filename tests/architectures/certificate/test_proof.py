"""The certificate: true specifications pass with the right figures, and every tampered one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sharefind.architectures import GeneratorPair, SharingSpec, certify
from sharefind.architectures.certificate.proof import layer_error
from sharefind.errors import ExportError
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace

MakeSpec = Callable[..., SharingSpec]


def _burnside(group_name: str, in_text: str, out_text: str, bias: bool) -> int:
    """dim E^G as the mean of tr(rhohat_g) (tr(rho_g^-1) + 1[bias]) over the group, in floating point."""
    group = named_group(group_name)
    ins, outs = (parse_representation(text, group).float_matrices() for text in (in_text, out_text))
    traces = np.trace(outs, axis1=1, axis2=2) * (np.trace(ins, axis1=1, axis2=2) + bias)
    return round(float(traces.mean()))


@pytest.mark.parametrize(
    ("group", "in_text", "out_text", "unit", "field"),
    [
        ("C2", "natural", "natural", "matrix:logistic", "QQ"),
        ("S4", "natural", "natural", "matrix+bias:logistic", "QQ"),
        ("B3", "natural", "natural", "matrix:tanh", "QQ"),
        ("D4", "patch:5", "trivial", "matrix:tanh", "QQ"),
        ("R3", "natural", "regular", "matrix+bias:tanh", "QQ<2*cos(pi/6)>"),
        ("R5", "natural*natural", "trivial", "matrix:tanh", "QQ<2*cos(pi/10)>"),
        ("A5", "natural+sign", "natural", "matrix+bias:tanh", "QQ"),
    ],
)
def test_fixed_spaces_are_proven(
    group: str, in_text: str, out_text: str, unit: str, field: str, make_spec: MakeSpec
) -> None:
    certificate = certify(make_spec(group, in_text, out_text, unit))
    assert certificate.is_proven and certificate.is_fixed_space
    assert certificate.dim == _burnside(group, in_text, out_text, "+bias" in unit)
    assert certificate.order == certificate.generated_order == named_group(group).order
    assert certificate.field == field
    assert certificate.error <= 1e-12
    assert "proven exactly" in certificate.statement and "\n" not in certificate.statement
    assert certificate.to_json()["dim"] == certificate.dim


def test_an_unfaithful_action_generates_a_quotient(make_spec: MakeSpec) -> None:
    certificate = certify(make_spec("S4", "sign", "trivial", "matrix+bias:tanh"))
    assert (certificate.order, certificate.generated_order) == (24, 2)


@pytest.mark.parametrize(
    ("group", "in_text", "dim"),
    [("SO3", "natural*natural", 1), ("O2", "natural*natural", 1), ("SO2", "natural*natural", 2)],
)
def test_infinite_groups_are_proven_by_their_lie_algebra(
    group: str, in_text: str, dim: int, make_spec: MakeSpec
) -> None:
    # Invariant bilinear forms: the inner product, and for SO(2) the area form besides.
    certificate = certify(make_spec(group, in_text, "trivial", "matrix:tanh"))
    assert certificate.is_proven and certificate.is_fixed_space and certificate.dim == dim
    assert certificate.order is None and certificate.generated_order is None
    assert certificate.error <= 1e-12


def test_zero_is_fixed_by_every_group_and_is_not_said_to_be_all(make_spec: MakeSpec) -> None:
    certificate = certify(make_spec("C2", "natural", "natural", "matrix:logistic", Subspace.zero(4)))
    assert certificate.is_proven and not certificate.is_fixed_space and certificate.dim == 0
    assert certify(make_spec("R3", "natural", "trivial", "matrix:tanh")).is_fixed_space


def test_a_numerical_space_is_said_to_be_unproven(make_spec: MakeSpec) -> None:
    space = Subspace.numerical(np.random.default_rng(1).standard_normal((2, 4)))
    certificate = certify(make_spec("C1", "trivial:2", "trivial:2", "matrix:tanh", space))
    assert not certificate.is_proven and not certificate.is_fixed_space
    assert "not exact" in certificate.statement


def test_a_numerical_space_off_the_fixed_space_is_refused(make_spec: MakeSpec) -> None:
    exact = make_spec("C2", "natural", "natural", "matrix:tanh").space
    kept = Subspace.numerical(exact.orthonormal())
    assert not certify(make_spec("C2", "natural", "natural", "matrix:tanh", kept)).is_proven
    tilted = Subspace.numerical(exact.orthonormal() + 1e-3 * np.eye(4)[:2])
    with pytest.raises(ExportError, match="breaks C2"):
        certify(make_spec("C2", "natural", "natural", "matrix:tanh", tilted))


def _refused(spec: SharingSpec, words: str) -> None:
    with pytest.raises(ExportError, match=words) as caught:
        certify(spec)
    assert "\n" not in str(caught.value)


def test_tampered_ties_are_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("C4", "natural", "natural", "matrix:logistic")
    labels = np.array(spec.space.tying)
    for position in range(labels.size):
        changed = labels.copy()
        changed[position] = labels.max() + 1
        _refused(replace(spec, space=Subspace.from_tying(changed)), "moves a parameter")
    _refused(replace(spec, space=Subspace.from_tying(np.where(labels == 2, 0, labels))), "dimension 3")
    _refused(replace(spec, space=Subspace.from_tying(np.where(labels == 2, 1, labels))), "dimension 3")


def test_a_tampered_basis_is_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("R3", "natural", "regular", "matrix:tanh")
    rows = spec.space.basis_strings()
    assert any("sqrt(3)" in entry for row in rows for entry in row)
    rows[0] = [entry.replace("sqrt(3)/2", "866/1000") for entry in rows[0]]
    _refused(replace(spec, space=Subspace.from_basis(rows)), "moves a parameter")


def test_tampered_bias_ties_are_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("S4", "natural", "natural", "matrix+bias:logistic")
    labels = np.array(spec.space.tying)
    labels[-1] = 4
    _refused(replace(spec, space=Subspace.from_tying(labels)), "moves a parameter")


def _permutation(*images: int) -> tuple[tuple[str, ...], ...]:
    size = len(images)
    return tuple(tuple("1" if images[j] == i else "0" for j in range(size)) for i in range(size))


def test_tampered_groups_are_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("C4", "natural", "natural", "matrix:logistic")
    turn, swap = _permutation(1, 2, 3, 0), _permutation(1, 0, 2, 3)
    _refused(replace(spec, generators=()), "E\\^C4 has 16")
    _refused(replace(spec, group_order=8), "group.order is 8, and C4 has order 4")
    _refused(replace(spec, group_order=None), "group.order is None, and C4 has order 4")
    _refused(replace(spec, group_name="G", group_order=None), "group.order is null")
    _refused(replace(spec, group_name="G", group_order=6), "no divisor")
    _refused(replace(spec, generators=(GeneratorPair(turn, turn), GeneratorPair(swap, swap))), "no divisor")
    _refused(replace(spec, generators=(GeneratorPair(swap, swap),)), "moves a parameter")
    _refused(replace(spec, generators=(GeneratorPair(turn, swap),)), "moves a parameter")


def test_generators_that_act_badly_are_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("C2", "natural", "natural", "matrix:tanh")
    flip = (("0", "1"), ("1", "0"))
    for wrong in ((("1", "1"), ("0", "1")), (("1", "0"), ("0", "0")), (("2", "0"), ("0", "1"))):
        _refused(replace(spec, generators=(GeneratorPair(wrong, flip),)), "not orthogonal")
    infinite = (("3/5", "-4/5"), ("4/5", "3/5"))
    _refused(replace(spec, generators=(GeneratorPair(infinite, flip),)), "infinite")
    rotations = make_spec("SO2", "natural*natural", "trivial", "matrix:tanh")
    bent = GeneratorPair((("1", "0", "0", "0"), *rotations.lie_generators[0].on_inputs[1:]), (("0",),))
    _refused(replace(rotations, lie_generators=(bent,)), "not skew")
    _refused(replace(rotations, space=Subspace.full(4)), "Lie generator 0 of SO2 moves")


def test_an_activation_that_does_not_commute_is_refused(make_spec: MakeSpec) -> None:
    _refused(make_spec("B3", "natural", "natural", "matrix:logistic"), "logistic does not commute")
    _refused(make_spec("R3", "natural", "natural", "matrix:tanh"), "tanh does not commute")
    _refused(make_spec("SO2", "natural", "natural", "matrix:tanh"), "tanh does not commute with the rotations")


def test_a_change_of_data_that_does_not_commute_is_refused(make_spec: MakeSpec) -> None:
    good = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3, 0.3]), 4.0)
    spec = make_spec("C2", "natural", "natural", "matrix:logistic", None, good)
    assert certify(spec).is_proven
    _refused(replace(spec, change=replace(good, matrix=np.diag([1.0, 2.0]))), "change of data")
    _refused(replace(spec, change=replace(good, shift=np.array([0.3, 0.4]))), "change of data")
    for centre in ([300.0, 300.0], [1e9 / 3, 1e9 / 3]):
        assert certify(replace(spec, change=replace(good, centre=np.array(centre)))).is_proven
        centre[1] *= 1 + 1e-9
        _refused(replace(spec, change=replace(good, centre=np.array(centre))), r"see change\.centre")
    rotations = make_spec("SO3", "natural+trivial", "trivial", "matrix+bias:tanh")
    about = replace(rotations.change, centre=np.array([0.0, 0.0, 0.0, 7.0]))
    assert certify(replace(rotations, change=about)).is_proven
    off = replace(about, centre=np.array([0.1, 0.0, 0.0, 7.0]))
    _refused(replace(rotations, change=off), r"see change\.centre")


def test_the_numerical_check_sees_a_layer_that_is_not_equivariant(make_spec: MakeSpec) -> None:
    spec = make_spec("C2", "natural", "natural", "matrix:logistic", Subspace.full(4))
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert layer_error(spec, [(swap, swap)], 16, np.random.default_rng(0)) > 1e-3


def test_ties_without_a_group_claim_no_symmetry(make_spec: MakeSpec) -> None:
    space = Subspace.from_tying([1, 2, 0, 0, 1, 2])
    certificate = certify(make_spec("C1", "trivial:3", "trivial:2", "matrix:tanh", space))
    assert certificate.is_proven and not certificate.is_fixed_space
    assert certificate.statement == "exact ties without a group, dim 2 of 6: no symmetry is claimed, none proven"
