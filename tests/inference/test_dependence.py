"""The check of rows: silent on independent rows of any law, loud on series, clusters and repeats."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.errors import RowsWarning
from sharefind.groups import named_group, natural
from sharefind.inference import (
    Correlogram,
    diagnose,
    family_test,
    independence_test,
    randomisation_test,
    rotation_test,
    subgroup_family,
)
from sharefind.inference.dependence import check_rows, rows_looked_at
from sharefind.meanfield import JointAction
from tests.acceptance.dependent_rows import autoregressive, clustered, repeated, shuffled, tabulated

LOUD = {
    "series": autoregressive(200, 0.5),
    "alternating series": autoregressive(200, -0.5),
    "slow series": autoregressive(1000, 0.95),
    "clusters": clustered(200, 0.3),
    "strong clusters": clustered(60, 0.7),
    "repeats": repeated(100, 1e-2),
    "pairs, shuffled": shuffled(repeated(60, 1e-6, 2)),
    "repeats, shuffled": shuffled(repeated(200, 1e-2)),
    "discrete repeats, shuffled": shuffled(tabulated(repeated(200, 1e-4))),
}

SILENT = {
    "normal": lambda r, n: (x := r.normal(size=(n, 4)), np.tanh(x)),
    "lognormal": lambda r, n: (x := np.exp(2 * r.normal(size=(n, 3))), x.sum(1, keepdims=True)),
    "cauchy": lambda r, n: (x := r.standard_cauchy(size=(n, 2)), x),
    "grid": lambda r, n: (x := r.integers(1, 10, size=(n, 2)).astype(float), x.sum(1, keepdims=True)),
    "grid, noise": lambda r, n: (
        x := r.integers(1, 10, size=(n, 2)).astype(float),
        x[:, :1] + 1e-4 * r.normal(size=(n, 1)),
    ),
    "binary": lambda r, n: (x := r.integers(0, 2, size=(n, 4)).astype(float), x),
    "binary, noise": lambda r, n: (x := r.integers(0, 2, size=(n, 5)).astype(float), x + 1e-5 * r.normal(size=x.shape)),
    "permutations": lambda r, n: (x := np.argsort(r.random((n, 4)), axis=1).astype(float), x[:, :1]),
    "signs": lambda r, n: (x := r.choice([-1.0, 1.0], size=(n, 3)), 2 * x),
    "wide": lambda r, n: (x := r.normal(size=(n, 64)), x[:, :2]),
    "offset": lambda r, n: (x := 300 + 10 * r.normal(size=(n, 2)), 1e-8 * x),
}


@pytest.mark.parametrize("law", LOUD.values(), ids=LOUD.keys())
def test_dependent_rows_are_seen(law) -> None:  # type: ignore[no-untyped-def]
    found = [check_rows(*law(np.random.default_rng([1, k])), seed=k) for k in range(4)]
    assert all(check.warnings for check in found)
    assert all("--rows-of" in check.warnings[0] and "p-values do not hold" in check.warnings[0] for check in found)


@pytest.mark.parametrize("n", [12, 100])
@pytest.mark.parametrize("law", SILENT.values(), ids=SILENT.keys())
def test_independent_rows_are_not(law, n: int) -> None:  # type: ignore[no-untyped-def]
    found = [check_rows(*law(np.random.default_rng([2, n, k]), n), seed=k) for k in range(20)]
    assert sum(bool(check.warnings) for check in found) <= 1


def test_noise_that_is_a_series_is_seen_though_inputs_are_independent() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 4))
    y = x @ rng.normal(size=(4, 4)) + autoregressive(200, 0.8)(rng)[0]
    assert check_rows(x, y).in_order


def test_weak_clusters_that_are_shuffled_are_not_seen() -> None:
    assert not any(check_rows(*shuffled(clustered(100, 0.3))(np.random.default_rng(k))).warnings for k in range(10))


def test_few_rows_and_constant_columns() -> None:
    x = np.arange(9.0)[:, None]
    assert not check_rows(x, x).warnings
    assert not check_rows(np.ones((50, 2)), np.zeros((50, 1))).warnings


def test_many_rows_cost_less_than_seconds() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100_000, 4))
    started = time.process_time()
    assert not check_rows(x, np.tanh(x)).warnings
    assert time.process_time() - started < 2


REP = natural(named_group("C4"))
MOVES, SCORES = JointAction(REP, REP), Correlogram(REP, REP, (named_group("C4"),))
TESTS: dict[str, Callable[..., Any]] = {
    "one": lambda x, y, **k: randomisation_test(x, y, MOVES, SCORES, np.random.default_rng(0), 19, **k),
    "family": lambda x, y, **k: family_test(x, y, subgroup_family(REP, REP), SCORES, alpha=0.05, copies=19, **k),
    "rotations": lambda x, y, **k: rotation_test(x, y, [(0, 1)], largest=2, **k),
    "independence": lambda x, y, **k: independence_test(x, y, np.random.default_rng(0), 19, **k),
    "diagnosis": lambda x, y, **k: diagnose(x, y, MOVES, np.random.default_rng(0), copies=19, **k),
}


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS.keys())
def test_every_test_warns_once_where_no_units_are_given(test: Callable[..., Any]) -> None:
    x, y = map(torch.from_numpy, repeated(60, 1e-6)(np.random.default_rng(5)))
    with pytest.warns(RowsWarning, match=r"^Rows look dependent: .* with units=$") as caught:
        found = test(x, y)
    assert len([w for w in caught if w.category is RowsWarning]) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings(action="error"):
        test(x, y, units=torch.arange(60) // 5)
        test(x[::5], y[::5])
        with rows_looked_at():
            again = test(x, y)
    assert str(again)[:40] == str(found)[:40]


def test_what_is_wrong_with_samples_is_said_before_their_rows() -> None:
    with warnings.catch_warnings(action="error"), pytest.raises(Exception, match="samples"):
        TESTS["one"](torch.zeros(20, 4), torch.zeros(19, 4))
