"""What Theorems 3 to 6 and Corollary 3 rest on: identities between velocity fields D_mu F, for drawn groups and units.

A flow follows -D_mu F, so a cloud stays invariant where the field is equivariant, and flows coincide where fields do.
"""

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sharefind.meanfield import (
    RIDGE,
    SMOOTH_NORM,
    SQUARED,
    EmpiricalLaw,
    HaarRule,
    KernelEntropy,
    Loss,
    Penalty,
    Projector,
    RegularisedRisk,
    Risk,
    Scheme,
    Unit,
    haar_rule,
    huber,
)
from sharefind.spaces import fixed_space
from sharefind.testing import random_units

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-4}
"""Absolute errors of velocities, relative to the largest entry where that is above one; declared for each precision."""

DTYPES = st.sampled_from([torch.float64, torch.float32])
SEEDS = st.integers(0, 2**16)
LOSSES = st.sampled_from([SQUARED, huber(0.5)])
"""Losses that every orthogonal action leaves as they are; all the drawn ones are orthogonal on Y."""

TAU, BETA, BANDWIDTH = 0.3, 0.1, 0.7


class Drawn:
    """A law without symmetry, a rule, clouds and the risks over them."""

    def __init__(self, unit: Unit, loss: Loss, dtype: torch.dtype, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.unit, self.loss, self.dtype = unit, loss, dtype
        self.rule: HaarRule = haar_rule(unit)
        self.fixed = Projector(fixed_space(unit.space.action))
        self.law = EmpiricalLaw(
            torch.from_numpy(rng.normal(size=(5, unit.d_in))).to(dtype),
            torch.from_numpy(rng.normal(size=(5, unit.d_out))).to(dtype),
        )
        self.cloud = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 3))).to(dtype)
        self.probes = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 2))).to(dtype)

    def risk(self, scheme: Scheme, is_equivariant: bool = False) -> Risk:
        law = self.law.symmetrised(self.rule) if is_equivariant else self.law
        return Risk(self.unit, law, self.loss, scheme, self.rule, self.fixed)

    def invariant_risks(self) -> list[Risk]:
        return [*(self.risk(s) for s in (Scheme.DA, Scheme.FA, Scheme.EA)), self.risk(Scheme.VANILLA, True)]

    def assert_equal(self, found: torch.Tensor, expected: torch.Tensor) -> None:
        scale = max(1.0, float(expected.abs().max()))
        torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE[self.dtype] * scale)


@settings(max_examples=40)
@given(random_units(hidden=False), LOSSES, st.sampled_from([RIDGE, SMOOTH_NORM]), DTYPES, SEEDS)
def test_velocities_of_invariant_functionals_are_equivariant(
    unit: Unit, loss: Loss, penalty: Penalty, dtype: torch.dtype, seed: int
) -> None:
    """Theorem 3 and Corollary 3: D_mu F(M_g#mu, M_g z) = M_g D_mu F(mu, z), penalty and entropy included."""
    drawn = Drawn(unit, loss, dtype, seed)
    for risk in drawn.invariant_risks():
        functional = RegularisedRisk(risk, TAU, penalty, BETA, KernelEntropy(BANDWIDTH))
        expected = drawn.rule.images(functional.derivative(drawn.cloud, drawn.probes))
        clouds, probes = drawn.rule.images(drawn.cloud), drawn.rule.images(drawn.probes)
        for g in range(len(drawn.rule)):
            drawn.assert_equal(functional.derivative(clouds[:, :, g], probes[:, :, g]), expected[:, :, g])


@settings(max_examples=40)
@given(random_units(), LOSSES, DTYPES, SEEDS)
def test_velocities_coincide_at_weakly_invariant_measures(
    unit: Unit, loss: Loss, dtype: torch.dtype, seed: int
) -> None:
    """Theorem 4: D_mu R^DA = D_mu R^FA, and D_mu R under the equivariant law, at mu = mu^G and any z."""
    drawn = Drawn(unit, loss, dtype, seed)
    mu = drawn.rule.symmetrise(drawn.cloud)
    expected = drawn.risk(Scheme.DA).derivative(mu, drawn.probes)
    drawn.assert_equal(drawn.risk(Scheme.FA).derivative(mu, drawn.probes), expected)
    drawn.assert_equal(drawn.risk(Scheme.VANILLA, True).derivative(mu, drawn.probes), expected)


@settings(max_examples=40)
@given(random_units(), LOSSES, DTYPES, SEEDS)
def test_velocities_stay_in_the_fixed_space_and_coincide_there(
    unit: Unit, loss: Loss, dtype: torch.dtype, seed: int
) -> None:
    """Theorems 5 and 6: at mu on E^G velocities lie in E^G and are one for all invariant risks."""
    drawn = Drawn(unit, loss, dtype, seed)
    mu = drawn.fixed(drawn.cloud)
    expected = drawn.risk(Scheme.EA).derivative(mu)
    drawn.assert_equal(drawn.fixed(expected), expected)
    for risk in drawn.invariant_risks():
        drawn.assert_equal(risk.derivative(mu), expected)


@settings(max_examples=40)
@given(random_units(hidden=False), SEEDS)
def test_an_arbitrary_law_breaks_all_three(unit: Unit, seed: int) -> None:
    """The control: the plain risk of a law without symmetry, wherever E^G is not all of Z."""
    drawn = Drawn(unit, SQUARED, torch.float64, seed)
    assume(not fixed_space(unit.space.action).is_full)
    plain, symmetric = drawn.risk(Scheme.VANILLA), drawn.risk(Scheme.VANILLA, True)
    mu = drawn.rule.symmetrise(drawn.cloud)
    difference = plain.derivative(mu, drawn.probes) - symmetric.derivative(mu, drawn.probes)
    assert float(difference.abs().max()) > 1e-6
    on = drawn.fixed(drawn.cloud)
    assert float(drawn.fixed.residual(plain.derivative(on)).abs().max()) > 1e-6
