"""Subspaces through JSON: equal afterwards, and nothing else is accepted."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import SpaceError
from sharefind.spaces import Subspace

entries = st.sampled_from(["0", "1", "-2/3", "sqrt(2)", "1/2-sqrt(3)/6", "cos(2*pi/5)", "2*cos(pi/7)"])


def round_trip(space: Subspace) -> Subspace:
    return Subspace.from_json(json.loads(json.dumps(space.to_json())))


@given(st.lists(st.lists(entries, min_size=3, max_size=3), min_size=1, max_size=2))
def test_exact_spaces_survive(rows):
    space = Subspace.from_basis(rows)
    assert round_trip(space) == space


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_tyings_survive(labels):
    space = Subspace.from_tying(labels)
    again = round_trip(space)
    assert again == space and again.tying is not None


@given(st.integers(0, 2**32 - 1))
def test_numerical_spaces_survive_bit_for_bit(seed):
    space = Subspace.numerical(np.random.default_rng(seed).normal(size=(2, 5)), tolerance=1e-3)
    again = round_trip(space)
    assert again == space and again.tolerance == 1e-3 and not again.is_exact


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"ambient": 2},
        {"ambient": 2, "kind": "other"},
        {"ambient": 0, "kind": "tying", "labels": []},
        {"ambient": 10**12, "kind": "basis", "rows": []},
        {"ambient": 3, "kind": "tying", "labels": [1, 2]},
        {"ambient": 2, "kind": "tying", "labels": [1, 2.5]},
        {"ambient": 2, "kind": "tying", "labels": [1, True]},
        {"ambient": 2, "kind": "tying", "labels": [1, 10**30]},
        {"ambient": 2, "kind": "tying", "labels": [1, -(2**63)]},
        {"ambient": 2, "kind": "basis", "rows": [{"2": "1"}]},
        {"ambient": 2, "kind": "basis", "rows": [{"0": "__import__('os')"}]},
        {"ambient": 2, "kind": "basis", "rows": [{"zero": "1"}]},
        {"ambient": 2, "kind": "basis", "rows": 7},
        {"ambient": 2, "kind": "numerical", "tolerance": 1e-10, "rows": [[1.0, 0.0], [1.0, 0.0]]},
        {"ambient": 2, "kind": "numerical", "tolerance": 1e-10, "rows": [[1.0, 0.0, 0.0]]},
        {"ambient": 2, "kind": "numerical", "tolerance": 1e-10, "rows": [["a", "b"]]},
    ],
)
def test_anything_else_is_refused_in_one_line(data):
    with pytest.raises(SpaceError) as caught:
        Subspace.from_json(data)
    assert "\n" not in str(caught.value)
