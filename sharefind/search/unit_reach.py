"""The reach of the linear maps of a unit under a group, and warnings where networks are constant or blind to inputs."""

from __future__ import annotations

import re

from sharefind.errors import GroupError, setting
from sharefind.groups import CompactGroup, hom, named_group
from sharefind.meanfield.units import GatedUnit, SearchedUnit
from sharefind.search.searched_unit import GATED_UNIT, TENSOR_UNIT, gated_unit, reached
from sharefind.spaces import fixed_space


def reach_warnings(unit: SearchedUnit) -> tuple[str, ...]:
    """Lines where networks on E^G cannot depend on some inputs, or cannot give some outputs.

    Units with a hidden layer of an infinite group and gated units are looked at, and units without one where every
    network is constant. What others cannot see `noise_floor` says after the search.

    Args:
        unit: The unit with the candidate's action.

    Returns:
        A line for the inputs and a line for the outputs, where there is something to say.
    """
    group, hidden = unit.in_rep.group, unit.hidden_rep
    if group.is_finite and not isinstance(unit, GatedUnit):
        return ()
    if hidden is None:
        seen = reached([hom(unit.in_rep, unit.out_rep)], unit.d_in)
        return () if seen else (_line(unit, "sees", 0, unit.d_in, "inputs"),)
    others = (unit.lengths_rep, unit.pairs_rep) if isinstance(unit, GatedUnit) else ()
    read = [hidden, *(rep for rep in others if rep is not None)]
    seen = reached([hom(unit.in_rep, hidden)], unit.d_in)
    given = reached([hom(unit.out_rep, rep) for rep in read], unit.d_out)
    lines = [] if seen == unit.d_in else [_line(unit, "sees", seen, unit.d_in, "inputs")]
    lines += [] if given == unit.d_out else [_line(unit, "gives", given, unit.d_out, "outputs")]
    return (*lines, *([_mirrored_line(group.name)] if _is_mirrored(unit) else []))


def _is_mirrored(unit: SearchedUnit) -> bool:
    """Whether all networks that commute with the rotations of a group SO(n) commute with reflections of space too."""
    try:
        larger = named_group(re.sub(r"SO(?=\d)", "O", unit.in_rep.group.name))
    except GroupError:
        return False
    if larger == unit.in_rep.group or not isinstance(larger, CompactGroup):
        return False
    return fixed_space(unit.space.action.rebuilt(larger)).dim == fixed_space(unit.space.action).dim


def _mirrored_line(group: str) -> str:
    return (
        f"networks with weights shared by {group} commute with reflections of space, too, so that they cannot tell a "
        "left hand from a right one; where labels may depend on that, add a column such as the triple product of three "
        "vectors"
    )


def _line(unit: SearchedUnit, verb: str, reached: int, dim: int, side: str) -> str:
    group, hidden = unit.in_rep.group.name, unit.hidden_rep
    with_hidden = "" if hidden is None else f" with hidden units {hidden.name}"
    is_gated = isinstance(unit, GatedUnit)
    advice = f"try another {setting('hidden_rep')}" if is_gated else f"try {setting('unit')} {GATED_UNIT}"
    if isinstance(unit, GatedUnit) and side == "outputs":
        advice = _advice_on_outputs(unit, advice)
    constant = ", so that every such network is constant" if reached == 0 else ""
    return (
        f"with weights shared by {group}, unit {unit.name}{with_hidden} {verb} {reached} of {dim} independent "
        f"combinations of the {side}{constant}; {advice}"
    )


def _advice_on_outputs(unit: GatedUnit, otherwise: str) -> str:
    """A pseudo-scalar is a product of three vectors, which no unit forms."""
    if unit.pairs_rep is None and gated_unit(unit.in_rep, unit.out_rep) == TENSOR_UNIT:
        return f"try {setting('unit')} {TENSOR_UNIT}"
    return f"{otherwise}, or add a column that changes as they do, such as the triple product of three vectors"
