"""The radial unit z x s(|z x|^2), equivariant under any orthogonal action on Y, rotations included.

It is the smallest member of the family of `gated`: one layer, whose output is a single vector gated by its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sharefind.groups import Representation
from sharefind.meanfield.units.activations import Activation, by_name
from sharefind.meanfield.units.base import OneLayerUnit, PointwiseUnit, Pullback
from sharefind.meanfield.units.equivariance import refuse_unless_orthogonal
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.meanfield.units.length_gates import LengthGates
from sharefind.spaces import ParameterSpace, matrix_space

ALGEBRAIC = Activation("algebraic", 0.0, 1.0, False, lambda t: (1 + t).rsqrt(), lambda s: -(s**3) / 2)
"""s(t) = (1 + t)^{-1/2}: a bounded radial sigmoid, |sigma*| < 1."""

GAUSSIAN = Activation("gaussian", 0.0, 1.0, False, lambda t: torch.exp(-t / 2), lambda s: -s / 2)
"""s(t) = exp(-t / 2): |sigma*| is bounded by exp(-1/2), and vanishes far out."""


@dataclass(frozen=True)
class RadialUnit(OneLayerUnit, PointwiseUnit):
    """sigma*(x, z) = z x s(|z x|^2), with Z = Hom(X, Y) and M_g z = rhohat_g z rho_g^{-1}.

    Jointly equivariant exactly when rhohat is orthogonal: then |rhohat_g u| = |u|.

    Raises:
        UnitError: rhohat is not orthogonal; the message names the generator.
    """

    in_rep: Representation
    out_rep: Representation
    activation: Activation
    space: ParameterSpace

    types = ()
    bias = False
    is_odd = True

    @cached_property
    def gates(self) -> LengthGates:
        """All of Y as one vector."""
        return LengthGates((1,) * self.d_out)

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `radial:algebraic`."""
        return f"radial:{self.activation.name}"

    def __post_init__(self) -> None:
        refuse_unless_orthogonal(self.out_rep, "radial")

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return u s(|u|^2) with u = z x.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """
        u = self.inner(x, theta)
        return u * self.gates.spread(self.activation.value(self.gates.sums(u**2)))

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return values and the pull-back of covectors; see `Unit.linearise`.

        The derivative of u s(|u|^2) is symmetric: c -> s c + 2 s' <u, c> u.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        u = self.inner(x, theta)
        s = self.activation.value(self.gates.sums(u**2))
        scale = self.gates.spread(s)

        def pullback(covector: Tensor) -> Tensor:
            c = covector.unsqueeze(-1)
            along = 2 * self.activation.slope(s) * self.gates.sums(u * c)
            return self.pull_inner_back(x, scale * c + self.gates.spread(along) * u)

        return u * scale, pullback

    def gain(self, std: float, length2: float | None = None) -> float:
        """Return 2 s(0)^2 E|x|^2 / dim X: the share of a linear signal, largest near z = 0; see `SearchedUnit.gain`.

        Args:
            std: Not used.
            length2: E|x|^2; by default that of whitened inputs, dim X.
        """
        spread = 1.0 if length2 is None else length2 / self.d_in
        return 2 * spread * float(self.activation.value(torch.zeros(1)).item()) ** 2


def _build(asked: UnitRequest) -> RadialUnit:
    sigma = by_name((ALGEBRAIC, GAUSSIAN), asked.detail, "radial profile")
    return RadialUnit(asked.in_rep, asked.out_rep, sigma, matrix_space(asked.in_rep, asked.out_rep))


RADIAL = UnitKind(
    "radial",
    _build,
    lambda d_in, d_out, _, has_bias: d_out * d_in,
    details=(ALGEBRAIC.name, GAUSSIAN.name),
    takes_rotations=True,
    can_be_exported=True,
    scales_outputs=True,
)
