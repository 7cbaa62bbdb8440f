"""The interface of a unit sigma*: X x Z -> Y to training, risks and flows, and the common base of units.

A unit proves its joint equivariance, `sigma*(rho_g x, M_g z) = rhohat_g sigma*(x, z)`, when it is built (see
`equivariance`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from sharefind.groups import Representation
from sharefind.meanfield.units.activations import Activation
from sharefind.spaces import ParameterSpace

Pullback = Callable[[Tensor], Tensor]
"""covector (R, d_out, B) -> (R, D, N): mean over samples b of grad_z sigma*(x_b, theta_i) . covector_b."""


class Unit(ABC):
    """sigma*: X x Z -> Y. R replicates, B samples, N particles, D = dim Z; particles come last.

    Attributes:
        in_rep: The action rho on X.
        out_rep: The action rhohat on Y.
        space: Z with the action M of the group.
    """

    in_rep: Representation
    out_rep: Representation
    space: ParameterSpace

    @property
    @abstractmethod
    def name(self) -> str:
        """The expression that builds the unit."""

    @property
    def d_in(self) -> int:
        """dim X."""
        return self.in_rep.dim

    @property
    def d_out(self) -> int:
        """dim Y."""
        return self.out_rep.dim

    @abstractmethod
    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return sigma*(x, theta_i).

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """

    @abstractmethod
    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return the values of `values`, and the pull-back of covectors at the same points.

        The pull-back takes covectors (R, d_out, B), the same for all particles, to (R, D, N): the mean over b of grad_z
        sigma*(x_b, theta_i) . covector_b, in closed form.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            The values, shape (R, d_out, B, N), and the pull-back.
        """


class SearchedUnit(Unit):
    """A unit that a search can train: its step size is known, and a linear change of X can be undone on particles.

    Attributes:
        hidden_rep: The action eta on the hidden space, None for a unit without one.
    """

    hidden_rep: Representation | None

    @property
    def output_activation(self) -> Activation | None:
        """Sigma where it bounds the outputs, None where an affine map comes last, or no function of each coordinate."""
        return None

    @property
    def width(self) -> int:
        """Numbers that one particle computes for one sample, in its widest layer."""
        return self.d_out

    @property
    def start_std(self) -> float | None:
        """Standard deviation of the start on whitened inputs that suits the unit; None where the preset's does."""
        return None

    @property
    @abstractmethod
    def is_odd(self) -> bool:
        """Whether it commutes with changes of sign of its outputs."""

    @abstractmethod
    def gain(self, std: float, length2: float | None = None) -> float:
        """Return the share of a signal that a step of size 1 learns, at particles from N(0, std^2 I): a bound on stable
        steps.

        Args:
            std: Standard deviation of the particles.
            length2: E|x|^2; by default that of whitened inputs, dim X.
        """

    @abstractmethod
    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Return particles that compute at x what other particles compute at `matrix` x.

        Args:
            theta: The other particles, shape (R, D, N).
            matrix: Shape (d_in, d_in).

        Returns:
            Shape (R, D, N).
        """


class PointwiseUnit(SearchedUnit):
    """A unit made of affine maps and one function of numbers, coordinates or lengths of vectors: what is exported.

    Attributes:
        activation: The function sigma.
        types: Which hidden coordinates form vectors, as `sharefind.groups.vector_types` writes it; empty where sigma
            acts on coordinates.
    """

    activation: Activation
    types: tuple[int, ...]


class OneLayerUnit(SearchedUnit):
    """f(W x [+ b]) with f: Y -> Y, Z = Hom(X, Y) [+ Y] and M_g (W, b) = (rhohat_g W rho_g^{-1}, rhohat_g b).

    Jointly equivariant exactly when f commutes with rhohat.

    Attributes:
        bias: Whether Z has the block of b.
    """

    bias: bool
    hidden_rep = None

    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Return (W matrix, b): f(W (matrix x) + b) = f((W matrix) x + b).

        Args:
            theta: Particles, shape (R, D, N).
            matrix: Shape (d_in, d_in).

        Returns:
            Shape (R, D, N).
        """
        weight, bias = self._blocks(theta)
        carried = torch.einsum("roin,ij->rojn", weight, matrix.to(theta)).flatten(1, 2)
        return carried if bias is None else torch.cat([carried, bias], dim=1)

    def inner(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return W x + b.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """
        weight, bias = self._blocks(theta)
        inner = torch.matmul(x.unsqueeze(1), weight)
        return inner if bias is None else inner + bias.unsqueeze(2)

    def pull_inner_back(self, x: Tensor, slope: Tensor) -> Tensor:
        """Return the mean over samples of grad_z (W x_b + b) . slope_b.

        Args:
            x: Inputs, shape (R, B, d_in).
            slope: Shape (R, d_out, B, N).

        Returns:
            Shape (R, D, N).
        """
        weight = (torch.matmul(x.transpose(1, 2).unsqueeze(1), slope) / x.shape[1]).flatten(1, 2)
        return torch.cat([weight, slope.mean(2)], dim=1) if self.bias else weight

    def _blocks(self, theta: Tensor) -> tuple[Tensor, Tensor | None]:
        """theta (R, D, N) -> weight (R, d_out, d_in, N) and bias (R, d_out, N) or None."""
        size = self.d_out * self.d_in
        weight = theta[:, :size].reshape(len(theta), self.d_out, self.d_in, -1)
        return weight, theta[:, size:] if self.bias else None
