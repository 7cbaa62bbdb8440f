"""Which unit a search trains: what the user said, else what the task recommends, with its hidden representation."""

from __future__ import annotations

from sharefind.errors import SpaceError, UnitError
from sharefind.groups import Group, Representation, parse_representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.meanfield.units import SearchedUnit, build_searched_unit, has_hidden_layer

DEFAULT_UNIT = "matrix"


def searched_unit(
    expression: str | None,
    hidden: str | None,
    in_rep: Representation,
    out_rep: Representation,
    limits: Limits = DEFAULT_LIMITS,
) -> SearchedUnit:
    """The unit that is trained.

    Args:
        expression: a unit, `DEFAULT_UNIT` where None. hidden: the representation on its hidden space, `default_hidden`
            where None. in_rep, out_rep: the candidate's actions on X and Y. limits: `dim` bounds dim Z.

    Raises:
        UnitError: the unit is unknown, cannot be searched or is not equivariant, has no hidden space for the
            representation given, or needs one that the group has no default for.
        RepresentationError: the hidden representation cannot be read. SpaceError: dim Z is above the limit.
    """
    name, group = expression or DEFAULT_UNIT, in_rep.group
    if hidden is None and has_hidden_layer(name):
        hidden = default_hidden(group)
    hidden_rep = None if hidden is None else parse_representation(hidden, group, limits)
    refuse_wide(name, in_rep.dim, out_rep.dim, None if hidden_rep is None else hidden_rep.dim, limits)
    return build_searched_unit(name, in_rep, out_rep, hidden_rep)


def refuse_wide(expression: str | None, d_in: int, d_out: int, d_hidden: int | None, limits: Limits) -> None:
    """Refuse a unit with too many parameters before it is built; d_hidden: None where not known, or no such layer.

    Raises:
        SpaceError: dim Z is above the limit. UnitError: the expression names no unit.
    """
    name = expression or DEFAULT_UNIT
    hidden = (d_hidden or 1) * (d_in + d_out + 1)
    dim = hidden if has_hidden_layer(name) else d_out * (d_in + ("+bias" in name))
    if dim > limits.dim:
        raise SpaceError(
            f"unit {name} on inputs of width {d_in} and outputs of width {d_out} has {dim} parameters, above the "
            f"limit of {limits.dim}; use narrower data, or {raise_it('dim', dim)}"
        )


def default_hidden(group: Group) -> str:
    """`regular` for a finite group, with which E^G is universal (Maass & Fontbona 2024, Prop. 5); else `trivial`.

    A pointwise sigma commutes with no continuous rotation, so that an infinite connected group can only fix hidden
    units.

    Raises:
        UnitError: the group has more elements than a hidden layer should have units.
    """
    if group.order is None:
        return "trivial"
    if group.order > MAX_SUBGROUP_ORDER:
        raise UnitError(
            f"--hidden-rep is needed: regular, its default, has one hidden unit for each of the {group.order} elements "
            f"of {group.name}; give a smaller one, such as --hidden-rep natural"
        )
    return "regular"
