"""Rules over groups: whole groups, Haar draws and the operator Q_G."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import GroupError
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import (
    ParticleAction,
    Unit,
    build_unit,
    haar_rule,
    predict,
    predict_symmetrised,
    symmetrised_values,
)
from sharefind.testing import random_units

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Absolute errors of predictions of order one, declared for each precision."""
SIGMAS = 5.0
"""Monte Carlo means may miss the truth by this many standard errors."""


def clouds(unit: Unit, seed: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(1, 5, unit.d_in))).to(dtype)
    return x, torch.from_numpy(rng.normal(size=(1, unit.space.dim, 3))).to(dtype)


def listable_units() -> st.SearchStrategy[Unit]:
    """Units whose group can be listed as matrices on X, Y and Z."""

    def entries(unit: Unit) -> int:
        return unit.in_rep.finite_group.order * sum(r.dim**2 for r in (unit.in_rep, unit.out_rep, unit.space.action))

    return random_units().filter(lambda unit: entries(unit) <= haar_rule.__defaults__[-1])


@settings(max_examples=60)
@given(listable_units(), st.sampled_from([torch.float64, torch.float32]), st.integers(0, 2**16))
def test_prop_1(unit: Unit, dtype: torch.dtype, seed: int) -> None:
    """Q_G Phi_mu = Phi_{mu^G}, the left side by the definition of Q_G, the right one through the particles."""
    x, theta = clouds(unit, seed, dtype)
    rule = haar_rule(unit)
    defined = symmetrised_values(lambda points: predict(unit, points, theta), rule, x)
    torch.testing.assert_close(defined.value, predict(unit, x, rule.symmetrise(theta)), rtol=0, atol=TOLERANCE[dtype])
    assert not defined.standard_error.any()


@settings(max_examples=30)
@given(listable_units(), st.integers(0, 2**16))
def test_symmetrised_functions_are_equivariant_and_fixed(unit: Unit, seed: int) -> None:
    """(Q_G f)(rho_g x) = rhohat_g (Q_G f)(x), and Q_G Q_G = Q_G, for a function that is no network."""
    x, _ = clouds(unit, seed, torch.float64)
    rule = haar_rule(unit)
    mixing = torch.from_numpy(np.random.default_rng(seed).normal(size=(unit.d_in, unit.d_out)))

    def f(points: torch.Tensor) -> torch.Tensor:
        return torch.cos(points) @ mixing + 1

    def averaged(points: torch.Tensor) -> torch.Tensor:
        return symmetrised_values(f, rule, points).value

    once = averaged(x)
    torch.testing.assert_close(symmetrised_values(averaged, rule, x).value, once, rtol=0, atol=1e-10)
    torch.testing.assert_close(averaged(rule.moved_inputs(x)), rule.moved_labels(once), rtol=0, atol=1e-10)


@settings(max_examples=30)
@given(listable_units(), st.integers(0, 2**16))
def test_images_are_those_of_the_particle_action(unit: Unit, seed: int) -> None:
    x, theta = clouds(unit, seed, torch.float64)
    rule, action = haar_rule(unit), ParticleAction(unit.space.action)
    torch.testing.assert_close(rule.images(theta), action.images(theta), rtol=0, atol=1e-12)
    torch.testing.assert_close(predict(unit, x, rule.symmetrise(theta)), predict_symmetrised(unit, action, x, theta))


@pytest.mark.parametrize("name", ["SO2", "O2", "SO3"])
def test_haar_draws_agree_with_each_other_within_their_errors(name: str) -> None:
    group = named_group(name)
    unit = build_unit("radial", natural(group), natural(group))
    x, theta = clouds(unit, 0, torch.float64)
    rng = np.random.default_rng(1)
    one, other = (
        symmetrised_values(lambda points: predict(unit, points, theta), haar_rule(unit, 3000, rng), x) for _ in range(2)
    )
    spread = (one.standard_error**2 + other.standard_error**2).sqrt()
    assert bool((spread > 0).all())
    assert float(((one.value - other.value).abs() / spread).max()) < SIGMAS


def test_a_haar_mean_finds_the_closed_form() -> None:
    """Over SO(2), the mean of rho_g^{-1} A rho_g is the projection of A on span(I, J)."""
    group = named_group("SO2")
    unit = build_unit("radial", natural(group), natural(group))
    matrix = torch.tensor([[1.0, 2.0], [0.5, -3.0]], dtype=torch.float64)
    x = torch.tensor([[[0.3, -0.7]]], dtype=torch.float64)
    estimate = symmetrised_values(lambda p: p @ matrix.t(), haar_rule(unit, 4000, np.random.default_rng(0)), x)
    trace, skew = (matrix[0, 0] + matrix[1, 1]) / 2, (matrix[1, 0] - matrix[0, 1]) / 2
    closed = x @ torch.stack([torch.stack([trace, -skew]), torch.stack([skew, trace])]).t()
    assert float(((estimate.value - closed).abs() / estimate.standard_error).max()) < SIGMAS


def test_infinite_groups_need_draws() -> None:
    group = named_group("SO2")
    unit = build_unit("radial", natural(group), natural(group))
    with pytest.raises(GroupError, match="SO2 is infinite"):
        haar_rule(unit)


def test_large_rules_are_refused() -> None:
    group = named_group("S7")
    unit = build_unit("matrix", natural(group), parse_representation("natural*natural", group))
    with pytest.raises(GroupError, match="5040 elements of S7"):
        haar_rule(unit)
