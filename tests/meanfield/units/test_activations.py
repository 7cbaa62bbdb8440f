"""Slopes against autograd, and what the activations say of themselves."""

import copy

import pytest
import torch

from sharefind.errors import UnitError
from sharefind.meanfield import LOGISTIC, TANH, Activation, activation
from sharefind.parallel import Workers

GRID = torch.linspace(-6, 6, 121, dtype=torch.float64)


@pytest.mark.parametrize("sigma", [LOGISTIC, TANH], ids=lambda s: s.name)
def test_the_slope_is_the_derivative(sigma: Activation) -> None:
    t = GRID.clone().requires_grad_()
    value = sigma.value(t)
    value.sum().backward()
    torch.testing.assert_close(sigma.slope(value.detach()), t.grad, rtol=0, atol=1e-14)


@pytest.mark.parametrize("sigma", [LOGISTIC, TANH], ids=lambda s: s.name)
def test_values_fill_the_announced_range(sigma: Activation) -> None:
    value = sigma.value(GRID)
    assert sigma.low < value.min() < sigma.low + 0.01
    assert sigma.high - 0.01 < value.max() < sigma.high
    assert sigma.is_odd == torch.allclose(sigma.value(-GRID), -value, atol=1e-14)


def test_activations_by_name() -> None:
    assert activation("tanh") is TANH
    assert activation("logistic") is LOGISTIC
    with pytest.raises(UnitError, match=r"'relu' is unknown; use one of logistic, tanh"):
        activation("relu")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "tanh"])
def test_an_activation_stays_itself_in_a_worker_process(name: str) -> None:
    """The kernel is chosen, and told which function it is, by what the activation is."""
    ours = activation(name)

    def looked_at(given: Activation) -> tuple[bool, Activation]:
        from sharefind.meanfield import activation

        return given is activation(given.name), given

    found = [result for _, result in Workers(2).map(looked_at, [ours, ours])]
    assert all(is_ours and back is ours for is_ours, back in found)
    assert copy.deepcopy(ours) is ours
