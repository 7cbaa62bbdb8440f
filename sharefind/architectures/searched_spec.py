"""Makes the specification of E_* at the end of a search, with the group that fixes it written out as exact texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.certificate.group_names import WrongNameError, claim_of, finite_naming
from sharefind.architectures.certificate.stabiliser import rebuild_stabiliser
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import HIDDEN, INPUTS, OUTPUTS, ExactRows, GeneratorPair
from sharefind.column_names import kept_names
from sharefind.errors import ExportError, setting
from sharefind.exact.matrices import rows_of
from sharefind.groups import FiniteGroup, Group, Representation, format_element
from sharefind.meanfield.units import PointwiseUnit
from sharefind.spaces import fixed_space
from sharefind.written import shortened

if TYPE_CHECKING:
    from sharefind.meanfield.clouds.standardise import Standardisation
    from sharefind.search.mirror_parts import MirrorRow
    from sharefind.search.problem import Problem
    from sharefind.search.search_lattice import SearchNode
    from sharefind.search.search_outcome import SearchOutcome


def generator_pairs(
    in_rep: Representation, out_rep: Representation, hidden_rep: Representation | None = None
) -> tuple[GeneratorPair, ...]:
    """Return generators of a group in its representations as exact texts; for an infinite one, of its components.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.
        hidden_rep: Representation on the hidden units, or None.
    """
    reps = [rep for rep in (in_rep, out_rep, hidden_rep) if rep is not None]
    return exact_texts(*(rep.generator_matrices if rep.group.is_finite else rep.discrete for rep in reps))


def exact_texts(*sides: Sequence[DomainMatrix]) -> tuple[GeneratorPair, ...]:
    """Return matrices on inputs, on outputs [and on hidden units], generator by generator, as exact texts.

    Args:
        *sides: The matrices of each space.
    """
    return tuple(GeneratorPair(*map(matrix_text, matrices)) for matrices in zip(*sides, strict=True))


def matrix_text(matrix: DomainMatrix) -> ExactRows:
    """Return a matrix by rows, as exact texts.

    Args:
        matrix: The matrix.
    """
    rows = rows_of(matrix)
    values = {value for row in rows.values() for value in row.values()}
    known = {value: format_element(value, matrix.domain) for value in values}
    return tuple(
        tuple(known[rows[i][j]] if j in rows.get(i, {}) else "0" for j in range(matrix.shape[1]))
        for i in range(matrix.shape[0])
    )


def refuse_open_maps(mirror: MirrorRow | None) -> None:
    """Refuse to write maps if the log does not settle all their images.

    Args:
        mirror: The mirror maps that were found, if any were looked for.

    Raises:
        ExportError: Another image of some column fits as well.
    """
    if mirror is not None and mirror.is_open:
        columns = ", ".join(shortened(name, 40) for side in mirror.open_columns for name in side)
        raise ExportError(
            f"nothing is written: the log does not settle what the maps do to {shortened(columns, 200)}; give more "
            f"rows, or the map that you know with {setting('map')}"
        )


def spec_from_outcome(outcome: SearchOutcome) -> SharingSpec:
    """Return the specification of E_*, with the largest candidate group that fixes it.

    A space outside the candidate's lattice gets the trivial group: nothing more is known to fix it.

    Args:
        outcome: The outcome of the search.

    Raises:
        ExportError: The search is not finished, so that its last space does not hold.
    """
    if not outcome.finished:
        raise ExportError(
            f"the search ended at {outcome.e_star.label}, which does not hold; resume it before an export"
        )
    problem, node = outcome.problem, outcome.e_star
    group_name, group = stabiliser_of(problem, node)
    hidden = problem.unit.hidden_rep
    if isinstance(group, FiniteGroup):
        hidden = hidden and hidden.restrict(group)
    elif group is not None and group is not problem.candidate.group:
        hidden = hidden and hidden.rebuilt(group)
    acting = problem.candidate.group if group is None else group
    reps = [*problem.representations_of(acting), *([] if hidden is None else [hidden])]
    spec = SharingSpec(
        name=f"{problem.task.name}: {node.label}",
        unit=problem.unit.name,
        particles=problem.settings.sgd.particles,
        blocks=problem.space.blocks,
        group_name=group_name,
        group_order=1 if group is None else group.order,
        in_rep=reps[INPUTS].name,
        out_rep=reps[OUTPUTS].name,
        hidden_rep=reps[HIDDEN].name if len(reps) > HIDDEN else None,
        generators=() if group is None else generator_pairs(*reps),
        lie_generators=() if group is None else exact_texts(*(rep.lie for rep in reps)),
        space=node.space,
        change=_change(problem, reps) if group is not None else problem.change,
        classes=kept_names(problem.task.classes, "class "),
        inputs=kept_names(problem.task.inputs, "x"),
        outputs=kept_names(problem.task.outputs, "y"),
        types=problem.unit.types if isinstance(problem.unit, PointwiseUnit) else (),
    )
    return spec if not isinstance(group, FiniteGroup) else _with_known_order(spec)


def _change(problem: Problem, reps: Sequence[Representation]) -> Standardisation:
    """The standardisation; without a candidate its origins are brought to what the group of E_* fixes.

    A search without a candidate has the means of the columns there, which no group need fix.
    """
    change = problem.change
    if problem.lattice is not None:
        return change
    spaces = (fixed_space(reps[INPUTS]), fixed_space(reps[OUTPUTS]))
    origins = zip(spaces, (change.centre, change.shift), strict=True)
    centre, shift = (np.asarray(space.project(origin), dtype=np.float64) for space, origin in origins)
    return replace(change, centre=centre, shift=shift)


def _with_known_order(spec: SharingSpec) -> SharingSpec:
    """The order of what the generators generate, where the name of the group says nothing of its own.

    A group that was given by permutations may act with a kernel, of which a specification keeps no trace.
    """
    claim = claim_of(spec.group_name)
    if claim.order is not None or claim.group is not None:
        return spec
    return replace(spec, group_order=rebuild_stabiliser(spec).reps[INPUTS].group.order)


def stabiliser_of(problem: Problem, node: SearchNode) -> tuple[str, Group | None]:
    """Return the largest group known to fix a node, with its name; None where no group is known.

    Args:
        problem: The search.
        node: A visited node.
    """
    place = problem.lattice_node(node)
    if place is None:
        return "C1", None
    return ("C1", None) if place.group is None else (_unambiguous(place.group_name, place.group), place.group)


def _unambiguous(name: str, group: Group) -> str:
    """A name from a generators file may be one of the catalogue's for another group: "D8" of order 8, "D4" for Q8."""
    claim = claim_of(name)
    if claim.group == group:
        return name
    try:
        if isinstance(group, FiniteGroup) and claim.order in (None, group.order):
            finite_naming(claim, group)
    except WrongNameError:
        return f"{name} (as given)"
    return name if claim.order in (None, group.order) else f"{name} (as given)"
