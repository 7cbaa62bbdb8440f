"""Messages about columns name them where the data do, from the rows of a task to the start of a blind search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sharefind.architectures.layers.coordinates import suited
from sharefind.datasets import Task, finite_task
from sharefind.errors import InputError
from sharefind.groups import named_group, parse_representation, trivial
from sharefind.search import build_problem, search_config
from tests.columns import WELLS
from tests.specs import spec_on

RNG = np.random.default_rng(0)
X = RNG.normal(300, 10, (60, 4))
Y = X.sum(axis=1, keepdims=True)

NAMES: dict[str, Any] = {"inputs": WELLS, "outputs": ("flow l/s",)}


def _changed(values: np.ndarray[Any, Any], column: int, to: Any) -> np.ndarray[Any, Any]:
    changed = values.copy()
    changed[:, column] = to
    return changed


def _built(task: Task, **settings: Any) -> None:
    group = named_group("S3")
    reps = {} if settings else {"group": "S3", "in_rep": "natural+trivial", "out_rep": "trivial"}
    build_problem(search_config(**reps, **settings), task, group)


def test_values_that_are_missing_are_named() -> None:
    x, y = X.copy(), Y.copy()
    x[4, 3] = y[7, 0] = np.nan
    with pytest.raises(InputError, match=r"wells: x is nan at row 4 \(from 0\), column pressure_Pa; remove that row"):
        finite_task("wells", x, Y, **NAMES)
    with pytest.raises(InputError, match=r'y is nan at row 7 \(from 0\), column "flow l/s"; remove'):
        finite_task("wells", X, y, **NAMES)
    with pytest.raises(InputError, match=r"x is nan at row 4, column 3 \(counted from 0\); remove"):
        finite_task("wells", x, Y)


OFFSET = 1e14 + np.arange(60.0) % 7


@pytest.mark.parametrize("settings", [{}, {"blind": True}])
def test_offsets_that_hide_a_column_are_named(settings: dict[str, Any]) -> None:
    for x, y, words in (
        (_changed(X, 3, OFFSET), Y, r"column pressure_Pa of x has mean 1e\+14 and spread"),
        (X, _changed(Y, 0, OFFSET), r'column "flow l/s" of y has mean'),
    ):
        with pytest.raises(InputError, match=words):
            _built(finite_task("wells", x, y, **NAMES), **settings)
    with pytest.raises(InputError, match=r"column 3 of x \(counted from 0\) has mean"):
        _built(finite_task("wells", _changed(X, 3, OFFSET), Y), **settings)


@pytest.mark.parametrize(("column", "to"), [(2, X[:, 0]), (3, X[:, 0] - X[:, 1]), (1, 0.0)])
def test_inputs_that_others_determine_are_named(column: int, to: Any) -> None:
    x = _changed(X, column, to)
    with pytest.raises(InputError, match=rf"an input of x, {WELLS[column]}, is determined by the others \(of 4\)"):
        _built(finite_task("wells", x, Y + RNG.normal(size=(60, 1)), **NAMES), blind=True)
    with pytest.raises(InputError, match=r"an input of x is determined by the others \(of 4\)"):
        _built(finite_task("wells", x, Y + RNG.normal(size=(60, 1))), blind=True)


def test_a_specification_names_the_columns_of_rows_that_it_is_fitted_to() -> None:
    group = named_group("S3")
    spec = spec_on((parse_representation("natural+trivial", group), trivial(group)), "matrix:tanh", 5)
    object.__setattr__(spec, "inputs", WELLS)
    with pytest.raises(InputError, match="column pressure_Pa of x has mean"):
        suited(spec, _changed(X, 3, OFFSET), Y)
