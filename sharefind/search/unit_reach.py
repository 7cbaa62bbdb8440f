"""What the linear maps of a unit reach under a group, and warnings where networks are constant or blind to inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharefind.errors import setting
from sharefind.groups import Representation, hom
from sharefind.meanfield.units import GatedUnit, SearchedUnit
from sharefind.search.searched_unit import GATED_UNIT
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
        seen = _reached([hom(unit.in_rep, unit.out_rep)], unit.d_in)
        return () if seen else (_line(unit, "sees", 0, unit.d_in, "inputs"),)
    read = [hidden, *([unit.lengths_rep] if isinstance(unit, GatedUnit) else [])]
    seen = _reached([hom(unit.in_rep, hidden)], unit.d_in)
    given = _reached([hom(unit.out_rep, rep) for rep in read], unit.d_out)
    lines = [] if seen == unit.d_in else [_line(unit, "sees", seen, unit.d_in, "inputs")]
    return (*lines, *([] if given == unit.d_out else [_line(unit, "gives", given, unit.d_out, "outputs")]))


def _reached(maps: Sequence[Representation], rows: int) -> int:
    """Dimension of what the images of equivariant maps span together.

    Args:
        maps: Actions on matrices of so many rows.
        rows: Dimension of the space that the maps lead to.
    """
    bases = [basis for action in maps if len(basis := fixed_space(action).orthonormal())]
    columns = [basis.reshape(len(basis), rows, -1).swapaxes(0, 1).reshape(rows, -1) for basis in bases]
    return int(np.linalg.matrix_rank(np.concatenate(columns, axis=1))) if columns else 0


def _line(unit: SearchedUnit, verb: str, reached: int, dim: int, side: str) -> str:
    group, hidden = unit.in_rep.group.name, unit.hidden_rep
    with_hidden = "" if hidden is None else f" with hidden units {hidden.name}"
    is_gated = isinstance(unit, GatedUnit)
    advice = f"another {setting('hidden_rep')}" if is_gated else f"{setting('unit')} {GATED_UNIT}"
    constant = f", so that every network on E^{group} is constant" if reached == 0 else ""
    return (
        f"unit {unit.name}{with_hidden} {verb} {reached} of {dim} independent combinations of the {side} where it "
        f"commutes with {group}{constant}; try {advice}"
    )
