"""Units by name: `matrix[+bias][:logistic|:tanh]`, `two-layer[:logistic|:tanh]`, `radial[:algebraic|:gaussian]`."""

from __future__ import annotations

import re

from sharefind.errors import UnitError, quoted, setting
from sharefind.groups import Representation
from sharefind.meanfield.units.activations import activation
from sharefind.meanfield.units.matrix import MatrixUnit
from sharefind.meanfield.units.protocol import PointwiseUnit, SearchedUnit, Unit
from sharefind.meanfield.units.radial import RadialUnit, radial_profile
from sharefind.meanfield.units.two_layer import TwoLayerUnit, two_layer_space
from sharefind.spaces import matrix_space

UNIT_PATTERN = re.compile(r"(?P<kind>matrix|two-layer|radial)(?P<bias>\+bias)?(?::(?P<detail>[a-z]+))?")


def build_unit(
    expression: str, in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None = None
) -> Unit:
    """The unit of an expression.

    Args:
        expression: `matrix` or `matrix+bias`, each optionally with `:logistic` (the default) or `:tanh`; `two-layer`
            (which always has a bias), with the same; `radial`, optionally with `:algebraic` (the default) or
            `:gaussian`.
        in_rep, out_rep: the actions of one group on X and on Y.
        hidden_rep: its action on the hidden space; needed by `two-layer`, taken by no other unit.

    Raises:
        UnitError: the expression names no unit, the hidden representation is missing or not wanted, or the unit is not
            jointly equivariant.
    """
    kind, bias, detail = _parse(expression)
    if kind == "two-layer":
        return _two_layer(detail or "logistic", in_rep, out_rep, hidden_rep)
    if hidden_rep is not None:
        raise UnitError(
            f"unit {quoted(expression)} has no hidden space for {setting('hidden_rep')} {hidden_rep.name}; drop "
            f"{setting('hidden_rep')}, or "
            f"use {setting('unit')} two-layer"
        )
    if kind == "radial":
        return RadialUnit(in_rep, out_rep, radial_profile(detail or "algebraic"), matrix_space(in_rep, out_rep))
    return _matrix(detail or "logistic", bias, in_rep, out_rep)


def build_searched_unit(
    expression: str, in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None = None
) -> SearchedUnit:
    """`build_unit`, for a search: every unit can be searched.

    Raises:
        UnitError: as in `build_unit`.
    """
    unit = build_unit(expression, in_rep, out_rep, hidden_rep)
    if not isinstance(unit, MatrixUnit | TwoLayerUnit | RadialUnit):
        raise UnitError(f"unit {quoted(expression)} cannot be searched; use matrix, matrix+bias, two-layer or radial")
    return unit


def build_pointwise_unit(
    expression: str, in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None = None
) -> PointwiseUnit:
    """`build_unit` where only affine maps and a pointwise sigma will do: `matrix` and `two-layer` expressions.

    Raises:
        UnitError: as in `build_unit`, or the expression names another unit.
    """
    unit = build_unit(expression, in_rep, out_rep, hidden_rep)
    if not isinstance(unit, MatrixUnit | TwoLayerUnit):
        raise UnitError(f"unit {quoted(expression)} cannot be exported; use matrix, matrix+bias or two-layer")
    return unit


def has_hidden_layer(expression: str) -> bool:
    """Whether the unit of an expression needs a hidden representation.

    Raises:
        UnitError: the expression names no unit.
    """
    return _parse(expression)[0] == "two-layer"


def _parse(expression: str) -> tuple[str, bool, str | None]:
    """Kind, whether a bias was asked for, and what stands behind the colon."""
    match = UNIT_PATTERN.fullmatch(expression.strip())
    if match is None or (match["bias"] and match["kind"] != "matrix"):
        raise UnitError(
            f"unit {quoted(expression)} is unknown; use matrix or matrix+bias with :logistic or :tanh behind it, "
            "two-layer with the same, or radial with :algebraic or :gaussian"
        )
    return match["kind"], match["bias"] is not None, match["detail"]


def _matrix(sigma: str, bias: bool, in_rep: Representation, out_rep: Representation) -> MatrixUnit:
    return MatrixUnit(in_rep, out_rep, activation(sigma), bias, matrix_space(in_rep, out_rep, bias=bias))


def _two_layer(
    sigma: str, in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None
) -> TwoLayerUnit:
    if hidden_rep is None:
        raise UnitError("unit two-layer needs the group's action on its hidden space; give one, such as regular")
    space = two_layer_space(in_rep, out_rep, hidden_rep)
    return TwoLayerUnit(in_rep, out_rep, hidden_rep, activation(sigma), space)
