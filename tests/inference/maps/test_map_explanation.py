"""Which columns break a map, by how much, and which nearest map the tests let pass."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.groups.column_maps import ColumnMap
from sharefind.inference.maps.map_explanation import ExplanationSettings, MapTest, explain_map
from sharefind.inference.maps.nearest_maps import NearestSettings
from sharefind.inference.maps.tilt import invariance_weights
from tests.inference.maps.robots import INPUTS, MIRROR, OUTPUTS, changed, is_same, robot

KNEE = changed(MIRROR, {5: -6, 6: -5, 9: -10, 10: -9}, {5: -6, 6: -5})
"""The knees' sign is wrong: angle, torque and acceleration."""


FEW = ExplanationSettings(nearest=NearestSettings(changes=4))


def explained(rows, given, **settings):
    settings.setdefault("settings", FEW)
    return explain_map(rows.x, rows.y, given, np.random.default_rng(0), **settings)


def one_sided(n: int, seed: int):
    """Rows of which five in six roll to the right."""
    rows = robot(4 * n, seed)
    kept = (rows.x[:, 0] > 0) | (np.random.default_rng(seed).random(4 * n) < 0.2)
    return type(rows)(rows.x[kept][:n], rows.y[kept][:n])


def test_the_columns_of_a_wrong_joint_are_named():
    found = explained(robot(400, 1), KNEE)
    assert found.nearest is not None and is_same(found.nearest, MIRROR) and found.changes == 3
    assert {(f.side, f.columns) for f in found.faults} == {("input", (4, 5)), ("input", (8, 9)), ("output", (4, 5))}
    for fault in found.faults:
        assert fault.given == tuple(-entry for entry in fault.nearest)
        assert fault.seen.errors > found.critical and fault.seen.expected is not None
        # What the map makes of the coefficient has the wrong sign, and about the right size.
        assert fault.seen.data * fault.seen.expected < 0
    assert [f.seen.errors for f in found.faults] == sorted((f.seen.errors for f in found.faults), reverse=True)
    assert found.largest > found.critical and found.test is None and found.unseen == ((), ())


def test_a_map_that_is_right_has_no_faults():
    found = explained(robot(400, 2), MIRROR)
    assert found.faults == () and found.nearest is None and found.largest < found.critical


def test_maps_are_tested_in_turn():
    asked: list[ColumnMap] = []

    def test(near: ColumnMap) -> MapTest:
        asked.append(near)
        verdict = "accepted" if is_same(near, MIRROR) else "rejected"
        return MapTest(verdict, 0.5, "law", 100)

    found = explained(robot(400, 1), KNEE, test=test)
    assert is_same(asked[-1], MIRROR) and found.test == MapTest("accepted", 0.5, "law", 100)


def test_where_all_are_rejected_none_is_nearest():
    found = explained(robot(400, 1), KNEE, test=lambda near: MapTest("rejected", 0.005, "law", 100))
    assert found.nearest is None and found.test == MapTest("rejected", 0.005, "law", 100)
    assert {(f.side, f.columns) for f in found.faults} >= {("output", (4, 5))} and all(
        not f.nearest for f in found.faults
    )


def test_one_that_is_undecided_is_named_if_none_is_accepted():
    found = explained(robot(400, 1), KNEE, test=lambda near: MapTest("undecided", 0.5, "relation", 100))
    assert found.nearest is not None and found.test is not None and found.test.verdict == "undecided"


def test_without_a_near_map_a_small_set_of_columns_is_named():
    rows = robot(400, 5)
    y = rows.y.copy()
    y[:, 1] += 3 * rows.x[:, 2]  # the left hip alone pushes forward
    found = explained(type(rows)(rows.x, y), MIRROR)
    assert found.nearest is None and found.most_changes == 4 and not found.is_spent
    assert [(f.side, f.columns) for f in found.faults] == [("output", (1,))]
    assert found.faults[0].seen.output == 1 and found.faults[0].seen.inputs in ((2,), (3,))


def test_inputs_alone_are_no_fault_where_the_relation_is_broken():
    rows = one_sided(600, 5)
    y = rows.y.copy()
    y[:, 1] += 3 * rows.x[:, 2]
    found = explained(type(rows)(rows.x, y), MIRROR)
    assert found.nearest is None and ("output", (1,)) in [(f.side, f.columns) for f in found.faults]
    assert all(fault.seen.output is not None for fault in found.faults)
    inputs = explained(rows, MIRROR)
    assert [f.columns for f in inputs.faults] == [(0,)] and inputs.faults[0].seen.output is None


def test_columns_that_nothing_shows_are_named():
    rows = robot(400, 6)
    x = np.column_stack([rows.x, np.random.default_rng(0).normal(size=(400, 2))])
    from sharefind.groups.column_maps import SignedColumns

    wider = ColumnMap(SignedColumns.of_image([*KNEE.inputs.image, 12, 11]), KNEE.outputs)
    found = explained(type(rows)(x, rows.y), wider)
    assert found.unseen == ((10, 11), ())


def test_too_few_rows_say_so():
    found = explained(robot(20, 0), KNEE)
    assert found.missing == "20 rows are too few to look at 10 inputs; more than 22 are needed" and not found.faults


@pytest.mark.parametrize("wrong", [changed(MIRROR, {3: 4, 4: 3}), changed(MIRROR, {1: 1})], ids=["hip", "roll"])
def test_inputs_that_are_not_invariant_are_balanced(wrong):
    """The relation alone: the second time by weights under a rough map, since the roll itself is one-sided."""
    found = explained(one_sided(600, 3), wrong, laws=(False,))
    assert found.nearest is not None and is_same(found.nearest, MIRROR)


def test_weights_make_inputs_nearly_invariant():
    rows = one_sided(2000, 4)
    weights = invariance_weights(rows.x, MIRROR.inputs)
    assert weights.mean() == pytest.approx(1, abs=0.1) and weights.min() > 0
    before, after = rows.x[:, 0].mean(), np.average(rows.x[:, 0], weights=weights)
    assert abs(before) > 0.5 and abs(after) < 0.25
    even = invariance_weights(robot(2000, 4).x, MIRROR.inputs)
    assert np.std(even) < 0.3


@pytest.mark.slow
def test_the_level_where_inputs_are_not_invariant():
    """Misfits of a true map under one-sided inputs: weights keep them within noise (without, .6 of the sets fail)."""
    from sharefind.inference.maps.map_coefficients import MapCoefficients

    above = 0
    for seed in range(20):
        rows = one_sided(1000, seed)
        weights = invariance_weights(rows.x, MIRROR.inputs)
        found = MapCoefficients.of(rows.x, rows.y, np.random.default_rng(seed), weights=weights)
        above += np.abs(found.misfit(MIRROR)).max() > found.critical(0.01, with_inputs=False)
    assert above <= 1


def test_names_are_of_the_columns():
    assert (len(INPUTS), len(OUTPUTS)) == (len(MIRROR.inputs.images), len(MIRROR.outputs.images))
