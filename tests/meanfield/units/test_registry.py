"""Two-layer and radial units: gradients, refusals, and the dimension of E^G by Burnside's count."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import SpaceError, UnitError
from sharefind.groups import Representation, from_matrices, named_group, natural, parse_representation
from sharefind.limits import Limits
from sharefind.meanfield import (
    TANH,
    MatrixUnit,
    PointwiseUnit,
    TwoLayerUnit,
    Unit,
    UnitKind,
    UnitRequest,
    build_pointwise_unit,
    build_unit,
    haar_rule,
    register_unit,
)
from sharefind.meanfield.units import GatedUnit, read_unit, registry
from sharefind.search.searched_unit import searched_unit
from sharefind.spaces import fixed_space, matrix_space
from sharefind.testing import equivariance_error, random_units

TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4}
"""Absolute errors of pull-backs of order ten, declared for each precision."""


@settings(max_examples=80)
@given(random_units(), st.sampled_from([torch.float64, torch.float32]), st.integers(0, 2**16))
def test_pullbacks_are_the_gradients_of_the_values(unit: Unit, dtype: torch.dtype, seed: int) -> None:
    """Against autograd in float64, whatever the precision of the pull-back."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(2, 4, unit.d_in)))
    leaf = torch.from_numpy(rng.normal(size=(2, unit.space.dim, 3))).requires_grad_()
    covector = torch.from_numpy(rng.normal(size=(2, unit.d_out, 4)))
    values = unit.values(x, leaf)
    (slope,) = torch.autograd.grad((values * covector.unsqueeze(-1)).sum() / 4, leaf)
    again, pullback = unit.linearise(x.to(dtype), leaf.detach().to(dtype))
    torch.testing.assert_close(again.double(), values.detach(), rtol=0, atol=TOLERANCE[dtype])
    torch.testing.assert_close(pullback(covector.to(dtype)).double(), slope, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("group", "in_text", "out_text", "expression", "hidden"),
    [
        ("R3", "natural", "natural", "radial", None),
        ("SO3", "natural", "natural", "radial:gaussian", None),
        ("O2", "natural+trivial", "natural", "radial", None),
        ("SO2", "natural", "natural+trivial", "two-layer:tanh", "trivial:3"),
        ("R5", "natural", "natural", "two-layer:tanh", "regular"),
        ("O2", "natural", "natural", "two-layer:tanh", "sign+trivial"),
        ("R5", "2*natural", "natural", "gated:tanh", "natural+regular"),
        ("SO3", "2*natural+trivial", "natural", "gated:logistic", "2*natural+trivial"),
        ("O2", "2*natural", "natural*natural", "gated", "natural+sign"),
        ("O3", "2*natural", "sign*natural+natural*natural", "gated-tensors", "2*natural"),
        ("S3xO2", "S3.natural*O2.natural", "O2.natural*O2.natural", "gated-tensors", "2*(S3.natural*O2.natural)"),
        ("R5", "2*natural", "natural*natural", "gated-tensors:logistic", "2*(natural+trivial)"),
    ],
)
def test_rotations_of_the_labels(group: str, in_text: str, out_text: str, expression: str, hidden: str | None) -> None:
    g = named_group(group)
    rep = None if hidden is None else parse_representation(hidden, g)
    unit = build_unit(expression, parse_representation(in_text, g), parse_representation(out_text, g), rep)
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(1, 5, unit.d_in)))
    theta = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 3)))
    assert equivariance_error(unit, haar_rule(unit, 50, rng), x, theta) < 1e-12


def test_values_by_hand() -> None:
    g = named_group("C2")
    two = build_unit("two-layer:tanh", natural(g), natural(g), natural(g))
    a, w, b = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.3, -0.2], [0.1, 0.4]]), np.array([0.05, -0.1])
    x = np.array([0.7, -1.1])
    theta = torch.from_numpy(np.concatenate([a.ravel(), w.ravel(), b])).reshape(1, -1, 1)
    found = two.values(torch.from_numpy(x).reshape(1, 1, 2), theta).flatten()
    np.testing.assert_allclose(found, a @ np.tanh(w @ x + b), atol=1e-15)
    radial = build_unit("radial", natural(g), natural(g))
    u = w @ x
    found = radial.values(torch.from_numpy(x).reshape(1, 1, 2), torch.from_numpy(w).reshape(1, 4, 1)).flatten()
    np.testing.assert_allclose(found, u / np.sqrt(1 + u @ u), atol=1e-15)


@settings(max_examples=40)
@given(random_units())
def test_fixed_spaces_have_burnsides_dimension(unit: Unit) -> None:
    """dim E^G = mean_g tr M_g, with M_g assembled here from rho, eta and rhohat."""
    rho, rhohat = unit.in_rep.float_matrices(), unit.out_rep.float_matrices()
    characters = [np.trace(b) * np.trace(a) for a, b in zip(rho, rhohat, strict=True)]
    if isinstance(unit, GatedUnit):
        eta, lengths = ([np.trace(m) for m in rep.float_matrices()] for rep in (unit.hidden_rep, unit.lengths_rep))
        traces = zip(map(np.trace, rho), map(np.trace, rhohat), eta, lengths, strict=True)
        characters = [b * (e + t) + t * t + t + e * a for a, b, e, t in traces]
        if unit.pairs_rep is not None:
            products = [
                np.trace(b) * _trace_of_squares(e, unit.types)
                for b, e in zip(rhohat, unit.hidden_rep.float_matrices(), strict=True)
            ]
            characters = [c + p for c, p in zip(characters, products, strict=True)]
    elif isinstance(unit, TwoLayerUnit):
        eta = [np.trace(e) for e in unit.hidden_rep.float_matrices()]
        traces = zip(rho, rhohat, eta, strict=True)
        characters = [np.trace(b) * e + e * np.trace(a) + e for a, b, e in traces]
    elif len(unit.space.blocks) == 2:
        characters = [c + np.trace(b) for c, b in zip(characters, rhohat, strict=True)]
    assert fixed_space(unit.space.action).dim == round(float(np.mean(characters)))


def _trace_of_squares(eta: np.ndarray, types: tuple[int, ...]) -> float:
    """Of eta (x) eta on the products within the types of the first half: the sum of (trace on a type)^2."""
    half = len(types) // 2
    blocks = {label or -k - 1: [] for k, label in enumerate(types[:half])}
    for k, label in enumerate(types[:half]):
        blocks[label or -k - 1].append(k)
    return float(sum(np.trace(eta[np.ix_(block, block)]) ** 2 for block in blocks.values()))


def skewed() -> Representation:
    return from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "skewed")


def test_refusals_name_the_generator() -> None:
    b2, r3 = named_group("B2"), named_group("R3")
    with pytest.raises(UnitError, match=r"generator 1 of B2 changes signs on the hidden units.*two-layer:tanh"):
        build_unit("two-layer", natural(b2), natural(b2), natural(b2))
    with pytest.raises(UnitError, match=r"generator 0 of R3 acts on the hidden units \(natural\).*hidden_rep trivial"):
        build_unit("two-layer:tanh", natural(r3), natural(r3), natural(r3))
    with pytest.raises(UnitError, match="SO2 rotates the hidden units"):
        build_unit("two-layer:tanh", *[natural(named_group("SO2"))] * 3)
    with pytest.raises(UnitError, match=r"generator 0 of C2 acts on Y \(skewed\) by a matrix that changes lengths"):
        build_unit("radial", natural(named_group("C2")), skewed())


def test_the_refusal_is_right() -> None:
    """A logistic hidden layer under signs, and lengths that change: the equation fails at a point."""
    x, y = torch.tensor([0.4, -1.0]), torch.tensor([[1.0, 1.0], [0.0, -1.0]])
    assert not torch.allclose(torch.sigmoid(-x), -torch.sigmoid(x))
    moved = y @ x
    assert not torch.allclose(moved / (1 + moved @ moved).sqrt(), y @ (x / (1 + x @ x).sqrt()))


@dataclass(frozen=True)
class Shrunk(MatrixUnit):
    """A matrix unit under another name."""

    @property
    def name(self) -> str:
        return "shrunk"


def shrunk(asked: UnitRequest) -> Shrunk:
    return Shrunk(asked.in_rep, asked.out_rep, TANH, False, matrix_space(asked.in_rep, asked.out_rep))


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> UnitKind:
    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    return register_unit(UnitKind("shrunk", shrunk, lambda d_in, d_out, *_: d_in * d_out))


def test_a_registered_kind_is_known_wherever_units_are_named(kind: UnitKind) -> None:
    rep = natural(named_group("S3"))
    assert read_unit("shrunk").kind is kind
    assert isinstance(build_unit("shrunk", rep, rep), Shrunk)
    assert searched_unit("shrunk", None, rep, rep).name == "shrunk"
    assert read_unit("shrunk").dim(3, 3) == build_unit("shrunk", rep, rep).space.dim
    for expression in ("shrunk+bias", "shrunk:tanh", "shrunken"):
        with pytest.raises(UnitError, match=r"is unknown; use .*shrunk$"):
            build_unit(expression, rep, rep)
    with pytest.raises(
        UnitError, match=r"cannot be exported; use matrix, matrix\+bias, two-layer, gated, gated-tensors or radial"
    ):
        build_pointwise_unit("shrunk", rep, rep)
    with pytest.raises(SpaceError, match=r"unit shrunk on inputs of width 3 .* has 9 parameters"):
        searched_unit("shrunk", None, rep, rep, Limits(dim=8))


@pytest.mark.parametrize("name", ["matrix", "two-layer", "a kind", "", "a+bias", "Ours"])
def test_names_that_no_kind_may_have(name: str) -> None:
    with pytest.raises(UnitError, match="choose another name"):
        register_unit(UnitKind(name, shrunk, lambda *_: 1))


@pytest.mark.parametrize("expression", [name for kind in registry.OURS for name in kind.expressions])
def test_kinds_count_their_parameters(expression: str) -> None:
    group = named_group("S3")
    rep, hidden = natural(group), parse_representation("2*regular", group)
    choice = read_unit(expression)
    unit = build_unit(expression, rep, rep, hidden if choice.kind.has_hidden else None)
    assert choice.dim(3, 3, 12) == unit.space.dim
    assert choice.kind.can_be_exported == isinstance(unit, PointwiseUnit)
    assert choice.kind.takes_bias == (f"{choice.kind.name}+bias" in choice.kind.expressions)


@pytest.mark.parametrize("expression", ["two-layer+bias", "radial+bias", "radial:", "two-layers", "two-layer:"])
def test_unknown_expressions(expression: str) -> None:
    rep = natural(named_group("C2"))
    with pytest.raises(UnitError, match="is unknown"):
        build_unit(expression, rep, rep, rep)


def test_hidden_representations_where_they_belong() -> None:
    rep = natural(named_group("C2"))
    with pytest.raises(UnitError, match="needs the group's action on its hidden space"):
        build_unit("two-layer", rep, rep)
    with pytest.raises(UnitError, match="has no hidden space"):
        build_unit("radial", rep, rep, rep)
    with pytest.raises(UnitError, match="radial profile 'tanh' is unknown"):
        build_unit("radial:tanh", rep, rep)
