"""Representations of SO(n) and O(n): the Leibniz rule against exponentials, invariants against theory."""

import numpy as np
import pytest
from scipy.linalg import expm

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import to_float
from sharefind.groups import hom, named_group, natural, parse_representation, regular, sign, trivial

EXPRESSIONS = [
    "natural",
    "trivial:2",
    "sign",
    "natural*natural",
    "2*natural+sign",
    "natural*(natural+trivial)*sign",
]


@pytest.mark.parametrize("name", ["SO2", "SO3", "O3"])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_lie_algebra_is_the_derivative_of_the_group(name, text):
    """exp(t d rho(X)) = rho(exp(t X))."""
    group = named_group(name)
    rep = parse_representation(text, group)
    coefficients = np.random.default_rng(0).normal(size=len(group.lie_algebra))
    small = sum(c * to_float(x) for c, x in zip(coefficients, group.lie_algebra, strict=True))
    large = sum(c * to_float(x) for c, x in zip(coefficients, rep.lie, strict=True))
    assert np.allclose(expm(large), rep.evaluate(expm(small)[None])[0], atol=1e-12)
    for m, image in zip(group.discrete, rep.discrete, strict=True):
        assert np.allclose(rep.evaluate(to_float(m)[None])[0], to_float(image), atol=1e-12)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_brackets_are_kept(text):
    group = named_group("SO3")
    rep = parse_representation(text, group)
    for i, x in enumerate(group.lie_algebra):
        for j, y in enumerate(group.lie_algebra):
            bracket = x * y - y * x
            combined = _combine(bracket, group, rep)
            assert rep.lie[i] * rep.lie[j] - rep.lie[j] * rep.lie[i] == combined


def _combine(element, group, rep):
    """d rho of a skew matrix, by its coordinates in the basis of the Lie algebra."""
    total = rep.lie[0] - rep.lie[0]
    for x, image in zip(group.lie_algebra, rep.lie, strict=True):
        (row, column) = next((i, j) for i, entries in x.rep.items() for j in entries if i > j)
        total = total + image * element[row, column].element
    return total


@pytest.mark.parametrize(("name", "orders"), [("SO3", [1, 0, 1, 1, 3]), ("O3", [1, 0, 1, 0, 3]), ("SO2", [1, 0, 2, 0])])
def test_invariants_of_tensor_powers(name, orders):
    """E tr rho counts the invariants: 1, 0, 1, 1, 3 for SO(3), no determinant tensor for O(3) (Weyl 1946)."""
    group = named_group(name)
    draws = group.sample(np.random.default_rng(5), 40_000)
    traces = np.trace(draws, axis1=1, axis2=2)
    for power, count in enumerate(orders):
        spread = (traces**power).std() / np.sqrt(len(traces))
        assert abs((traces**power).mean() - count) <= 5 * spread + 1e-12


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_sampled_matrices_are_a_homomorphic_image(text):
    group = named_group("O3")
    rep = parse_representation(text, group)
    draws = rep.sample_matrices(np.random.default_rng(2), 20)
    assert draws.shape == (20, rep.dim, rep.dim)
    assert np.allclose(np.einsum("nij,nik->njk", draws, draws), np.eye(rep.dim), atol=1e-10)
    a, b = group.sample(np.random.default_rng(3), 2)
    product = rep.evaluate((a @ b)[None])[0]
    assert np.allclose(rep.evaluate(a[None])[0] @ rep.evaluate(b[None])[0], product, atol=1e-10)


def test_compact_representations_are_orthogonal_matrices():
    group = named_group("SO3")
    rep = natural(group)
    assert rep.is_orthogonal
    assert rep.kind == "matrix"
    assert rep.dual is rep
    assert hom(rep, rep).dim == 9
    assert trivial(group, 3).discrete == ()
    assert sign(named_group("O3")).discrete[0].to_Matrix()[0] == -1


def test_what_infinite_groups_lack_is_refused():
    rep = natural(named_group("SO3"))
    for request in (rep.images, rep.character, rep.float_matrices, lambda: rep.generator_matrices):
        with pytest.raises(RepresentationError, match="infinite"):
            request()
    with pytest.raises(RepresentationError, match="regular"):
        regular(rep.group)
    with pytest.raises(RepresentationError, match="finite"):
        _ = natural(named_group("C3")).compact_group
