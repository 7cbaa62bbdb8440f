"""The mean-field theory, usable on its own: units, risks, measures, SGD and gradient flows on clouds of particles."""

from sharefind.meanfield.clouds.actions import JointAction, ParticleAction
from sharefind.meanfield.clouds.chaos import PowerLaw, coupling_distance2, fit_power_law, pair_covariance
from sharefind.meanfield.clouds.energy import energy_distance, energy_to_symmetrisation
from sharefind.meanfield.clouds.entropy import KernelEntropy, entropy_knn, silverman_bandwidth
from sharefind.meanfield.clouds.haar import Estimate, HaarRule, haar_rule, symmetrised_values
from sharefind.meanfield.clouds.measures import dist2, rmd2, rmd2_between, second_moment, symmetrise, w2_squared
from sharefind.meanfield.clouds.models import predict, predict_labels, predict_symmetrised, squared_risk
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.clouds.standardise import Standardisation, standardisation
from sharefind.meanfield.clouds.symmetry_tests import SymmetryTest, is_strongly_invariant, si_test, wi_test
from sharefind.meanfield.dynamics.flow import FlowConfig, FlowPath, flow
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule, build_schedule
from sharefind.meanfield.dynamics.sgd import SGDConfig, Trajectory, gaussian_start, train
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.losses import CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED, Loss, build_loss, huber
from sharefind.meanfield.objectives.optimum import (
    CertifiedOptimum,
    better_particles,
    least_distance,
    least_risk,
    risk_columns,
)
from sharefind.meanfield.objectives.penalties import RIDGE, SMOOTH_NORM, Penalty, build_penalty, smooth_l1
from sharefind.meanfield.objectives.risks import Functional, RegularisedRisk, Risk
from sharefind.meanfield.objectives.schemes import Gradient, Scheme, scheme_gradient, vanilla_gradient
from sharefind.meanfield.objectives.sources import (
    AugmentedSource,
    Batch,
    EpochSource,
    FoldSource,
    FreshSource,
    PermutedCopies,
    RandomisedCopies,
    Source,
)
from sharefind.meanfield.units import (
    DeepUnit,
    GatedUnit,
    MatrixUnit,
    OneLayerUnit,
    PointwiseUnit,
    RadialUnit,
    SearchedUnit,
    TwoLayerUnit,
    Unit,
    UnitKind,
    UnitRequest,
    build_pointwise_unit,
    build_searched_unit,
    build_unit,
    register_unit,
)
from sharefind.meanfield.units.activations import LOGISTIC, TANH, Activation, activation
from sharefind.meanfield.units.invariance import Invariance

__all__ = [
    "CONSTANT",
    "CROSS_ENTROPY",
    "LOGISTIC",
    "LOGISTIC_LOSS",
    "RIDGE",
    "SMOOTH_NORM",
    "SQUARED",
    "TANH",
    "Activation",
    "AugmentedSource",
    "Batch",
    "CertifiedOptimum",
    "DeepUnit",
    "EmpiricalLaw",
    "EpochSource",
    "Estimate",
    "FlowConfig",
    "FlowPath",
    "FoldSource",
    "FreshSource",
    "Functional",
    "GatedUnit",
    "Gradient",
    "HaarRule",
    "Invariance",
    "JointAction",
    "KernelEntropy",
    "Loss",
    "MatrixUnit",
    "OneLayerUnit",
    "ParticleAction",
    "Penalty",
    "PermutedCopies",
    "PointwiseUnit",
    "PowerLaw",
    "Projector",
    "RadialUnit",
    "RandomisedCopies",
    "RegularisedRisk",
    "Risk",
    "SGDConfig",
    "Schedule",
    "Scheme",
    "SearchedUnit",
    "Source",
    "Standardisation",
    "SymmetryTest",
    "Trajectory",
    "TwoLayerUnit",
    "Unit",
    "UnitKind",
    "UnitRequest",
    "activation",
    "better_particles",
    "build_loss",
    "build_penalty",
    "build_pointwise_unit",
    "build_schedule",
    "build_searched_unit",
    "build_unit",
    "coupling_distance2",
    "dist2",
    "energy_distance",
    "energy_to_symmetrisation",
    "entropy_knn",
    "fit_power_law",
    "flow",
    "gaussian_start",
    "haar_rule",
    "huber",
    "is_strongly_invariant",
    "least_distance",
    "least_risk",
    "pair_covariance",
    "predict",
    "predict_labels",
    "predict_symmetrised",
    "register_unit",
    "risk_columns",
    "rmd2",
    "rmd2_between",
    "scheme_gradient",
    "second_moment",
    "si_test",
    "silverman_bandwidth",
    "smooth_l1",
    "squared_risk",
    "standardisation",
    "symmetrise",
    "symmetrised_values",
    "train",
    "vanilla_gradient",
    "w2_squared",
    "wi_test",
]
