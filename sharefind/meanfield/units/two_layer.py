"""The two-layer unit A sigma(W x + b), whose hidden representation decides how rich its fixed space E^G is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import Representation, hom
from sharefind.meanfield.units.activations import ACTIVATIONS, Activation, activation
from sharefind.meanfield.units.base import PointwiseUnit, Pullback
from sharefind.meanfield.units.equivariance import refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.spaces import Block, ParameterSpace


def two_layer_space(in_rep: Representation, out_rep: Representation, hidden_rep: Representation) -> ParameterSpace:
    """Return the parameters Z = Hom(H, Y) + Hom(X, H) + H: blocks output (d_out, h), weight (h, d_in) and bias (h,).

    M_g (A, W, b) = (rhohat_g A eta_g^{-1}, eta_g W rho_g^{-1}, eta_g b), with eta the action on the hidden space H.

    Args:
        in_rep: Representation rho on the inputs.
        out_rep: Representation rhohat on the outputs.
        hidden_rep: Representation eta on H.
    """
    blocks = (
        Block("output", (out_rep.dim, hidden_rep.dim)),
        Block("weight", (hidden_rep.dim, in_rep.dim)),
        Block("bias", (hidden_rep.dim,)),
    )
    return ParameterSpace(blocks, hom(out_rep, hidden_rep) + hom(hidden_rep, in_rep) + hidden_rep)


@dataclass(frozen=True)
class TwoLayerUnit(PointwiseUnit):
    """sigma*(x, z) = A sigma(W x + b), z = (A, W, b), with a hidden space H on which the group acts by eta.

    Jointly equivariant exactly when sigma, applied to each hidden coordinate, commutes with eta: permutations always,
    signed permutations when sigma is odd. Y may carry any representation, for A is linear. With eta the regular
    representation, {Phi_mu: mu(E^G) = 1} is universal on equivariant functions (Maass & Fontbona 2024, Prop. 5;
    Ravanbakhsh 2020, "Universal equivariant multilayer perceptrons").

    Raises:
        UnitError: sigma does not commute with eta; the message names the generator.
    """

    in_rep: Representation
    out_rep: Representation
    hidden_rep: Representation
    activation: Activation
    space: ParameterSpace

    types = ()

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `two-layer:tanh`; the hidden representation is apart."""
        return f"two-layer:{self.activation.name}"

    @property
    def d_hidden(self) -> int:
        """dim H."""
        return self.hidden_rep.dim

    @property
    def width(self) -> int:
        """Numbers that one particle computes for one sample, in its widest layer."""
        return max(self.d_hidden, self.d_out)

    @property
    def is_odd(self) -> bool:
        """Whether sigma is odd."""
        return self.activation.is_odd

    def __post_init__(self) -> None:
        refuse_unless_pointwise_equivariant(self.hidden_rep, self.activation, "two-layer", "hidden_rep")

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return A sigma(W x + b).

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """
        output, weight, bias = self._blocks(theta)
        return torch.einsum("rohn,rhbn->robn", output, self._hidden(x, weight, bias))

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return values and the pull-back of covectors; see `Unit.linearise`.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        output, weight, bias = self._blocks(theta)
        hidden = self._hidden(x, weight, bias)
        values = torch.einsum("rohn,rhbn->robn", output, hidden)

        def pullback(covector: Tensor) -> Tensor:
            batch = x.shape[1]
            on_output = torch.einsum("rob,rhbn->rohn", covector, hidden) / batch
            inner = torch.einsum("rohn,rob->rhbn", output, covector) * self.activation.slope(hidden)
            on_weight = torch.matmul(x.transpose(1, 2).unsqueeze(1), inner) / batch
            return torch.cat([on_output.flatten(1, 2), on_weight.flatten(1, 2), inner.mean(2)], dim=1)

        return values, pullback

    def gain(self, std: float, length2: float | None = None) -> float:
        """Return 2 E k(x, x), k the tangent kernel of one output at N(0, std^2 I); see `SearchedUnit.gain`.

        k(x, x) = |sigma(u)|^2 + sum_j A_j^2 sigma'(u_j)^2 (|x|^2 + 1), u = W x + b. The largest eigenvalue of the
        kernel is at most E k(x, x), so that steps up to 1 / gain are stable at the start.

        Args:
            std: Standard deviation of the particles.
            length2: E|x|^2; by default that of whitened inputs, dim X.
        """
        inputs = (self.d_in if length2 is None else length2) + 1.0
        values, slopes = _mean_squares(self.activation, std**2 * inputs)
        return 2 * self.d_hidden * (values + std**2 * slopes * inputs)

    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Return (A, W matrix, b), which computes A sigma(W (matrix x) + b) at x.

        Args:
            theta: Particles, shape (R, D, N).
            matrix: Shape (d_in, d_in).

        Returns:
            Shape (R, D, N).
        """
        output, weight, bias = self._blocks(theta)
        carried = torch.einsum("rhin,ij->rhjn", weight, matrix.to(theta))
        return torch.cat([output.flatten(1, 2), carried.flatten(1, 2), bias], dim=1)

    def _hidden(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """sigma(W x + b): (R, h, B, N)."""
        return self.activation.value(torch.matmul(x.unsqueeze(1), weight) + bias.unsqueeze(2))

    def _blocks(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """theta (R, D, N) -> A (R, d_out, h, N), W (R, h, d_in, N), b (R, h, N)."""
        first, second = self.d_out * self.d_hidden, self.d_hidden * self.d_in
        output = theta[:, :first].reshape(len(theta), self.d_out, self.d_hidden, -1)
        weight = theta[:, first : first + second].reshape(len(theta), self.d_hidden, self.d_in, -1)
        return output, weight, theta[:, first + second :]


def _mean_squares(sigma: Activation, variance: float, nodes: int = 64) -> tuple[float, float]:
    """E sigma(u)^2 and E sigma'(u)^2 of u ~ N(0, variance), by Gauss-Hermite: with 64 nodes right to four digits."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    values = sigma.value(torch.from_numpy(points * np.sqrt(variance)))
    squares = torch.stack([values**2, sigma.slope(values) ** 2]).numpy()
    first, second = squares @ weights / weights.sum()
    return float(first), float(second)


def _build(asked: UnitRequest) -> TwoLayerUnit:
    reps = asked.in_rep, asked.out_rep, asked.hidden_rep
    return TwoLayerUnit(*reps, activation(asked.detail), two_layer_space(*reps))


TWO_LAYER = UnitKind(
    "two-layer",
    _build,
    lambda d_in, d_out, d_hidden, _: d_hidden * (d_in + d_out + 1),
    details=tuple(sigma.name for sigma in ACTIVATIONS),
    has_hidden=True,
    can_be_exported=True,
)
