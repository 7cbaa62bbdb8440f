"""Least-squares coefficients: they move with the data, and their variances are those of statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from sharefind.errors import InputError
from sharefind.proposal import least_squares
from sharefind.proposal.coefficients import About, Coefficients
from sharefind.proposal.least_squares import Fit, has_origin, shrunk_covariance
from sharefind.recognition import matrix_layout

FloatArray = NDArray[np.float64]


def samples(n: int, d_in: int, d_out: int, seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d_in))
    y = np.tanh(x @ rng.normal(size=(d_in, d_out))) + (0.1 + 0.2 * x[:, :1] ** 2) * rng.normal(size=(n, d_out))
    return x, y


def block_names(found: Coefficients) -> list[str]:
    return [block.name for block in found.blocks]


@pytest.mark.parametrize("about", ["mean", "origin"])
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.permutations(range(3)), st.lists(st.sampled_from([1, -1]), min_size=3, max_size=3))
def test_moved_data_have_moved_coefficients(about: About, seed: int, images: list[int], signs: list[int]) -> None:
    layout = matrix_layout((3, 3), moves="signed")
    x, y = samples(200, 3, 3, seed)
    move = np.array([i if s > 0 else i + 3 for i, s in zip(images, signs, strict=True)])
    move = np.concatenate([move, (move + 3) % 6])
    g = np.zeros((3, 3))
    g[images, range(3)] = signs
    before, after = (least_squares(*data, layout, about) for data in ((x, y), (x @ g.T, y @ g.T)))
    carried = before.moved(move)
    assert block_names(before) == ["constant", "linear", "square", "cube", "pair", "square times linear"]
    for (targets, flips), old, new in zip(
        carried, (*before.blocks, *before.inputs), (*after.blocks, *after.inputs), strict=True
    ):
        expected = np.empty(old.dim)
        expected[targets] = flips * old.values.ravel()
        np.testing.assert_allclose(new.values.ravel(), expected, atol=1e-9)
        spread = np.empty(old.dim)
        spread[targets] = old.variance.ravel()
        np.testing.assert_allclose(new.variance.ravel(), spread, rtol=1e-6)


def test_variances_are_the_hc3_of_statsmodels() -> None:
    x, y = samples(90, 4, 2, 1)
    found = least_squares(x, y, matrix_layout((2, 4)), "origin")
    assert block_names(found) == ["constant", "linear", "square", "cube"]
    unit = found.weight_unit
    z = x / np.sqrt(np.mean(x**2))
    scale = 1 / np.sqrt(np.mean(x**2))
    second, fourth = np.mean(z**2), np.mean(z**4)
    design = np.hstack([np.ones((90, 1)), z, z**2 - second, z**3 - fourth / second * z])
    for a in range(2):
        fit = sm.OLS(y[:, a], design).fit(cov_type="HC3")
        np.testing.assert_allclose(unit * found.linear.values[a], scale * fit.params[1:5], rtol=1e-9)
        np.testing.assert_allclose(unit**2 * found.linear.variance[a], (scale * fit.bse[1:5]) ** 2, rtol=1e-6)


def test_the_covariance_of_few_coefficients_is_right_where_residuals_depend_on_the_inputs() -> None:
    # Var(Y | X) = X^2, and cov(b_1, b_2) of two outputs with the same noise: 300 data sets against the estimate.
    rng, drawn, estimated = np.random.default_rng(5), [], []
    for _ in range(300):
        x = rng.normal(size=(400, 2))
        noise = x[:, :1] * rng.normal(size=(400, 1))
        found = least_squares(x, np.hstack([noise, noise]), matrix_layout((2, 2)))
        drawn.append(found.linear.values.ravel())
        estimated.append(found.linear.covariance)
    truth, mean = np.cov(np.array(drawn).T), np.mean(estimated, axis=0)
    assert Fit().samples_per_covariance * 4 < 400
    np.testing.assert_allclose(np.diag(mean), np.diag(truth), rtol=0.25)
    # Columns 0 and 2 are the same input for two outputs: nearly one coefficient.
    assert mean[0, 2] > 0.8 * np.sqrt(mean[0, 0] * mean[2, 2])


def test_blocks_follow_the_number_of_samples() -> None:
    layout = matrix_layout((4, 4))
    assert block_names(least_squares(*samples(20, 4, 4, 0), layout)) == ["constant", "linear"]
    assert block_names(least_squares(*samples(60, 4, 4, 0), layout)) == ["constant", "linear", "square"]
    assert len(block_names(least_squares(*samples(900, 4, 4, 0), layout))) == 6


def test_a_constant_input_stands_for_the_constant() -> None:
    y = np.random.default_rng(0).normal(size=(50, 3)) + np.array([1, 2, 3])
    found = least_squares(np.full((50, 1), 2.0), y, matrix_layout((3, 1), together=False))
    assert block_names(found) == ["linear"]
    np.testing.assert_allclose(2 * found.weight_unit * found.linear.values[:, 0], y.mean(axis=0))


def test_changes_of_sign_need_inputs_about_zero() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 10, size=(300, 3)).astype(float)
    assert not has_origin(x) and not has_origin(x - [5, 5, 8])
    assert has_origin(rng.normal(size=(300, 3)))
    found = least_squares(x, x @ [[1.0], [2.0], [-1.0]], matrix_layout((1, 3)))
    np.testing.assert_allclose(found.weight_unit * found.linear.values, [[1, 2, -1]], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-90, 1e90])
def test_units_do_not_matter(scale: float) -> None:
    x, y = samples(200, 3, 3, 0)
    layout = matrix_layout((3, 3))
    plain, scaled = least_squares(x, y, layout), least_squares(x / scale, y * scale, layout)
    assert scaled.weight_unit == pytest.approx(plain.weight_unit * scale**2)
    for one, other in zip(plain.blocks, scaled.blocks, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.full((30, 2), 1e101), np.zeros((30, 1)), "squares overflow"),
        (np.zeros((5, 3)), np.zeros((5, 1)), "too few"),
        (np.ones((30, 2)) * np.arange(30)[:, None], np.zeros((30, 1)), "determined by the others"),
        (np.full((30, 2), np.nan), np.zeros((30, 1)), "not finite"),
        (np.zeros((30, 0)), np.zeros((30, 1)), "not empty"),
    ],
)
def test_what_cannot_be_used(x: FloatArray, y: FloatArray, match: str) -> None:
    with pytest.raises(InputError, match=match):
        least_squares(x, y, matrix_layout((1, max(1, x.shape[1]))))


@pytest.mark.parametrize(("n", "m"), [(5, 3), (50, 8), (30, 60), (10, 1)])
def test_the_shrunk_covariance_is_that_of_scikit_learn(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    residual = rng.normal(size=(n, m)) @ rng.normal(size=(m, m))
    np.testing.assert_allclose(shrunk_covariance(residual), ledoit_wolf(residual, assume_centered=True)[0], rtol=1e-10)
