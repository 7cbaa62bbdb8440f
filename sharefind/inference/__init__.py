"""Exact tests of symmetries: which of a family of groups does the law of (X, Y) have, and how sure is that?

Usable on its own; what a discovered symmetry is good for is left to `sharefind.search`.
"""

from sharefind.inference.closed_testing import FamilyTest, Verdict, family_test
from sharefind.inference.correlogram import Correlogram
from sharefind.inference.diagnosis import Cause, Diagnosis, RiskGap, diagnose, risk_gap
from sharefind.inference.displacement import CrossDisplacement, Displacement
from sharefind.inference.families import Candidate, CandidateFamily, named_family, subgroup_family
from sharefind.inference.held_out_gap import HeldOutGap
from sharefind.inference.independence import independence_test
from sharefind.inference.infinitesimal import (
    HeldOutLoss,
    LieAlgebraTest,
    SmoothFit,
    algebra_name,
    group_moves,
    lie_algebra_test,
    nearest_algebra,
    skew_basis,
)
from sharefind.inference.input_law import InputLaw
from sharefind.inference.linear_estimates import Estimates
from sharefind.inference.marginal_likelihood import MarginalLikelihood
from sharefind.inference.moves import Moves, SampledMoves, axis_rotations, moved_coordinates
from sharefind.inference.origin import OrbitScale, orbit_scale
from sharefind.inference.p_values import RandomisationTest, randomisation_p_value
from sharefind.inference.particle_units import UnitFactory, neuron_unit, regular_unit, richest_unit
from sharefind.inference.partitions import Partition, estimate_partition, mean_partition, weight_partition
from sharefind.inference.randomisation import Bound, Statistic, randomisation_test
from sharefind.inference.rotations import (
    AngularHarmonics,
    PlaneRotations,
    PlaneVerdict,
    RotationSearch,
    rotation_test,
)
from sharefind.inference.sequential import CopiesDesign, monte_carlo_interval
from sharefind.inference.training import ParticleTraining

__all__ = [
    "AngularHarmonics",
    "Bound",
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
    "HeldOutGap",
    "HeldOutLoss",
    "InputLaw",
    "LieAlgebraTest",
    "MarginalLikelihood",
    "Moves",
    "OrbitScale",
    "ParticleTraining",
    "Partition",
    "PlaneRotations",
    "PlaneVerdict",
    "RandomisationTest",
    "RiskGap",
    "RotationSearch",
    "SampledMoves",
    "SmoothFit",
    "Statistic",
    "UnitFactory",
    "Verdict",
    "algebra_name",
    "axis_rotations",
    "diagnose",
    "estimate_partition",
    "family_test",
    "group_moves",
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
    "richest_unit",
    "risk_gap",
    "rotation_test",
    "skew_basis",
    "subgroup_family",
    "weight_partition",
]
