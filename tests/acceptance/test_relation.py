"""The level and the power of the test of a relation over laws of inputs, noises, groups and kinds of labels."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from sharefind.inference import relation_test
from sharefind.inference.dependence import rows_looked_at
from tests.acceptance.relation_laws import (
    LAWS,
    LEVEL,
    NOISES,
    Cell,
    draw_units,
    equivariant_signal,
    exact_kernels,
    rejected,
    tasks,
)

SETS = 100
POWERS = {"80 % canonical": (0.93, 1.0), "skewed": (0.7, 0.97), "shifted apart": (0.3, 0.67), "canonical": (0.2, 0.4)}
"""Least power at n = 200 against breaks of .3 and .6 standard deviations of the signal."""


def _beside(share: float, sets: int) -> float:
    """Three standard errors of a share."""
    return 3 * math.sqrt(share * (1 - share) / sets)


@pytest.mark.parametrize("name", list(tasks()))
def test_the_signal_is_equivariant(name: str) -> None:
    task = tasks()[name]
    x = np.random.default_rng(0).normal(size=(9, len(task.toward)))
    for on_x, on_y in zip(task.on_x, task.on_y, strict=True):
        images = np.vstack([x, x @ on_x.T])
        signal = equivariant_signal(task, images, np.random.default_rng(1))
        assert np.allclose(signal[9:], signal[:9] @ on_y.T)


@pytest.mark.parametrize("law", ["normal", "canonical"])
def test_a_true_relation_is_kept_and_a_broken_one_is_not(law: str) -> None:
    """Ten sets of each: more than 3 false rejections have a probability of .001."""
    few = 10
    assert few * rejected(Cell("C2", law, "uneven", 60), few, lambda *data: exact_kernels(*data, 19)) <= 3
    if law == "normal":
        assert rejected(Cell("C2", law, "uneven", 60, 1.0), few, lambda *data: exact_kernels(*data, 19)) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", list(tasks()))
def test_level_over_laws_and_noises(name: str) -> None:
    shares = [rejected(Cell(name, law, noise, 60), SETS) for law in LAWS for noise in NOISES]
    assert np.mean(shares) <= LEVEL + _beside(LEVEL, SETS * len(shares))
    # Three standard errors in each of 36 cells are exceeded once in twenty tables where each cell is at .1.
    assert max(shares) <= 0.1 + _beside(0.1, SETS)


@pytest.mark.slow
@pytest.mark.parametrize("law", list(POWERS))
def test_power_at_200_rows(law: str) -> None:
    for broken, least in zip((0.3, 0.6), POWERS[law], strict=True):
        assert rejected(Cell("C2", law, "even", 200, broken), SETS) >= least - _beside(least, SETS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C2", "C2, two classes"])
def test_units_of_dependent_rows(name: str) -> None:
    """Units that have all of their error in common: rejected too often as single rows, at level as units."""
    task, alone, together = tasks()[name], 0, 0
    with rows_looked_at():
        for k in range(SETS):
            x, y, units = draw_units(task, k, shared=1.0, spread=0.3)
            for named in (None, units):
                rng = np.random.default_rng([21, k])
                found = relation_test(x, y, task.moves, rng, 39, named, has_classes=task.has_classes)
                alone += named is None and found.p_value <= LEVEL
                together += named is not None and found.p_value <= LEVEL
    assert alone / SETS > 0.12
    assert together / SETS <= LEVEL + _beside(LEVEL, SETS)


def test_the_published_table_holds_the_level() -> None:
    path = Path(__file__).parents[2] / "docs" / "benchmarks" / "relation-level.csv"
    rows = [row for row in csv.DictReader(path.read_text().splitlines()) if float(row["broken"]) == 0]
    shares, sets = (np.array([float(row[name]) for row in rows]) for name in ("rejected", "sets"))
    assert len(rows) >= 5 * len(LAWS) * len(NOISES)
    assert np.average(shares, weights=sets) <= LEVEL
    is_assured = np.array([row["law"] != "canonical" for row in rows])
    errors = np.sqrt(0.1 * 0.9 / sets)
    assert (shares <= 0.1 + 3 * errors)[is_assured].all()
