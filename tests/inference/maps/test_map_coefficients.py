"""Coefficients about any point are those of a fit there; differences under a true map are noise of their size."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.errors import InputError
from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.inference.maps.map_coefficients import CoefficientSettings, MapCoefficients
from tests.inference.maps.robots import MIRROR, changed, robot


def coefficients(x, y, seed=0, **settings):
    return MapCoefficients.of(x, y, np.random.default_rng(seed), **settings)


def test_coefficients_about_the_centre_are_those_of_a_fit_there():
    rows = robot(600, 0)
    x = rows.x + np.linspace(-2, 3, 10)
    found = coefficients(x, rows.y)
    assert len(found.relation.exponents) == 66
    about = found.about(MIRROR.inputs)
    deviations = x - found.centre(MIRROR.inputs)
    design = np.stack([np.prod(deviations**e, axis=1) for e in about.exponents], axis=1)
    expected = np.linalg.lstsq(design, rows.y, rcond=None)[0].T
    np.testing.assert_allclose(about.values, expected, rtol=1e-6, atol=1e-8)


def test_the_centre_is_the_projection_of_the_mean_on_what_the_map_fixes():
    turn = SignedColumns.of_image([2, 3, -1, -5, 4, 7, 6, -8, 9, 10])
    rows = robot(50, 1)
    found = coefficients(rows.x + 1, rows.y)
    whole = np.zeros((10, 10))
    whole[turn.images, np.arange(10)] = turn.signs
    powers = [np.linalg.matrix_power(whole, k) for k in range(turn.period)]
    np.testing.assert_allclose(found.centre(turn), np.mean(powers, axis=0) @ found.mean, atol=1e-12)


def test_misfits_of_a_monomial_are_those_of_its_image():
    """Against every entry written out: C[g i, g e] times signs."""
    rows = robot(600, 2)
    wrong = changed(MIRROR, {3: 4, 4: 3})
    entries = coefficients(rows.x, rows.y).about(wrong.inputs)
    expected, misfit = entries.expected(wrong.outputs, wrong.inputs), entries.misfit(wrong.outputs, wrong.inputs)
    for i, k in [(0, 1), (2, 3), (3, 14), (5, 40), (1, 0)]:
        moved = np.zeros(10, dtype=np.int64)
        moved[wrong.inputs.images] = entries.exponents[k]
        sign = wrong.outputs.signs[i] * np.prod(wrong.inputs.signs ** entries.exponents[k])
        there = wrong.outputs.images[i], entries.place(moved)
        assert expected[i, k] == pytest.approx(sign * entries.values[there])
        spread = entries.influence[:, i, k] - sign * entries.influence[:, *there]
        error = np.sqrt((spread**2).sum()) or np.inf
        assert misfit[i, k] == pytest.approx((entries.values[i, k] - expected[i, k]) / error, rel=1e-6)


def shifted(rows):
    """Columns that keep their signs at mean 300 and 1,000."""
    x, y = rows.x * 10, rows.y.copy()
    x[:, 4:6] += 300
    x[:, 8:10] += 300
    y[:, 4:] += 1000
    return x, y


def spread(rows):
    return rows.x * np.array([1e9, 1e-6] + [1] * 8), rows.y * np.array([1e7] + [1] * 5)


def rounded(rows):
    return np.round(rows.x), rows.y


@pytest.mark.parametrize("make", [lambda rows: (rows.x, rows.y), shifted, spread, rounded])
def test_a_true_map_misfits_by_noise_alone(make):
    above, squares = 0, []
    for seed in range(12):
        found = coefficients(*make(robot(200, seed)), seed)
        relation, inputs = found.misfit(MIRROR), found.input_misfit(MIRROR.inputs)
        largest = max(np.abs(relation).max(), np.abs(inputs).max())
        above += largest > found.critical(0.01, with_inputs=True)
        squares.append(np.mean(relation[relation != 0] ** 2))
    # Measured over 60 sets: 0 or 1 above; mean squares .90 to .95.
    assert above <= 1 and 0.7 < np.mean(squares) < 1.2


@pytest.mark.slow
@pytest.mark.parametrize("tails", [None, 3])
def test_the_level_of_the_critical_value(tails):
    found = [coefficients(rows.x, rows.y, s) for s in range(100) for rows in [robot(200, s, tails=tails)]]
    largest = [max(np.abs(c.misfit(MIRROR)).max(), np.abs(c.input_misfit(MIRROR.inputs)).max()) for c in found]
    above = np.mean([m > c.critical(0.01, with_inputs=True) for m, c in zip(largest, found, strict=True)])
    assert above <= (0.04 if tails is None else 0.12)  # heavy tails: a sandwich of few rows is too small


def test_units_make_errors_larger():
    """Rows four times over tell no more than once."""
    rows = robot(150, 3)
    once = coefficients(rows.x, rows.y)
    x, y, units = np.repeat(rows.x, 4, axis=0), np.repeat(rows.y, 4, axis=0), np.repeat(np.arange(150), 4)
    fit = CoefficientSettings(rows_per_monomial=20)
    grouped = coefficients(x, y, units=units, settings=fit)
    ratio = grouped.relation.size[:, 1:11] / once.relation.size[:, 1:11]
    assert 0.8 < np.median(ratio) < 1.3
    assert np.median(coefficients(x, y, settings=fit).relation.size[:, 1:11] / once.relation.size[:, 1:11]) > 1.7


def test_exact_data_have_no_infinite_misfits():
    x = robot(200, 4).x
    linear = np.eye(10)[:, [0, 1, 2, 3, 4, 5]]
    found = coefficients(x, x @ linear)
    assert np.abs(found.misfit(MIRROR)).max() < 4
    assert np.abs(found.misfit(changed(MIRROR, {3: 4, 4: 3}))).max() > 1e6


def test_vectors_of_length_one_and_constant_columns():
    rows = robot(400, 5)
    x = rows.x.copy()
    x[:, 2:5] /= np.linalg.norm(x[:, 2:5], axis=1, keepdims=True)
    x[:, 9] = 3.0
    y = rows.y.copy()
    y[:, 0] = 5
    found = coefficients(x, y)
    assert np.isfinite(found.misfit(MIRROR)).all()
    squares = [e.argmax() for e in found.relation.exponents if e.max() == 2]
    assert 9 not in squares and not {2, 3, 4} & {*squares} and 0 in squares


def test_what_cannot_be_looked_at_says_why():
    rows = robot(22, 6)
    with pytest.raises(InputError, match="22 rows are too few to look at 10 inputs; more than 22 are needed"):
        coefficients(rows.x, rows.y)
    rows = robot(100, 6)
    with pytest.raises(InputError, match="5 units of rows are too few to see errors; 20 are needed"):
        coefficients(rows.x, rows.y, units=np.arange(100) % 5)
    x = rows.x.copy()
    x[:, 3] = x[:, 1] - x[:, 2]
    with pytest.raises(InputError, match="an input is determined by the others; leave it out"):
        coefficients(x, rows.y)


def test_moments_about_the_centre():
    rows = robot(300, 7)
    x = rows.x + 0.3
    found = coefficients(x, rows.y)
    moments = found.moments(MIRROR.inputs)
    deviations = x - found.centre(MIRROR.inputs)
    expected = [np.mean(np.prod(deviations**e, axis=1)) for e in moments.exponents]
    np.testing.assert_allclose(moments.values[0], expected, atol=1e-12)
    errors = [np.std(np.prod(deviations**e, axis=1)) / np.sqrt(300) for e in moments.exponents]
    np.testing.assert_allclose(np.sqrt((moments.influence[:, 0] ** 2).sum(axis=0)), errors, rtol=1e-6)


def test_a_map_to_another_unit_is_no_error():
    """The same in metres and in millimetres: a misfit, and no overflow."""
    rows = robot(200, 8)
    found = coefficients(rows.x * np.r_[1e6, np.ones(9)], rows.y)
    swapped = ColumnMap(SignedColumns.of_image([2, 1, *range(3, 11)]), SignedColumns.identity(6))
    assert np.isfinite(found.misfit(swapped)).all() and np.abs(found.input_misfit(swapped.inputs)).max() > 5
