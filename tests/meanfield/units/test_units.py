"""Joint equivariance of every unit that can be built, and refusal of the rest with the generator named."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import RepresentationError, UnitError
from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, trivial
from sharefind.groups.group import NaturalBlock
from sharefind.meanfield import MatrixUnit, ParticleAction, build_unit

TOLERANCE = 1e-10
IN_TEXTS = ["natural", "natural+trivial", "natural+sign", "natural*natural", "regular", "2*natural", "dual(natural)"]
OUT_TEXTS = ["natural", "trivial:2", "natural+trivial", "natural*sign", "sign", "natural*natural"]
EXPRESSIONS = ["matrix", "matrix:tanh", "matrix+bias", "matrix+bias:tanh"]


@st.composite
def groups(draw: st.DrawFn) -> FiniteGroup:
    """Permutation groups on up to 4 points and signed ones on up to 3 coordinates."""
    n = draw(st.integers(2, 4))
    perms = draw(st.lists(st.permutations(range(n)), min_size=1, max_size=2))
    if n == 4 or draw(st.booleans()):
        return FiniteGroup("random", n, tuple(map(tuple, perms)))
    generators = []
    for perm in perms:
        flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        images = [p + n * flip for p, flip in zip(perm, flips, strict=True)]
        generators.append(tuple(images + [(i + n) % (2 * n) for i in images]))
    return FiniteGroup("random", 2 * n, tuple(generators), (NaturalBlock("signed", 0, 2 * n),))


def is_pointwise_equivariant(out_rep: Representation, name: str) -> bool:
    """Whether sigma(rhohat_g t) = rhohat_g sigma(t) at random t, for every element: the numerical truth."""
    sigma = np.tanh if name == "tanh" else lambda t: 1 / (1 + np.exp(-t))
    t = np.random.default_rng(0).normal(0, 2, size=(5, out_rep.dim))
    return all(np.allclose(sigma(t @ m.T), sigma(t) @ m.T, atol=1e-9) for m in out_rep.float_matrices())


def check_joint_equivariance(unit: MatrixUnit) -> None:
    """sigma*(rho_g x, M_g z) = rhohat_g sigma*(x, z) for every g, x and z at random."""
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(1, 4, unit.d_in)))
    theta = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 3)))
    values = unit.values(x, theta)
    images = ParticleAction(unit.space.action).images(theta)
    rho, rhohat = unit.in_rep.float_matrices(), unit.out_rep.float_matrices()
    for g, (a, b) in enumerate(zip(rho, rhohat, strict=True)):
        moved = unit.values(x @ torch.from_numpy(a).t(), images[:, :, g])
        expected = torch.einsum("ij,rjbn->ribn", torch.from_numpy(b), values)
        torch.testing.assert_close(moved, expected, rtol=0, atol=TOLERANCE)


@settings(max_examples=80)
@given(groups(), st.sampled_from(IN_TEXTS), st.sampled_from(OUT_TEXTS), st.sampled_from(EXPRESSIONS))
def test_units_are_equivariant_or_refused(group: FiniteGroup, in_text: str, out_text: str, expression: str) -> None:
    in_rep, out_rep = parse_representation(in_text, group), parse_representation(out_text, group)
    sigma = "tanh" if "tanh" in expression else "logistic"
    if is_pointwise_equivariant(out_rep, sigma):
        check_joint_equivariance(build_unit(expression, in_rep, out_rep))
    else:
        with pytest.raises(UnitError, match=r"generator \d+ of random changes signs on Y"):
            build_unit(expression, in_rep, out_rep)


def test_units_by_name_are_equivariant(unit: MatrixUnit) -> None:
    check_joint_equivariance(unit)


def test_values_by_hand() -> None:
    group = named_group("C2")
    unit = build_unit("matrix+bias:tanh", natural(group), natural(group))
    x = torch.tensor([[[1.0, 2.0]]], dtype=torch.float64)
    theta = torch.tensor([[0.1, 0.2, -0.3, 0.4, 0.05, -0.05]], dtype=torch.float64).unsqueeze(-1)
    expected = np.tanh([0.1 + 0.4 + 0.05, -0.3 + 0.8 - 0.05])
    np.testing.assert_allclose(unit.values(x, theta).flatten().numpy(), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("group", "out_text", "expression", "message"),
    [
        ("B2", "natural", "matrix", r"logistic unit.*generator 1 of B2 changes signs on Y \(natural\).*matrix:tanh"),
        ("S3", "sign", "matrix+bias", r"generator 0 of S3 changes signs on Y \(sign\).*--out-rep trivial"),
        ("R2", "natural", "matrix", r"generator 0 of R2 changes signs"),
        ("R3", "natural", "matrix", r"generator 0 of R3.*no signed permutation.*--out-rep trivial"),
        ("R3", "natural", "matrix:tanh", r"generator 0 of R3.*no signed permutation.*pointwise tanh"),
        ("R4", "natural", "matrix", r"generator 0 of R4 changes signs"),
        ("R5", "natural+trivial", "matrix:tanh", r"generator 0 of R5.*no signed permutation"),
        ("SO3", "natural", "matrix", r"SO3 rotates Y \(natural\) continuously.*--out-rep trivial"),
        ("SO3", "natural", "matrix:tanh", r"SO3 rotates Y \(natural\) continuously.*pointwise tanh"),
        ("O2", "sign", "matrix", r"generator 0 of O2 changes signs on Y \(sign\)"),
    ],
)
def test_refusals_name_the_generator(group: str, out_text: str, expression: str, message: str) -> None:
    g = named_group(group)
    with pytest.raises(UnitError, match=message) as refusal:
        build_unit(expression, natural(g), parse_representation(out_text, g))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("group", "out_text", "expression"),
    [
        ("SO3", "trivial", "matrix"),
        ("SO3", "trivial:2", "matrix+bias:tanh"),
        ("SO2", "trivial", "matrix+bias"),
        ("O3", "trivial", "matrix+bias"),
        ("O2", "sign", "matrix:tanh"),
    ],
)
def test_compact_groups_may_fix_the_labels_or_flip_them(group: str, out_text: str, expression: str) -> None:
    g = named_group(group)
    unit = build_unit(expression, natural(g), parse_representation(out_text, g))
    rng = np.random.default_rng(2)
    x = torch.from_numpy(rng.normal(size=(12, 1, unit.d_in)))
    theta = torch.from_numpy(rng.normal(size=(12, unit.space.dim, 3)))
    reps = (unit.in_rep, unit.out_rep, unit.space.action)
    # The same seed draws the same twelve elements for each representation.
    rho, rhohat, m = (torch.from_numpy(r.sample_matrices(np.random.default_rng(3), 12)) for r in reps)
    moved = unit.values(torch.einsum("gij,gbj->gbi", rho, x), m @ theta)
    expected = torch.einsum("gij,gjbn->gibn", rhohat, unit.values(x, theta))
    torch.testing.assert_close(moved, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("expression", ["", "matrix:", "matrix-bias", "conv", "matrix+bias+bias:tanh"])
def test_unknown_expressions(expression: str) -> None:
    rep = natural(named_group("C2"))
    with pytest.raises(UnitError, match="use matrix or matrix"):
        build_unit(expression, rep, rep)


def test_unknown_activations() -> None:
    rep = natural(named_group("C2"))
    with pytest.raises(UnitError, match="'relu' is unknown"):
        build_unit("matrix:relu", rep, rep)


def test_names_build_the_same_unit(unit: MatrixUnit) -> None:
    again = build_unit(unit.name, unit.in_rep, unit.out_rep)
    assert (again.name, again.bias, again.activation) == (unit.name, unit.bias, unit.activation)
    assert again.space.dim == unit.d_out * (unit.d_in + unit.bias)


def test_one_group_for_both_sides() -> None:
    with pytest.raises(RepresentationError, match="build both from the same group"):
        build_unit("matrix", natural(named_group("C2")), trivial(named_group("C3")))
