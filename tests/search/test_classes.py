"""Classes in a search: what is trained, what is refused, what is found, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sharefind.datasets import Task, finite_task, fresh_task
from sharefind.errors import DataError, RepresentationError
from sharefind.groups import named_group
from sharefind.meanfield import SQUARED, vanilla_gradient
from sharefind.meanfield.dynamics.stepping import TorchSteps, choose_steps
from sharefind.meanfield.objectives.penalties import RIDGE
from sharefind.search import Observer, Problem, RunFolder, build_problem, run_search, search_config
from sharefind.search.result import Result
from sharefind.search.scores import (
    BASELINE,
    FREE,
    REGRESSION,
    TIED,
    ClassScored,
    Split,
    multinomial_regression,
    scores_of,
)
from sharefind.search.yardstick import advice

FloatArray = NDArray[np.float64]


def ring(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Four inputs about 300, and which of four sensors stands out: turning inputs turns classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    y = np.eye(4)[(2 * x + np.roll(x, 1, 1) + 0.3 * rng.gumbel(size=x.shape)).argmax(1)]
    return 300 + 10 * x, y


def ring_task(n: int, seed: int = 0, **settings: object) -> Task:
    x, y = ring(n, seed)
    return finite_task("ring", x, y, **{"classes": tuple("abcd"), "out_rep": "natural", **settings})


def invariant_task(n: int, seed: int = 0) -> Task:
    """Three classes by the sum of products of neighbours on a ring of four."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    signal = (x * np.roll(x, 1, 1)).sum(1) + 0.3 * rng.normal(size=n)
    y = np.eye(3)[np.digitize(signal, (-1.0, 1.0))]
    return finite_task("products", x, y, classes=("low", "mid", "high"), out_rep="trivial:3")


def problem(task: Task, group: str = "C4", **settings: object) -> Problem:
    return build_problem(search_config(group=group, **settings), task, named_group(group))


def searched(path: Path, built: Problem) -> Result:
    return run_search(built, RunFolder.create(path, built.resolved), Observer())[1]


def test_classes_are_trained_by_cross_entropy_and_numbers_are_not() -> None:
    built = problem(ring_task(60))
    assert built.loss.name == "cross-entropy" and built.y is not None
    assert set(built.y.unique().tolist()) == {0.0, 1.0}
    x, y = ring(60)
    numbers = problem(finite_task("ring", x, y))
    assert numbers.loss is SQUARED
    ratio = numbers.settings.sgd.alpha / built.settings.sgd.alpha
    assert ratio == pytest.approx(built.loss.curvature / SQUARED.curvature)
    assert built.fingerprint != numbers.fingerprint


def test_the_kernel_leaves_classes_to_torch() -> None:
    built = problem(ring_task(60), unit="matrix+bias")
    gradient, theta = vanilla_gradient(built.unit, built.loss), torch.zeros(1, built.space.dim, 8, dtype=torch.float64)
    steps = choose_steps("auto", (gradient, built.loss, RIDGE, 0.0), None, 0, theta, 1e12)
    assert isinstance(steps, TorchSteps) and steps.loss.name == "cross-entropy"


class _Fresh:
    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        return ring(n, int(rng.integers(99)))


def test_fresh_samples_have_logits_too() -> None:
    task = fresh_task("ring", _Fresh(), 4, 4, classes=tuple("abcd"))
    change = problem(task).change
    assert change.has_classes and change.scale > 1
    np.testing.assert_array_equal(change.centre, 0)


@pytest.mark.parametrize(
    ("classes", "y", "out_rep", "group", "reason"),
    [
        (("a", "b"), np.eye(2)[np.arange(40) % 2] * 2, "trivial:2", "C4", "row 0 of y"),
        (("a", "b"), np.full((40, 2), 0.5), "trivial:2", "C4", "row 0 of y"),
        (("a", "b", "c"), np.eye(2)[np.arange(40) % 2], "trivial:2", "C4", "3 names of classes for 2 columns"),
        (("a", "b"), np.eye(2)[np.arange(40) % 2], "natural", "B2", "permute"),
    ],
)
def test_what_is_no_class_is_refused(
    classes: tuple[str, ...], y: FloatArray, out_rep: str, group: str, reason: str
) -> None:
    x = np.random.default_rng(0).normal(size=(40, 4 if group == "C4" else 2))
    with pytest.raises((DataError, RepresentationError), match=reason):
        problem(finite_task("two", x, y, classes=classes, out_rep=out_rep), group)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.ci), 2, 3])
def test_a_search_finds_how_inputs_and_classes_turn(tmp_path: Path, seed: int) -> None:
    """Seed 0 is left out: its rows reject C4, as one in a hundred sets does at the level .01."""
    found = searched(tmp_path / "run", problem(ring_task(300, seed), "D4", seed=seed))
    assert found.maximal == ["C4"] and found.classes == ["a", "b", "c", "d"]
    scores = found.yardstick and found.yardstick.classes
    assert scores is not None and scores.tied is not None and scores.regression is not None
    assert scores.tied.accuracy >= scores.regression.accuracy - 0.03 > scores.baseline.accuracy
    assert scores.tied.log_loss < scores.baseline.log_loss / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_search_finds_what_leaves_classes_alone(tmp_path: Path, seed: int) -> None:
    found = searched(tmp_path / "run", problem(invariant_task(600, seed), "S4", seed=seed))
    assert found.maximal == ["D4"]
    scores = found.yardstick and found.yardstick.classes
    assert scores is not None and scores.tied is not None and scores.regression is not None
    assert scores.tied.accuracy > scores.regression.accuracy + 0.1


@pytest.mark.slow
def test_a_blind_search_finds_how_inputs_and_classes_turn(tmp_path: Path) -> None:
    built = build_problem(search_config(blind=True), ring_task(400, 1), named_group("C4"))
    assert built.candidate.group.order == 4
    found = searched(tmp_path / "run", built)
    assert found.status == "found" and found.e_star.stabiliser is not None
    assert found.e_star.stabiliser.order == 4 and found.e_star.dim == 4 + 1


def test_twelve_rows_a_class_with_one_row_and_units(tmp_path: Path) -> None:
    x, y = ring(12)
    y[:] = np.eye(4)[np.r_[0, np.tile((1, 2), 6)[:11]]]
    task = finite_task("few", x, y, classes=tuple("abcd"), out_rep="trivial:4", units=np.arange(12) // 2)
    found = searched(tmp_path / "run", problem(task, "C4", copies=199, unit="matrix+bias"))
    scores = found.yardstick and found.yardstick.classes
    assert found.yardstick is not None and found.yardstick.tied is None and scores is not None
    assert scores.free is not None and np.isfinite(scores.free.log_loss)
    assert found.yardstick.to_json()["least_squares"] is None


def test_multinomial_regression_knows_classes_that_it_never_saw() -> None:
    x, y = ring(100)
    y[:, 3] = 0
    x, y = x[y.any(1)], y[y.any(1)]
    found = multinomial_regression(x, y, x)
    assert found is not None
    np.testing.assert_allclose(np.exp(found).sum(1), 1)
    np.testing.assert_allclose(np.exp(found[:, 3]), 1 / (len(x) + 4))
    assert multinomial_regression(x, np.eye(4)[np.zeros(len(x), int)], x) is None
    constant = multinomial_regression(0 * x, y, x)
    assert constant is not None and float(np.ptp(constant, axis=0).max()) == 0


def test_scores_of_classes_are_those_of_their_definition() -> None:
    x, y = ring(100)
    logits = np.random.default_rng(1).normal(size=(20, 4))
    scored = scores_of({TIED: logits}, Split(x[:80], y[:80], x[80:], y[80:], np.arange(20)), has_classes=True)
    found = scored.yardstick(()).classes
    assert found is not None and found.tied is not None and found.free is None
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = y[80:].argmax(1)
    assert found.tied.log_loss == pytest.approx(-np.log(probabilities[np.arange(20), truth]).mean())
    assert found.tied.accuracy == pytest.approx((probabilities.argmax(1) == truth).mean())


def test_a_network_that_is_worse_is_warned_of_by_its_log_loss() -> None:
    rng = np.random.default_rng(0)
    base = rng.exponential(size=200)
    losses = {BASELINE: base + 1.0, REGRESSION: base, TIED: base + 1.5, FREE: base + 0.5 + rng.normal(size=200) / 9}
    hits = {name: np.ones(200, dtype=bool) for name in losses}
    scored = ClassScored(losses, float(losses[BASELINE].sum()), np.arange(200), hits=hits)
    untied, usual, baseline = advice(scored, "matrix+bias:logistic", "E^C4")
    assert "log loss" in untied and "without sharing" in untied
    assert "multinomial regression" in usual and "class shares" in baseline
    fine = replace(scored, errors={**losses, TIED: losses[REGRESSION]})
    assert advice(fine, "matrix+bias:logistic", "E^C4") == ()
