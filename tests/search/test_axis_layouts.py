"""What names of axes mean, which lengths follow, and the picture of what was understood."""

import re

import numpy as np
import pytest

from sharefind.datasets import Task, finite_task
from sharefind.errors import DataError, InputError, RepresentationError
from sharefind.groups import FiniteGroup, Group, Representation, named_group, natural, parse_representation
from sharefind.groups.axes import Axes
from sharefind.groups.axis_expressions import axis_representation
from sharefind.search import ActingGroup, Problem, build_problem, search_config
from sharefind.search.axis_words import WORDS, default_expression, settled
from sharefind.search.column_orbits import column_orbits
from sharefind.search.input_layouts import Layout, layout_lines, layout_picture
from sharefind.spaces import fixed_space


def axes(names: str, *shape: int) -> Axes:
    return Axes(tuple(names.split()), shape)


def task(named: Axes | None, width: int, **recommended: object) -> Task:
    x = 300 + 10 * np.random.default_rng(0).normal(size=(60, width))
    return finite_task("t", x, x[:, :1], in_axes=named, **recommended)


def problem(group: str, samples: Task, **given: object) -> Problem:
    config = search_config(**{"group": group, "out_rep": "trivial", "unit": "radial:gaussian", **given})
    return build_problem(config, samples, named_group(group))


DEFAULTS = [
    ("S5", "points coords", (5, 4), "points:natural coords:trivial:4"),
    ("S5", "features sensors", (5, 5), "features:trivial:5 sensors:natural"),
    ("C6", "steps channels", (6, 3), "steps:natural channels:trivial:3"),
    ("S5", "a b", (5, 4), "a:natural b:trivial:4"),
    ("S5", "wells", (5,), "wells:natural"),
    ("D4", "rows cols", (8, 8), "rows*cols:grid:8"),
    ("V4", "y x", (5, 5), "y*x:grid:5"),
    ("C4", "width height channels", (4, 4, 4), "height*width:grid:4 channels:trivial:4"),
    ("D4", "channels rows cols", (3, 4, 4), "channels:trivial:3 rows*cols:grid:4"),
    ("C4xC6", "rows cols", (4, 6), "rows:C4.natural cols:C6.natural"),
    ("C6xC4", "rows cols", (4, 6), "rows:C4.natural cols:C6.natural"),
    ("C4xC4", "rows cols", (4, 4), "rows:1.natural cols:2.natural"),
    ("D4xD6", "rows cols", (4, 6), "rows:D4.natural cols:D6.natural"),
    ("S4xR5", "points coords", (4, 2), "points:S4.natural coords:R5.natural"),
    ("O3", "points coords", (3, 3), "points:trivial:3 coords:natural"),
    ("B3", "atoms xyz", (3, 3), "atoms:trivial:3 xyz:natural"),
]


@pytest.mark.parametrize(("group", "names", "shape", "expected"), DEFAULTS)
def test_names_and_lengths_say_what_moves(group: str, names: str, shape: tuple[int, ...], expected: str) -> None:
    assert default_expression(axes(names, *shape), named_group(group), "in_rep") == expected


ASKED = [
    ("S5", "a b", (5, 5), 'write in_rep "a:natural" or in_rep "b:natural" or in_rep "a:natural b:natural"'),
    ("S5", "points coords", (6, 5), 'no axis has the name and the length for it; write in_rep "coords:natural"'),
    ("S5", "points coords", (6, 4), "no axis has the name and the length for it; give another group, or other lengths"),
    ("S5", "points coords", (10, 4), 'write in_rep "points:2*natural"'),
    ("C4xD4", "rows cols", (4, 4), '"rows:C4.natural cols:D4.natural" or in_rep "cols:C4.natural rows:D4.natural"'),
    ("D4", "rows cols", (8, 6), "D4 moves the pixels of square images only; cut them square"),
    ("S20", "points coords", (5, 4), 'write in_rep "points*coords:natural"'),
    ("C4xC6xC2", "rows cols", (4, 6), "C4xC6xC2 (dimension 4 and 6 and 2)"),
    ("S5", "points nodes", (5, 5), "several axes fit"),
    ("O3", "points channels", (3, 3), 'write in_rep "points:natural" or in_rep "channels:natural"'),
]


@pytest.mark.parametrize(("group", "names", "shape", "expected"), ASKED)
def test_what_is_not_clear_is_asked_in_one_line(group: str, names: str, shape: tuple[int, ...], expected: str) -> None:
    with pytest.raises(RepresentationError) as caught:
        default_expression(axes(names, *shape), named_group(group), "in_rep")
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_products_with_rotations_take_points_and_coordinates() -> None:
    group, axes = named_group("S5xO3"), Axes(("points", "coords"), (5, 3))
    assert default_expression(axes, group, "in_rep") == "points:S5.natural coords:O3.natural"
    assert default_expression(axes, group, "out_rep") == "points:S5.natural coords:O3.natural"
    assert default_expression(Axes(("coords",), (3,)), group, "out_rep") == "coords:O3.natural"
    with pytest.raises(RepresentationError, match="no axis has the name"):
        default_expression(Axes(("coords",), (3,)), group, "in_rep")


def test_scalars_beside_coordinates_are_written_out() -> None:
    with pytest.raises(RepresentationError, match=r"points:S5\.natural coords:O3\.natural\+trivial"):
        default_expression(Axes(("points", "coords"), (5, 4)), named_group("S5xO3"), "in_rep")


def test_no_name_means_two_things() -> None:
    every = [name for entry in WORDS for name in entry.names]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(("group", "width", "edge"), [("D4", 64, 8), ("C4", 9, 3), ("V4", 25, 5)])
def test_flat_images_are_square(group: str, width: int, edge: int) -> None:
    assert settled(axes("rows cols"), width, named_group(group)) == axes("rows cols", edge, edge)


NO_LENGTHS = [
    ("D4", "rows cols", 60, "give their lengths, the first axis first: shape 2x30"),
    ("S5", "points coords", 20, "shape 5x4, shape 2x10"),
    ("D4", "channels rows cols", 192, "shape 3x8x8, shape 12x4x4"),
    ("S5", "points coords", 19, "19 columns have no shape of 2 axes; name fewer axes"),
    ("S8", "rows cols", 64, "shape 8x8"),
    (None, "rows cols", 64, "give their lengths"),
]


@pytest.mark.parametrize(("group", "names", "width", "expected"), NO_LENGTHS)
def test_other_flat_rows_are_never_guessed(group: str | None, names: str, width: int, expected: str) -> None:
    with pytest.raises(DataError) as caught:
        settled(axes(names), width, None if group is None else named_group(group))
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "named", "expected"),
    [
        ({"in_rep": "points:natural"}, None, "'points:natural' names axes, and rows of x have none; add axes"),
        ({"in_rep": "points:natural"}, axes("points coords", 4, 3), "axis points has length 4 but natural of S5"),
        ({"in_rep": "points:trivial", "out_rep": "points:trivial"}, axes("points coords", 4, 3), "rows of y have none"),
        ({}, axes("points coords"), "give their lengths"),
        ({"in_rep": "natural"}, axes("points coords", 4, 3), "x has width 12 but natural of S5 has dimension 5"),
    ],
)
def test_searches_refuse_in_one_line(given: dict[str, str], named: Axes | None, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        problem("S5", task(named, 12), **given)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [None, "points:natural", "coords:trivial points:natural", "natural*trivial:4"])
def test_what_was_understood_goes_on(given: str | None) -> None:
    """Whatever says it: the same action, written out, from which the same problem is built."""
    samples = task(axes("points coords", 3, 4), 12)
    found = problem("S3", samples, in_rep=given, axes="points coords")
    expected = parse_representation("natural*trivial:4", named_group("S3"))
    assert fixed_space(found.candidate.in_rep) == fixed_space(expected)
    kept = found.resolved
    assert (kept.in_rep, kept.shape) == (
        given if given == "natural*trivial:4" else "points:natural coords:trivial:4",
        "3x4",
    )
    again = build_problem(kept, samples, named_group("S3"))
    assert again.resolved == kept and again.settings_fingerprint == found.settings_fingerprint


def test_the_side_of_an_image_goes_on() -> None:
    found = problem("D4", task(axes("rows cols"), 16), axes="rows cols")
    assert found.task.in_axes == axes("rows cols", 4, 4)
    assert (found.resolved.in_rep, found.resolved.shape) == ("rows*cols:grid:4", "4x4")


def test_outputs_have_axes_too() -> None:
    x = np.random.default_rng(0).normal(size=(60, 6))
    samples = finite_task("t", x, x, in_axes=axes("points coords", 3, 2), out_axes=axes("coords points", 2, 3))
    found = problem("S3", samples, out_rep=None, unit="matrix:tanh", out_axes="coords points")
    assert (found.resolved.out_rep, found.resolved.out_shape) == ("coords:trivial:2 points:natural", "2x3")
    assert "outputs: 2 coords x 3 points; S3 moves points (coords:trivial:2 points:natural)" in layout_picture(found)


def test_a_blind_search_asks_for_lengths_and_shows_nothing() -> None:
    config = search_config(blind=True, growth="escape", delta=0.1, axes="points coords")
    with pytest.raises(DataError, match="give their lengths"):
        build_problem(config, task(axes("points coords"), 6), named_group("C1"))
    known = build_problem(config, task(axes("points coords", 3, 2), 6), named_group("C1"))
    assert layout_picture(known) == []


def test_a_picture_shows_which_columns_move_together() -> None:
    found = problem("S3", task(axes("points coords", 3, 4), 12), in_rep="points:natural", axes="points coords")
    assert layout_picture(found) == [
        "inputs: 3 points x 4 coords; S3 moves points, coords not named and therefore fixed "
        "(points:natural coords:trivial:4)",
        "  coords    0 1 2 3",
        "  points 0  a b c d",
        "  points 1  a b c d",
        "  points 2  a b c d",
    ]


def test_the_same_columns_in_another_order_show_at_once() -> None:
    found = problem("S3", task(axes("points coords", 3, 2), 6), in_rep="2*natural", axes="points coords")
    assert layout_picture(found) == [
        "inputs: 3 points x 2 coords; S3 acts on all columns at once (2*natural)",
        "  coords    0 1",
        "  points 0  a a",
        "  points 1  a b",
        "  points 2  b b",
    ]


def test_named_columns_have_a_line_for_each_orbit() -> None:
    names = ("well_a_m", "well_b_m", "well_c_m", "pressure [Pa]")
    found = problem("S3", task(None, 4, inputs=names), in_rep="natural+trivial")
    assert layout_picture(found) == [
        "inputs: S3 moves columns with the same letter onto each other (natural+trivial)",
        "  a: well_a_m well_b_m well_c_m",
        '  b: "pressure [Pa]" (alone)',
    ]


def test_notes_on_channels_call_columns_by_their_names() -> None:
    found = problem("S3", task(None, 6, inputs=("a", "b", "c", "d", "d", "f,g")), in_rep="2*natural")
    assert 'channel by channel: a..c are channel 0, d.."f,g" are channel 1' in layout_picture(found)[-1]
    unnamed = problem("S3", task(None, 6), in_rep="2*natural")
    assert [line.partition(":")[0] for line in layout_picture(unnamed)] == [
        "in_rep 2*natural takes columns channel by channel"
    ]


@pytest.mark.parametrize(
    ("group", "text", "marks", "legend"),
    [
        ("S2", "natural+sign", "a a ±b", "±a with either sign"),
        ("B3", "natural", "±a ±a ±a", "±a with either sign"),
        ("R5", "natural+trivial", "a a b", "mixed (by a rotation, for example), not permuted"),
        ("O3", "natural", "a a a", "mixed"),
        ("C3", "natural", "a a a", None),
        ("C3", "3*trivial", "a b c", None),
    ],
)
def test_signs_and_rotations_are_said(group: str, text: str, marks: str, legend: str | None) -> None:
    found = problem(group, task(axes("k", 3), 3), in_rep=text)
    lines = layout_picture(found)
    assert lines[2].split() == marks.split()
    assert (len(lines) == 3) if legend is None else (legend in lines[3])


def test_a_minus_shows_where_signs_can_be_told() -> None:
    """C2 that swaps x0 with -x1."""
    group = named_group("C2")
    assert isinstance(group, FiniteGroup)
    rep = Representation(group, 2, "swap", "signed", np.array([[1, 0]]), np.array([[-1, -1]], dtype=np.int8))
    orbits = column_orbits(rep)
    assert [orbits.mark(k) for k in range(2)] == ["a", "-a"]
    acting = ActingGroup(group, rep, parse_representation("trivial", group))
    config = search_config(unit="radial:gaussian")
    found = build_problem(config, task(None, 2, inputs=("up", "down")), acting)
    assert layout_picture(found)[1] == "  a: up -down"


def test_large_layouts_are_cut() -> None:
    named, group = axes("channels rows cols", 3, 20, 20), named_group("D4")
    rep = axis_representation("rows*cols:grid", group, named)
    lines = layout_lines(Layout("inputs", "in_rep", "x", rep, None, named, ()))
    assert len(lines) == 1 + 2 * (1 + 1 + 8 + 1) + 1 and max(map(len, lines[1:])) < 80
    assert lines[-1] == "  ... 1 more" and lines.count("  ... 12 more") == 2
    names = tuple(f"column_{k}" for k in range(40))
    wide = parse_representation("natural+trivial:30", named_group("S10"))
    flat = layout_lines(Layout("inputs", "in_rep", "x", wide, None, None, names))
    assert len(flat) == 10 and flat[1].endswith("column_7 ... 2 more") and flat[-1] == "  ... 23 more"


@pytest.mark.parametrize("name", ["S5", "D4", "C4xC6"])
def test_orbits_are_those_of_the_elements(name: str) -> None:
    group: Group = named_group(name)
    rep = natural(group)
    reached = rep.float_matrices().any(axis=0)
    numbers = column_orbits(rep).numbers
    assert np.array_equal(numbers[:, None] == numbers, reached)


def test_lines_that_go_on_are_indented() -> None:
    lines = layout_picture(problem("S3", task(axes("points coords", 3, 2), 6)))
    assert [bool(re.match(r"\s", line)) for line in lines] == [False, True, True, True, True]
