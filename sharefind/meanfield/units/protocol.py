"""What training, risks and flows need of a unit sigma*: X x Z -> Y, whatever its formula.

A unit proves its joint equivariance, sigma*(rho_g x, M_g z) = rhohat_g sigma*(x, z), when it is built (`equivariance`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from sharefind.groups import Representation
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
