"""The statistics that a search knows by name. A new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from sharefind.inference.statistics.correlogram import Correlogram
from sharefind.inference.statistics.displacement import CrossDisplacement, Displacement
from sharefind.inference.statistics.held_out_gap import HeldOutGap
from sharefind.inference.statistics.marginal_likelihood import MarginalLikelihood
from sharefind.inference.statistics.symmetric_evidence import SymmetricEvidence
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.inference.statistics.vector_score import VectorScore

STATISTICS: Mapping[str, type[SearchStatistic]] = {
    VectorScore.name: VectorScore,
    MarginalLikelihood.name: MarginalLikelihood,
    Correlogram.name: Correlogram,
    SymmetricEvidence.name: SymmetricEvidence,
    Displacement.name: Displacement,
    CrossDisplacement.name: CrossDisplacement,
    HeldOutGap.name: HeldOutGap,
}
"""By name; the first that is the default for a problem is used where none is named."""


def statistic_of(problem: ProblemTraits, chosen: str | SearchStatistic | None = None) -> SearchStatistic:
    """The statistic that a problem is tested with.

    Args:
        problem: What is tested.
        chosen: The name of one of `STATISTICS`, or a statistic of one's own; None for the one with the most power.

    Returns:
        The statistic.
    """
    if isinstance(chosen, SearchStatistic):
        return chosen
    kinds = STATISTICS.values()
    kind = STATISTICS[chosen] if chosen is not None else next(k for k in kinds if k.is_default(problem))
    return kind.of_problem(problem)
