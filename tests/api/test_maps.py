"""Estimators take maps of columns as a dict, a list or a path, checked alike."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.base import clone

from sharefind.api import SharingSearch
from sharefind.errors import ConfigError, GroupError
from tests.inference.maps.robots import INPUTS, MIRROR, OUTPUTS, changed, is_same, robot
from tests.search.test_map_explanations import as_mapping

BRIEF = {"copies": 39, "alpha": 0.05, "particles": 8, "replicates": 2, "training_copies": 19, "unit": "matrix:tanh"}


def frames(n: int = 200):
    rows = robot(n, 1)
    return pd.DataFrame(rows.x, columns=list(INPUTS)), pd.DataFrame(rows.y, columns=list(OUTPUTS))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"hip_left": "hip_right"}, GroupError, r"^map: hip_left: hip_left goes to hip_right, which has no row"),
        ({"hip_lift": "hip_right"}, GroupError, r"^map: hip_lift: there is no column hip_lift; did you mean hip_left"),
        ({"roll": ("roll", 2)}, GroupError, r"^map: roll: the sign is '2'"),
        (3, GroupError, r"^map is a int; give a path"),
        ("none.csv", ValueError, r"^none.csv: no such file"),
    ],
)
def test_maps_are_checked_like_files(given, error, message):
    with pytest.raises(error, match=message):
        SharingSearch(map=given, **BRIEF).fit(*frames(60))


def test_one_candidate_is_enough():
    with pytest.raises(ConfigError, match="group and map exclude each other"):
        SharingSearch(group="C2", map={"roll": "-roll"}, **BRIEF).fit(*frames(60))
    with pytest.raises(ConfigError, match="map says how the group acts; drop in_rep and out_rep"):
        SharingSearch(map={"roll": "-roll"}, in_rep="natural", **BRIEF).fit(*frames(60))


def test_a_map_is_a_parameter_like_others():
    estimator = SharingSearch(map={"roll": "-roll"})
    assert clone(estimator).get_params()["map"] == {"roll": "-roll"}


@pytest.mark.slow
def test_a_wrong_map_is_explained_in_python():
    wrong = SharingSearch(map=as_mapping(changed(MIRROR, {3: 4, 4: 3})), **BRIEF).fit(*frames())
    (found,) = wrong.result_.maps
    assert found.nearest is not None and is_same(found.nearest.map, MIRROR) and found.value.changes == 1
    assert "The map, column by column" in wrong.result_._repr_html_()
    right = SharingSearch(map=as_mapping(MIRROR), **BRIEF).fit(*frames())
    assert right.accepted_ == ["map"] and right.result_.maps == []
    quiet = SharingSearch(map=as_mapping(changed(MIRROR, {3: 4, 4: 3})), explain=False, **BRIEF).fit(*frames())
    assert quiet.result_.maps == []
