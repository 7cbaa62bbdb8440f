"""Representation expressions: what they denote, and one-line refusals that name the position."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import RepresentationError
from sharefind.groups import grid, named_group, natural, parse_representation, regular, sign, trivial

GROUP = named_group("D4")
N, T, S = natural(GROUP), trivial(GROUP), sign(GROUP)


@pytest.mark.parametrize(
    ("text", "rep"),
    [
        ("natural", N),
        ("trivial", T),
        ("trivial:3", trivial(GROUP, 3)),
        ("regular", regular(GROUP)),
        ("sign", S),
        ("grid:5", grid(GROUP, 5)),
        ("patch:5", grid(GROUP, 5, centre=False)),
        ("2*natural+trivial", N + N + T),
        ("natural*2", N + N),
        ("2*3*trivial", trivial(GROUP, 6)),
        ("natural*natural", N * N),
        ("natural * (natural + sign)", N * (N + S)),
        ("natural*natural*sign", (N * N) * S),
        ("dual(natural)", N),
        ("dual(natural+trivial)*sign", (N + T) * S),
        ("2*(natural+trivial)", N + T + N + T),
        ("  natural\t+ trivial ", N + T),
    ],
)
def test_expressions(text, rep):
    parsed = parse_representation(text, GROUP)
    assert parsed.dim == rep.dim
    assert np.array_equal(parsed.float_matrices(), rep.float_matrices())


leaves = st.sampled_from(["natural", "trivial", "sign", "trivial:2", "grid:2"])
texts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("{}+{}".format, inner, inner),
        st.builds("({})*({})".format, inner, inner),
        st.builds("2*({})".format, inner),
        st.builds("dual({})".format, inner),
    ),
    max_leaves=3,
)


@given(texts)
def test_names_parse_back_to_the_same_representation(text):
    rep = parse_representation(text, GROUP)
    again = parse_representation(rep.name, GROUP)
    assert np.array_equal(again.perms, rep.perms)
    assert np.array_equal(again.signs, rep.signs)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0), ("natural+", 8), ("natural natural", 8), ("2", 1), ("2*", 2), ("0*natural", 0),
        ("nature", 0),
        ("(natural", 8), ("natural)", 7), ("dual natural", 5), ("trivial:", 8), ("trivial:x", 8), ("grid", 4),
        ("natural-trivial", 7), ("natural:3", 7), ("natural$", 7), ("grid:²", 5), ("2+natural", 1),
        ("+natural", 0),
    ],
)  # fmt: skip
def test_refusals_name_the_position(text, position):
    with pytest.raises(RepresentationError, match=f"position {position}") as caught:
        parse_representation(text, GROUP)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["trivial:0", "grid:0", "patch:4", "999999999*natural", "(" * 40 + "natural" + ")" * 40, "n" * 600],
)
def test_sizes_are_bounded(text):
    with pytest.raises(RepresentationError):
        parse_representation(text, GROUP)


def test_a_grid_needs_a_square():
    with pytest.raises(RepresentationError, match="4 corners"):
        parse_representation("grid:3", named_group("C5"))


@given(st.text(alphabet="naturl+*():2sig e", max_size=16))
def test_any_text_is_a_representation_or_an_error(text):
    try:
        assert parse_representation(text, GROUP).dim > 0
    except RepresentationError as error:
        assert "\n" not in str(error)
