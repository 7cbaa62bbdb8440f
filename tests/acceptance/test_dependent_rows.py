"""Dependent rows: warned of without units, at level with them."""

import math

import numpy as np
import pytest

from tests.acceptance.dependent_rows import (
    autoregressive,
    cells,
    clustered,
    rejected,
    rejected_independence,
    repeated,
    shuffled,
    tabulated,
    warned,
)

pytestmark = [pytest.mark.slow]

SETS = 300


@pytest.mark.parametrize("n", [100, 300, 1000])
@pytest.mark.parametrize(
    "name", ["ar .5", "ar .8", "ar .95", "clusters .3", "clusters .7", "repeats", "shuffled repeats", "tabulated"]
)
def test_dependent_rows_are_warned_of(name: str, n: int) -> None:
    laws = {
        "ar .5": autoregressive(n, 0.5),
        "ar .8": autoregressive(n, 0.8),
        "ar .95": autoregressive(n, 0.95),
        "clusters .3": clustered(n, 0.3),
        "clusters .7": clustered(n, 0.7),
        "repeats": repeated(n, 1e-2),
        "shuffled repeats": shuffled(repeated(n, 1e-2)),
        "tabulated": shuffled(tabulated(repeated(n, 1e-6))),
    }
    assert warned(laws[name], 40) >= 0.95


@pytest.mark.parametrize("cell", list(cells()), ids=lambda cell: cell[0])
def test_with_units_the_level_holds(cell: tuple[object, ...]) -> None:
    _, law, units, level = cell
    most = level + 3.3 * math.sqrt(level * (1 - level) / SETS)
    assert rejected(law, units, SETS) <= most  # type: ignore[arg-type]
    assert rejected_independence(law, units, SETS) <= most  # type: ignore[arg-type]


def test_without_units_a_true_group_is_rejected() -> None:
    assert rejected(repeated(60, 1e-6), None, 100) > 0.2
    assert rejected(repeated(60, 1e-6), np.arange(60) // 5, 100) <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / 100)
