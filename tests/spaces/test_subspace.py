"""Subspaces against linear algebra: canonical forms, inclusion, sums, intersections and projections."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sympy import QQ, Matrix, sqrt
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError
from sharefind.exact.numbers import exact_matrix
from sharefind.spaces import Subspace

AMBIENT = 6
labels = hnp.arrays(np.int64, AMBIENT, elements=st.integers(-4, 4))
small = st.fractions(-3, 3, max_denominator=3)
vectors = st.lists(st.lists(small, min_size=AMBIENT, max_size=AMBIENT), min_size=1, max_size=5)
tying_spaces = labels.map(Subspace.from_tying)
exact_spaces = st.one_of(tying_spaces, vectors.map(Subspace.from_basis))


def dense(matrix: DomainMatrix) -> Matrix:
    return matrix.to_Matrix()


@given(labels)
def test_tying_dimension_is_the_number_of_classes(pattern):
    assert Subspace.from_tying(pattern).dim == len(set(np.abs(pattern)) - {0})


@given(labels, st.permutations(range(1, 5)), st.lists(st.sampled_from([-1, 1]), min_size=4, max_size=4))
def test_tying_form_is_canonical(pattern, renumbering, orientation):
    renamed = [int(np.sign(x)) * renumbering[abs(x) - 1] * orientation[abs(x) - 1] if x else 0 for x in pattern]
    first, second = Subspace.from_tying(pattern), Subspace.from_tying(renamed)
    assert first == second
    assert hash(first) == hash(second)


@given(labels, st.integers(-2, 2), st.integers(-2, 2))
def test_tying_space_equals_its_span_given_by_any_basis(pattern, mix, scale):
    space = Subspace.from_tying(pattern)
    rows = [[int(np.sign(x)) * (abs(x) == k) for x in pattern] for k in range(1, 5)]
    mixed = [[a + mix * b for a, b in zip(row, rows[0], strict=True)] for row in rows[1:]] + [rows[0]]
    scaled = [[(scale or 3) * x for x in row] for row in mixed]
    other = Subspace.from_basis(scaled)
    assert space == other
    assert hash(space) == hash(other)
    assert other.tying is not None


@given(vectors)
def test_span_has_the_rank_that_sympy_finds(rows):
    space = Subspace.from_basis(rows)
    assert space.dim == Matrix(rows).rank()
    reduced = Matrix(rows).rref()[0][: space.dim, :]
    assert [Matrix(column).T for column in space.basis()] == [reduced[k, :] for k in range(space.dim)]


@given(exact_spaces, exact_spaces)
def test_dimension_formula(a, b):
    join, meet = a.join(b), a.meet(b)
    assert join.dim + meet.dim == a.dim + b.dim
    assert a <= join and b <= join and meet <= a and meet <= b


@given(exact_spaces, exact_spaces, exact_spaces)
def test_modular_law(a, b, c):
    join = a.join(c)
    assert a.join(b.meet(join)) == a.join(b).meet(join)


@given(tying_spaces, tying_spaces)
def test_meet_of_tyings_is_a_tying_and_agrees_with_elimination(a, b):
    equations = Matrix.vstack(*(Matrix.eye(AMBIENT) - dense(s.projection_matrix_exact()) for s in (a, b)))
    kernel = equations.nullspace()
    meet = a.meet(b)
    assert meet.tying is not None
    assert meet == (Subspace.from_basis(kernel) if kernel else Subspace.zero(AMBIENT))


@given(exact_spaces, exact_spaces)
def test_order_is_containment_of_every_basis_vector(a, b):
    assert (a <= b) == all(b.contains(vector) for vector in a.basis())
    assert (a < b) == (a <= b and a != b)
    assert (b >= a) == (a <= b) and (b > a) == (a < b)


@given(exact_spaces)
def test_exact_projection_is_idempotent_symmetric_and_onto(space):
    p = space.projection_matrix_exact()
    assert (p * p - p).is_zero_matrix
    assert (p - p.transpose()).is_zero_matrix
    assert Subspace.from_basis(p) == space


@given(exact_spaces, st.integers(0, 2**32 - 1))
def test_float_projection_follows_the_exact_one(space, seed):
    v = np.random.default_rng(seed).normal(size=(2, 3, AMBIENT))
    p = np.array(dense(space.projection_matrix_exact()), dtype=float)
    np.testing.assert_allclose(space.project(v), v @ p, atol=1e-12)
    np.testing.assert_allclose(space.distance2(v), np.sum((v - v @ p) ** 2, axis=-1), atol=1e-12)
    q = space.orthonormal()
    assert q.shape == (space.dim, AMBIENT)
    np.testing.assert_allclose(q @ q.T, np.eye(space.dim), atol=1e-12)
    np.testing.assert_allclose(q.T @ q, p, atol=1e-12)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_projection_keeps_the_precision_it_is_given(dtype, atol):
    space = Subspace.from_tying([1, 2, 2, -1, 0, 3])
    v = np.arange(12, dtype=dtype).reshape(2, 6)
    projected = space.project(v)
    assert projected.dtype == dtype
    np.testing.assert_allclose(space.project(projected), projected, atol=atol)
    assert space.project(np.arange(6)).dtype == np.float64


def test_zero_and_full():
    zero, full = Subspace.zero(3), Subspace.full(3)
    assert (zero.dim, full.dim) == (0, 3) and zero < full
    assert zero == Subspace.from_basis([[0, 0, 0]])
    assert full == Subspace.from_basis([[1, 2, 3], [0, 1, "sqrt(2)"], [0, 0, Fraction(1, 7)]])
    assert zero.basis() == [] and zero.projection_matrix_exact().is_zero_matrix
    assert full.basis_strings() == [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]
    np.testing.assert_array_equal(zero.project(np.ones(3)), np.zeros(3))


def test_equality_does_not_depend_on_the_field():
    small_field = exact_matrix([["1", "sqrt(2)"]])
    large_field = exact_matrix([["sqrt(3)", "sqrt(6)"]])
    a, b = Subspace.from_basis(small_field), Subspace.from_basis(large_field)
    assert small_field.domain != large_field.domain
    assert a == b and hash(a) == hash(b)
    assert Subspace.from_basis([["sqrt(3)", "2*sqrt(3)"]]) == Subspace.from_basis([[1, 2]])
    assert a != Subspace.from_basis([[1, "-sqrt(2)"]])


def test_algebraic_sums_meet_and_contain():
    a = Subspace.from_basis([[1, "sqrt(2)", 0], [0, 0, 1]])
    b = Subspace.from_basis([[0, 1, "sqrt(3)"], [1, 0, 0]])
    line = a.meet(b)
    assert line.dim == 1 and a.join(b) == Subspace.full(3)
    assert line.contains([1, sqrt(2), sqrt(6)])
    assert not line.contains([1, sqrt(2), sqrt(5)])
    assert line.basis_strings()[0][:2] == ["1", "sqrt(2)"]


def test_domain_matrices_over_the_integers_are_bases_too():
    assert Subspace.from_basis(DomainMatrix([[2, 2]], (1, 2), QQ).convert_to(QQ.get_ring())) == (
        Subspace.from_tying([1, 1])
    )


def test_pickle_round_trip():
    for space in (
        Subspace.from_tying([1, -1, 0]),
        Subspace.from_basis([["sqrt(3)/2", 1, 0]]),
        Subspace.numerical([[1.0, 2.0, 3.0]]),
    ):
        assert pickle.loads(pickle.dumps(space)) == space  # noqa: S301  our own bytes


def test_arrays_are_read_only_and_the_argument_stays_writeable():
    mine = np.array([1, 1, 2], dtype=np.int32)
    space = Subspace.from_tying(mine)
    mine[0] = 2
    assert space.labels is not None and space.labels.tolist() == [1, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        space.orthonormal()[0, 0] = 0


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Subspace.from_tying([0.5, 1.0]), "integers"),
        (lambda: Subspace.from_tying([[1, 2]]), "shape"),
        (lambda: Subspace.from_tying(np.array([], dtype=int)), "at least 1"),
        (lambda: Subspace.zero(0), "at least 1"),
        (lambda: Subspace.from_basis([]), "lengths"),
        (lambda: Subspace.from_basis([[1, 2], [1]]), "lengths"),
        (lambda: Subspace.from_basis([[0.5, 1]]), "not exact"),
        (lambda: Subspace.from_basis([["x", 1]]), "x"),
        (lambda: Subspace.zero(2).contains(Subspace.zero(3)), r"R\^2 and R\^3"),
        (lambda: Subspace.zero(2).join(Subspace.full(3)), r"R\^2 and R\^3"),
        (lambda: Subspace.zero(2).project(np.zeros(3)), "ambient dimension 2"),
        (lambda: Subspace.zero(2).project(1.0), "ambient dimension 2"),
    ],
)
def test_bad_input_is_refused_in_one_line(make, what):
    with pytest.raises(SpaceError, match=what) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_comparison_with_other_types():
    assert Subspace.zero(2) != "zero"
    assert repr(Subspace.zero(2)) == "Subspace(dim=0, ambient=2, tying)"
