"""The energy distance against SciPy in one dimension, its definition, and the identity that saves a factor |G|."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sharefind.errors import SpaceError
from sharefind.meanfield import Unit, energy_distance, energy_to_symmetrisation, haar_rule
from sharefind.testing import random_units

ACCURACY = 1e-12


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**16))
def test_against_scipy_on_the_line(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.normal(size=m) + 0.5
    ours = energy_distance(torch.from_numpy(a)[None], torch.from_numpy(b)[None])
    assert abs(ours - stats.energy_distance(a, b) ** 2) < 1e-10


@settings(max_examples=40)
@given(random_units(hidden=False), st.integers(0, 2**16))
def test_the_distance_to_the_symmetrisation(unit: Unit, seed: int) -> None:
    rng = np.random.default_rng(seed)
    theta = torch.from_numpy(rng.normal(size=(unit.space.dim, 5)))
    images = haar_rule(unit).images(theta.unsqueeze(0))[0]
    direct = energy_distance(theta, images.flatten(1))
    assert abs(float(energy_to_symmetrisation(theta, images).value) - direct) < ACCURACY
    whole = images.flatten(1)
    again = haar_rule(unit).images(whole.unsqueeze(0))[0]
    assert abs(float(energy_to_symmetrisation(whole, again).value)) < ACCURACY


def test_equal_clouds_have_distance_zero_and_shifted_ones_have_not() -> None:
    a = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 40)))
    assert energy_distance(a, a) == 0.0
    assert energy_distance(a, a.flip(1)) < ACCURACY
    assert energy_distance(a, a + 1.0) > 0.1


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_diverged_clouds_have_no_distance(bad: float) -> None:
    a, b = torch.zeros(3, 4), torch.zeros(3, 4)
    b[1, 2] = bad
    for pair in ((a, b), (b, a)):
        with pytest.raises(SpaceError, match="not finite"):
            energy_distance(*pair)


@pytest.mark.parametrize("b", [torch.zeros(2, 4), torch.zeros(3, 0), torch.zeros(3)])
def test_misfits(b: torch.Tensor) -> None:
    with pytest.raises(SpaceError, match="clouds must have shapes"):
        energy_distance(torch.zeros(3, 4), b)
