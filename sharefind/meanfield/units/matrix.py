"""The matrix unit sigma(W x [+ b]) of Maass & Fontbona 2024, Appendix F, with its closed-form gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sharefind.groups import Representation
from sharefind.meanfield.units.activations import Activation
from sharefind.meanfield.units.equivariance import refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.protocol import Pullback
from sharefind.spaces import ParameterSpace


@dataclass(frozen=True)
class MatrixUnit:
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

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `matrix+bias:tanh`."""
        return f"matrix{'+bias' if self.bias else ''}:{self.activation.name}"

    @property
    def d_in(self) -> int:
        """dim X."""
        return self.in_rep.dim

    @property
    def d_out(self) -> int:
        """dim Y."""
        return self.out_rep.dim

    @property
    def output_activation(self) -> Activation:
        """Sigma, which bounds the outputs."""
        return self.activation

    @property
    def hidden_rep(self) -> None:
        """There is no hidden space."""
        return None

    @property
    def width(self) -> int:
        """Numbers that one particle computes for one sample."""
        return self.d_out

    @property
    def is_odd(self) -> bool:
        """Whether sigma is odd."""
        return self.activation.is_odd

    def __post_init__(self) -> None:
        refuse_unless_pointwise_equivariant(self.out_rep, self.activation, "matrix", "out_rep")

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """sigma(W x + b): x (R, B, d_in), theta (R, D, N) -> (R, d_out, B, N)."""
        weight, bias = self._blocks(theta)
        inner = torch.matmul(x.unsqueeze(1), weight)
        if bias is not None:
            inner = inner + bias.unsqueeze(2)
        return self.activation.value(inner)

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Values and the pull-back of covectors; see `Unit.linearise`."""
        values = self.values(x, theta)

        def pullback(covector: Tensor) -> Tensor:
            scaled = self.activation.slope(values) * covector.unsqueeze(-1)
            weight = torch.matmul(x.transpose(1, 2).unsqueeze(1), scaled) / x.shape[1]
            flat = weight.flatten(1, 2)
            return torch.cat([flat, scaled.mean(2)], dim=1) if self.bias else flat

        return values, pullback

    def gain(self, std: float, length2: float | None = None) -> float:
        """2 sigma'(0)^2: the share of a linear signal of whitened inputs; see `PointwiseUnit.gain`."""
        slope = self.activation.slope(self.activation.value(torch.zeros(1))).item()
        return 2 * slope**2

    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """(W matrix, b): sigma(W (matrix x) + b) = sigma((W matrix) x + b); theta and the result (R, D, N)."""
        weight, bias = self._blocks(theta)
        carried = torch.einsum("roin,ij->rojn", weight, matrix.to(theta)).flatten(1, 2)
        return carried if bias is None else torch.cat([carried, bias], dim=1)

    def _blocks(self, theta: Tensor) -> tuple[Tensor, Tensor | None]:
        """theta (R, D, N) -> weight (R, d_out, d_in, N) and bias (R, d_out, N) or None."""
        size = self.d_out * self.d_in
        weight = theta[:, :size].reshape(len(theta), self.d_out, self.d_in, -1)
        return weight, theta[:, size:] if self.bias else None
