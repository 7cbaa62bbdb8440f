"""Units for the particles of a hypothesis, built from its representations; they are the defaults of
tests that train.
"""

from __future__ import annotations

from collections.abc import Callable

from sharefind.groups import Representation, regular, trivial
from sharefind.meanfield.units import Unit, build_unit

UnitFactory = Callable[[Representation, Representation], Unit]
"""Function (rho on X, rhohat on Y) -> unit, for example `functools.partial(build_unit, "matrix+bias:tanh")`."""


def regular_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """Return A tanh(W x + b) with the regular representation on the hidden units, for which E^H is universal.

    Maass & Fontbona 2024, Prop. 5.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.

    Raises:
        RepresentationError: The group is infinite and has no regular representation.
    """
    return build_unit("two-layer:tanh", in_rep, out_rep, regular(in_rep.group))


def neuron_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """Return a tanh(w x + b) with one hidden unit that the group fixes: a neuron of an ordinary network.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.
    """
    return build_unit("two-layer:tanh", in_rep, out_rep, trivial(in_rep.group))


def richest_unit(in_rep: Representation, out_rep: Representation) -> Unit:
    """Return `regular_unit` for finite groups, `neuron_unit` for infinite ones, which have no regular representation.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.
    """
    return (regular_unit if in_rep.group.is_finite else neuron_unit)(in_rep, out_rep)
