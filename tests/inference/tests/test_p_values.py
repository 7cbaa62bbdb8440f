"""Randomisation p-values: exact under exchangeability, whatever the statistic."""

import numpy as np
import pytest
from scipy import stats

from sharefind.inference import randomisation_p_value


def test_p_value_counts_the_copies_that_reach_the_observed_statistic() -> None:
    assert randomisation_p_value(np.array([[3.0], [1.0], [2.0], [3.0], [5.0]])) == pytest.approx(3 / 5)
    assert randomisation_p_value(np.array([[9.0], [1.0], [2.0], [3.0]])) == pytest.approx(1 / 4)


def test_copies_that_differ_by_rounding_count_as_ties() -> None:
    assert randomisation_p_value(np.array([[1.0], [1.0 - 1e-13], [0.5]])) == pytest.approx(2 / 3)


def test_exchangeable_rows_give_uniform_p_values() -> None:
    rng = np.random.default_rng(0)
    rows = rng.gamma(0.3, size=(4000, 20, 5)) * rng.lognormal(size=(4000, 1, 5))
    p_values = np.array([randomisation_p_value(r) for r in rows])
    counts = np.bincount(np.rint(p_values * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_the_largest_component_finds_a_shift_in_one_small_component() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(200, 6)) * np.array([100.0, 10.0, 1.0, 0.1, 0.01, 0.0])
    rows[0, 4] += 0.1
    assert randomisation_p_value(rows) == pytest.approx(1 / 200)


def test_constant_components_say_nothing() -> None:
    assert randomisation_p_value(np.ones((10, 3))) == 1.0
