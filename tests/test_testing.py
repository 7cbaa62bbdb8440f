"""The public test helpers: what they draw is what they say, and the error they measure is one."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.meanfield import MatrixUnit, Unit, build_unit, haar_rule
from sharefind.testing import equivariance_error, random_groups, random_units

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-4}
"""Relative errors of joint equivariance, declared for each precision."""


@given(random_groups())
def test_groups_are_small(group: FiniteGroup) -> None:
    assert 1 <= group.order <= 48
    assert natural(group).dim <= 4


@settings(max_examples=60)
@given(random_units(), st.sampled_from([torch.float64, torch.float32]), st.integers(0, 2**16))
def test_units_are_jointly_equivariant(unit: Unit, dtype: torch.dtype, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(1, 3, unit.d_in))).to(dtype)
    theta = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 2))).to(dtype)
    assert equivariance_error(unit, haar_rule(unit), x, theta) <= TOLERANCE[dtype]


class Shifted(MatrixUnit):
    """sigma(W x) + (1, 0, ..., 0): not equivariant."""

    def values(self, x: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        values = super().values(x, theta)
        values[:, 0] += 1
        return values


def test_the_error_is_seen() -> None:
    group = named_group("C3")
    good = build_unit("matrix:tanh", natural(group), natural(group))
    assert isinstance(good, MatrixUnit)
    bad = Shifted(good.in_rep, good.out_rep, good.activation, good.bias, good.space)
    x, theta = torch.ones(1, 1, 3, dtype=torch.float64), torch.zeros(1, 9, 1, dtype=torch.float64)
    assert equivariance_error(bad, haar_rule(bad), x, theta) == 1.0
    assert equivariance_error(good, haar_rule(good), x, theta) == 0.0
