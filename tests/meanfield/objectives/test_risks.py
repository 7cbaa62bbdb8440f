"""Risks and their derivatives, against autograd of the definitions, and Prop. 2's identities on drawn units."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sharefind.errors import ConfigError, UnitError
from sharefind.groups import named_group, natural
from sharefind.meanfield import (
    CROSS_ENTROPY,
    LOGISTIC_LOSS,
    RIDGE,
    SQUARED,
    EmpiricalLaw,
    HaarRule,
    KernelEntropy,
    Loss,
    Projector,
    RegularisedRisk,
    Risk,
    Scheme,
    Unit,
    build_unit,
    haar_rule,
    huber,
    predict,
)
from sharefind.spaces import fixed_space
from sharefind.testing import random_units

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}
"""Absolute errors of risks of order ten, declared for each precision."""
SLOPE = 1e-9
"""The same for derivatives against autograd, float64."""
LOSSES = (SQUARED, huber(0.7), LOGISTIC_LOSS, CROSS_ENTROPY)


def case(unit: Unit, seed: int, dtype: torch.dtype, weighted: bool = False) -> tuple[EmpiricalLaw, Tensor, HaarRule]:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(6, unit.d_in))).to(dtype)
    y = torch.from_numpy(rng.normal(size=(6, unit.d_out))).to(dtype)
    weights = torch.softmax(torch.from_numpy(rng.normal(size=6)), 0).to(dtype) if weighted else None
    theta = torch.from_numpy(rng.normal(size=(2, unit.space.dim, 3))).to(dtype)
    return EmpiricalLaw(x, y, weights), theta, haar_rule(unit)


def risk_of(unit: Unit, law: EmpiricalLaw, scheme: Scheme, rule: HaarRule, loss: Loss = SQUARED) -> Risk:
    return Risk(unit, law, loss, scheme, rule, Projector(fixed_space(unit.space.action)))


def is_allowed(loss: Loss, unit: Unit) -> bool:
    try:
        loss.refuse_unless_invariant(unit.out_rep)
    except UnitError:
        return False
    return True


def plain_risk(unit: Unit, law: EmpiricalLaw, scheme: Scheme, rule: HaarRule, loss: Loss, theta: Tensor) -> Tensor:
    """The definition, in loops over the group and the support: theta (1, D, N) -> scalar."""
    total = theta.new_zeros(())
    mean = rule.on_z.to(theta).mean(0)
    phi = theta if scheme is not Scheme.EA else torch.einsum("de,ren->rdn", mean, theta)
    for x, y, w in zip(law.x, law.y, law.probabilities, strict=True):
        if scheme is Scheme.DA:
            pairs = zip(rule.on_x, rule.on_y, strict=True)
            values = [loss.value(predict(unit, (a @ x)[None, None], phi)[0, 0], b @ y) for a, b in pairs]
            total = total + w * sum(values) / len(rule)
        elif scheme is Scheme.FA:
            pairs = zip(rule.on_x, rule.on_y, strict=True)
            outs = [torch.linalg.inv(b) @ predict(unit, (a @ x)[None, None], phi)[0, 0] for a, b in pairs]
            total = total + w * loss.value(torch.stack(outs).mean(0), y)
        else:
            total = total + w * loss.value(predict(unit, x[None, None], phi)[0, 0], y)
    return total


@settings(max_examples=50)
@given(
    random_units(hidden=False),
    st.sampled_from(list(Scheme)),
    st.sampled_from(LOSSES),
    st.booleans(),
    st.integers(0, 99),
)
def test_values_and_derivatives_from_the_definition(
    unit: Unit, scheme: Scheme, loss: Loss, weighted: bool, seed: int
) -> None:
    assume(is_allowed(loss, unit))
    law, theta, rule = case(unit, seed, torch.float64, weighted)
    risk = risk_of(unit, law, scheme, rule, loss)
    for row in theta:
        leaf = row.unsqueeze(0).clone().requires_grad_()
        plain = plain_risk(unit, law, scheme, rule, loss, leaf)
        (slope,) = torch.autograd.grad(plain, leaf)
        torch.testing.assert_close(risk.value(row.unsqueeze(0))[0], plain.detach(), rtol=0, atol=SLOPE)
        # D_mu R at a particle is N times the gradient in that particle.
        torch.testing.assert_close(risk.derivative(row.unsqueeze(0)), slope * row.shape[1], rtol=0, atol=SLOPE)
    torch.testing.assert_close(risk.derivative(theta, theta), risk.derivative(theta), rtol=0, atol=SLOPE)


@settings(max_examples=30)
@given(random_units(hidden=False), st.sampled_from(list(Scheme)), st.integers(0, 99))
def test_the_first_variation_is_the_slope_towards_a_measure(unit: Unit, scheme: Scheme, seed: int) -> None:
    """d/de R((1 - e) mu + e nu) at 0 is int dR/dmu d(nu - mu), and D_mu R is the gradient of dR/dmu."""
    law, clouds, rule = case(unit, seed, torch.float64)
    mu, nu = clouds[:1], clouds[1:]
    risk = risk_of(unit, law, scheme, rule)
    towards = float(risk.first_variation(mu, nu).mean() - risk.first_variation(mu).mean())
    # Exact for the squared loss: R is quadratic along segments, and a mixture of clouds is a cloud of copies.
    at = [float(risk.value(torch.cat([mu] * (2 - k) + [nu] * k, dim=2))) for k in (0, 1, 2)]
    assert abs(towards - (-3 * at[0] + 4 * at[1] - at[2])) < 1e-8
    leaf = nu.clone().requires_grad_()
    (slope,) = torch.autograd.grad(risk.first_variation(mu, leaf).sum(), leaf)
    torch.testing.assert_close(risk.derivative(mu, nu), slope, rtol=0, atol=SLOPE)


@settings(max_examples=50)
@given(random_units(), st.sampled_from(LOSSES), st.sampled_from([torch.float64, torch.float32]), st.integers(0, 2**16))
def test_prop_2(unit: Unit, loss: Loss, dtype: torch.dtype, seed: int) -> None:
    assume(is_allowed(loss, unit))
    law, clouds, rule = case(unit, seed, dtype)
    theta, tolerance = clouds[:1], TOLERANCE[dtype]
    images = rule.images(theta)[0].permute(1, 0, 2)
    plain = Risk(unit, law, loss)
    expected = {
        Scheme.DA: plain.value(images).mean(),
        Scheme.FA: plain.value(rule.symmetrise(theta))[0],
        Scheme.EA: plain.value(rule.images(theta).mean(2))[0],
    }
    for scheme, value in expected.items():
        risk = risk_of(unit, law, scheme, rule, loss)
        torch.testing.assert_close(risk.value(theta)[0], value, rtol=0, atol=tolerance)
        torch.testing.assert_close(risk.value(images), value.expand(len(images)), rtol=0, atol=tolerance)
    symmetric = Risk(unit, law.symmetrised(rule), loss).value(images)
    torch.testing.assert_close(symmetric, symmetric[:1].expand(len(images)), rtol=0, atol=tolerance)


def test_the_plain_risk_of_an_arbitrary_law_is_not_invariant() -> None:
    group = named_group("C3")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    law, clouds, rule = case(unit, 0, torch.float64)
    values = Risk(unit, law).value(rule.images(clouds[:1])[0].permute(1, 0, 2))
    assert float(values.max() - values.min()) > 1e-2


def test_the_regularised_risk_adds_its_parts() -> None:
    group = named_group("C2")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    law, theta, _ = case(unit, 3, torch.float64)
    risk, entropy = Risk(unit, law), KernelEntropy(0.5)
    whole = RegularisedRisk(risk, 0.3, RIDGE, 0.2, entropy)
    expected = risk.value(theta) + 0.3 * (theta**2).sum(1).mean(-1) / 2 + 0.2 * entropy.value(theta)
    torch.testing.assert_close(whole.value(theta), expected)
    leaf = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(whole.value(leaf).sum(), leaf)
    torch.testing.assert_close(whole.derivative(theta), slope * theta.shape[2], rtol=0, atol=1e-9)


def test_missing_parts_are_refused() -> None:
    group = named_group("B2")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    law, _, rule = case(unit, 0, torch.float64)
    with pytest.raises(ConfigError, match="integrates over a group"):
        Risk(unit, law, scheme=Scheme.FA)
    with pytest.raises(ConfigError, match=r"projects on E\^G"):
        Risk(unit, law, scheme=Scheme.EA)
    with pytest.raises(UnitError, match="cross-entropy loss is not invariant"):
        Risk(unit, law, CROSS_ENTROPY, Scheme.DA, rule)
    with pytest.raises(ConfigError, match="needs an estimate of the entropy"):
        RegularisedRisk(Risk(unit, law), beta=0.1)
    with pytest.raises(ConfigError, match="must not be negative"):
        RegularisedRisk(Risk(unit, law), tau=-1.0)
