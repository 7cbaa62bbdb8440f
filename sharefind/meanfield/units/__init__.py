"""Units sigma*: X x Z -> Y, the summands of a shallow network: each proves its joint equivariance when it is built."""

from sharefind.meanfield.units.build import build_pointwise_unit, build_searched_unit, build_unit, has_hidden_layer
from sharefind.meanfield.units.equivariance import refuse_unless_orthogonal, refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.matrix import MatrixUnit
from sharefind.meanfield.units.protocol import PointwiseUnit, Pullback, SearchedUnit, Unit
from sharefind.meanfield.units.radial import ALGEBRAIC, GAUSSIAN, RadialProfile, RadialUnit
from sharefind.meanfield.units.two_layer import TwoLayerUnit, two_layer_space

__all__ = [
    "ALGEBRAIC",
    "GAUSSIAN",
    "MatrixUnit",
    "PointwiseUnit",
    "Pullback",
    "RadialProfile",
    "RadialUnit",
    "SearchedUnit",
    "TwoLayerUnit",
    "Unit",
    "build_pointwise_unit",
    "build_searched_unit",
    "build_unit",
    "has_hidden_layer",
    "refuse_unless_orthogonal",
    "refuse_unless_pointwise_equivariant",
    "two_layer_space",
]
