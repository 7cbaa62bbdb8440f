"""Classes of linear maps under which a loss or a penalty is invariant, decided exactly on a group's generators."""

from __future__ import annotations

from enum import Enum

from sharefind.errors import UnitError
from sharefind.exact.matrices import as_signed_permutation, is_orthogonal_matrix
from sharefind.groups import Representation


class Invariance(Enum):
    """The largest class of linear maps under which a function of a vector is invariant.

    Attributes:
        ORTHOGONAL: All orthogonal matrices.
        SIGNED_PERMUTATION: Permutations with signs.
        PERMUTATION: Permutations.
    """

    ORTHOGONAL = "orthogonal matrices"
    SIGNED_PERMUTATION = "permutations with signs"
    PERMUTATION = "permutations"


def first_refused(rep: Representation, invariance: Invariance) -> str | None:
    """Return the first generator of a representation outside the class, such as "generator 1 of B2"; None where all lie
    inside.

    Each class is a group, so that the check on generators is a proof for every element.

    Args:
        rep: The representation.
        invariance: The class.
    """
    name = rep.group.name
    if invariance is Invariance.ORTHOGONAL:
        if rep.is_orthogonal:
            return None
        images = rep.matrices if rep.matrices is not None else rep.discrete
        bad = [place for place, matrix in enumerate(images) if not is_orthogonal_matrix(matrix)]
        return f"generator {bad[0]} of {name}" if bad else f"the Lie algebra of {name}"
    if any(not d.is_zero_matrix for d in rep.lie):
        return f"the Lie algebra of {name}"
    lowest = 1 if invariance is Invariance.PERMUTATION else -1
    for place, signs in enumerate(generator_signs(rep)):
        if signs is None or min(signs, default=1) < lowest:
            return f"generator {place} of {name}"
    return None


def refuse_unless_invariant(rep: Representation, invariance: Invariance, what: str, where: str, advice: str) -> None:
    """Check that a representation lies inside the class under which a function is invariant.

    Args:
        rep: The action on the space of the function.
        invariance: The class.
        what: Name of the function in messages, such as "ridge penalty".
        where: Name of the space in messages.
        advice: The remedy in messages.

    Raises:
        UnitError: A generator acts by another map; the message names it.
    """
    culprit = first_refused(rep, invariance)
    if culprit is not None:
        raise UnitError(
            f"the {what} is not invariant: {culprit} acts on {where} by another map, and the {what.split()[-1]} allows "
            f"{invariance.value} only; {advice}"
        )


def generator_signs(rep: Representation) -> list[list[int] | None]:
    """Return the signs of each generator (of the discrete part for an infinite group), None where it is no signed
    permutation.

    Args:
        rep: The representation.
    """
    if rep.signs is not None:
        return [[int(s) for s in row] for row in rep.signs]
    images = [as_signed_permutation(m) for m in (rep.matrices if rep.matrices is not None else rep.discrete)]
    return [None if image is None else [int(s) for s in image[1]] for image in images]
