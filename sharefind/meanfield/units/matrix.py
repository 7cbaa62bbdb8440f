"""The matrix unit sigma(W x [+ b]) of Maass & Fontbona 2024, Appendix F, with its closed-form gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sharefind.groups import Representation
from sharefind.meanfield.units.activations import ACTIVATIONS, Activation, activation
from sharefind.meanfield.units.base import OneLayerUnit, PointwiseUnit, Pullback
from sharefind.meanfield.units.equivariance import refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.spaces import ParameterSpace, matrix_space


@dataclass(frozen=True)
class MatrixUnit(OneLayerUnit, PointwiseUnit):
    """sigma*(x, z) = sigma(W x [+ b]), with Z = Hom(X, Y) [+ Y] and M_g (W, b) = (rhohat_g W rho_g^{-1}, rhohat_g b).

    Maass & Fontbona 2024, Appendix F (without the bias). Jointly equivariant exactly when sigma, applied to each
    coordinate, commutes with rhohat: permutations of Y always; signed permutations when sigma is odd.

    Raises:
        UnitError: sigma does not commute with rhohat; the message names the generator.
    """

    in_rep: Representation
    out_rep: Representation
    activation: Activation
    bias: bool
    space: ParameterSpace

    types = ()

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `matrix+bias:tanh`."""
        return f"matrix{'+bias' if self.bias else ''}:{self.activation.name}"

    @property
    def output_activation(self) -> Activation:
        """Sigma, which bounds the outputs."""
        return self.activation

    @property
    def is_odd(self) -> bool:
        """Whether sigma is odd."""
        return self.activation.is_odd

    def __post_init__(self) -> None:
        refuse_unless_pointwise_equivariant(self.out_rep, self.activation, "matrix", "out_rep")

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return sigma(W x + b).

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """
        return self.activation.value(self.inner(x, theta))

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return values and the pull-back of covectors; see `Unit.linearise`.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        values = self.values(x, theta)
        return values, lambda c: self.pull_inner_back(x, self.activation.slope(values) * c.unsqueeze(-1))

    def gain(self, std: float, length2: float | None = None) -> float:
        """Return 2 sigma'(0)^2: the share of a linear signal of whitened inputs; see `SearchedUnit.gain`.

        Args:
            std: Not used.
            length2: Not used.
        """
        slope = self.activation.slope(self.activation.value(torch.zeros(1))).item()
        return 2 * slope**2


def _build(asked: UnitRequest) -> MatrixUnit:
    space = matrix_space(asked.in_rep, asked.out_rep, bias=asked.has_bias)
    return MatrixUnit(asked.in_rep, asked.out_rep, activation(asked.detail), asked.has_bias, space)


MATRIX = UnitKind(
    "matrix",
    _build,
    lambda d_in, d_out, _, has_bias: d_out * (d_in + has_bias),
    details=tuple(sigma.name for sigma in ACTIVATIONS),
    takes_bias=True,
    can_be_exported=True,
)
