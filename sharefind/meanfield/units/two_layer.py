"""The two-layer unit A sigma(W x + b), whose hidden representation decides how rich its fixed space E^G is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sharefind.groups import Representation, hom
from sharefind.meanfield.activations import Activation
from sharefind.meanfield.units.equivariance import refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.protocol import Pullback
from sharefind.spaces import Block, ParameterSpace


def two_layer_space(in_rep: Representation, out_rep: Representation, hidden_rep: Representation) -> ParameterSpace:
    """Z = Hom(H, Y) + Hom(X, H) + H: blocks output (d_out, h), weight (h, d_in) and bias (h,).

    M_g (A, W, b) = (rhohat_g A eta_g^{-1}, eta_g W rho_g^{-1}, eta_g b), with eta the action on the hidden space H.
    """
    blocks = (
        Block("output", (out_rep.dim, hidden_rep.dim)),
        Block("weight", (hidden_rep.dim, in_rep.dim)),
        Block("bias", (hidden_rep.dim,)),
    )
    return ParameterSpace(blocks, hom(out_rep, hidden_rep) + hom(hidden_rep, in_rep) + hidden_rep)


@dataclass(frozen=True)
class TwoLayerUnit:
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

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `two-layer:tanh`; the hidden representation is apart."""
        return f"two-layer:{self.activation.name}"

    @property
    def d_in(self) -> int:
        """dim X."""
        return self.in_rep.dim

    @property
    def d_out(self) -> int:
        """dim Y."""
        return self.out_rep.dim

    @property
    def d_hidden(self) -> int:
        """dim H."""
        return self.hidden_rep.dim

    def __post_init__(self) -> None:
        refuse_unless_pointwise_equivariant(self.hidden_rep, self.activation, "two-layer", "--hidden-rep")

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """A sigma(W x + b): x (R, B, d_in), theta (R, D, N) -> (R, d_out, B, N)."""
        output, weight, bias = self._blocks(theta)
        return torch.einsum("rohn,rhbn->robn", output, self._hidden(x, weight, bias))

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Values and the pull-back of covectors; see `Unit.linearise`."""
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

    def _hidden(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """sigma(W x + b): (R, h, B, N)."""
        return self.activation.value(torch.matmul(x.unsqueeze(1), weight) + bias.unsqueeze(2))

    def _blocks(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """theta (R, D, N) -> A (R, d_out, h, N), W (R, h, d_in, N), b (R, h, N)."""
        first, second = self.d_out * self.d_hidden, self.d_hidden * self.d_in
        output = theta[:, :first].reshape(len(theta), self.d_out, self.d_hidden, -1)
        weight = theta[:, first : first + second].reshape(len(theta), self.d_hidden, self.d_in, -1)
        return output, weight, theta[:, first + second :]
