"""Convex penalties r: Z -> R with their gradients, and the proof that each is invariant under the action on Z.

Invariance, r(M_g z) = r(z), is what Corollary 3 and Theorem 5 of Maass & Fontbona 2024 ask of a penalty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.groups import Representation
from sharefind.meanfield.objectives.named_functions import build_named
from sharefind.meanfield.units.invariance import Invariance, refuse_unless_invariant


@dataclass(frozen=True)
class Penalty:
    """A convex penalty r(z).

    Attributes:
        name: Its name in configurations.
        value: Maps particles (R, D, N) to r, shape (R, N).
        slope: The gradient of r, from (R, D, N) to (R, D, N).
        invariance: The maps of Z under which r is invariant.
    """

    name: str
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    invariance: Invariance

    def refuse_unless_invariant(self, action: Representation) -> None:
        """Check r(M_g z) = r(z) on the generators, which proves it for the group.

        Args:
            action: Representation on Z.

        Raises:
            UnitError: A generator acts on Z by a map under which the penalty is not invariant; the message names it.
        """
        advice = "use the ridge penalty, or an orthonormal basis"
        refuse_unless_invariant(action, self.invariance, f"{self.name} penalty", "Z", advice)


RIDGE = Penalty("ridge", lambda theta: (theta**2).sum(1) / 2, lambda theta: theta, Invariance.ORTHOGONAL)
"""|z|^2 / 2, the paper's penalty."""

SMOOTH_NORM = Penalty(
    "smooth-norm",
    lambda theta: (1 + (theta**2).sum(1)).sqrt() - 1,
    lambda theta: theta * (1 + (theta**2).sum(1, keepdim=True)).rsqrt(),
    Invariance.ORTHOGONAL,
)
"""sqrt(1 + |z|^2) - 1: a ridge near 0 that grows like the norm far out, with a bounded gradient."""


def smooth_l1(width: float = 0.1) -> Penalty:
    """Return sum_k (sqrt(width^2 + z_k^2) - width): near |z|_1, smooth; invariant under signed permutations only.

    Args:
        width: Where the penalty becomes linear.

    Raises:
        ConfigError: The width is not positive.
    """
    if not width > 0:
        raise ConfigError(f"smooth-l1: width is {width}; give a positive number")
    return Penalty(
        f"smooth-l1:{width:g}",
        lambda theta: ((width**2 + theta**2).sqrt() - width).sum(1),
        lambda theta: theta * (width**2 + theta**2).rsqrt(),
        Invariance.SIGNED_PERMUTATION,
    )


def build_penalty(name: str) -> Penalty:
    """Return the penalty with a name.

    Args:
        name: "ridge", "smooth-norm", "smooth-l1" or "smooth-l1:WIDTH".

    Raises:
        ConfigError: No penalty has that name, or the width is no positive number.
    """
    plain, use = (RIDGE, SMOOTH_NORM), "ridge, smooth-norm or smooth-l1:WIDTH"
    return build_named("penalty", name, plain, {"smooth-l1": smooth_l1}, use, "smooth-l1:0.1")
