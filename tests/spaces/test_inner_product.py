"""Means over the group: the invariant inner product and P_{E^G} for actions that are not orthogonal."""

import pytest
from sympy import QQ, Matrix, Rational
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError
from sharefind.exact.matrices import identity_matrix
from sharefind.groups import from_matrices, hom, named_group, natural, sign
from sharefind.spaces import Subspace, fixed_space, invariant_inner_product, projection

# S3 on {x + y + z = 0} in the basis (e1 - e2, e2 - e3), and with a fixed line added in a skew position.
SKEW = [[[-1, 1], [0, 1]], [[1, 0], [1, -1]]]
SKEW3 = [[[-1, 1, 2], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [1, -1, 0], [0, 0, 1]]]


def symmetric_group_rep(matrices):
    group = named_group("S3")
    swaps = type(group)("S3", 3, ((1, 0, 2), (0, 2, 1)))
    return from_matrices(swaps, matrices, "skew")


def test_invariant_inner_product_of_a_skew_basis():
    rep = symmetric_group_rep(SKEW)
    assert not rep.is_orthogonal
    gram = invariant_inner_product(rep)
    for m in rep.generator_matrices:
        assert (m.transpose() * gram * m - gram).is_zero_matrix
    dense = gram.to_Matrix()
    assert dense.is_positive_definite
    # irreducible: the invariant product is unique up to a factor, and it is that of the root lattice A2
    assert dense / dense[0, 0] == Matrix([[1, Rational(-1, 2)], [Rational(-1, 2), 1]])


def test_mean_projects_on_the_fixed_space_along_the_rest():
    rep = symmetric_group_rep(SKEW3)
    p = projection(rep)
    assert (p * p - p).is_zero_matrix
    for m in rep.generator_matrices:
        assert (m * p - p).is_zero_matrix and (p * m - p).is_zero_matrix
    assert Subspace.from_basis(p.transpose()) == fixed_space(rep)
    assert not (p - fixed_space(rep).projection_matrix_exact()).is_zero_matrix
    gram = invariant_inner_product(rep)
    assert (gram * p - p.transpose() * gram).is_zero_matrix, "P is orthogonal in the invariant product"


@pytest.mark.parametrize("name", ["S3", "B2", "D5", "R4", "R3", "C2xC3"])
def test_orthogonal_actions_average_to_the_orthogonal_projection(name):
    rep = hom(natural(named_group(name)), natural(named_group(name)) * sign(named_group(name)))
    assert (invariant_inner_product(rep) - identity_matrix(rep.dim)).is_zero_matrix
    total = Matrix.zeros(rep.dim)
    images = rep.images()
    if rep.is_sparse:
        for perm, signs in zip(*images, strict=True):
            for i, (j, s) in enumerate(zip(perm, signs, strict=True)):
                total[int(j), i] += int(s)
        mean = DomainMatrix.from_Matrix(total / rep.group.order).convert_to(QQ)
    else:
        mean = sum(images[1:], images[0]) * images[0].domain.convert(QQ(1, rep.group.order))
    assert (projection(rep).convert_to(mean.domain) - mean).is_zero_matrix


def test_compact_groups():
    rep = hom(natural(named_group("SO3")), natural(named_group("SO3")))
    p = projection(rep)
    assert (p * p - p).is_zero_matrix
    for x in rep.lie:
        assert (x * p).is_zero_matrix


def test_infinite_and_skew_is_refused():
    from dataclasses import replace

    rep = natural(named_group("SO2"))
    skewed = replace(rep, lie=tuple(DomainMatrix([[0, 2], [-1, 0]], (2, 2), QQ) for _ in rep.lie))
    for average in (projection, invariant_inner_product):
        with pytest.raises(SpaceError, match="orthonormal"):
            average(skewed)
