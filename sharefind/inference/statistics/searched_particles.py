"""Units for the particles of a hypothesis, built from its representations: what tests train unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable

from sharefind.groups import Representation, regular, trivial
from sharefind.meanfield.units import Unit, build_unit

UnitFactory = Callable[[Representation, Representation], Unit]
"""(rho on X, rhohat on Y) -> the unit; `functools.partial(build_unit, "matrix+bias:tanh")` is one, for example."""


def regular_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """A tanh(W x + b) with the regular representation on the hidden units, so that E^H is universal.

    Maass & Fontbona 2024, Prop. 5. Raises RepresentationError: the group is infinite and has no regular representation.
    """
    return build_unit("two-layer:tanh", in_rep, out_rep, regular(in_rep.group))


def neuron_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """a tanh(w x + b), one hidden unit that the group leaves alone: a neuron of an ordinary network."""
    return build_unit("two-layer:tanh", in_rep, out_rep, trivial(in_rep.group))


def richest_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """`regular_unit` for finite groups; `neuron_unit` for infinite ones, which have no regular representation."""
    return (regular_unit if in_rep.group.is_finite else neuron_unit)(in_rep, out_rep)
