"""What training, risks and flows need of a unit sigma*: X x Z -> Y, whatever its formula.

A unit proves its joint equivariance, sigma*(rho_g x, M_g z) = rhohat_g sigma*(x, z), when it is built (`equivariance`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from sharefind.groups import Representation
from sharefind.meanfield.units.activations import Activation
from sharefind.spaces import ParameterSpace

Pullback = Callable[[Tensor], Tensor]
"""covector (R, d_out, B) -> (R, D, N): mean over samples b of grad_z sigma*(x_b, theta_i) . covector_b."""


class Unit(Protocol):
    """sigma*: X x Z -> Y. R replicates, B samples, N particles, D = dim Z; particles come last.

    `space` is Z with the action M of the group; `in_rep` and `out_rep` are rho on X and rhohat on Y.
    """

    @property
    def name(self) -> str:
        """The expression that builds the unit."""
        ...

    @property
    def in_rep(self) -> Representation:
        """The action rho on X."""
        ...

    @property
    def out_rep(self) -> Representation:
        """The action rhohat on Y."""
        ...

    @property
    def space(self) -> ParameterSpace:
        """Z with the action M."""
        ...

    @property
    def d_in(self) -> int:
        """dim X."""
        ...

    @property
    def d_out(self) -> int:
        """dim Y."""
        ...

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """sigma*(x, theta_i): x (R, B, d_in), theta (R, D, N) -> (R, d_out, B, N)."""
        ...

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """The values (R, d_out, B, N) of `values`, and the pull-back of covectors at the same points.

        x (R, B, d_in), theta (R, D, N). The pull-back takes covectors (R, d_out, B), the same for all particles, to
        (R, D, N): the mean over b of grad_z sigma*(x_b, theta_i) . covector_b, in closed form.
        """
        ...


class SearchedUnit(Unit, Protocol):
    """A unit that a search can train: its step size is known, and a linear change of X can be undone on particles."""

    @property
    def output_activation(self) -> Activation | None:
        """Sigma where it bounds the outputs, None where an affine map comes last, or no function of each coordinate."""
        ...

    @property
    def hidden_rep(self) -> Representation | None:
        """The action eta on the hidden space, None for a unit without one."""
        ...

    @property
    def width(self) -> int:
        """Numbers that one particle computes for one sample, in its widest layer."""
        ...

    @property
    def is_odd(self) -> bool:
        """Whether it commutes with changes of sign of its outputs."""
        ...

    def gain(self, std: float, length2: float | None = None) -> float:
        """Share of a signal that a step of size 1 learns, at particles from N(0, std^2 I): a bound on stable steps.

        length2: E|x|^2, that of whitened inputs (dim X) where it is left out.
        """
        ...

    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Particles (R, D, N) that compute at x what theta (R, D, N) computes at `matrix` x, matrix (d_in, d_in)."""
        ...


class PointwiseUnit(SearchedUnit, Protocol):
    """A unit made of affine maps and one function sigma of each coordinate: what is exported."""

    @property
    def activation(self) -> Activation:
        """Sigma."""
        ...
