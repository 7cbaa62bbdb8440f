"""The units that a choice tries: tied ones, dense ones, and whether the largest is within the limits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sharefind.architectures.deep.choice_settings import USUAL_DEPTH, ChoiceSettings
from sharefind.architectures.deep.rows import DeepRows
from sharefind.errors import ConfigError, setting
from sharefind.groups import Representation, unmoved
from sharefind.limits import Limits, raise_it
from sharefind.meanfield.units import DeepUnit, build_unit


def dense_unit(expression: str, rows: DeepRows, widths: Sequence[int]) -> DeepUnit:
    """Return a deep unit that shares nothing: the trivial group acts on every layer.

    Args:
        expression: Unit expression of a deep kind.
        rows: Rows with the widths of inputs and outputs.
        widths: Widths of the hidden layers.
    """
    reps = [unmoved(width) for width in (rows.in_rep.dim, rows.out_rep.dim, *widths)]
    return deep_unit(expression, reps[0], reps[1], reps[2:])


def deep_unit(
    expression: str, in_rep: Representation, out_rep: Representation, hidden: Sequence[Representation]
) -> DeepUnit:
    """Return a deep unit.

    Args:
        expression: Unit expression of a deep kind.
        in_rep: The action on inputs.
        out_rep: The action on outputs.
        hidden: The actions on hidden layers.

    Raises:
        TypeError: The expression is that of another kind of unit.
    """
    unit = build_unit(expression, in_rep, out_rep, hidden)
    if not isinstance(unit, DeepUnit):
        raise TypeError(f"{expression} is no deep unit")
    return unit


def refuse_wide(rows: DeepRows, settings: ChoiceSettings, limits: Limits) -> None:
    """Refuse the largest network where it is above a limit, before anything is trained.

    Args:
        rows: The rows.
        settings: Widths and depths to try.
        limits: `dim` bounds the numbers of a network.

    Raises:
        ConfigError: The widest and deepest network is above it.
    """
    width, depth = max(*settings.widths, rows.group.order), max(settings.depths, default=USUAL_DEPTH)
    dim = numbers_of(rows, width, depth)
    if dim > limits.dim:
        raise ConfigError(
            f"{depth} hidden layers of width {width} have {dim} parameters, above the limit of {limits.dim}; take a "
            f"smaller {setting('width')}, or {raise_it('dim', dim)}"
        )


def numbers_of(rows: DeepRows, width: int, depth: int) -> int:
    """Return how many numbers a network has, free ones and others.

    Args:
        rows: The rows.
        width: Coordinates of its hidden layers.
        depth: Their number.
    """
    widths = (rows.in_rep.dim, *(width,) * depth, rows.out_rep.dim)
    return sum((below + 1) * above for below, above in pairwise(widths))
