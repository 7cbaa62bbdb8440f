"""The El Nino table as a task."""

import sys

import numpy as np
import pytest

from sharefind.datasets import load_task
from sharefind.errors import DataError


def test_labels_are_one_month_later() -> None:
    task = load_task("elnino")
    assert task.x is not None and task.y is not None
    assert task.x.shape == task.y.shape == (60, 12)
    np.testing.assert_array_equal(task.x[:, 1:], task.y[:, :-1])
    np.testing.assert_array_equal(task.x[1:, 0], task.y[:-1, -1])


def test_the_season_is_there() -> None:
    """The region is warmest in March and coolest in September, on average."""
    task = load_task("elnino")
    assert task.x is not None
    months = task.x.mean(axis=0)
    assert (int(months.argmax()), int(months.argmin())) == (2, 8)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(DataError, match=r"sharefind\[elnino\]"):
        load_task("elnino")
