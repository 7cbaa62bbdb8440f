"""Maps of columns: signed permutations against their matrices, and what is refused of what somebody wrote."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import InputError
from sharefind.groups import natural
from sharefind.groups.column_maps import ColumnMap, MapRow, SignedColumns, WrittenMap, column_maps, map_table
from tests.inference.maps.robots import INPUTS, MIRROR, OUTPUTS, matrix

IMAGES = st.integers(1, 6).flatmap(
    lambda d: st.tuples(st.permutations(range(1, d + 1)), st.lists(st.sampled_from([1, -1]), min_size=d, max_size=d))
)


def written(*rows: tuple[str, str, int], label: str = "") -> WrittenMap:
    lines = tuple(MapRow(f"row {k}", *row) for k, row in enumerate(rows, 1))
    return WrittenMap("map.csv", "map", {label: lines})


@given(IMAGES)
def test_a_signed_permutation_is_its_matrix(entries):
    side = SignedColumns.of_image([k * s for k, s in zip(*entries, strict=True)])
    whole = matrix(side)
    assert side.image == [k * s for k, s in zip(*entries, strict=True)]
    assert np.array_equal(matrix(side.then(side)), whole @ whole)
    powers = [np.linalg.matrix_power(whole, k) for k in range(1, side.period + 1)]
    assert [np.array_equal(p, np.eye(len(whole))) for p in powers] == [False] * (side.period - 1) + [True]
    assert sorted(c for cycle in side.cycles() for c in cycle) == list(range(len(whole)))
    assert np.array_equal(side.images[side.sources], np.arange(len(whole)))


def test_a_map_becomes_a_group_on_both_sides():
    rows = [(INPUTS[k], INPUTS[abs(e) - 1], int(np.sign(e))) for k, e in enumerate(MIRROR.inputs.image) if e != k + 1]
    rows += [
        (OUTPUTS[k], OUTPUTS[abs(e) - 1], int(np.sign(e))) for k, e in enumerate(MIRROR.outputs.image) if e != k + 1
    ]
    file = written(*rows).bound(INPUTS, OUTPUTS)
    assert (file.group.order, file.in_rep.dim, file.out_rep.dim) == (2, 10, 6)
    assert np.array_equal(file.in_rep.float_matrices()[1], matrix(MIRROR.inputs))
    (found,) = column_maps(file.in_rep, file.out_rep) or ()
    assert (found.inputs.image, found.outputs.image) == (MIRROR.inputs.image, MIRROR.outputs.image)


def test_two_generators_generate_their_group():
    names = ("a", "b", "c", "d")
    turn = tuple(MapRow(f"row {k}", names[k], names[(k + 1) % 4], 1) for k in range(4))
    mirror = (MapRow("row 5", "a", "c", 1), MapRow("row 6", "c", "a", 1))
    file = WrittenMap("map.csv", "map", {"turn": turn, "mirror": mirror}).bound(names, ("y",))
    assert file.group.order == 8


def test_matrices_that_do_more_are_no_maps():
    from sharefind.groups import named_group

    group = named_group("R3")
    assert column_maps(natural(group), natural(group)) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b", 1)], "row 1: a goes to b, which has no row and stays there; add a row that says where b goes"),
        (
            [("a", "c", 1), ("b", "c", 1), ("c", "a", 1)],
            "row 1 and row 2: a and b both go to c; give each column",
        ),
        ([("a", "b", 1), ("a", "c", 1)], "row 1 and row 2 both move a; keep one"),
        ([("a", "y", 1)], "row 1: a is an input and y an output; a map takes inputs to inputs"),
        ([("hip_rihgt", "a", 1)], "row 1: there is no column hip_rihgt; did you mean hip_right"),
        (
            [("a", "nowhere at all", 1)],
            'row 1: there is no column "nowhere at all"; use names of inputs',
        ),
        ([("twice", "a", 1)], "row 1: 2 columns are called twice; give each column a name of its own"),
        (
            [("y", "y", -1)],
            "applied once, the rows bring every input back, and the output y goes to -y; correct",
        ),
        (
            [("a", "b", 1), ("b", "a", 1), ("y", "z", -1), ("z", "y", 1)],
            "applied 2 times, the rows bring every input back, and the output y goes to -y",
        ),
    ],
)
def test_what_is_no_map_is_refused_with_its_row(rows, message):
    with pytest.raises(InputError) as refusal:
        written(*rows).bound(("a", "b", "c", "hip_right", "twice"), ("y", "z", "twice"))
    text = str(refusal.value)
    assert text.startswith("map.csv: ") and message in text and "\n" not in text


def test_a_group_above_the_limit_is_not_listed():
    names = tuple(f"x{k}" for k in range(30))
    starts, rows = np.cumsum([0, 2, 3, 5, 7, 11]), []
    for first, last in itertools.pairwise(starts):
        rows += [(names[k], names[k + 1 if k + 1 < last else first], -1) for k in range(first, last)]
    group = written(*rows).bound(names, ("y",), limits_of_order(100)).group
    assert group.order == 2 * 3 * 5 * 7 * 11


def limits_of_order(order: int):
    from dataclasses import replace

    from sharefind.limits import DEFAULT_LIMITS

    return replace(DEFAULT_LIMITS, group_order=order)


def test_a_table_is_read_back(tmp_path):
    from sharefind.datasets.map_file import written_map

    turn = ColumnMap(SignedColumns.of_image([2, 3, -1]), SignedColumns.of_image([1]))
    path = tmp_path / "maps.csv"
    names = ("a, b", 'c"d', "e")
    path.write_text(map_table([turn, ColumnMap(turn.inputs.then(turn.inputs), turn.outputs)], names, ("y",)), "utf-8")
    file = written_map(path).bound(names, ("y",))
    found = column_maps(file.in_rep, file.out_rep) or ()
    assert [one.inputs.image for one in found] == [[2, 3, -1], [3, -1, -2]]
