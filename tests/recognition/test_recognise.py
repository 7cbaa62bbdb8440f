"""Recognised groups against brute force over all moves, and against what the spaces were made from."""

import math
import time
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import GroupError, InputError, SpaceError
from sharefind.groups import FiniteGroup, Representation, hom, named_group, natural, structure_name, trivial
from sharefind.groups.group import NaturalBlock
from sharefind.recognition import Axis, Layout, Recognition, recognise, recognise_layout
from sharefind.spaces import Subspace, fixed_space, matrix_space

SECONDS = 5.0
"""What a recognition may take on a busy machine; the bound asked for is one or two seconds on an idle one."""


def wreath(k: int, m: int) -> FiniteGroup:
    """S_k wr S_m on k m points, in blocks of k."""
    n = k * m
    generators = [
        (1, 0, *range(2, n)),
        (*range(1, k), 0, *range(k, n)),
        tuple((i + k) % n for i in range(n)),
        tuple(i + k if i < k else i - k if i < 2 * k else i for i in range(n)),
    ]
    return FiniteGroup("wreath", n, tuple(generators))


def square(group: FiniteGroup) -> tuple[Subspace, tuple[int, int]]:
    """E^G of natural -> natural."""
    rep = natural(group)
    return fixed_space(hom(rep, rep)), (rep.dim, rep.dim)


def signed_matrices(n: int, signed: bool) -> list[np.ndarray]:
    signs = list(product((1, -1), repeat=n)) if signed else [(1,) * n]
    eye = np.eye(n, dtype=int)
    return [eye[list(p)].T * np.array(s) for p in permutations(range(n)) for s in signs]


def brute_force(space: Subspace, shape: tuple[int, int], together: bool, signed: bool, bias: bool) -> set[bytes]:
    """All (P, Q) with P z Q^T = z and P b = b on the space, as bytes."""
    rows, columns = shape
    basis = np.array(space.orthonormal())
    weights = basis[:, : rows * columns].reshape(-1, rows, columns)
    biases = basis[:, rows * columns :] if bias else np.zeros((len(basis), rows))
    outs, ins = signed_matrices(rows, signed), signed_matrices(columns, signed)
    pairs = ((p, p) for p in outs) if together else product(outs, ins)
    return {
        p.tobytes() + q.tobytes()
        for p, q in pairs
        if np.allclose(p @ weights @ q.T, weights) and np.allclose(biases @ p.T, biases)
    }


def recognised(result: Recognition) -> set[bytes]:
    """All elements of the recognised group as pairs of integer matrices, in bytes."""
    out, in_ = (rep.float_matrices().astype(int) for rep in (result.out_representation, result.in_representation))
    return {
        np.ascontiguousarray(p).tobytes() + np.ascontiguousarray(q).tobytes() for p, q in zip(out, in_, strict=True)
    }


def check_closure(result: Recognition, bias: bool = False) -> None:
    """The closure is the fixed space that `sharefind.spaces` finds, and contains E."""
    out, in_ = result.out_representation, result.in_representation
    assert result.closure == fixed_space(matrix_space(in_, out, bias).action)
    assert result.space <= result.closure
    assert result.is_galois_closed == (result.space == result.closure)


@pytest.mark.parametrize("engine", ["igraph", "refinement"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("name", "order", "dim"),
    [
        ("C4", 4, 4),
        ("C6", 6, 6),
        ("C8", 8, 8),
        ("S5", 120, 2),
        ("D6", 12, 4),
        ("S3xS2", 12, 6),
        ("C2xC3", 6, 7),
        ("V4", 4, 4),
        ("C2", 2, 2),
        ("S2xS4xS3", 288, 12),
    ],
)
def test_groups_of_the_catalogue(name, order, dim, together, engine):
    space, shape = square(named_group(name))
    result = recognise(space, shape, together=together, engine=engine)
    assert (result.name, result.order, space.dim, result.kernel_order) == (name, order, dim, 1)
    assert result.is_galois_closed and result.is_named and not result.is_trivial
    check_closure(result)


def test_a_cyclic_group_comes_with_its_shift():
    space, shape = square(named_group("C6"))
    for engine in ("igraph", "refinement"):
        assert recognise(space, shape, engine=engine).group.generators == ((1, 2, 3, 4, 5, 0),)


def test_the_galois_closure_is_the_largest_group():
    space, shape = square(named_group("A5"))
    result = recognise(space, shape)
    assert (result.name, result.order) == ("S5", 120)
    assert named_group("A5").is_subgroup_of(result.group)


@pytest.mark.parametrize("together", [True, False])
def test_signed_permutations(together):
    space, shape = square(named_group("B3"))
    result = recognise(space, shape, together=together, moves="signed")
    assert (result.name, result.order, result.kernel_order) == ("B3", 48, 2)
    assert result.is_galois_closed
    if together:
        assert result.group == named_group("B3")


def test_odd_functions():
    """Under -1 the bias vanishes; a weight alone is fixed by -1 on both sides, whatever it is."""
    result = recognise(Subspace.from_tying([1, 2, 3, 4, 0, 0]), (2, 2), bias=True, moves="signed")
    assert (result.name, result.order, result.kernel_order, result.is_trivial) == ("C2", 2, 1, False)
    assert result.is_galois_closed
    assert np.array_equal(result.in_representation.float_matrices()[1], -np.eye(2))
    everything = recognise(Subspace.full(4), (2, 2), moves="signed")
    assert (everything.order, everything.kernel_order, everything.is_trivial) == (2, 2, True)


@pytest.mark.parametrize(
    ("k", "m", "name"), [(3, 2, "S3wrC2"), (3, 4, "S3wrS4"), (5, 10, "S5wrS10"), (2, 10, "C2wrS10")]
)
def test_wreath_products(k, m, name):
    space, shape = square(wreath(k, m))
    result = recognise(space, shape)
    assert (result.name, result.order) == (name, math.factorial(k) ** m * math.factorial(m))
    assert result.is_galois_closed


def test_unnamed_groups_say_so():
    """The Paley graph on 29 points: x -> a x + b with a a square, order 29 * 14."""
    q = 29
    squares = {x * x % q for x in range(1, q)}
    labels = [1 if i == j else 2 if (i - j) % q in squares else 3 for i in range(q) for j in range(q)]
    result = recognise(Subspace.from_tying(labels), (q, q))
    assert (result.name, result.order, result.is_named) == ("order 406", 406, False)
    assert result.description.startswith("unnamed, order 406, generators (0 1 2")


def test_windows_are_no_group():
    """Filters of width 3 slid over 24 inputs without wrapping: a tying, but no symmetry."""
    labels = sum(np.eye(22, 24, k, dtype=int) * (k + 1) for k in range(3))
    result = recognise(Subspace.from_tying(labels.ravel()), (22, 24))
    assert (result.name, result.is_trivial, result.is_galois_closed) == ("C1", True, False)
    assert (result.space.dim, result.fixed_dim) == (3, 22 * 24)


def test_partitions_of_parameters():
    result = recognise(Subspace.from_tying([1, 1, 1, 2, 2, 3]), (6,))
    assert (result.name, result.order, result.is_galois_closed) == ("S3xS2", 12, True)
    signed = recognise(Subspace.from_tying([1, -1, 1, 0, 0, 2]), (6,), moves="signed")
    assert (signed.name, signed.order, signed.is_galois_closed) == ("S3xB2", 48, True)


@pytest.mark.parametrize("name", ["C50", "D50", "S50", "S25xS25", "S20"])
@pytest.mark.parametrize("together", [True, False])
def test_large_degrees_take_seconds(name, together):
    space, shape = square(named_group(name))
    begin = time.perf_counter()
    result = recognise(space, shape, together=together)
    assert time.perf_counter() - begin < SECONDS
    assert (result.name, result.order) == (name, named_group(name).order)


def test_hidden_units_are_one_more_axis():
    """C_3 on inputs and outputs and regularly on hidden units: a sigma(W x + b), with every block tied."""
    rep = natural(named_group("C3"))
    action = hom(rep, rep) + rep + hom(rep, rep)
    layout = Layout((Axis("out", 3), Axis("hidden", 3), Axis("in", 3)), ((1, 2), (1,), (0, 1)))
    result = recognise_layout(fixed_space(action), layout)
    assert (result.name, result.is_galois_closed) == ("C3", True)
    assert result.representation("hidden").dim == 3


def test_axes_that_stay():
    """Invariant functions: the output does not move."""
    rep = natural(named_group("S4"))
    space = fixed_space(hom(trivial(rep.group, 2), rep))
    layout = Layout((Axis("out", 2, "none"), Axis("in", 4)), ((0, 1),))
    assert recognise_layout(space, layout).name == "S4"
    assert recognise(space, (2, 4)).name == "S4"


def test_numerical_spaces():
    space, shape = square(named_group("D6"))
    noise = 1e-9 * np.random.default_rng(0).standard_normal((space.dim, space.ambient))
    result = recognise(Subspace.numerical(space.orthonormal() + noise, 1e-7), shape)
    assert (result.name, result.is_galois_closed, result.closure) == ("D6", True, space)
    tilted = Subspace.numerical(np.array([[1, 1 + 1.5e-6, 0, 0]]), 1e-9)
    with pytest.raises(SpaceError, match="snap it"):
        recognise(tilted, (2, 2))


def test_refusals():
    with pytest.raises(SpaceError, match="does not fill"):
        recognise(Subspace.full(5), (2, 2))
    with pytest.raises(SpaceError, match="cannot move together"):
        recognise(Subspace.full(6), (2, 3), together=True)
    with pytest.raises(SpaceError, match="is not \\(d_out, d_in\\)"):
        recognise(Subspace.full(6), (6,), bias=True)
    with pytest.raises(SpaceError, match="unknown moves"):
        recognise(Subspace.full(4), (2, 2), moves="rotations")
    with pytest.raises(SpaceError, match="share a name"):
        Layout((Axis("in", 2), Axis("in", 2)), ((0, 1),))
    with pytest.raises(SpaceError, match="runs over"):
        Layout((Axis("in", 2),), ((0, 1),))
    with pytest.raises(SpaceError, match="no parameters"):
        Layout((Axis("in", 2),), ())
    with pytest.raises(SpaceError, match="no axis 'hidden'"):
        recognise(Subspace.full(4), (2, 2)).representation("hidden")
    with pytest.raises(InputError, match="unknown; use"):
        recognise(Subspace.full(4), (2, 2), engine="nauty")


@st.composite
def permutation_groups(draw, largest: int = 5) -> FiniteGroup:
    degree = draw(st.integers(2, largest))
    generators = draw(st.lists(st.permutations(range(degree)), max_size=2))
    return FiniteGroup("random", degree, tuple(map(tuple, generators)))


@st.composite
def signed_groups(draw, n: int = 3) -> FiniteGroup:
    generators = []
    for _ in range(draw(st.integers(0, 2))):
        perm = draw(st.permutations(range(n)))
        flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        images = [p + n * flip for p, flip in zip(perm, flips, strict=True)]
        generators.append(tuple(images + [(i + n) % (2 * n) for i in images]))
    return FiniteGroup("random", 2 * n, tuple(generators), (NaturalBlock("signed", 0, 2 * n),))


@settings(max_examples=30)
@given(permutation_groups(), st.booleans())
def test_fixed_spaces_of_random_groups(group, bias):
    rep = natural(group)
    space = fixed_space(matrix_space(rep, rep, bias).action)
    result = recognise(space, (rep.dim, rep.dim), bias=bias)
    assert group.is_subgroup_of(result.group)
    assert result.is_galois_closed
    check_closure(result, bias)
    assert recognised(result) == brute_force(space, (rep.dim, rep.dim), True, False, bias)
    assert result.order == len(recognised(result))


@settings(max_examples=25)
@given(permutation_groups(largest=4), st.data())
def test_independent_moves_of_inputs_and_outputs(group, data):
    rep = natural(group)
    out = data.draw(st.sampled_from([rep, trivial(group, 2), rep + trivial(group)]))
    space = fixed_space(hom(out, rep))
    shape = (out.dim, rep.dim)
    result = recognise(space, shape, together=False)
    assert recognised(result) == brute_force(space, shape, False, False, False)
    check_closure(result)
    assert result.is_galois_closed


@settings(max_examples=25)
@given(signed_groups(), st.booleans())
def test_fixed_spaces_of_random_signed_groups(group, bias):
    rep = natural(group)
    space = fixed_space(matrix_space(rep, rep, bias).action)
    result = recognise(space, (3, 3), bias=bias, moves="signed")
    assert group.is_subgroup_of(result.group)
    check_closure(result, bias)
    assert result.is_galois_closed
    assert recognised(result) == brute_force(space, (3, 3), True, True, bias)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.integers(-2, 2), min_size=9, max_size=9), st.booleans())
def test_signed_tyings_by_brute_force(labels, together):
    """Any tying, fixed space or not, over all signed permutations of degree 3."""
    space = Subspace.from_tying(labels)
    result = recognise(space, (3, 3), together=together, moves="signed")
    assert result.order == len(recognised(result))
    assert recognised(result) == brute_force(space, (3, 3), together, True, False)
    assert space <= result.closure


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(-2, 2), min_size=9, max_size=9), min_size=1, max_size=3), st.booleans())
def test_spaces_without_a_tying_by_brute_force(vectors, signed):
    space = Subspace.from_basis(vectors)
    result = recognise(space, (3, 3), moves="signed" if signed else "permutations")
    assert recognised(result) == brute_force(space, (3, 3), True, signed, False)
    assert space <= result.closure


@settings(max_examples=30)
@given(st.one_of(permutation_groups(largest=7), signed_groups()))
def test_names_are_isomorphism_types(group):
    """Where the catalogue has a group of this name, it is isomorphic to the one recognised."""
    space, shape = square(group)
    moves = "signed" if group.natural_blocks else "permutations"
    result = recognise(space, shape, moves=moves)
    try:
        standard = named_group(result.name)
    except GroupError:
        assert "order" in result.name or "wr" in result.name or result.name in structure_name(result.group)
        return
    assert standard.order == result.order
    assert structure_name(standard) == structure_name(result.group)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", ["S50", "S25xS25", "C50", "S3xS4"])
def test_minus_one_is_a_factor(name, together):
    """A weight is fixed by -1 on inputs and outputs: signed moves see every group times C_2."""
    space, shape = square(named_group(name))
    result = recognise(space, shape, together=together, moves="signed")
    assert (result.name, result.order) == (f"{name}xC2", 2 * named_group(name).order)
    assert (result.kernel_order, result.is_galois_closed) == (2, True)


def test_the_zero_space_is_fixed_by_all_signed_moves():
    begin = time.perf_counter()
    result = recognise(Subspace.zero(2500), (50, 50), together=False, moves="signed")
    assert (result.name, result.order) == ("B50xB50", named_group("B50").order ** 2)
    assert time.perf_counter() - begin < SECONDS


@settings(max_examples=20)
@given(permutation_groups(largest=9))
def test_the_engines_agree(group):
    space, shape = square(group)
    one, other = (recognise(space, shape, engine=engine) for engine in ("igraph", "refinement"))
    assert one.group == other.group
    assert (one.name, one.order) == (other.name, other.order)
    assert one.group.is_listable is False or one.order == len(one.group.elements())
    assert isinstance(one.in_representation, Representation)


def test_without_igraph(monkeypatch):
    monkeypatch.setattr("sharefind.recognition.automorphisms.find_spec", lambda name: None)
    space, shape = square(named_group("D6"))
    assert recognise(space, shape).name == "D6"
    with pytest.raises(InputError, match=r"sharefind\[recognition\]"):
        recognise(space, shape, engine="igraph")
