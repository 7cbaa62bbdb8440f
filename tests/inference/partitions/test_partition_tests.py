"""Partitions of parameters: exactness of the search, exactness of the tests, and what is refused."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from sharefind.errors import ConfigError, InputError
from sharefind.inference import Estimates, Partition, estimate_partition, mean_partition, weight_partition
from sharefind.inference.partitions.equality_tests import EqualityTests, equality_tests
from sharefind.spaces import Subspace
from sharefind.spaces.tying import canonical

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]

SURE = 1e-4
"""Probability with which a method that keeps its level may fail a simulation here, were its seed not fixed."""

KINDS = [(False, False), (True, False), (False, True), (True, True)]


def independent(values: list[float] | Floats, dof: int = 10**6) -> Estimates:
    """Uncorrelated estimates of standard error 1."""
    return Estimates(np.asarray(values, dtype=np.float64), np.eye(len(values)), 1.0, dof)


def equalities(estimates: Estimates, signed: bool, zeros: bool, seed: int = 0) -> EqualityTests:
    return equality_tests(estimates, signed=signed, zeros=zeros, alpha=0.05, draws=199, seed=seed)


def partitions(size: int, signed: bool, zeros: bool) -> Iterator[Ints]:
    """All canonical labels (size,), by brute force."""
    found = set()
    for raw in itertools.product(range(-size if signed else 0 if zeros else 1, size + 1), repeat=size):
        if zeros or 0 not in raw:
            found.add(tuple(int(k) for k in canonical(np.array(raw))))
    return (np.array(labels) for labels in sorted(found))


def is_refuted(tests: EqualityTests, labels: Ints) -> bool:
    """Whether any equality that the labels imply was refuted, pair by pair."""
    for k, other in itertools.combinations(range(labels.size), 2):
        if labels[k] == labels[other] == 0:
            if tests.refuted[:, k, other].any():
                return True
        elif abs(labels[k]) == abs(labels[other]) and tests.refuted[int(labels[k] != labels[other]), k, other]:
            return True
    return any(bool(tests.refuted[0, k, -1]) for k in np.flatnonzero(labels == 0))


def tied_residual(values: Floats, labels: Ints) -> float:
    """Least squares with one column a class."""
    columns = [np.where(np.abs(labels) == c, np.sign(labels), 0) for c in range(1, int(np.abs(labels).max()) + 1)]
    if not columns:
        return float(values @ values)
    design = np.stack(columns, axis=1).astype(float)
    return float(((values - design @ np.linalg.lstsq(design, values)[0]) ** 2).sum())


@pytest.mark.slow
@pytest.mark.parametrize(("signed", "zeros"), KINDS)
def test_cut_is_the_best_of_all_partitions_that_are_not_refuted(signed: bool, zeros: bool) -> None:
    size = 4 if signed else 5 if zeros else 6
    every = list(partitions(size, signed, zeros))
    if not (signed or zeros):
        assert len(every) == 203
    for seed in range(20):
        rng = np.random.default_rng(seed)
        estimates = independent(rng.choice([0.0, 4.0, -8.0], size=size) * rng.uniform(0.5, 1.5) + rng.normal(size=size))
        tests = equalities(estimates, signed, zeros)
        best = min(
            (int(np.abs(labels).max()), tied_residual(estimates.values, labels))
            for labels in every
            if not is_refuted(tests, labels)
        )
        found = estimate_partition(estimates, signed=signed, zeros=zeros, alpha=0.05, draws=199, chains="cut")
        assert not is_refuted(tests, found.labels) and not found.refuted
        assert (found.blocks, tied_residual(estimates.values, found.labels)) == pytest.approx(best, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("correlated", [False, True])
def test_joined_is_the_finest_partition_that_splits_nothing_open(correlated: bool) -> None:
    every = list(partitions(5, False, False))
    several = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        factor = np.linalg.qr(rng.normal(size=(5, 5)))[0] @ np.diag(rng.uniform(0.5, 2, 5)) if correlated else np.eye(5)
        estimates = Estimates(rng.choice([0.0, 8.0, 14.0], size=5) + factor @ rng.normal(size=5), factor, 1.0, 1000)
        refuted = equalities(estimates, False, False).refuted[0]
        whole = [p for p in every if not (~refuted & ~np.equal.outer(p, p)).any()]
        found = estimate_partition(estimates, alpha=0.05, draws=199)
        assert np.array_equal(found.labels, max(whole, key=lambda p: int(p.max())))
        several += found.blocks > 1
    assert several > 5


def test_joined_with_signs_and_zeros_by_hand() -> None:
    found = estimate_partition(independent([20.0, -20.5, 0.3, 40.0, -0.2, -19.5, -40.5]), signed=True, zeros=True)
    assert found.labels.tolist() == [1, -1, 0, 2, 0, -1, -2] and found.resolved
    assert found.values == pytest.approx([20.0, 40.25]) and found.errors == pytest.approx([3**-0.5, 2**-0.5])
    assert found.tied == pytest.approx([20.0, -20.0, 0, 40.25, 0, -20.0, -40.25])
    assert found.subspace() == Subspace.from_tying([1, -1, 0, 2, 0, -1, -2])
    assert found.subspace().contains([4, -4, 0, 7, 0, -4, -7])


def test_signs_follow_the_likelier_equality_not_the_estimates() -> None:
    # w_1 + w_2 = .5 is known to .001, w_1 - w_2 hardly: they may be equal, and cannot be opposite.
    factor = np.array([[0.5, 0.5], [0.5, -0.5]]) @ np.diag([0.001, 10.0])
    found = estimate_partition(Estimates(np.array([0.6, -0.1]), factor, 1.0, 100), signed=True)
    assert found.labels.tolist() == [1, 1]
    assert found.tied == pytest.approx([0.25, 0.25], rel=1e-6)


def test_columns_that_are_nearly_the_same() -> None:
    """The sum of the two weights is known to 1e-3, each of them to 1e5 only."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(80, 3))
    x[:, 1] = x[:, 0] + 1e-8 * rng.normal(size=80)
    y = x @ [1.0, 1.0, 1.0] + 0.01 * rng.normal(size=80)
    found = weight_partition(x, y)
    assert found.free_errors[0] > 1e5 and found.labels.tolist() == [1, 1, 1] and found.resolved
    assert found.tied == pytest.approx(np.ones(3), abs=0.01)
    assert not weight_partition(x, y, signed=True, zeros=True).resolved


def test_what_pairs_do_not_show_the_f_test_does() -> None:
    """Both weights may be 0, but not together: their sum is known."""
    factor = np.array([[0.5, 0.5], [0.5, -0.5]]) @ np.diag([0.001, 10.0])
    found = estimate_partition(Estimates(np.array([0.6, -0.1]), factor, 1.0, 100), zeros=True)
    assert found.labels.tolist() == [0, 0] and not found.refuted
    assert found.p_value < 1e-6 and not found.resolved


def test_chains_are_reported() -> None:
    estimates = independent([0.0, 3.0, 6.0])
    joined, cut = (estimate_partition(estimates, chains=c) for c in ("joined", "cut"))  # type: ignore[arg-type]
    assert joined.labels.tolist() == [1, 1, 1] and joined.refuted == ((0, 2),) and not joined.undecided
    assert cut.blocks == 2 and not cut.refuted and len(cut.undecided) == 1
    assert not joined.resolved and not cut.resolved


def test_an_undecided_zero_is_a_pair_with_itself() -> None:
    found = estimate_partition(independent([2.6, 5.2]), zeros=True, chains="cut")
    assert found.labels.tolist() == [1, 1] and found.undecided == ((0, 0),)


def test_p_values_of_a_mean_are_tukey_s() -> None:
    samples = np.random.default_rng(3).normal(size=(12, 4))
    found = mean_partition(samples, draws=9999)
    expected = stats.tukey_hsd(*samples.T).pvalue
    assert found.blocks == 1
    assert np.abs(found.p_equal - expected).max() < 4 * 0.5 / 100


def test_the_f_test_of_a_mean_is_the_analysis_of_variance() -> None:
    samples = np.random.default_rng(4).normal(size=(9, 5))
    assert mean_partition(samples).p_value == pytest.approx(stats.f_oneway(*samples.T).pvalue)


def test_the_f_test_of_weights_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    y = x @ [5.0, 5.0, -5.0, 0.0] + 2 + 0.1 * rng.normal(size=60)
    found = weight_partition(x, y, signed=True, zeros=True, intercept=True)
    assert found.labels.tolist() == [1, 1, -1, 0]
    free = sm.OLS(y, sm.add_constant(x)).fit()
    tied = sm.OLS(y, sm.add_constant((x @ [1, 1, -1, 0])[:, None])).fit()
    assert found.p_value == pytest.approx(free.compare_f_test(tied)[1])
    assert found.free == pytest.approx(free.params[1:]) and found.free_errors == pytest.approx(free.bse[1:])
    assert found.values == pytest.approx(tied.params[1:])
    assert found.errors == pytest.approx(tied.bse[1:] * np.sqrt(free.mse_resid / tied.mse_resid))


def test_a_free_model_has_nothing_to_test() -> None:
    found = estimate_partition(independent([0.0, 20.0, 40.0]))
    assert found.blocks == 3 and found.p_value == 1.0
    assert found.tied == pytest.approx(found.free) and found.subspace() == Subspace.full(3)


def test_all_zero() -> None:
    found = estimate_partition(independent([0.1, -0.2]), zeros=True)
    assert found.blocks == 0 and found.subspace().is_zero and found.tied.tolist() == [0, 0]


TRUTH = np.array([0.0, 0.0, 0.3, 0.3, 0.3, -0.3, 0.7])


def truly_equal(signed: bool, zeros: bool) -> NDArray[np.bool_]:
    values = np.append(TRUTH, 0.0) if zeros else TRUTH
    return np.stack([values[:, None] == sign * values for sign in ((1, -1) if signed else (1,))])


@pytest.mark.slow
@pytest.mark.parametrize(("signed", "zeros"), KINDS)
@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_no_true_equality_is_refuted_more_often_than_alpha(signed: bool, zeros: bool, noise: str) -> None:
    """Correlated weights, 30 samples; uniform noise is not covered by the proof."""
    alpha, repetitions, wrong, splits = 0.1, 400, 0, 0
    rng = np.random.default_rng(11)
    mixing = np.eye(7) + 0.5 * rng.normal(size=(7, 7))
    true = truly_equal(signed, zeros)
    for seed in range(repetitions):
        x = rng.normal(size=(30, 7)) @ mixing
        e = rng.normal(size=30) if noise == "gaussian" else rng.uniform(-1, 1, size=30)
        found = weight_partition(x, x @ TRUTH + e, signed=signed, zeros=zeros, alpha=alpha, draws=99, seed=seed)
        wrong += bool((refuted_by(found, signed, zeros) & true).any())
        splits += splits_a_tie(found, signed)
    assert wrong <= stats.binom.ppf(1 - SURE, repetitions, alpha)
    assert splits <= wrong


def refuted_by(found: Partition, signed: bool, zeros: bool) -> NDArray[np.bool_]:
    pairs = [found.p_equal] + ([found.p_opposite] if found.p_opposite is not None else [])
    p_values = np.ones((len(pairs), len(TRUTH) + zeros, len(TRUTH) + zeros))
    p_values[:, : len(TRUTH), : len(TRUTH)] = pairs
    if found.p_zero is not None:
        p_values[:, -1, :-1] = found.p_zero
    return np.asarray(p_values <= found.alpha)


def splits_a_tie(found: Partition, signed: bool) -> bool:
    size = np.abs(TRUTH) if signed else TRUTH
    together = np.equal.outer(np.abs(found.labels), np.abs(found.labels))
    return bool((np.equal.outer(size, size) & ~together).any())


def test_the_level_is_used_up_when_all_are_equal() -> None:
    repetitions, alpha = 600, 0.1
    refuted = sum(
        bool(
            (mean_partition(np.random.default_rng([12, s]).normal(size=(20, 6)), alpha=alpha, draws=99, seed=s)).refuted
        )
        for s in range(repetitions)
    )
    assert stats.binom.ppf(SURE, repetitions, alpha) <= refuted <= stats.binom.ppf(1 - SURE, repetitions, alpha)


def test_cut_has_no_more_classes_than_the_truth() -> None:
    """Gaps of five standard errors: too small for `joined`, and many borders are misplaced, but none is invented."""
    repetitions, alpha, more, exact = 300, 0.05, 0, 0
    truth = np.repeat([0, 1, 2], 4)
    for seed in range(repetitions):
        rng = np.random.default_rng([13, seed])
        found = mean_partition(rng.normal(size=(25, 12)) + truth, alpha=alpha, draws=99, chains="cut", seed=seed)
        more += found.blocks > 3
        exact += np.array_equal(found.labels, truth + 1)
    assert more <= stats.binom.ppf(1 - SURE, repetitions, alpha)
    assert exact > 0.4 * repetitions


def test_steps_find_more_than_one_test_of_all() -> None:
    """Once the far ones are refuted, fewer equalities are open, and the next are compared with a smaller maximum."""
    estimates = independent([0.0, 3.4, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0])
    alone = estimate_partition(independent([0.0, 3.4]), alpha=0.05)
    found = estimate_partition(estimates, alpha=0.05)
    assert found.p_equal[0, 1] == pytest.approx(alone.p_equal[0, 1], abs=0.02)
    assert found.labels.tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_do_not_matter(factor: float) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(50, 5))
    y = x @ [1.0, 1.0, -1.0, 0.0, 2.0] + 0.1 * rng.normal(size=50)
    plain, scaled = (weight_partition(x, f * y, signed=True, zeros=True) for f in (1.0, factor))
    assert np.array_equal(plain.labels, scaled.labels) and np.array_equal(plain.p_equal, scaled.p_equal)
    assert scaled.tied == pytest.approx(factor * plain.tied)


@pytest.mark.parametrize("seed", range(3))
def test_data_without_noise(seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(40, 6))
    found = weight_partition(x, x @ [1.0, 1.0, -1.0, 0.0, 1 / 3, -1 / 3], signed=True, zeros=True)
    assert found.labels.tolist() == [1, 1, -1, 0, 2, -2] and found.resolved


def test_constant_samples() -> None:
    found = mean_partition(np.tile([1.0, 2.0, 1.0], (5, 1)))
    assert found.labels.tolist() == [1, 2, 1]


def test_one_parameter() -> None:
    assert mean_partition(np.ones((3, 1))).labels.tolist() == [1]


def test_the_criterion_in_words() -> None:
    found = estimate_partition(independent([0.0, 1.0]))
    assert "0.01" in found.criterion and "joined" in found.criterion


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.ones((1, 3)), "two or more"),
        (np.ones(3), r"\(n, K\)"),
        (np.ones((0, 3)), "not empty"),
        (np.array([[1.0, np.nan], [1.0, 2.0]]), "not finite"),
    ],
)
def test_samples_that_are_refused(samples: Floats, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mean_partition(samples)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.eye(3), np.ones(3), "n above 3"),
        (np.ones((5, 1)), np.ones(4), r"\(n,\)"),
        (np.ones((5, 2)), np.ones(5), "column 1 of x"),
        (np.arange(10.0).reshape(5, 2), np.ones((5, 1)), r"y of shape \(5, 1\)"),
    ],
)
def test_weights_that_are_refused(x: Floats, y: Floats, message: str) -> None:
    with pytest.raises(InputError, match=message):
        weight_partition(x, y)


def test_a_constant_column_beside_an_intercept_is_refused() -> None:
    x = np.column_stack([np.full(9, 0.1), np.arange(9.0)])
    with pytest.raises(InputError, match="constant"):
        weight_partition(x, np.arange(9.0) ** 2, intercept=True)


@pytest.mark.parametrize(
    ("factor", "variance", "dof", "message"),
    [
        (np.eye(3), 1.0, 5, "do not match"),
        (np.ones((2, 2)), 1.0, 5, "singular"),
        (np.eye(2), np.inf, 5, "not finite"),
        (np.eye(2), 1.0, 0, "degrees of freedom"),
    ],
)
def test_estimates_that_are_refused(factor: Floats, variance: float, dof: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Estimates(np.zeros(2), factor, variance, dof)


def test_settings_that_are_refused() -> None:
    for settings in ({"alpha": 0.0}, {"alpha": 1.0}, {"draws": 98}):
        with pytest.raises(ConfigError, match="more draws"):
            estimate_partition(independent([0.0, 1.0]), **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'joined' or 'cut'"):
        estimate_partition(independent([0.0, 1.0]), chains="both")  # type: ignore[arg-type]
