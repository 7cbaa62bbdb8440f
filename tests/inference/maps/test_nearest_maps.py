"""Maps with mistakes are mended: signs, images, omitted columns, single arrows; what is wrong altogether is said so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.inference.maps.map_coefficients import MapCoefficients
from sharefind.inference.maps.nearest_maps import NearestMaps, NearestSettings
from tests.inference.maps.robots import MIRROR, changed, is_same, robot

TURN = ColumnMap(
    SignedColumns.of_image([2, 3, 4, 1, -6, 7, -8, 5, 9, -10]), SignedColumns.of_image([2, 3, 4, 1, 5, -6])
)
"""A rotation of four legs: signs of two arrows of a cycle make up for each other."""


def data_of(rows, seed=0):
    return MapCoefficients.of(rows.x, rows.y, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def walker():
    return data_of(robot(400, 1))


@pytest.fixture(scope="module")
def turning():
    return data_of(robot(600, 2, TURN))


MISTAKES = {
    "nothing": (MIRROR, 0),
    "sign of an input pair": (changed(MIRROR, {3: 4, 4: 3}), 1),
    "sign of an output pair": (changed(MIRROR, outputs={5: -6, 6: -5}), 1),
    "sign of one column": (changed(MIRROR, {1: 1}), 1),
    "a joint on both sides": (changed(MIRROR, {5: -6, 6: -5, 9: -10, 10: -9}, {5: -6, 6: -5}), 3),
    "a pair left out": (changed(MIRROR, {7: 7, 8: 8}), 2),
    "swapped images": (changed(MIRROR, {3: -6, 6: -3, 4: 5, 5: 4}), 2),
    "one arrow": (changed(MIRROR, {7: 8}), 1),
    "outputs left out": (changed(MIRROR, outputs={3: 3, 4: 4, 5: 5, 6: 6}), 4),
}


@pytest.mark.parametrize("with_inputs", [True, False])
@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_mended(walker, name, with_inputs):
    wrong, changes = MISTAKES[name]
    near = next(NearestMaps(walker, wrong, with_inputs).found())
    assert is_same(near.map, MIRROR) and near.changes == changes


@pytest.mark.parametrize(
    ("wrong", "changes"),
    [
        (changed(TURN, {5: 6}), 1),
        (changed(TURN, {1: 3, 2: 2}), 2),
        (changed(TURN, outputs={6: 6}), 1),
        (changed(TURN, {9: -9, 10: 10}), 2),
    ],
)
def test_mistakes_in_a_rotation_are_mended(turning, wrong, changes):
    near = next(near for near in NearestMaps(turning, wrong, True).found() if near.changes)
    assert is_same(near.map, TURN) and near.changes == changes


def test_the_sign_of_an_input_without_effect_is_seen_in_its_mean():
    rows = robot(400, 3)
    x = np.column_stack([rows.x, 2 + np.random.default_rng(0).normal(size=(400, 2))])
    wider = changed_width(MIRROR, [12, 11])
    wrong = changed(wider, {11: -12, 12: -11})
    data = MapCoefficients.of(x, rows.y, np.random.default_rng(0))
    assert next(NearestMaps(data, wrong, False).found()).changes == 0
    near = next(NearestMaps(data, wrong, True).found())
    assert is_same(near.map, wider) and near.changes == 1


def changed_width(of, more):
    return ColumnMap(SignedColumns.of_image([*of.inputs.image, *more]), of.outputs)


def test_a_map_that_is_wrong_altogether_has_none_near(walker):
    order = np.random.default_rng(0).permutation(10)
    images = np.empty(10, dtype=np.int64)
    images[order] = order[MIRROR.inputs.images]
    wrong = ColumnMap(SignedColumns(images, np.ones(10, dtype=np.int64)), MIRROR.outputs)
    search = NearestMaps(walker, wrong, True, NearestSettings(changes=4))
    assert not list(search.found()) and not search.is_spent


def test_a_relation_without_symmetry_has_none(walker):
    rows = robot(400, 4)
    y = rows.y + rows.x @ np.random.default_rng(1).normal(size=(10, 6))
    search = NearestMaps(data_of(type(rows)(rows.x, y)), MIRROR, True)
    assert not list(search.found())


def test_a_search_that_was_cut_short_says_so(walker):
    search = NearestMaps(walker, MISTAKES["a joint on both sides"][0], True, NearestSettings(looks=3))
    assert not list(search.found()) and search.is_spent


def test_no_output_is_left_behind(walker):
    """Whatever is found, outputs are back when inputs are, so that it generates a group."""
    for wrong, _ in MISTAKES.values():
        for near in NearestMaps(walker, wrong, True, NearestSettings(changes=2)).found():
            assert near.map.inputs.period % near.map.outputs.period == 0


INPUT_PAIRS, OUTPUT_PAIRS = ((1,), (3, 4), (5, 6), (7, 8), (9, 10)), ((1,), (3, 4), (5, 6))
PAIRS = [*(("in", pair) for pair in INPUT_PAIRS), *(("out", p) for p in OUTPUT_PAIRS)]


@settings(max_examples=10, deadline=None)
@given(st.sets(st.sampled_from(PAIRS), min_size=1, max_size=3))
def test_any_few_wrong_signs_are_mended(walker, wrong):
    inputs = {k: -MIRROR.inputs.image[k - 1] for side, pair in wrong if side == "in" for k in pair}
    outputs = {k: -MIRROR.outputs.image[k - 1] for side, pair in wrong if side == "out" for k in pair}
    near = next(NearestMaps(walker, changed(MIRROR, inputs, outputs), True).found())
    assert is_same(near.map, MIRROR) and near.changes == len(wrong)
