"""Pictures of spaces: patterns where there is one, basis vectors where there is none, and never too much."""

import numpy as np
import pytest

from sharefind.report.pictures.palette import CLASSES, PAPER, class_colour
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.pictures.space_picture import draw_space, panels, picture_size, space_caption, what_is_left_out
from sharefind.report.text.text_style import STYLE
from sharefind.spaces import Block, Subspace


def test_signs_and_zeros_of_a_pattern_are_written() -> None:
    (panel,) = panels(Subspace.from_tying([1, 0, -1, 2]), [Block("weight", (2, 2))])
    assert panel.texts.tolist() == [["a", ""], ["-a", "b"]]
    assert panel.title == "weight 2 x 2"
    assert "2 free numbers" in space_caption(Subspace.from_tying([1, 0, -1, 2]))


def test_classes_have_colours_and_opposite_entries_have_the_same() -> None:
    assert class_colour(0) == PAPER
    assert class_colour(-2) == class_colour(2) != class_colour(1)
    assert class_colour(len(CLASSES) + 1) == class_colour(1)
    assert len(set(CLASSES)) == len(CLASSES)


def test_a_space_without_ties_is_drawn_as_its_basis() -> None:
    space = Subspace.from_basis([[1, 2, 0, 0], [0, 0, "1/2", -1]])
    assert space.tying is None
    first, second = panels(space, [Block("weight", (2, 2))])
    assert first.title.startswith("vector 1, ")
    assert np.allclose(first.cells / first.cells[0, 0], [[1, 2], [0, 0]])
    assert np.allclose(second.cells / second.cells[1, 0], [[0, 0], [1, -2]])
    assert "exact basis" in space_caption(space)


def test_numerical_spaces_are_drawn_orthonormal() -> None:
    space = Subspace.numerical(np.array([[3.0, 4.0]]))
    (panel,) = panels(space, [Block("weight", (1, 2))])
    assert np.allclose(np.abs(panel.cells), [[0.6, 0.8]])
    assert [text.lstrip("-") for text in panel.texts[0]] == ["0.6", "0.8"]


@pytest.mark.parametrize(
    ("space", "blocks", "words"),
    [
        (Subspace.full(4), [Block("weight", (2, 2))], ""),
        (Subspace.full(900), [Block("weight", (30, 30))], f"{STYLE.rows} x {STYLE.columns} entries"),
        (Subspace.full(6), [Block(f"b{k}", (1, 1)) for k in range(6)], f"first {SIZES.blocks} of 6 blocks"),
        (
            Subspace.numerical(np.random.default_rng(0).standard_normal((8, 9))),
            [Block("weight", (3, 3))],
            f"first {STYLE.vectors} of 8 basis vectors",
        ),
    ],
)
def test_what_is_not_drawn_is_said(space: Subspace, blocks: list[Block], words: str) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    assert words in what_is_left_out(space, blocks)
    assert bool(words) == bool(what_is_left_out(space, blocks))
    found = panels(space, blocks)
    assert all(panel.cells.shape[0] <= STYLE.rows and panel.cells.shape[1] <= STYLE.columns for panel in found)
    figure = Figure(figsize=picture_size(space, blocks))
    draw_space(figure, space, blocks)
    assert len(figure.axes) == len(found)
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(b.x0 >= 0 and b.x1 <= 1 and b.y0 >= 0 and b.y1 <= 1 for b in boxes)
