"""A kind of units: how it is written, how one is built, and what others must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sharefind.errors import UnitError
from sharefind.groups import Representation
from sharefind.meanfield.units.base import Unit


@dataclass(frozen=True)
class UnitRequest:
    """The arguments from which a kind builds a unit.

    Attributes:
        expression: The unit's expression, as the user wrote it.
        in_rep: The action of a group on X.
        out_rep: Its action on Y.
        hidden: Its action on the hidden space, for kinds with one.
        has_bias: Whether the expression says `+bias`.
        detail: The word behind the colon, the kind's first where the expression has none.
        types: Which hidden coordinates form vectors, for kinds that ask; empty for the finest that the group allows.
        hidden_layers: Its actions on several hidden layers, from the inputs up, for kinds that take them.
    """

    expression: str
    in_rep: Representation
    out_rep: Representation
    hidden: Representation | None = None
    has_bias: bool = False
    detail: str = ""
    types: tuple[int, ...] = ()
    hidden_layers: tuple[Representation, ...] = ()

    @property
    def kind_name(self) -> str:
        """How the expression begins."""
        return self.expression.strip().partition(":")[0]

    @property
    def hidden_rep(self) -> Representation:
        """The action on the hidden space, of a kind that declares one.

        Raises:
            UnitError: None was given.
        """
        if self.hidden is None:
            raise UnitError(
                f"unit {self.kind_name} needs the group's action on its hidden space; give one, such as regular"
            )
        return self.hidden


@dataclass(frozen=True)
class UnitKind:
    """A line of the registry of units.

    Attributes:
        name: How expressions begin: lower-case letters, digits and hyphens.
        build: Makes a unit, or raises UnitError where it would not be jointly equivariant.
        parameters: dim Z of a unit, from d_in, d_out, the width of the hidden space (1 without one) and whether it has
            a bias.
        details: The words that may stand behind a colon, the default first.
        takes_bias: Whether `+bias` may follow the name.
        has_hidden: Whether a unit needs a representation on a hidden space.
        has_layers: Whether it takes one for each of several hidden layers.
        takes_rotations: Whether units commute with every rotation of Y, so that continuous groups may move Y.
        can_be_searched: Whether units are `SearchedUnit`.
        can_be_exported: Whether units are `PointwiseUnit`, with one of the activations that exports know.
        scales_outputs: Whether sigma is a function of the squared length of W x, which it multiplies.
        has_types: Whether hidden coordinates form vectors and sigma is a function of their lengths.
        has_pairs: Whether vectors are multiplied with their copies in a second half of the hidden space.
        restarts: Number of starts from which networks are trained by default; the best one on held-out rows is kept.
    """

    name: str
    build: Callable[[UnitRequest], Unit]
    parameters: Callable[[int, int, int, bool], int]
    details: tuple[str, ...] = ()
    takes_bias: bool = False
    has_hidden: bool = False
    has_layers: bool = False
    takes_rotations: bool = False
    can_be_searched: bool = True
    can_be_exported: bool = False
    scales_outputs: bool = False
    has_types: bool = False
    has_pairs: bool = False
    restarts: int = 1

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions of the kind, without details."""
        return (self.name, f"{self.name}+bias") if self.takes_bias else (self.name,)

    @property
    def usage(self) -> str:
        """How messages say that it is written."""
        details = " or ".join(f":{word}" for word in self.details)
        return " or ".join(self.expressions) + (f" with {details} behind it" if details else "")


@dataclass(frozen=True)
class UnitChoice:
    """An expression that was read.

    Attributes:
        kind: Its kind.
        has_bias: Whether it says `+bias`.
        detail: The text after the colon, or the default.
    """

    kind: UnitKind
    has_bias: bool
    detail: str

    def dim(self, d_in: int, d_out: int, d_hidden: int = 1) -> int:
        """Return dim Z of the unit.

        Args:
            d_in: Number of inputs.
            d_out: Number of outputs.
            d_hidden: Width of the hidden space, 1 without one.
        """
        return self.kind.parameters(d_in, d_out, d_hidden, self.has_bias)
