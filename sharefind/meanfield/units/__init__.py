"""Units sigma*: X x Z -> Y, the summands of a shallow network: each proves its joint equivariance when it is built."""

from sharefind.meanfield.units.base import OneLayerUnit, PointwiseUnit, SearchedUnit, Unit
from sharefind.meanfield.units.deep import DeepUnit, deep_space, layer_distances
from sharefind.meanfield.units.gated import GatedUnit, gated_space
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.meanfield.units.matrix import MatrixUnit
from sharefind.meanfield.units.radial import RadialUnit
from sharefind.meanfield.units.registry import (
    build_pointwise_unit,
    build_searched_unit,
    build_unit,
    can_be_exported,
    exported_units,
    find_unit,
    read_unit,
    register_unit,
)
from sharefind.meanfield.units.two_layer import TwoLayerUnit, two_layer_space

__all__ = [
    "DeepUnit",
    "GatedUnit",
    "MatrixUnit",
    "OneLayerUnit",
    "PointwiseUnit",
    "RadialUnit",
    "SearchedUnit",
    "TwoLayerUnit",
    "Unit",
    "UnitKind",
    "UnitRequest",
    "build_pointwise_unit",
    "build_searched_unit",
    "build_unit",
    "can_be_exported",
    "deep_space",
    "exported_units",
    "find_unit",
    "gated_space",
    "layer_distances",
    "read_unit",
    "register_unit",
    "two_layer_space",
]
