"""Names of columns in tables and pictures of ties: every entry below its name, and no line too long."""

import io
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from sharefind.column_names import BlockLabels, kept_names
from sharefind.groups import FiniteGroup, cycle_notation, named_group, natural, parse_representation, trivial
from sharefind.report.pictures.space_picture import draw_space, panels, picture_size
from sharefind.report.text.column_labels import narrow
from sharefind.report.text.lattice_tables import node_view
from sharefind.report.text.move_words import columns_of_points, move_words, signed_cycles
from sharefind.report.text.space_words import space_view
from sharefind.report.text.tables import diagnosis_view, groups_view, summary
from sharefind.report.text.text_style import STYLE
from sharefind.spaces import Block, Subspace, fixed_space, matrix_space
from tests.columns import HOSTILE, WELLS

S3 = named_group("S3")
PARAMETERS = matrix_space(parse_representation("natural+trivial", S3), trivial(S3), bias=True)
SPACE = fixed_space(PARAMETERS.action)


def _text(shown: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False)
    console.print(shown)
    return console.file.getvalue()


def _names(inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, BlockLabels]:
    return {"weight": BlockLabels(tuple(outputs), tuple(inputs)), "bias": BlockLabels(columns=tuple(outputs))}


def test_a_tying_pattern_carries_the_names_of_its_rows_and_columns() -> None:
    lines = _text(space_view(SPACE, PARAMETERS.blocks, _names(WELLS, ["flow_l_s"]))).splitlines()
    assert [line.rstrip() for line in lines[1:]] == [
        "  weight 1 x 4  well_a_m  well_b_m  well_c_m  pressure_Pa",
        "    flow_l_s    a         a         a         b",
        "  bias 1  flow_l_s",
        "          c",
    ]


def test_without_names_a_pattern_is_what_it_was() -> None:
    assert _text(space_view(SPACE, PARAMETERS.blocks, {})) == _text(space_view(SPACE, PARAMETERS.blocks))
    assert "    a a a b" in _text(space_view(SPACE, PARAMETERS.blocks))


def test_vectors_are_aligned_to_the_right_below_their_names() -> None:
    space = Subspace.from_basis([[1, 2, 0, 0, "1/2", -1]])
    text = _text(space_view(space, [Block("weight", (2, 3))], _names(WELLS[:3], ["flow", "level"])))
    heading, *rows = text.splitlines()[1:]
    ends = [match.end() for match in re.finditer(r"well_\w+", heading)]
    assert [[row[end - 3 : end].strip() for end in ends] for row in rows] == [["1", "2", "0"], ["0", "1/2", "-1"]]


@pytest.mark.parametrize("width", [12, 24, 30])
def test_wide_patterns_get_numbers_and_a_legend(width: int) -> None:
    group = named_group(f"C{width}")
    parameters = matrix_space(natural(group), natural(group))
    names = tuple(f"sensor_{k}_temperature" for k in range(width))
    text = _text(space_view(fixed_space(parameters.action), parameters.blocks, _names(names, names)))
    lines, drawn = text.splitlines(), min(width, STYLE.columns)
    assert max(map(cell_len, lines)) <= 100
    heading = next(line for line in lines if line.split()[-drawn:] == [str(k) for k in range(drawn)])
    row = next(line for line in lines if line.strip().startswith("sensor"))
    starts = [match.start() for match in re.finditer(r"(?<= )\d+", heading)][-drawn:]
    assert all(row[start] != " " and row[start - 1] == " " for start in starts)
    legend = " ".join(text[text.index("columns") :].split())
    assert all(f"{k} {names[k]}" in legend for k in range(drawn))
    assert f"{drawn} sensor" not in legend


def test_no_name_says_anything_to_the_terminal() -> None:
    names = _names(kept_names(HOSTILE, "x"), kept_names(HOSTILE[:1], "y"))
    text = _text(space_view(SPACE, PARAMETERS.blocks, names))
    assert all(line.isprintable() for line in text.splitlines())
    assert "[bold r" in text and max(map(cell_len, text.splitlines())) <= 100


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["C"]), max_size=60), st.integers(4, 30))
def test_a_narrow_name_fits_its_cells(name: str, most: int) -> None:
    found = narrow(name, most)
    assert cell_len(found) <= most
    assert found == name or ("..." in found and cell_len(name) > most)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ([1, 2, 3, 4], ""),
        ([2, 1, 3, 4], "swaps well_a_m and well_b_m"),
        ([2, 3, 1, 4], "(well_a_m well_b_m well_c_m)"),
        ([2, 1, 4, 3], "(well_a_m well_b_m)(well_c_m pressure_Pa)"),
        ([1, -2, 3, 4], "changes the sign of well_b_m"),
        ([-1, -2, 3, -4], "changes the signs of well_a_m, well_b_m and pressure_Pa"),
        ([-2, -1, 3, 4], "(well_a_m -well_b_m)"),
        ([2, -1, 3, 4], "(well_a_m well_b_m -well_a_m -well_b_m)"),
    ],
)
def test_moves_are_said_with_names(image: list[int], words: str) -> None:
    assert move_words(image, WELLS) == words


@given(st.permutations(range(6)), st.lists(st.sampled_from([1, -1]), min_size=6, max_size=6))
def test_signed_cycles_are_the_move(order: list[int], signs: list[int]) -> None:
    image = [sign * (k + 1) for k, sign in zip(order, signs, strict=True)]
    found = {k: k for k in range(1, 7)}
    for cycle in signed_cycles(image):
        pairs = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
        found |= {abs(a): b if a > 0 else -b for a, b in pairs}
    assert [found[k] for k in range(1, 7)] == image
    if min(signs) > 0:
        assert len(list(signed_cycles(image))) == cycle_notation(order).count("(") - (order == sorted(order))


@pytest.mark.parametrize(
    ("group", "rep", "found"),
    [
        ("S3", "natural+trivial", {0: [0], 1: [1], 2: [2]}),
        ("S3", "trivial+2*natural", {0: [1, 4], 1: [2, 5], 2: [3, 6]}),
        ("S3", "natural*trivial:2", {0: [0, 1], 1: [2, 3], 2: [4, 5]}),
        ("C4", "natural", {0: [0], 1: [1], 2: [2], 3: [3]}),
        ("S3", "natural*natural", {0: [0], 1: [4], 2: [8]}),
        ("S3", "regular", {}),
        ("S4", "sign", {}),
    ],
)
def test_points_are_known_by_the_columns_that_move_with_them(group: str, rep: str, found: dict[int, list[int]]) -> None:
    known = named_group(group)
    assert isinstance(known, FiniteGroup)
    images = [
        [int(np.flatnonzero(column)[0]) for column in np.array(matrix.to_Matrix().tolist(), dtype=float).T]
        for matrix in parse_representation(rep, known).generator_matrices
    ]
    assert columns_of_points(known.generators, images) == found


NAMES = {"inputs": ["a_m", "b_m", "c_m"], "outputs": ["u v", "v", "w"]}
MOVES = {"on_inputs": [[2, 3, 1]], "on_outputs": [[2, 3, 1]]}
GROUP = {"name": "S3", "order": 6, "generators": [[1, 2, 0]], "moves": MOVES}


@pytest.fixture
def named(tested, changed):
    """The run made by hand, of columns with names."""
    view = tested()
    record = view.result.to_json()
    stabiliser = {**record["e_star"]["stabiliser"], "moves": MOVES}
    swap = {"on_inputs": [[2, 1, 3]], "on_outputs": [[1, 2, 3]]}
    diagnosis = {name: {**row, "moves": swap} for name, row in record["diagnosis"].items()}
    return changed(view, **NAMES, group=GROUP, e_star={"stabiliser": stabiliser}, diagnosis=diagnosis)


def test_groups_are_said_on_columns(named) -> None:
    text = " ".join(_text(groups_view(named.result), 200).split())
    assert "points 0 a_m; 1 b_m; 2 c_m" in text
    assert 'generated by (0 1 2) (points counted from 0); on columns: (a_m b_m c_m) and on y ("u v" v w)' in text
    assert "S3, on columns: swaps a_m and b_m." in " ".join(_text(shown) for shown in diagnosis_view(named.result))


def test_every_table_of_a_space_carries_names(named) -> None:
    for shown in (summary(named), node_view(named, named.e_star)):
        assert re.search(r"weight 3 x 3  a_m  b_m  c_m *\n    u v +a    b    c *\n", _text(shown))


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_stay_inside_their_picture() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    names = _names(kept_names(HOSTILE, "x"), ["flow"])
    size = picture_size(SPACE, PARAMETERS.blocks, names)
    assert size > picture_size(SPACE, PARAMETERS.blocks)
    figure = Figure(figsize=size)
    draw_space(figure, SPACE, PARAMETERS.blocks, names)
    weight, bias = figure.axes
    assert [len(axes.get_xticklabels()) for axes in (weight, bias)] == [4, 1]
    assert [label.get_text() for label in weight.get_yticklabels()] == ["flow"]
    width, height = figure.bbox.width, figure.bbox.height
    for axes in (weight, bias):
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            box = label.get_window_extent()
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    assert panels(SPACE, PARAMETERS.blocks)[0].left == 0
