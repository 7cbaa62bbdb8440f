"""The mean-field theory, usable on its own: units, models, measures, schemes and SGD on clouds of particles."""

from sharefind.meanfield.actions import JointAction, ParticleAction
from sharefind.meanfield.activations import LOGISTIC, TANH, Activation, activation
from sharefind.meanfield.measures import (
    dist2,
    rmd2,
    rmd2_between,
    second_moment,
    symmetrise,
    w2_squared,
)
from sharefind.meanfield.models import predict, predict_symmetrised, squared_risk
from sharefind.meanfield.projection import Projector
from sharefind.meanfield.schemes import Gradient, Scheme, scheme_gradient
from sharefind.meanfield.sgd import SGDConfig, Trajectory, gaussian_start, train
from sharefind.meanfield.sources import (
    AugmentedSource,
    Batch,
    EpochSource,
    FoldSource,
    FreshSource,
    PermutedCopies,
    RandomisedCopies,
    Source,
)
from sharefind.meanfield.standardise import Standardisation, standardisation
from sharefind.meanfield.units import MatrixUnit, Unit, build_unit

__all__ = [
    "LOGISTIC",
    "TANH",
    "Activation",
    "AugmentedSource",
    "Batch",
    "EpochSource",
    "FoldSource",
    "FreshSource",
    "Gradient",
    "JointAction",
    "MatrixUnit",
    "ParticleAction",
    "PermutedCopies",
    "Projector",
    "RandomisedCopies",
    "SGDConfig",
    "Scheme",
    "Source",
    "Standardisation",
    "Trajectory",
    "Unit",
    "activation",
    "build_unit",
    "dist2",
    "gaussian_start",
    "predict",
    "predict_symmetrised",
    "rmd2",
    "rmd2_between",
    "scheme_gradient",
    "second_moment",
    "squared_risk",
    "standardisation",
    "symmetrise",
    "train",
    "w2_squared",
]
