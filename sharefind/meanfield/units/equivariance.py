"""Proofs of joint equivariance: when a function of the coordinates commutes with a group, decided on generators.

Each check names the first generator that breaks the unit and what to do instead.
"""

from __future__ import annotations

from sharefind.errors import UnitError, setting
from sharefind.groups import Representation
from sharefind.meanfield.units.activations import Activation
from sharefind.meanfield.units.invariance import Invariance, first_refused, generator_signs


def refuse_unless_pointwise_equivariant(rep: Representation, sigma: Activation, unit: str, option: str) -> None:
    """Check that sigma, applied to each coordinate, commutes with rep(g) for every generator g.

    A pointwise function that is neither linear nor constant commutes with a matrix only if the matrix is a signed
    permutation, and with a sign only if it is odd: so the check on generators is a proof for the whole group.

    Args:
        rep: The action on the space to which sigma is applied: Y ("out_rep") or the hidden units ("hidden_rep").
        sigma: The activation.
        unit: Name of the unit in the message.
        option: The setting that the message advises to change.

    Raises:
        UnitError: A generator is no signed permutation that commutes with sigma; the message names it.
    """
    name, where = rep.group.name, f"{'Y' if option == 'out_rep' else 'the hidden units'} ({rep.name})"
    if any(not d.is_zero_matrix for d in rep.lie):
        raise UnitError(
            f"the {unit} unit is not equivariant: {name} rotates {where} continuously, and a pointwise "
            f"{sigma.name} commutes with no rotation; use {setting(option)} trivial"
        )
    for place, signs in enumerate(generator_signs(rep)):
        if signs is None:
            raise UnitError(
                f"the {unit} unit is not equivariant: generator {place} of {name} acts on {where} "
                f"by a matrix that is no signed permutation, so a pointwise {sigma.name} does not commute with it; "
                f"use {setting(option)} trivial"
            )
        if not sigma.is_odd and min(signs, default=1) < 0:
            raise UnitError(
                f"the {sigma.name} unit is not equivariant: generator {place} of {name} changes signs "
                f"on {where} and {sigma.name} is not odd; use {setting('unit')} {unit}:tanh or {setting(option)} "
                "trivial"
            )


def refuse_unless_orthogonal(
    rep: Representation,
    unit: str,
    where: str = "Y",
    advice: str = "change coordinates of Y by the square root of the invariant inner product",
) -> None:
    """Check that every rep(g) is orthogonal, so that it commutes with functions u s(|u|^2) of a vector u.

    Args:
        rep: The action on the space of these vectors.
        unit: Name of the unit in the message.
        where: Name of the space in the message.
        advice: The remedy in the message.

    Raises:
        UnitError: A generator changes lengths; the message names it.
    """
    culprit = first_refused(rep, Invariance.ORTHOGONAL)
    if culprit is not None:
        raise UnitError(
            f"the {unit} unit is not equivariant: {culprit} acts on {where} ({rep.name}) by a matrix that changes "
            f"lengths; {advice}"
        )
