"""The SGD recursion as a demonstration: it holds, and fails where the display has other steps than `train`."""

import pytest
from torch import Tensor

from sharefind.meanfield import Unit
from sharefind.paper.context import Context, Request
from sharefind.paper.sgd_recursion import GivenBatches, SGDRecursion, Terms

REQUEST = Request(group="C3", unit="matrix:tanh")


class Shorter(SGDRecursion):
    """The display without its last step."""

    def as_displayed(self, unit: Unit, batches: GivenBatches, theta: Tensor, terms: Terms, sign: int = 1) -> Tensor:
        return super().as_displayed(unit, GivenBatches(batches.x[:-1], batches.y[:-1]), theta, terms, sign)


def test_the_recursion_is_the_one_that_is_displayed() -> None:
    outcome = SGDRecursion()(Context(REQUEST))
    assert outcome.holds, outcome.checks
    assert len(outcome.rows) == 3 * 2


def test_a_step_too_few_is_seen() -> None:
    assert not Shorter()(Context(REQUEST)).checks[0].passed


@pytest.mark.parametrize("tau", [0.0])
def test_the_control_is_needed(tau: float) -> None:
    """Without a penalty its sign shows nothing."""
    outcome = SGDRecursion(tau=tau)(Context(REQUEST))
    assert [check.passed for check in outcome.checks] == [True, True, False]
