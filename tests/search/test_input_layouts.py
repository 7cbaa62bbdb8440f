"""What is said of widths that do not fit, and of expressions that put channels on points."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.groups import CompactGroup, FiniteGroup, named_group, natural, parse_representation
from sharefind.search.input_layouts import layout_notes
from sharefind.search.rules.widths import width_advice


@pytest.mark.parametrize(
    ("group", "width", "words"),
    [
        ("D9", 8, "use group D8, or choose"),
        ("C3", 7, "use group C7, or choose in_rep so that they agree (for example natural+trivial:4)"),
        ("D4", 64, "(for example grid:8, "),
        ("D8", 64, "use group D4 in_rep grid:8 (an image of 8 x 8)"),
        ("S3xS2", 6, "use group S3xS3, "),
        ("C3xR5", 6, "use group C4xR5, "),
        ("S5", 20, "natural*trivial:4, 4*natural"),
        ("SO3", 9, "natural*trivial:3, 3*natural, natural*natural"),
        ("SO3", 4, "use group SO4, "),
        ("B3", 5, "use group B5, "),
        ("D5", 1, "(for example trivial)"),
        ("S4", 24, "regular"),
        ("C5", 3, "use group C3, "),
    ],
)
def test_widths_propose_what_fits(group: str, width: int, words: str) -> None:
    known = named_group(group)
    said = width_advice("in_rep", known, natural(known), width)
    assert words in said
    for text in said.partition("for example ")[2].rstrip(")").split(", "):
        assert parse_representation(text, known).dim == width
    assert "group D64" not in said or group != "D4"


@pytest.mark.parametrize("group", ["S5", "C4", "SO3", "C2xC3"])
@pytest.mark.parametrize("text", ["{k}*natural", "natural*trivial:{k}", "trivial:{k}*natural"])
@pytest.mark.parametrize("k", [2, 4])
def test_layouts_are_those_of_the_action(group: str, text: str, k: int) -> None:
    """The columns that a note calls point 0 are exactly those that move with column 0 and by its side."""
    known = named_group(group)
    assert isinstance(known, FiniteGroup | CompactGroup)
    rep = parse_representation(text.format(k=k), known)
    (note,) = layout_notes("in_rep", "x", rep)
    n, by_point = natural(known).dim, text.startswith("natural")
    first = k if by_point else n
    assert f"x0..x{first - 1} are " in note and f"x{first}..x{2 * first - 1} are " in note
    matrices = rep.generator_matrices if known.is_finite else rep.lie
    moves = [np.array(m.to_Matrix().tolist(), dtype=float) for m in matrices]
    order = np.arange(n * k).reshape((n, k) if by_point else (k, n))
    order = order if by_point else order.T
    for move in moves:
        # In the order point, channel the action is that of one channel, beside itself.
        arranged = move[np.ix_(order.ravel(), order.ravel())].reshape(n, k, n, k)
        assert all(np.array_equal(arranged[:, a, :, a], arranged[:, 0, :, 0]) for a in range(k))
        assert all(not arranged[:, a, :, b].any() for a in range(k) for b in range(k) if a != b)
    other = parse_representation(note.rpartition("write ")[2], known)
    (back,) = layout_notes("in_rep", "x", other)
    assert (
        other.dim == rep.dim
        and back.split(" takes columns ")[1].split()[0] != note.split(" takes columns ")[1].split()[0]
    )


@pytest.mark.parametrize(
    "text", ["natural", "natural+trivial:4", "natural*natural", "3*trivial", "trivial:3", "1*natural"]
)
def test_one_layout_needs_no_note(text: str) -> None:
    assert layout_notes("in_rep", "x", parse_representation(text, named_group("S4"))) == []


def test_parts_of_sums_begin_where_they_stand() -> None:
    rep = parse_representation("trivial:2+2*natural+natural*trivial:3", named_group("S4"))
    first, second = layout_notes("out_rep", "y", rep)
    assert "y2..y5 are channel 0, y6..y9 are channel 1; " in first and "write natural*trivial:2" in first
    assert "y10..y12 are point 0, y13..y15 are point 1, and so on" in second and "write 3*natural" in second
