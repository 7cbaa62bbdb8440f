"""The evidence for a tying space against the density of a multivariate normal."""

import numpy as np
import pytest
from scipy import stats

from sharefind.proposal import least_squares
from sharefind.proposal.coefficients import CoefficientBlock
from sharefind.proposal.log_evidence import BlockEvidence, LogEvidence
from sharefind.recognition import matrix_layout


def random_block(rng: np.random.Generator, diagonal: bool) -> CoefficientBlock:
    root = rng.normal(size=(6, 6)) / 3
    covariance = np.exp(rng.normal(size=6)) if diagonal else root @ root.T + 0.1 * np.eye(6)
    return CoefficientBlock("linear", np.eye(3, dtype=np.int64), 3 * rng.normal(size=(2, 3)), covariance)


PATTERNS = [(1, 2, 3, 4, 5, 6), (1, 1, 1, 2, 2, 2), (1, -1, 2, 3, 0, 2), (1, 1, 1, 1, 1, 1), (1, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize("labels", PATTERNS)
@pytest.mark.parametrize("diagonal", [True, False])
def test_the_evidence_is_a_ratio_of_densities(labels: tuple[int, ...], diagonal: bool) -> None:
    rng = np.random.default_rng(len(set(labels)) + diagonal)
    block = random_block(rng, diagonal)
    found = BlockEvidence(block, np.zeros(6, dtype=np.int64))
    pattern = np.array(labels, dtype=np.int32)
    incidence = np.zeros((6, pattern.max()))
    used = np.flatnonzero(pattern)
    incidence[used, np.abs(pattern[used]) - 1] = np.sign(pattern[used])
    noise = np.diag(block.covariance) if diagonal else block.covariance
    with_signal = noise + found.tau2[0] * incidence @ incidence.T
    values = block.values.ravel()
    expected = stats.multivariate_normal(cov=with_signal).logpdf(values) - stats.multivariate_normal(cov=noise).logpdf(
        values
    )
    assert found.log(pattern) == pytest.approx(expected)
    misfit, ties = found.misfit(pattern)
    fitted = incidence @ found.refit(pattern)[0]
    assert misfit == pytest.approx((values - fitted) @ np.linalg.solve(noise, values - fitted))
    assert ties == 6 - pattern.max()


def test_the_refit_is_generalised_least_squares() -> None:
    block = random_block(np.random.default_rng(3), False)
    values, errors = BlockEvidence(block, np.zeros(6, dtype=np.int64)).refit(np.ones(6, dtype=np.int32))
    precision = np.linalg.inv(block.covariance)
    assert errors[0] == pytest.approx(1 / np.sqrt(precision.sum()))
    assert values[0] == pytest.approx((precision @ block.values.ravel()).sum() / precision.sum())


def test_constants_and_inputs_can_only_object() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) * [1, 1, 3]
    y = 0.5 + 0.01 * rng.normal(size=(400, 3))
    evidence = LogEvidence(least_squares(x, y, matrix_layout((3, 3))))
    swap, other = np.array([1, 0, 2]), np.array([0, 2, 1])
    # All outputs have one mean and x_1, x_2 one variance: no support. x_3 has another variance: no symmetry.
    assert abs(evidence.log((swap,)) - evidence.log(())) < 8
    assert evidence.log((other,)) < evidence.log(()) - 50


def test_an_odd_relation_is_seen_in_what_vanishes() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    layout = matrix_layout((2, 2), moves="signed")
    weights = np.array([[1.0, 0.5], [-0.3, 2]])
    odd = np.tanh(x @ weights) + 0.1 * rng.normal(size=(400, 2))
    for labels, is_odd in ((odd, True), (odd + 0.1, False), (odd + 0.2 * x**2 - 0.2, False)):
        evidence = LogEvidence(least_squares(x, labels, layout, "origin"))
        assert (evidence.log_of_sign(layout.antipodes) > 0) == is_odd
