"""Expressions by axis and by factor, against permutation matrices written out, and one-line refusals."""

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sharefind.errors import DataError, RepresentationError
from sharefind.groups import CompactGroup, FiniteGroup, named_group, natural, parse_representation, subgroups
from sharefind.groups.axes import INPUT_AXES, Axes, read_axes, shapes_of
from sharefind.groups.axis_expressions import axis_representation, axis_terms, is_by_axes, reordered, written
from sharefind.groups.sampling import evaluate_permutations
from sharefind.testing import random_groups

Matrix = NDArray[np.float64]


def axes(names: str, *shape: int) -> Axes:
    return Axes(tuple(names.split()), shape)


def permutation_matrix(images: NDArray[np.int64]) -> Matrix:
    """e_i -> e_{images[i]}, written out."""
    matrix = np.zeros((len(images), len(images)))
    matrix[images, np.arange(len(images))] = 1
    return matrix


def by_entries(shape: tuple[int, ...], move: "dict[int, NDArray[np.int64]]") -> Matrix:
    """The matrix that sends the entry at (i, j, ...) to the one at (move[0][i], move[1][j], ...)."""
    index = np.indices(shape)
    moved = [move[k][index[k]] if k in move else index[k] for k in range(len(shape))]
    return permutation_matrix(np.ravel_multi_index(moved, shape).ravel())


def test_points_move_with_all_their_coordinates() -> None:
    group = named_group("S4")
    rep = axis_representation("points:natural coords:trivial", group, axes("points coords", 4, 3))
    assert (rep.dim, rep.kind, rep.name) == (12, "permutation", "points:natural coords:trivial:3")
    for element, matrix in zip(group.elements(), rep.float_matrices(), strict=True):
        assert np.array_equal(matrix, by_entries((4, 3), {0: element}))


def test_a_symmetric_matrix_moves_with_its_rows_and_columns() -> None:
    group = named_group("S4")
    rep = axis_representation("rows:natural cols:natural", group, axes("rows cols", 4, 4))
    for element, matrix in zip(group.elements(), rep.float_matrices(), strict=True):
        assert np.array_equal(matrix, by_entries((4, 4), {0: element, 1: element}))


def test_a_cyclic_group_shifts_steps() -> None:
    rep = axis_representation("channels:trivial steps:natural", named_group("C5"), axes("channels steps", 2, 5))
    x = np.arange(10.0)
    assert np.array_equal(rep.float_matrices()[1] @ x, np.roll(x.reshape(2, 5), 1, axis=1).ravel())


@pytest.mark.parametrize(("name", "a", "b"), [("C4xC6", 4, 6), ("D4xD6", 4, 6), ("C3xC3", 3, 3)])
def test_a_torus_is_shifted_and_mirrored_along_each_axis(name: str, a: int, b: int) -> None:
    group = named_group(name)
    rep = axis_representation("rows:1.natural cols:2.natural", group, axes("rows cols", a, b))
    x = np.random.default_rng(0).normal(size=(a, b))
    images = {np.round(matrix @ x.ravel(), 9).tobytes() for matrix in rep.float_matrices()}
    flips = [(1, 1), (1, -1), (-1, 1), (-1, -1)] if name.startswith("D") else [(1, 1)]
    expected = {
        np.round(np.roll(x[::s, ::t], (i, j), (0, 1)).ravel(), 9).tobytes()
        for i in range(a)
        for j in range(b)
        for s, t in flips
    }
    assert images == expected


@pytest.mark.parametrize("order", list(permutations(("channels", "rows", "cols"))))
def test_images_are_turned_wherever_their_axes_stand(order: tuple[str, ...]) -> None:
    lengths = {"channels": 2, "rows": 3, "cols": 3}
    shape = tuple(lengths[name] for name in order)
    rep = axis_representation("rows*cols:grid", named_group("C4"), Axes(order, shape))
    x = np.random.default_rng(0).normal(size=shape)
    places = (order.index("rows"), order.index("cols"))
    turned = {np.rot90(x, k, places).tobytes() for k in range(4)}
    assert {(matrix @ x.ravel()).tobytes() for matrix in rep.float_matrices()} == turned


@settings(max_examples=10)
@given(random_groups(), st.permutations(range(3)), st.data())
def test_axes_make_tensor_products_in_the_order_of_columns(group: FiniteGroup, order: list[int], data: st.DataObject):
    """Whatever the order of terms and of axes: the matrix is that of the entries, axis by axis."""
    texts = ["natural", "trivial:2", data.draw(st.sampled_from(["natural+trivial", "sign", "trivial:3"]))]
    reps = [parse_representation(text, group) for text in texts]
    named = Axes(tuple("abc"[k] for k in order), tuple(reps[k].dim for k in order))
    terms = data.draw(st.permutations([f"{'abc'[k]}:{texts[k]}" for k in range(3)]))
    rep = axis_representation(" ".join(terms), group, named)
    parts = [reps[k].float_matrices() for k in order]
    expected = np.einsum("gij,gkl,gmn->gikmjln", *parts).reshape(-1, rep.dim, rep.dim)
    assert np.array_equal(rep.float_matrices(), expected)
    again = axis_representation(rep.name, group, named)
    assert again.name == rep.name and np.array_equal(again.float_matrices(), expected)


@settings(max_examples=10)
@given(random_groups(), st.data())
def test_a_joint_term_acts_on_the_product_of_its_axes(group: FiniteGroup, data: st.DataObject) -> None:
    """b*a:EXPR on axes a, c, b is EXPR on the transposed array."""
    own = parse_representation("natural*trivial:2+2*natural", group)
    named = Axes(("a", "c", "b"), (4, 3, natural(group).dim))
    rep = axis_representation("b*a:natural*trivial:2+2*natural", group, named)
    x = np.random.default_rng(0).normal(size=named.shape)
    k = data.draw(st.integers(0, group.order - 1))
    flat = x.transpose(2, 0, 1).reshape(own.dim, 3)
    moved = (own.float_matrices()[k] @ flat).reshape(natural(group).dim, 4, 3).transpose(1, 2, 0)
    assert np.allclose(rep.float_matrices()[k] @ x.ravel(), moved.ravel())


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("C4xC6", "C4.natural*C6.natural"),
        ("S3xR4", "S3.natural*R4.natural"),
        ("D4xS3", "D4.grid:3*S3.natural+S3.sign"),
        ("C2xC2", "1.regular+2.(natural+sign)"),
        ("B2xC3", "B2.natural*C3.regular"),
    ],
)
def test_factors_act_alone_and_so_do_subgroups(group: str, text: str) -> None:
    whole = named_group(group)
    assert isinstance(whole, FiniteGroup)
    rep = parse_representation(text, whole)
    every = rep.float_matrices()
    for subgroup in subgroups(whole):
        images = rep.restrict(subgroup).float_matrices()
        places = [whole.index(element) for element in subgroup.elements()]
        assert np.allclose(images, every[places], atol=1e-12)
    assert parse_representation(rep.name, whole).name == rep.name


def test_factors_are_those_of_the_blocks() -> None:
    group = named_group("C4xC6")
    both = parse_representation("C4.natural+C6.natural", group)
    assert np.array_equal(both.perms, natural(group).perms)
    assert parse_representation("c4.natural", group).name == parse_representation("1.natural", group).name
    assert parse_representation("2.(natural+trivial)", group).name == "C6.(natural+trivial)"


@pytest.mark.parametrize(
    "text", ["points:natural coords:trivial", "coords*points:2*natural+trivial:7", "coords:natural"]
)
def test_actions_of_groups_too_large_to_list_are_sampled(text: str) -> None:
    """The same matrices as from the list, of permutations that are drawn."""
    group, named = named_group("S3"), axes("points coords", 3, 3)
    text = text.replace("2*natural+trivial:7", "2*natural+trivial:3")
    rep = axis_representation(text, group, named)
    assert np.array_equal(evaluate_permutations(rep, group.elements()), rep.float_matrices())
    product = named_group("S3xS2")
    on_both = parse_representation("S3.natural*S2.natural+S2.natural", product)
    assert np.array_equal(evaluate_permutations(on_both, product.elements()), on_both.float_matrices())


def test_rotations_move_coordinates_and_not_points() -> None:
    group = named_group("O3")
    assert isinstance(group, CompactGroup)
    draws = group.sample(np.random.default_rng(0), 5)
    named = axes("coords kinds points", 3, 2, 4)
    rep = axis_representation("points*coords:4*natural", group, named)
    x = np.random.default_rng(1).normal(size=named.shape)
    for draw, matrix in zip(draws, rep.evaluate(draws), strict=True):
        assert np.allclose(matrix @ x.ravel(), np.einsum("ij,jkp->ikp", draw, x).ravel())


def test_another_order_of_coordinates_is_the_same_action() -> None:
    rep = parse_representation("natural+sign", named_group("D3"))
    order = (2, 0, 3, 1)
    moved = reordered(rep, order)
    assert np.array_equal(moved.float_matrices(), rep.float_matrices()[:, order][:, :, order])


def test_axes_without_a_word_stay() -> None:
    terms = axis_terms("b:natural", axes("a b c", 2, 3, 4), named_group("S3"))
    assert written(terms, axes("a b c", 2, 3, 4)) == "a:trivial:2 b:natural c:trivial:4"


@pytest.mark.parametrize(
    ("text", "known"),
    [("points:natural", True), ("rows*cols:grid", True), ("trivial:20", False), ("natural*trivial:4", False),
     ("grid:8", False), ("4*natural", False), ("C4.natural", False), ("dual(natural)", False)],
)  # fmt: skip
def test_expressions_by_axes_are_told_from_others(text: str, known: bool) -> None:
    assert is_by_axes(text, axes("points coords", 5, 4)) == known
    assert is_by_axes(text) == known


WRONG = [
    ("S5", "points coords", (5, 4), "pts:natural", "there is no axis pts; the axes are points, coords"),
    ("S5", "points coords", (5, 4), "points:natural points:trivial", "names the axis points twice"),
    ("S5", "points coords", (5, 4), "points:natural coords", "'coords' is not an axis with an expression"),
    ("S5", "points coords", (5, 4), "points:", "'points:' is not an axis with an expression"),
    ("S5", "points coords", (6, 4), "points:natural + trivial", "spaces between them and inside parentheses only"),
    ("S5", "points coords", (6, 4), "points:(natural+trivial coords:trivial", "a parenthesis is not closed"),
    ("S5", "points coords", (5, 4), "points:naturel", "unexpected 'naturel' at position 0"),
    ("S5", "points coords", (6, 4), "points:natural", "axis points has length 6 but natural of S5 has dimension 5"),
    ("S5", "points coords", (10, 4), "points:natural", "write points:2*natural or points:trivial"),
    ("S5", "points coords", (5, 4), "points*coords:natural", "axes points*coords together have length 20 but natural"),
    ("D4", "rows cols", (8, 6), "rows*cols:grid", "rows*cols is 8 x 6 and grid:8 moves a square of 8 x 8 pixels"),
    ("D4", "rows cols", (4, 16), "rows*cols:grid:8", "rows*cols is 4 x 16 and grid:8 moves a square"),
    ("D4", "a b c", (4, 4, 4), "a*b*c:grid:8", "a*b*c is 4 x 4 x 4 and grid:8 moves a square"),
    ("D4", "pixels", (60,), "pixels:grid", "pixels is 60 and grid:7 moves a square"),
    ("S4", "rows cols", (5, 5), "rows*cols:grid", "not an isometry of the square"),
    ("C4xC4", "rows cols", (4, 4), "rows:natural", "2 factors of C4xC4 fit rows; write rows:1.natural or rows:"),
    ("C4xC6", "rows cols", (5, 6), "rows:natural", "axis rows has length 5 but natural of C4xC6 has dimension 10"),
    ("C4xC6", "rows cols", (4, 6), "rows:C5.natural", "C4xC6 has no factor C5 (write C4.natural or C6.natural)"),
    ("C4xC4", "rows cols", (4, 4), "rows:C4.natural", "C4xC4 has 2 factors C4 (write 1.natural or 2.natural)"),
    ("C4xC6", "rows cols", (4, 6), "rows:3.natural", "C4xC6 has no factor 3"),
    ("C4xC6", "rows cols", (4, 6), "rows:C4.2", "a representation such as natural is missing"),
    ("C4", "rows cols", (4, 6), "rows:C4.natural", "C4 is not a product (write natural?)"),
    ("S5", "points coords", (5, 4), "points:" + "(" * 40 + "natural" + ")" * 40, "nested deeper than 30"),
    ("S5", "points coords", (5, 4), "points:natural" + "+trivial" * 300, "is too long; use at most 2000"),
]  # fmt: skip


@pytest.mark.parametrize(("group", "names", "shape", "text", "expected"), WRONG)
def test_wrong_expressions_are_one_line(
    group: str, names: str, shape: tuple[int, ...], text: str, expected: str
) -> None:
    with pytest.raises(RepresentationError) as caught:
        axis_representation(text, named_group(group), axes(names, *shape))
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_names_without_lengths_are_open() -> None:
    found = read_axes("rows cols", None, (64,), INPUT_AXES)
    assert found == Axes(("rows", "cols"), ()) and found.is_open
    closed = read_axes("rows cols", "8x8", (64,), INPUT_AXES)
    assert closed == Axes(("rows", "cols"), (8, 8)) and not closed.is_open
    assert read_axes("points", None, (64,), INPUT_AXES) == Axes(("points",), (64,))
    with pytest.raises(DataError, match="give a name for each axis"):
        read_axes("rows cols", None, (8, 4, 2), INPUT_AXES)


@pytest.mark.parametrize(("width", "count"), [(20, 2), (24, 3), (7, 2), (36, 4), (1, 1), (12, 1)])
def test_shapes_are_all_that_there_are(width: int, count: int) -> None:
    divisors = [k for k in range(2, width + 1) if width % k == 0]
    every = [shape for shape in product(divisors, repeat=count) if math.prod(shape) == width]
    assert sorted(shapes_of(width, count)) == sorted(every)
