"""Exact tests of symmetries: which of a family of groups does the law of (X, Y) have, and how sure is that?

Usable on its own; `sharefind.search` uses the symmetries that are found.
"""

from sharefind.former_names import former_member
from sharefind.inference.ambient_moves import Moves, SampledMoves, axis_rotations, moved_coordinates
from sharefind.inference.continuous.algebras import algebra_name, nearest_algebra, skew_basis
from sharefind.inference.continuous.group_draws import group_moves
from sharefind.inference.continuous.infinitesimal import LieAlgebraTest, lie_algebra_test
from sharefind.inference.continuous.rotations import PlaneVerdict, RotationSearch, rotation_test
from sharefind.inference.continuous.smooth_fit import SmoothFit
from sharefind.inference.continuous.vector_parts import VectorParts
from sharefind.inference.fitted_statistic import FittedStatistic, Statistic
from sharefind.inference.partitions.linear_estimates import Estimates
from sharefind.inference.partitions.partition_tests import (
    Partition,
    estimate_partition,
    mean_partition,
    weight_partition,
)
from sharefind.inference.plane_rotations import PlaneRotations
from sharefind.inference.relation.diagnosis import Cause, Diagnosis, diagnose
from sharefind.inference.relation.group_shares import NO_SYMMETRY, GroupShares, group_shares
from sharefind.inference.relation.overlap import OverlapBounds
from sharefind.inference.relation.relation_family import RelationFamily, relation_family_test
from sharefind.inference.relation.relation_test import RelationSettings, RelationTest, relation_test
from sharefind.inference.relation.risk_gap import RiskGap, risk_gap
from sharefind.inference.relation.share_evidence import ShareSettings
from sharefind.inference.statistics.angular_harmonics import AngularHarmonics
from sharefind.inference.statistics.correlogram import Correlogram
from sharefind.inference.statistics.displacement import CrossDisplacement, Displacement
from sharefind.inference.statistics.held_out_gap import HeldOutGap
from sharefind.inference.statistics.held_out_loss import HeldOutLoss
from sharefind.inference.statistics.input_law import InputLaw
from sharefind.inference.statistics.marginal_likelihood import MarginalLikelihood
from sharefind.inference.statistics.origin import OrbitScale, orbit_scale
from sharefind.inference.statistics.searched_particles import UnitFactory, neuron_unit, regular_unit, richest_unit
from sharefind.inference.statistics.surrogate_training import ParticleTraining
from sharefind.inference.statistics.symmetric_evidence import SymmetricEvidence
from sharefind.inference.statistics.traits import SearchStatistic
from sharefind.inference.tests.closed_testing import FamilyTest, Verdict, family_test
from sharefind.inference.tests.families import Candidate, CandidateFamily, named_family, subgroup_family
from sharefind.inference.tests.independence import independence_test
from sharefind.inference.tests.p_values import RandomisationTest, randomisation_p_value
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.inference.tests.sequential import CopiesDesign, monte_carlo_interval

__all__ = [
    "NO_SYMMETRY",
    "AngularHarmonics",
    "Candidate",
    "CandidateFamily",
    "Cause",
    "CopiesDesign",
    "Correlogram",
    "CrossDisplacement",
    "Diagnosis",
    "Displacement",
    "Estimates",
    "FamilyTest",
    "FittedStatistic",
    "GroupShares",
    "HeldOutGap",
    "HeldOutLoss",
    "InputLaw",
    "LieAlgebraTest",
    "MarginalLikelihood",
    "Moves",
    "OrbitScale",
    "OverlapBounds",
    "ParticleTraining",
    "Partition",
    "PlaneRotations",
    "PlaneVerdict",
    "RandomisationTest",
    "RelationFamily",
    "RelationSettings",
    "RelationTest",
    "RiskGap",
    "RotationSearch",
    "SampledMoves",
    "SearchStatistic",
    "ShareSettings",
    "SmoothFit",
    "Statistic",
    "SymmetricEvidence",
    "UnitFactory",
    "VectorParts",
    "Verdict",
    "algebra_name",
    "axis_rotations",
    "diagnose",
    "estimate_partition",
    "family_test",
    "group_moves",
    "group_shares",
    "independence_test",
    "lie_algebra_test",
    "mean_partition",
    "monte_carlo_interval",
    "moved_coordinates",
    "named_family",
    "nearest_algebra",
    "neuron_unit",
    "orbit_scale",
    "randomisation_p_value",
    "randomisation_test",
    "regular_unit",
    "relation_family_test",
    "relation_test",
    "richest_unit",
    "risk_gap",
    "rotation_test",
    "skew_basis",
    "subgroup_family",
    "weight_partition",
]


def __getattr__(name: str) -> object:
    return former_member(__name__, name)
