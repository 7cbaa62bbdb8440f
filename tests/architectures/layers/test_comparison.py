"""Two networks trained on the same rows and scored on others: no row leaks, and sharing helps where it is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sharefind.architectures import SharingSpec, certify
from sharefind.architectures.layers.comparison import TrainingPlan, compare, kept_apart, r2, start_network, untied
from sharefind.errors import ConfigError, DataError, NotConvergedError
from sharefind.groups import named_group, natural, regular
from tests.specs import spec_on

PLAN = TrainingPlan(width=8, epochs=60)


@pytest.fixture(scope="module")
def spec() -> SharingSpec:
    rep = natural(named_group("C4"))
    return spec_on([rep, rep], "matrix:tanh", 8)


def ring(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4))
    return x, np.tanh(0.8 * x - 0.5 * np.roll(x, 1, axis=1)) + noise * rng.standard_normal((n, 4))


@pytest.mark.parametrize("n", [10, 11, 57, 1000])
def test_rows_are_kept_apart(n: int) -> None:
    train, test = kept_apart(n, 3)
    assert sorted([*train, *test]) == list(range(n))
    assert len(test) == round(n / 5)
    assert not np.array_equal(test, kept_apart(n, 4)[1])
    with pytest.raises(DataError, match="at least 10"):
        kept_apart(9, 0)


def test_r2_is_that_of_its_definition() -> None:
    y = np.random.default_rng(0).standard_normal((50, 3))
    mean = torch.nn.Linear(2, 3, dtype=torch.float64)
    with torch.no_grad():
        mean.weight.zero_()
        mean.bias.copy_(torch.from_numpy(y.mean(0)))
    x = np.zeros((50, 2))
    assert r2(mean, x, y) == pytest.approx(0, abs=1e-12)
    with pytest.raises(DataError, match="do not vary"):
        r2(mean, x, np.ones((50, 3)))


def test_the_shared_network_wins_where_its_symmetry_holds(spec: SharingSpec) -> None:
    clean = ring(2000, noise=0.0, seed=99)
    errors = []
    for seed in range(3):
        shared, free = compare({"shared": spec, "untied": untied(spec)}, *ring(30, noise=0.5, seed=seed), PLAN)
        assert shared.fitted.parameters == 8 * 4 and free.fitted.parameters == 8 * 16
        errors.append((1 - r2(shared.network, *clean), 1 - r2(free.network, *clean)))
    assert sum(e for e, _ in errors) < 0.8 * sum(e for _, e in errors)


def test_inputs_of_any_unit_train_alike(spec: SharingSpec) -> None:
    """The step is relative to the start, and the start to the inputs that the search saw: metres or millimetres."""
    x, y = ring(200, noise=0.1)
    small = replace(spec, change=replace(spec.change, matrix=1000 * spec.change.matrix))
    (plain,) = compare({"a": spec}, x, y, PLAN)
    (scaled,) = compare({"a": small}, x / 1000, y, PLAN)
    assert scaled.r2 == pytest.approx(plain.r2, abs=1e-3)


@pytest.mark.parametrize("size", [0.1, 1e-2, 1e-4])
def test_small_labels_are_learnt(spec: SharingSpec, size: float) -> None:
    """Labels inside the range of sigma are not rescaled by a search; .8 is below what a linear map learns of them."""
    x, y = ring(200, noise=0.05)
    (found,) = compare({"a": spec}, x, size * y, TrainingPlan(width=8, epochs=200))
    assert found.r2 > 0.8


def test_a_step_that_is_too_large_is_named_as_it_was_given() -> None:
    group = named_group("C4")
    unbounded = spec_on([natural(group), natural(group), regular(group)], "two-layer:tanh", 8)
    with pytest.raises(NotConvergedError, match=r"diverged with lr = 1e\+06; try \S+$") as caught:
        compare({"a": unbounded}, *ring(50, noise=0.1), TrainingPlan(lr=1e6))
    smaller = float(str(caught.value).rpartition(" ")[2])
    compare({"a": unbounded}, *ring(50, noise=0.1), TrainingPlan(lr=smaller, epochs=20))


def test_the_same_seed_gives_the_same_network(spec: SharingSpec) -> None:
    x, y = ring(100, noise=0.1)
    (first,), (second,) = (compare({"a": spec}, x, y, PLAN) for _ in range(2))
    assert torch.equal(first.network.coefficient, second.network.coefficient) and first.r2 == second.r2
    (other,) = compare({"a": spec}, x, y, TrainingPlan(width=8, epochs=60, seed=1))
    assert not torch.equal(first.network.coefficient, other.network.coefficient)


def test_an_untied_specification_is_a_true_one(spec: SharingSpec) -> None:
    certificate = certify(untied(spec))
    assert certificate.dim == certificate.ambient == 16 and certificate.order == 1


def test_a_width_below_one_is_refused(spec: SharingSpec) -> None:
    with pytest.raises(ConfigError, match="1 particle"):
        start_network(spec, 0, 0)
