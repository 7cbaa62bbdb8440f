"""Orbits, tied least squares and names of columns, against what they are defined to be."""

import itertools

import numpy as np
import pytest

from sharefind.suggestion.actions import actions_of
from sharefind.suggestion.layouts import flat_layouts
from sharefind.suggestion.likeness import like_runs, likeness, look_at
from sharefind.suggestion.moments import Moments, linear, quadratic
from sharefind.suggestion.name_blocks import name_blocks
from sharefind.suggestion.orbits_of_entries import orbit_labels
from sharefind.suggestion.tied_fits import free_weights, tie_of, tied_weights


def data(n: int = 200, d: int = 6, m: int = 6):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    return x, x @ rng.normal(size=(d, m)) + rng.normal(size=(n, m))


@pytest.mark.parametrize("kind", [linear, quadratic])
def test_tied_coefficients_commute_and_are_least_squares(kind) -> None:
    """Against a fit over all coefficient matrices that are constant on the orbits, made column by column."""
    x, y = data()
    features = kind(6)
    z, centred = features.of(x), y - y.mean(axis=0)
    moments = Moments.of(z, centred)
    for action in itertools.chain.from_iterable(actions_of(layout, (6, 6)) for layout in flat_layouts(6)):
        moved = [features.moved(g) for g in action.inputs]
        tie = tie_of(moved, action.outputs)
        weights = tied_weights(moments, tie)
        for on_features, on_outputs in zip(moved, action.outputs, strict=True):
            assert np.allclose(weights[np.ix_(on_features, on_outputs)], weights)
        p, m = weights.shape
        pairs = [(f[:, None] * m + o[None, :]).ravel() for f, o in zip(moved, action.outputs, strict=True)]
        label = orbit_labels(pairs, p * m).reshape(p, m)
        assert tie.coefficients == label.max() + 1
        design = np.stack([(z @ (label == k)).ravel() for k in range(tie.coefficients)], axis=1)
        best = np.linalg.lstsq(design, centred.ravel(), rcond=None)[0]
        assert np.allclose(best[label], weights, atol=1e-4)


def test_moved_features_are_features_of_moved_rows() -> None:
    x, _ = data()
    x = np.vstack([x, x[:, ::-1]])  # so that columns that change places have one scale
    features, move = quadratic(6), np.arange(6)[::-1].copy()
    moved = np.empty_like(x)
    moved[:, move] = x
    there = np.empty((len(x), features.count))
    there[:, features.moved(move)] = features.of(x)
    assert np.allclose(features.of(moved), there)


def test_constant_and_repeated_columns_do_no_harm() -> None:
    x, y = data()
    x[:, 0], x[:, 1] = 5.0, x[:, 2]
    weights = free_weights(Moments.of(linear(6).of(x), y - y.mean(axis=0)))
    assert np.isfinite(weights).all()


def test_orbits_of_a_long_cycle() -> None:
    cycle = np.roll(np.arange(1000), 7)
    assert orbit_labels([cycle], 1000).max() == 0
    assert orbit_labels([np.roll(np.arange(1000), 10)], 1000).max() == 9


def test_likeness_sees_means_spreads_and_chance() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4))
    cycle = (np.roll(np.arange(4), 1),)
    assert likeness(look_at(x), cycle).holds()
    assert not likeness(look_at(x + np.array([0, 0, 0, 1])), cycle).holds()
    assert not likeness(look_at(x * np.array([1, 1, 1, 2])), cycle).holds()
    assert like_runs(look_at(x + np.array([0, 0, 0, 5]))) == (3, 1)


def test_blocks_of_names() -> None:
    block = name_blocks(["well_b_m", "pressure_Pa", "well_a_m", "well_c_m"])[0]
    assert block.flat == (2, 0, 3) and block.points == ("a", "b", "c") and block.words == "well_*_m"
    first = name_blocks(["p10_x", "p2_x", "p10_y", "p2_y"])
    assert {(len(b.points), b.channels) for b in first} == {(2, 2)}
    assert ("2", "10") in {b.points for b in first}
    assert name_blocks(["temp_north", "temp_east", "temp_south"])[0].flat == (0, 1, 2)
    assert name_blocks(["height", "weight", "age"]) == []
