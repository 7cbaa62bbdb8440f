"""Exact tests of symmetries: which of a family of groups does the law of (X, Y) have, and how sure is that?

Usable on its own; `sharefind.search` uses the symmetries that are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.inference.ambient_moves import AmbientMoves as AmbientMoves
    from sharefind.inference.ambient_moves import SampledMoves as SampledMoves
    from sharefind.inference.ambient_moves import axis_rotations as axis_rotations
    from sharefind.inference.ambient_moves import moved_coordinates as moved_coordinates
    from sharefind.inference.continuous.algebras import algebra_name as algebra_name
    from sharefind.inference.continuous.algebras import nearest_algebra as nearest_algebra
    from sharefind.inference.continuous.algebras import skew_basis as skew_basis
    from sharefind.inference.continuous.group_draws import group_moves as group_moves
    from sharefind.inference.continuous.infinitesimal import LieAlgebraTest as LieAlgebraTest
    from sharefind.inference.continuous.infinitesimal import lie_algebra_test as lie_algebra_test
    from sharefind.inference.continuous.rotations import PlaneVerdict as PlaneVerdict
    from sharefind.inference.continuous.rotations import RotationSearch as RotationSearch
    from sharefind.inference.continuous.rotations import rotation_test as rotation_test
    from sharefind.inference.continuous.smooth_fit import SmoothFit as SmoothFit
    from sharefind.inference.continuous.vector_parts import VectorParts as VectorParts
    from sharefind.inference.fitted_statistic import FittedStatistic as FittedStatistic
    from sharefind.inference.fitted_statistic import Statistic as Statistic
    from sharefind.inference.partitions.linear_estimates import Estimates as Estimates
    from sharefind.inference.partitions.partition_tests import Partition as Partition
    from sharefind.inference.partitions.partition_tests import estimate_partition as estimate_partition
    from sharefind.inference.partitions.partition_tests import mean_partition as mean_partition
    from sharefind.inference.partitions.partition_tests import weight_partition as weight_partition
    from sharefind.inference.plane_rotations import PlaneRotations as PlaneRotations
    from sharefind.inference.relation.diagnosis import Cause as Cause
    from sharefind.inference.relation.diagnosis import Diagnosis as Diagnosis
    from sharefind.inference.relation.diagnosis import diagnose as diagnose
    from sharefind.inference.relation.group_shares import NO_SYMMETRY as NO_SYMMETRY
    from sharefind.inference.relation.group_shares import GroupShares as GroupShares
    from sharefind.inference.relation.group_shares import group_shares as group_shares
    from sharefind.inference.relation.overlap import OverlapBounds as OverlapBounds
    from sharefind.inference.relation.relation_family import RelationFamily as RelationFamily
    from sharefind.inference.relation.relation_family import relation_family_test as relation_family_test
    from sharefind.inference.relation.relation_test import RelationSettings as RelationSettings
    from sharefind.inference.relation.relation_test import RelationTest as RelationTest
    from sharefind.inference.relation.relation_test import relation_test as relation_test
    from sharefind.inference.relation.risk_gap import RiskGap as RiskGap
    from sharefind.inference.relation.risk_gap import risk_gap as risk_gap
    from sharefind.inference.relation.share_evidence import ShareSettings as ShareSettings
    from sharefind.inference.statistics.angular_harmonics import AngularHarmonics as AngularHarmonics
    from sharefind.inference.statistics.correlogram import Correlogram as Correlogram
    from sharefind.inference.statistics.displacement import CrossDisplacement as CrossDisplacement
    from sharefind.inference.statistics.displacement import Displacement as Displacement
    from sharefind.inference.statistics.held_out_gap import HeldOutGap as HeldOutGap
    from sharefind.inference.statistics.held_out_loss import HeldOutLoss as HeldOutLoss
    from sharefind.inference.statistics.input_law import InputLaw as InputLaw
    from sharefind.inference.statistics.marginal_likelihood import MarginalLikelihood as MarginalLikelihood
    from sharefind.inference.statistics.origin import OrbitScale as OrbitScale
    from sharefind.inference.statistics.origin import orbit_scale as orbit_scale
    from sharefind.inference.statistics.searched_particles import UnitFactory as UnitFactory
    from sharefind.inference.statistics.searched_particles import neuron_unit as neuron_unit
    from sharefind.inference.statistics.searched_particles import regular_unit as regular_unit
    from sharefind.inference.statistics.searched_particles import richest_unit as richest_unit
    from sharefind.inference.statistics.surrogate_training import ParticleTraining as ParticleTraining
    from sharefind.inference.statistics.symmetric_evidence import SymmetricEvidence as SymmetricEvidence
    from sharefind.inference.statistics.traits import SearchStatistic as SearchStatistic
    from sharefind.inference.tests.closed_testing import FamilyTest as FamilyTest
    from sharefind.inference.tests.closed_testing import Verdict as Verdict
    from sharefind.inference.tests.closed_testing import family_test as family_test
    from sharefind.inference.tests.families import Candidate as Candidate
    from sharefind.inference.tests.families import CandidateFamily as CandidateFamily
    from sharefind.inference.tests.families import named_family as named_family
    from sharefind.inference.tests.families import subgroup_family as subgroup_family
    from sharefind.inference.tests.independence import independence_test as independence_test
    from sharefind.inference.tests.p_values import RandomisationTest as RandomisationTest
    from sharefind.inference.tests.p_values import randomisation_p_value as randomisation_p_value
    from sharefind.inference.tests.randomisation import randomisation_test as randomisation_test
    from sharefind.inference.tests.sequential import CopiesDesign as CopiesDesign
    from sharefind.inference.tests.sequential import monte_carlo_interval as monte_carlo_interval

OFFERED = {
    "AmbientMoves": ".ambient_moves",
    "AngularHarmonics": ".statistics.angular_harmonics",
    "Candidate": ".tests.families",
    "CandidateFamily": ".tests.families",
    "Cause": ".relation.diagnosis",
    "CopiesDesign": ".tests.sequential",
    "Correlogram": ".statistics.correlogram",
    "CrossDisplacement": ".statistics.displacement",
    "Diagnosis": ".relation.diagnosis",
    "Displacement": ".statistics.displacement",
    "Estimates": ".partitions.linear_estimates",
    "FamilyTest": ".tests.closed_testing",
    "FittedStatistic": ".fitted_statistic",
    "GroupShares": ".relation.group_shares",
    "HeldOutGap": ".statistics.held_out_gap",
    "HeldOutLoss": ".statistics.held_out_loss",
    "InputLaw": ".statistics.input_law",
    "LieAlgebraTest": ".continuous.infinitesimal",
    "MarginalLikelihood": ".statistics.marginal_likelihood",
    "NO_SYMMETRY": ".relation.group_shares",
    "OrbitScale": ".statistics.origin",
    "OverlapBounds": ".relation.overlap",
    "ParticleTraining": ".statistics.surrogate_training",
    "Partition": ".partitions.partition_tests",
    "PlaneRotations": ".plane_rotations",
    "PlaneVerdict": ".continuous.rotations",
    "RandomisationTest": ".tests.p_values",
    "RelationFamily": ".relation.relation_family",
    "RelationSettings": ".relation.relation_test",
    "RelationTest": ".relation.relation_test",
    "RiskGap": ".relation.risk_gap",
    "RotationSearch": ".continuous.rotations",
    "SampledMoves": ".ambient_moves",
    "SearchStatistic": ".statistics.traits",
    "ShareSettings": ".relation.share_evidence",
    "SmoothFit": ".continuous.smooth_fit",
    "Statistic": ".fitted_statistic",
    "SymmetricEvidence": ".statistics.symmetric_evidence",
    "UnitFactory": ".statistics.searched_particles",
    "VectorParts": ".continuous.vector_parts",
    "Verdict": ".tests.closed_testing",
    "algebra_name": ".continuous.algebras",
    "axis_rotations": ".ambient_moves",
    "diagnose": ".relation.diagnosis",
    "estimate_partition": ".partitions.partition_tests",
    "family_test": ".tests.closed_testing",
    "group_moves": ".continuous.group_draws",
    "group_shares": ".relation.group_shares",
    "independence_test": ".tests.independence",
    "lie_algebra_test": ".continuous.infinitesimal",
    "mean_partition": ".partitions.partition_tests",
    "monte_carlo_interval": ".tests.sequential",
    "moved_coordinates": ".ambient_moves",
    "named_family": ".tests.families",
    "nearest_algebra": ".continuous.algebras",
    "neuron_unit": ".statistics.searched_particles",
    "orbit_scale": ".statistics.origin",
    "randomisation_p_value": ".tests.p_values",
    "randomisation_test": ".tests.randomisation",
    "regular_unit": ".statistics.searched_particles",
    "relation_family_test": ".relation.relation_family",
    "relation_test": ".relation.relation_test",
    "richest_unit": ".statistics.searched_particles",
    "risk_gap": ".relation.risk_gap",
    "rotation_test": ".continuous.rotations",
    "skew_basis": ".continuous.algebras",
    "subgroup_family": ".tests.families",
    "weight_partition": ".partitions.partition_tests",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
