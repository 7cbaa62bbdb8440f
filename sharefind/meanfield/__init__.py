"""The mean-field theory, usable on its own: units, risks, measures, SGD and gradient flows on clouds of particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.meanfield.clouds.actions import JointAction as JointAction
    from sharefind.meanfield.clouds.actions import ParticleAction as ParticleAction
    from sharefind.meanfield.clouds.chaos import PowerLaw as PowerLaw
    from sharefind.meanfield.clouds.chaos import coupling_distance2 as coupling_distance2
    from sharefind.meanfield.clouds.chaos import fit_power_law as fit_power_law
    from sharefind.meanfield.clouds.chaos import pair_covariance as pair_covariance
    from sharefind.meanfield.clouds.energy import energy_distance as energy_distance
    from sharefind.meanfield.clouds.energy import energy_to_symmetrisation as energy_to_symmetrisation
    from sharefind.meanfield.clouds.entropy import KernelEntropy as KernelEntropy
    from sharefind.meanfield.clouds.entropy import entropy_knn as entropy_knn
    from sharefind.meanfield.clouds.entropy import silverman_bandwidth as silverman_bandwidth
    from sharefind.meanfield.clouds.haar import Estimate as Estimate
    from sharefind.meanfield.clouds.haar import HaarRule as HaarRule
    from sharefind.meanfield.clouds.haar import haar_rule as haar_rule
    from sharefind.meanfield.clouds.haar import symmetrised_values as symmetrised_values
    from sharefind.meanfield.clouds.measures import dist2 as dist2
    from sharefind.meanfield.clouds.measures import rmd2 as rmd2
    from sharefind.meanfield.clouds.measures import rmd2_between as rmd2_between
    from sharefind.meanfield.clouds.measures import second_moment as second_moment
    from sharefind.meanfield.clouds.measures import symmetrise as symmetrise
    from sharefind.meanfield.clouds.measures import w2_squared as w2_squared
    from sharefind.meanfield.clouds.models import predict as predict
    from sharefind.meanfield.clouds.models import predict_labels as predict_labels
    from sharefind.meanfield.clouds.models import predict_symmetrised as predict_symmetrised
    from sharefind.meanfield.clouds.models import squared_risk as squared_risk
    from sharefind.meanfield.clouds.projection import Projector as Projector
    from sharefind.meanfield.clouds.standardise import Standardisation as Standardisation
    from sharefind.meanfield.clouds.standardise import standardisation as standardisation
    from sharefind.meanfield.clouds.symmetry_tests import SymmetryTest as SymmetryTest
    from sharefind.meanfield.clouds.symmetry_tests import is_strongly_invariant as is_strongly_invariant
    from sharefind.meanfield.clouds.symmetry_tests import si_test as si_test
    from sharefind.meanfield.clouds.symmetry_tests import wi_test as wi_test
    from sharefind.meanfield.dynamics.flow import FlowConfig as FlowConfig
    from sharefind.meanfield.dynamics.flow import FlowPath as FlowPath
    from sharefind.meanfield.dynamics.flow import flow as flow
    from sharefind.meanfield.dynamics.schedules import CONSTANT as CONSTANT
    from sharefind.meanfield.dynamics.schedules import Schedule as Schedule
    from sharefind.meanfield.dynamics.schedules import build_schedule as build_schedule
    from sharefind.meanfield.dynamics.sgd import SGDConfig as SGDConfig
    from sharefind.meanfield.dynamics.sgd import Trajectory as Trajectory
    from sharefind.meanfield.dynamics.sgd import gaussian_start as gaussian_start
    from sharefind.meanfield.dynamics.sgd import train as train
    from sharefind.meanfield.objectives.laws import EmpiricalLaw as EmpiricalLaw
    from sharefind.meanfield.objectives.losses import CROSS_ENTROPY as CROSS_ENTROPY
    from sharefind.meanfield.objectives.losses import LOGISTIC_LOSS as LOGISTIC_LOSS
    from sharefind.meanfield.objectives.losses import SQUARED as SQUARED
    from sharefind.meanfield.objectives.losses import Loss as Loss
    from sharefind.meanfield.objectives.losses import build_loss as build_loss
    from sharefind.meanfield.objectives.losses import huber as huber
    from sharefind.meanfield.objectives.optimum import CertifiedOptimum as CertifiedOptimum
    from sharefind.meanfield.objectives.optimum import better_particles as better_particles
    from sharefind.meanfield.objectives.optimum import least_distance as least_distance
    from sharefind.meanfield.objectives.optimum import least_risk as least_risk
    from sharefind.meanfield.objectives.optimum import risk_columns as risk_columns
    from sharefind.meanfield.objectives.penalties import RIDGE as RIDGE
    from sharefind.meanfield.objectives.penalties import SMOOTH_NORM as SMOOTH_NORM
    from sharefind.meanfield.objectives.penalties import Penalty as Penalty
    from sharefind.meanfield.objectives.penalties import build_penalty as build_penalty
    from sharefind.meanfield.objectives.penalties import smooth_l1 as smooth_l1
    from sharefind.meanfield.objectives.risks import Functional as Functional
    from sharefind.meanfield.objectives.risks import RegularisedRisk as RegularisedRisk
    from sharefind.meanfield.objectives.risks import Risk as Risk
    from sharefind.meanfield.objectives.schemes import Gradient as Gradient
    from sharefind.meanfield.objectives.schemes import Scheme as Scheme
    from sharefind.meanfield.objectives.schemes import scheme_gradient as scheme_gradient
    from sharefind.meanfield.objectives.schemes import vanilla_gradient as vanilla_gradient
    from sharefind.meanfield.objectives.sources import AugmentedSource as AugmentedSource
    from sharefind.meanfield.objectives.sources import Batch as Batch
    from sharefind.meanfield.objectives.sources import EpochSource as EpochSource
    from sharefind.meanfield.objectives.sources import FoldSource as FoldSource
    from sharefind.meanfield.objectives.sources import FreshSource as FreshSource
    from sharefind.meanfield.objectives.sources import PermutedCopies as PermutedCopies
    from sharefind.meanfield.objectives.sources import RandomisedCopies as RandomisedCopies
    from sharefind.meanfield.objectives.sources import Source as Source
    from sharefind.meanfield.units import DeepUnit as DeepUnit
    from sharefind.meanfield.units import GatedUnit as GatedUnit
    from sharefind.meanfield.units import MatrixUnit as MatrixUnit
    from sharefind.meanfield.units import OneLayerUnit as OneLayerUnit
    from sharefind.meanfield.units import PointwiseUnit as PointwiseUnit
    from sharefind.meanfield.units import RadialUnit as RadialUnit
    from sharefind.meanfield.units import SearchedUnit as SearchedUnit
    from sharefind.meanfield.units import TwoLayerUnit as TwoLayerUnit
    from sharefind.meanfield.units import Unit as Unit
    from sharefind.meanfield.units import UnitKind as UnitKind
    from sharefind.meanfield.units import UnitRequest as UnitRequest
    from sharefind.meanfield.units import build_pointwise_unit as build_pointwise_unit
    from sharefind.meanfield.units import build_searched_unit as build_searched_unit
    from sharefind.meanfield.units import build_unit as build_unit
    from sharefind.meanfield.units import register_unit as register_unit
    from sharefind.meanfield.units.activations import LOGISTIC as LOGISTIC
    from sharefind.meanfield.units.activations import TANH as TANH
    from sharefind.meanfield.units.activations import Activation as Activation
    from sharefind.meanfield.units.activations import activation as activation
    from sharefind.meanfield.units.invariance import Invariance as Invariance

OFFERED = {
    "Activation": ".units.activations",
    "AugmentedSource": ".objectives.sources",
    "Batch": ".objectives.sources",
    "CONSTANT": ".dynamics.schedules",
    "CROSS_ENTROPY": ".objectives.losses",
    "CertifiedOptimum": ".objectives.optimum",
    "DeepUnit": ".units",
    "EmpiricalLaw": ".objectives.laws",
    "EpochSource": ".objectives.sources",
    "Estimate": ".clouds.haar",
    "FlowConfig": ".dynamics.flow",
    "FlowPath": ".dynamics.flow",
    "FoldSource": ".objectives.sources",
    "FreshSource": ".objectives.sources",
    "Functional": ".objectives.risks",
    "GatedUnit": ".units",
    "Gradient": ".objectives.schemes",
    "HaarRule": ".clouds.haar",
    "Invariance": ".units.invariance",
    "JointAction": ".clouds.actions",
    "KernelEntropy": ".clouds.entropy",
    "LOGISTIC": ".units.activations",
    "LOGISTIC_LOSS": ".objectives.losses",
    "Loss": ".objectives.losses",
    "MatrixUnit": ".units",
    "OneLayerUnit": ".units",
    "ParticleAction": ".clouds.actions",
    "Penalty": ".objectives.penalties",
    "PermutedCopies": ".objectives.sources",
    "PointwiseUnit": ".units",
    "PowerLaw": ".clouds.chaos",
    "Projector": ".clouds.projection",
    "RIDGE": ".objectives.penalties",
    "RadialUnit": ".units",
    "RandomisedCopies": ".objectives.sources",
    "RegularisedRisk": ".objectives.risks",
    "Risk": ".objectives.risks",
    "SGDConfig": ".dynamics.sgd",
    "SMOOTH_NORM": ".objectives.penalties",
    "SQUARED": ".objectives.losses",
    "Schedule": ".dynamics.schedules",
    "Scheme": ".objectives.schemes",
    "SearchedUnit": ".units",
    "Source": ".objectives.sources",
    "Standardisation": ".clouds.standardise",
    "SymmetryTest": ".clouds.symmetry_tests",
    "TANH": ".units.activations",
    "Trajectory": ".dynamics.sgd",
    "TwoLayerUnit": ".units",
    "Unit": ".units",
    "UnitKind": ".units",
    "UnitRequest": ".units",
    "activation": ".units.activations",
    "better_particles": ".objectives.optimum",
    "build_loss": ".objectives.losses",
    "build_penalty": ".objectives.penalties",
    "build_pointwise_unit": ".units",
    "build_schedule": ".dynamics.schedules",
    "build_searched_unit": ".units",
    "build_unit": ".units",
    "coupling_distance2": ".clouds.chaos",
    "dist2": ".clouds.measures",
    "energy_distance": ".clouds.energy",
    "energy_to_symmetrisation": ".clouds.energy",
    "entropy_knn": ".clouds.entropy",
    "fit_power_law": ".clouds.chaos",
    "flow": ".dynamics.flow",
    "gaussian_start": ".dynamics.sgd",
    "haar_rule": ".clouds.haar",
    "huber": ".objectives.losses",
    "is_strongly_invariant": ".clouds.symmetry_tests",
    "least_distance": ".objectives.optimum",
    "least_risk": ".objectives.optimum",
    "pair_covariance": ".clouds.chaos",
    "predict": ".clouds.models",
    "predict_labels": ".clouds.models",
    "predict_symmetrised": ".clouds.models",
    "register_unit": ".units",
    "risk_columns": ".objectives.optimum",
    "rmd2": ".clouds.measures",
    "rmd2_between": ".clouds.measures",
    "scheme_gradient": ".objectives.schemes",
    "second_moment": ".clouds.measures",
    "si_test": ".clouds.symmetry_tests",
    "silverman_bandwidth": ".clouds.entropy",
    "smooth_l1": ".objectives.penalties",
    "squared_risk": ".clouds.models",
    "standardisation": ".clouds.standardise",
    "symmetrise": ".clouds.measures",
    "symmetrised_values": ".clouds.haar",
    "train": ".dynamics.sgd",
    "vanilla_gradient": ".objectives.schemes",
    "w2_squared": ".clouds.measures",
    "wi_test": ".clouds.symmetry_tests",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
