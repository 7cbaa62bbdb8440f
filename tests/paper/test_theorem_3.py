"""Theorem 3 fails where the law has no symmetry, and where its control shows nothing."""

from sharefind.meanfield import EmpiricalLaw, Risk
from sharefind.paper.context import Context, Request
from sharefind.paper.flows import DA, Arena
from sharefind.paper.theorem_3 import Theorem3


class Asymmetric(Arena):
    """The law that is called equivariant is not."""

    @property
    def equivariant(self) -> EmpiricalLaw:  # type: ignore[override]
        return self.arbitrary


class OnlyDA(Arena):
    """Every risk is R^DA."""

    def risk(self, name: str) -> Risk:
        return super().risk(DA)


def test_a_law_without_symmetry_fails() -> None:
    outcome = Theorem3(arena=Asymmetric, paper_horizon=2.5)(Context(Request()))
    assert not outcome.holds
    assert not outcome.checks[0].passed


def test_the_control_is_needed() -> None:
    """An arbitrary law that happens to be symmetric cannot show anything: the verdict says so."""
    assert not Theorem3(arena=OnlyDA, paper_horizon=2.5)(Context(Request())).holds
