"""Exact tests of symmetries: which of a family of groups does the law of (X, Y) have, and how sure is that?

Usable on its own; what a discovered symmetry is good for is left to `sharefind.search`.
"""

from sharefind.inference.closed_testing import FamilyTest, Verdict, family_test
from sharefind.inference.correlogram import Correlogram
from sharefind.inference.families import Candidate, CandidateFamily, named_family, subgroup_family
from sharefind.inference.marginal_likelihood import MarginalLikelihood
from sharefind.inference.moves import Moves, SampledMoves, axis_rotations, invariant_scale, moved_coordinates
from sharefind.inference.randomisation import (
    Bound,
    RandomisationTest,
    Statistic,
    randomisation_p_value,
    randomisation_test,
)

__all__ = [
    "Bound",
    "Candidate",
    "CandidateFamily",
    "Correlogram",
    "FamilyTest",
    "MarginalLikelihood",
    "Moves",
    "RandomisationTest",
    "SampledMoves",
    "Statistic",
    "Verdict",
    "axis_rotations",
    "family_test",
    "invariant_scale",
    "moved_coordinates",
    "named_family",
    "randomisation_p_value",
    "randomisation_test",
    "subgroup_family",
]
