"""Theorem 5 needs a strongly invariant start."""

from torch import Tensor

from sharefind.paper.context import Context, Request
from sharefind.paper.flows import Arena
from sharefind.paper.theorem_5 import Theorem5


class PlainStart(Arena):
    """The start that is called SI is any."""

    def si_start(self) -> Tensor:
        return self.plain_start()


def test_theorem_5_needs_a_strongly_invariant_start() -> None:
    assert not Theorem5(arena=PlainStart, paper_horizon=2.5)(Context(Request())).checks[0].passed
