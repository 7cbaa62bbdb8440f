"""The kinds of units, one a line, and units by name, such as `matrix+bias:tanh`, `two-layer` or `radial:gaussian`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

from sharefind.errors import UnitError, quoted, setting
from sharefind.groups import Representation
from sharefind.meanfield.units.base import PointwiseUnit, SearchedUnit, Unit
from sharefind.meanfield.units.deep import DEEP, DEEP_RESIDUAL
from sharefind.meanfield.units.gated import GATED, GATED_TENSORS
from sharefind.meanfield.units.kind import UnitChoice, UnitKind, UnitRequest
from sharefind.meanfield.units.matrix import MATRIX
from sharefind.meanfield.units.radial import RADIAL
from sharefind.meanfield.units.two_layer import TWO_LAYER

OURS = (MATRIX, TWO_LAYER, GATED, GATED_TENSORS, RADIAL, DEEP, DEEP_RESIDUAL)

_kinds = {kind.name: kind for kind in OURS}


def register_unit(kind: UnitKind) -> UnitKind:
    """Add a kind of units, by the name of which searches, exports and reports then know it.

    Call it in the file that defines the kind: a worker process that reads one of its units imports that file.

    Args:
        kind: The kind; an earlier one of the same name is replaced.

    Returns:
        The kind.

    Raises:
        UnitError: The name is one of sharefind's own, or cannot be read in an expression.
    """
    if kind.name in {ours.name for ours in OURS} or not re.fullmatch("[a-z][a-z0-9-]*", kind.name):
        raise UnitError(
            f"unit kind {quoted(kind.name)}: choose another name, of lower-case letters, digits and hyphens"
        )
    _kinds[kind.name] = kind
    return kind


def find_unit(expression: str) -> UnitChoice | None:
    """Return the unit that an expression names, or None; an unknown detail is refused only when the unit is built.

    Args:
        expression: As in `build_unit`.
    """
    match = re.fullmatch(r"(?P<kind>[a-z0-9-]+)(?P<bias>\+bias)?(?::(?P<detail>[a-z]+))?", expression.strip())
    kind = _kinds.get(match["kind"]) if match else None
    if match is None or kind is None:
        return None
    if (match["bias"] and not kind.takes_bias) or (match["detail"] and not kind.details):
        return None
    return UnitChoice(kind, match["bias"] is not None, match["detail"] or "".join(kind.details[:1]))


def read_unit(expression: str) -> UnitChoice:
    """Return the unit that an expression names.

    Args:
        expression: As in `build_unit`.

    Raises:
        UnitError: It names no unit.
    """
    choice = find_unit(expression)
    if choice is None:
        raise UnitError(
            f"unit {quoted(expression)} is unknown; use {', '.join(kind.usage for kind in _kinds.values())}"
        )
    return choice


def can_be_exported(expression: str) -> bool:
    """Return whether the unit of an expression is known and can be exported.

    Args:
        expression: As in `build_unit`.
    """
    choice = find_unit(expression)
    return choice is not None and choice.kind.can_be_exported


def exported_units() -> str:
    """Return the units that can be exported, as words for messages."""
    return _listed(kind for kind in _kinds.values() if kind.can_be_exported)


def build_unit(
    expression: str,
    in_rep: Representation,
    out_rep: Representation,
    hidden_rep: Representation | Sequence[Representation] | None = None,
    types: tuple[int, ...] = (),
) -> Unit:
    """Return the unit of an expression.

    Args:
        expression: `matrix` or `matrix+bias`, each optionally with `:logistic` (the default) or `:tanh`; `two-layer`
            (which always has a bias), `gated` or `gated-tensors`, with the same; `radial`, optionally with `:algebraic`
            (the default) or `:gaussian`; `deep` or `deep-residual`, optionally with `:tanh` (the default), `:logistic`,
            `:relu` or `:gelu`; or the expression of a kind that was registered.
        in_rep: The action of a group on X.
        out_rep: Its action on Y.
        hidden_rep: Its action on the hidden space; kinds with a hidden space need it, other kinds refuse it. The deep
            kinds take the actions on the hidden layers, from the inputs up, or one action for two of them.
        types: Which hidden coordinates form vectors (`sharefind.groups.vector_types`); the finest that the group allows
            where empty.

    Raises:
        UnitError: The expression names no unit, the hidden representation is missing or not wanted, or the unit is not
            jointly equivariant.
    """
    choice = read_unit(expression)
    layers = () if hidden_rep is None or isinstance(hidden_rep, Representation) else tuple(hidden_rep)
    hidden = hidden_rep if isinstance(hidden_rep, Representation) else None
    given = layers if hidden is None else (hidden,)
    if given and not choice.kind.has_hidden:
        raise UnitError(
            f"unit {quoted(expression)} has no hidden space for {setting('hidden_rep')} {given[0].name}; drop "
            f"{setting('hidden_rep')}, or "
            f"use {setting('unit')} two-layer"
        )
    if layers and not choice.kind.has_layers:
        raise UnitError(
            f"unit {quoted(expression)} has one hidden layer, not {len(layers)}; give one action, or use "
            f"{setting('unit')} deep"
        )
    request = UnitRequest(expression, in_rep, out_rep, hidden, choice.has_bias, choice.detail, types, layers)
    return choice.kind.build(request)


def build_searched_unit(
    expression: str, in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None = None
) -> SearchedUnit:
    """Return a unit for a search, as `build_unit`.

    Args:
        expression: As in `build_unit`.
        in_rep: The action of a group on X.
        out_rep: Its action on Y.
        hidden_rep: Its action on the hidden space.

    Raises:
        UnitError: As in `build_unit`, or the kind cannot be searched.
    """
    kind = read_unit(expression).kind
    if kind.has_layers and not kind.can_be_searched:
        raise UnitError(
            f"unit {quoted(expression)} is trained on the group of a finished search: search without "
            f"{setting('unit')}, then give the run to `sharefind train` with {setting('unit')} {kind.name}"
        )
    if not kind.can_be_searched:
        use = _listed(kind for kind in _kinds.values() if kind.can_be_searched)
        raise UnitError(f"unit {quoted(expression)} cannot be searched; use {use}")
    return cast(SearchedUnit, build_unit(expression, in_rep, out_rep, hidden_rep))


def build_pointwise_unit(
    expression: str,
    in_rep: Representation,
    out_rep: Representation,
    hidden_rep: Representation | None = None,
    types: tuple[int, ...] = (),
) -> PointwiseUnit:
    """Return a unit made of affine maps and one activation, as `build_unit`.

    Args:
        expression: As in `build_unit`.
        in_rep: The action of a group on X.
        out_rep: Its action on Y.
        hidden_rep: Its action on the hidden space.
        types: As in `build_unit`.

    Raises:
        UnitError: As in `build_unit`, or the kind cannot be exported.
    """
    unit = build_unit(expression, in_rep, out_rep, hidden_rep, types)
    if not can_be_exported(expression):
        raise UnitError(f"unit {quoted(expression)} cannot be exported; use {exported_units()}")
    return cast(PointwiseUnit, unit)


def _listed(kinds: Iterable[UnitKind]) -> str:
    """Their expressions: a, b or c."""
    return " or ".join(", ".join(name for kind in kinds for name in kind.expressions).rsplit(", ", 1))
