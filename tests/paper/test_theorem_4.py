"""Theorem 4 needs a weakly invariant start."""

from torch import Tensor

from sharefind.paper.context import Context, Request
from sharefind.paper.flows import Arena
from sharefind.paper.theorem_4 import Theorem4


class PlainStart(Arena):
    """The start that is called WI is any."""

    def wi_start(self) -> Tensor:
        return self.plain_start()


def test_theorem_4_needs_a_weakly_invariant_start() -> None:
    assert not Theorem4(arena=PlainStart, paper_horizon=2.5)(Context(Request())).checks[0].passed
