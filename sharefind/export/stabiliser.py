"""The stabiliser of a specification rebuilt from its generators alone: matrices, group and representations.

Names and orders in a specification are claims; what is proven about them is decided in `certificate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy.polys.matrices import DomainMatrix

from sharefind.errors import ExportError
from sharefind.export.spec import SharingSpec
from sharefind.groups import CompactGroup, FiniteGroup, Representation, exact_domain, exact_matrix, trivial
from sharefind.groups.given import unchecked
from sharefind.groups.group import MAX_ORDER
from sharefind.groups.matrices import direct_sum, identity_matrix, is_orthogonal_matrix
from sharefind.groups.orbits import orbit_action

ExactPair = tuple[DomainMatrix, DomainMatrix]
"""One generator on inputs and on outputs, over one field."""


@dataclass(frozen=True, eq=False)
class Stabiliser:
    """What fixes a space.

    pairs, lie: exact generators, all over one field.
    in_rep, out_rep: the same as representations of the group that they generate on R^(d_in + d_out), an image
    of the one that is named.
    """

    pairs: tuple[ExactPair, ...]
    lie: tuple[ExactPair, ...]
    in_rep: Representation
    out_rep: Representation


def rebuild_stabiliser(spec: SharingSpec) -> Stabiliser:
    """The stabiliser of a specification.

    Raises:
        ExportError: a generator is not orthogonal, or those of a finite group generate an infinite one or
            one too large to list.
    """
    every = [*spec.generators, *spec.lie_generators]
    matrices = [rows for pair in every for rows in (pair.on_inputs, pair.on_outputs)]
    field = exact_domain({entry for rows in matrices for row in rows for entry in row})
    exact = [(exact_matrix(p.on_inputs, field), exact_matrix(p.on_outputs, field)) for p in every]
    pairs, lie = tuple(exact[: len(spec.generators)]), tuple(exact[len(spec.generators) :])
    _refuse_unless_orthogonal(spec, pairs, lie)
    reps = _finite(spec, pairs) if spec.group_order is not None else _infinite(spec, pairs, lie)
    return Stabiliser(pairs, lie, *reps)


def refusal(what: str) -> ExportError:
    """An export refused because a claim of its specification does not hold."""
    return ExportError(f"{what}; nothing is exported, run the search again or correct the specification")


def _refuse_unless_orthogonal(spec: SharingSpec, pairs: Sequence[ExactPair], lie: Sequence[ExactPair]) -> None:
    for position, pair in enumerate(pairs):
        if not all(is_orthogonal_matrix(m) for m in pair):
            raise refusal(f"generator {position} of {spec.group_name} is not orthogonal")
    for position, pair in enumerate(lie):
        if not all((m + m.transpose()).is_zero_matrix for m in pair):
            raise refusal(f"Lie generator {position} of {spec.group_name} is not skew")


def _finite(spec: SharingSpec, pairs: Sequence[ExactPair]) -> tuple[Representation, Representation]:
    kept = [pair for pair in pairs if not all(m == identity_matrix(m.shape[0], m.domain) for m in pair)]
    if not kept:
        nobody = FiniteGroup("C1", 1, ())
        return trivial(nobody, spec.d_in), trivial(nobody, spec.d_out)
    action = orbit_action([direct_sum(*pair) for pair in kept], MAX_ORDER)
    if action is None:
        raise refusal(f"the generators of {spec.group_name} generate an infinite group or one too large to check")
    group = FiniteGroup(spec.group_name, action.degree, tuple(tuple(map(int, perm)) for perm in action.perms))
    ins, outs = ([pair[side] for pair in kept] for side in (0, 1))
    return unchecked(group, ins, spec.in_rep), unchecked(group, outs, spec.out_rep)


def _infinite(
    spec: SharingSpec, pairs: Sequence[ExactPair], lie: Sequence[ExactPair]
) -> tuple[Representation, Representation]:
    algebra, discrete = ([tuple(pair[side] for pair in every) for side in (0, 1)] for every in (lie, pairs))
    group = CompactGroup(spec.group_name, spec.d_in, algebra[0], discrete[0])
    in_rep = Representation(group, spec.d_in, spec.in_rep, "matrix", lie=algebra[0], discrete=discrete[0])
    out_rep = Representation(group, spec.d_out, spec.out_rep, "matrix", lie=algebra[1], discrete=discrete[1])
    return in_rep, out_rep
