"""The yardstick beside a search: what it measures, what it warns of, where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.datasets import finite_task
from sharefind.errors import DataError
from sharefind.groups import named_group
from sharefind.search import Observer, RunFolder, build_problem, run_search, search_config
from sharefind.search.scores import FREE, LEAST_SQUARES, TIED, Scored, least_squares
from sharefind.search.yardstick import advice, kept_apart

FloatArray = NDArray[np.float64]


def _run(path: Path, x: FloatArray, y: FloatArray, group: str = "C4", **settings: object) -> dict[str, object]:
    task, config = finite_task("rows", x, y), search_config(group=group, **settings)
    problem = build_problem(config, task, named_group(group))
    folder = RunFolder.open(path) if path.exists() else RunFolder.create(path, problem.resolved)
    return run_search(problem, folder, Observer())[1].to_json()


def _ring(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, np.tanh(x + 0.5 * np.roll(x, 1, 1)) + 0.1 * rng.normal(size=(n, 4))


def test_a_search_has_all_three_and_a_resumed_one_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = _ring(200)
    first = _run(tmp_path / "run", 300 + 10 * x, 1e4 * y)
    found = first["yardstick"]
    assert isinstance(found, dict) and found["rows"] == 40 and first["warnings"] == []
    assert found["tied"] > 0.95 and found["free"] > 0.95 and found["tied"] > found["least_squares"] > 0.7

    def fitted_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("sharefind.search.run.yardstick_of", fitted_again)
    again = _run(tmp_path / "run", 300 + 10 * x, 1e4 * y)
    assert again["yardstick"] == found


def test_sharing_that_costs_is_warned_of(tmp_path: Path) -> None:
    """An invariant linear function sees the sum alone; the maximum needs more."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4))
    y = x.max(1, keepdims=True)
    poor = _run(tmp_path / "poor", x, y, "C4", out_rep="trivial", unit="matrix+bias", statistic="correlogram")
    (line,) = [line for line in poor["warnings"] if "without sharing" in line]
    assert "(unit two-layer)" in line and poor["yardstick"]["tied"] < poor["yardstick"]["free"] - 0.1


@pytest.mark.slow
@pytest.mark.ci
def test_the_default_unit_for_invariant_labels_sees_more_than_sums(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = np.exp(rng.normal(size=(300, 5)))
    y = x.max(1, keepdims=True)
    found = _run(tmp_path / "run", x, y, "S5", out_rep="trivial", copies=199)
    assert found["unit"] == "two-layer:logistic" and found["e_star"]["candidate"] == "E^S5"
    numbers = found["yardstick"]
    assert numbers["tied"] > 0.9 > numbers["least_squares"] and numbers["tied"] > numbers["free"] - 0.02


def test_few_rows_and_constant_labels_have_no_yardstick(tmp_path: Path) -> None:
    x, y = _ring(9)
    few = _run(tmp_path / "few", x, y)
    assert few["yardstick"] is None and "9 rows are too few" in few["yardstick_missing"]


def test_labels_of_nothing_have_least_squares_and_the_free_unit_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    found = _run(tmp_path / "run", rng.normal(size=(100, 4)), rng.normal(size=(100, 4)))
    assert found["e_star"]["dim"] == 0
    assert found["yardstick"]["tied"] is None and found["yardstick"]["free"] is not None


def test_units_are_never_split() -> None:
    units = np.repeat(np.arange(12), 5)
    train, test = kept_apart(60, 0, units)
    assert not set(units[train]) & set(units[test]) and len(train) + len(test) == 60
    with pytest.raises(DataError, match="one unit"):
        kept_apart(60, 0, np.zeros(60, dtype=np.int64))


def test_least_squares_is_right_at_an_offset_and_where_columns_depend_on_each_other() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 3))
    x = np.hstack([1e5 + x, 7 + 0 * x[:, :1], 2 * x[:, :1] - 5])
    y = x[:, :1] - 2 * x[:, 1:2]
    predicted = least_squares(x[:80], y[:80], x[80:])
    assert predicted is not None
    np.testing.assert_allclose(predicted, y[80:], atol=1e-6)
    assert least_squares(rng.normal(size=(5, 9)), rng.normal(size=(5, 1)), rng.normal(size=(2, 9))) is None


def test_chance_is_no_warning() -> None:
    """Two models of one quality, whose errors differ row by row."""
    warned = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        errors = {TIED: rng.exponential(size=60), FREE: rng.exponential(size=60), LEAST_SQUARES: np.full(60, 5.0)}
        warned += len(advice(Scored(errors, 300.0, np.arange(60)), "matrix+bias:logistic", "E^C4")) > 0
    assert warned <= 200 * 0.025 + 3 * np.sqrt(200 * 0.025)
