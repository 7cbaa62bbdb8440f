"""Lie algebras that fix a space, against closed forms: centralisers of real, complex and quaternionic scalars."""

import numpy as np
import pytest

from sharefind.groups import hom, named_group, natural
from sharefind.recognition import Axis, Layout, lie_stabiliser, matrix_layout, recognise
from sharefind.recognition.root_systems import lie_name
from sharefind.spaces import Subspace, fixed_space

J = np.array([[0, 1], [-1, 0]])


def span(*matrices: np.ndarray) -> Subspace:
    return Subspace.from_basis([np.asarray(m).ravel().tolist() for m in matrices])


def quaternions() -> list[np.ndarray]:
    """Left multiplications by 1, i, j, k on R^4."""
    i = np.kron(np.eye(2, dtype=int), J)
    j = np.array([[0, 0, 1, 0], [0, 0, 0, -1], [-1, 0, 0, 0], [0, 1, 0, 0]])
    return [np.eye(4, dtype=int), i, j, i @ j]


CASES = {
    "so(2)": (span(np.eye(2, dtype=int), J), (2, 2), 1),
    "so(3)": (span(np.eye(3, dtype=int)), (3, 3), 3),
    "so(5)": (span(np.eye(5, dtype=int)), (5, 5), 10),
    "so(3)+so(2)": (span(np.diag([1, 1, 1, 0, 0]), np.diag([0, 0, 0, 1, 1])), (5, 5), 4),
    "su(3)+so(2)": (span(np.eye(6, dtype=int), np.kron(np.eye(3, dtype=int), J)), (6, 6), 9),
    "so(3)+so(3)": (span(np.eye(4, dtype=int)), (4, 4), 6),
    "so(2)+so(2)": (
        span(*(np.kron(np.diag(d), k) for d in ([1, 0], [0, 1]) for k in (np.eye(2, dtype=int), J))),
        (4, 4),
        2,
    ),
    "0": (Subspace.full(9), (3, 3), 0),
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_names_and_dimensions(name, together):
    space, shape, dim = CASES[name]
    lie = lie_stabiliser(space, matrix_layout(shape, together=together))
    assert (lie.name, lie.dim, lie.is_exact) == (name, dim, True)
    assert space <= lie.fixed_space
    numerical = lie_stabiliser(Subspace.numerical(space.orthonormal()), matrix_layout(shape, together=together))
    assert (numerical.name, numerical.dim) == (name, dim)
    assert numerical.fixed_space.dim == lie.fixed_space.dim


@pytest.mark.parametrize("name", sorted(CASES))
def test_matrices_solve_the_equations(name):
    space, shape, dim = CASES[name]
    lie = lie_stabiliser(space, matrix_layout(shape, together=False))
    out, in_ = lie.matrices("out"), lie.matrices("in")
    assert len(out) == len(in_) == dim
    for a, b in zip(out, in_, strict=True):
        assert (a + a.transpose()).is_zero_matrix and (b + b.transpose()).is_zero_matrix
        for vector in space.basis():
            z = vector.reshape(*shape)
            assert a.to_Matrix() * z == z * b.to_Matrix()


def test_quaternions():
    """What commutes with the left multiplications are the right ones: sp(1) = so(3)."""
    lie = lie_stabiliser(span(*quaternions()), matrix_layout((4, 4)))
    assert (lie.name, lie.dim) == ("so(3)", 3)
    assert lie.fixed_space == span(*quaternions())


def test_rotations_of_the_plane():
    """E = span(I, J): the stabiliser is so(2), and E is its fixed space; no permutation but 1 fixes it."""
    result = recognise(span(np.eye(2, dtype=int), J), (2, 2), continuous=True)
    assert (result.name, result.lie_dim, result.is_galois_closed, result.is_trivial) == ("C1", 1, True, False)
    assert result.description == "so(2) (dimension 1); among permutations: C1"
    assert result.lie.fixed_space == result.space
    assert recognise(span(np.eye(2, dtype=int), J), (2, 2), continuous=True, moves="signed").name == "C4"


def test_continuous_and_discrete_moves_close_together():
    """span(I) in R^2: rotations leave span(I, J), the swap leaves span(I, swap), both together span(I)."""
    result = recognise(span(np.eye(2, dtype=int)), (2, 2), continuous=True)
    assert (result.lie.name, result.name, result.fixed_dim, result.is_galois_closed) == ("so(2)", "C2", 1, True)


def test_catalogue_rotations():
    for n in (2, 3, 4):
        rep = natural(named_group(f"SO{n}"))
        space = fixed_space(hom(rep, rep))
        lie = lie_stabiliser(space, matrix_layout((n, n)))
        assert lie.dim == n * (n - 1) // 2
        assert lie.fixed_space == space


def test_bias_and_axes_that_stay():
    everything = matrix_layout((3, 3), bias=True)
    space = Subspace.from_tying([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    assert lie_stabiliser(space, everything).name == "so(3)"
    vector = Subspace.from_tying([1, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0])
    assert lie_stabiliser(vector, everything).name == "so(2)"
    still = Layout((Axis("out", 2, "none"), Axis("in", 3)), ((0, 1),))
    assert lie_stabiliser(Subspace.from_tying([1, 0, 0, 2, 0, 0]), still).name == "so(2)"
    assert lie_stabiliser(Subspace.full(4), Layout((Axis("in", 4, "none"),), ((0,),))).dim == 0


@pytest.mark.parametrize("n", [5, 6, 7, 8, 9, 12, 13])
def test_orthogonal_algebras(n):
    lie = lie_stabiliser(span(np.eye(n, dtype=int)), matrix_layout((n, n)))
    assert (lie.name, lie.dim) == (f"so({n})", n * (n - 1) // 2)


@pytest.mark.parametrize(("n", "name"), [(1, "so(3)"), (2, "so(5)"), (3, "sp(3)"), (4, "sp(4)")])
def test_symplectic_algebras(n, name):
    """What commutes with the quaternions on R^(4 n) is sp(n), of dimension n (2 n + 1)."""
    space = span(*(np.kron(np.eye(n, dtype=int), q) for q in quaternions()))
    lie = lie_stabiliser(space, matrix_layout((4 * n, 4 * n)))
    assert (lie.name, lie.dim) == (name, n * (2 * n + 1))


@pytest.mark.parametrize("n", [3, 4, 5])
def test_unitary_algebras(n):
    lie = lie_stabiliser(
        span(np.eye(2 * n, dtype=int), np.kron(np.eye(n, dtype=int), J)), matrix_layout((2 * n, 2 * n))
    )
    assert (lie.name.replace("so(6)", "su(4)"), lie.dim) == (f"su({n})+so(2)", n * n)


def test_exceptional_algebra():
    """Skew derivations of the vector product of R^7: g(2), of dimension 14."""
    triples = [(0, 1, 3), (1, 2, 4), (2, 3, 5), (3, 4, 6), (4, 5, 0), (5, 6, 1), (6, 0, 2)]
    cross = np.zeros((7, 7, 7))
    for triple in triples:
        for turn in range(3):
            i, j, k = triple[turn:] + triple[:turn]
            cross[i, j, k], cross[j, i, k] = 1, -1
    planes = [(i, j) for i in range(7) for j in range(i + 1, 7)]
    skew = np.zeros((21, 7, 7))
    for p, (i, j) in enumerate(planes):
        skew[p, i, j], skew[p, j, i] = 1, -1
    equations = [
        np.einsum("kl,ijl->ijk", x, cross) - np.einsum("li,ljk->ijk", x, cross) - np.einsum("lj,ilk->ijk", x, cross)
        for x in skew
    ]
    _, values, right = np.linalg.svd(np.array(equations).reshape(21, -1).T, full_matrices=True)
    derivations = np.tensordot(right[int(np.sum(values > 1e-9)) :], skew, axes=1)
    assert (len(derivations), lie_name(derivations)) == (14, "g(2)")
