"""An equivariant law for Propositions 4 and 5 on which the least risks are known in closed form.

X carries any orthogonal action of a finite group, Y the trivial one. Let e be a basis vector that the group moves. Half
of the mass lies on the orbit of t e, the other half on its mean t P e. The label is y(x) = mean_g tanh(s <g e, x> + c).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.errors import ConfigError, setting
from sharefind.groups import Representation, trivial


@dataclass(frozen=True)
class WorkedExample:
    """The law, the two labels, and the measures that attain the two infima.

    An SI model depends on x only through its mean P x, which is the same on the whole support, so it takes one value v
    there. Therefore inf R over P(E^G) is min_v ((v - a)^2 + (v - b)^2) / 2 = (a - b)^2 / 4, attained by w = 0. The
    label itself is the model of the orbit of the particle (s e, c), so inf R over P(Z) is 0.

    Attributes:
        in_rep: The representation rho on X.
        orbit: Shape (|G|, d_in), float64: g e for every g.
        t: Size of the inputs.
        s: Slope of the label.
        c: Shift of the label; it is not 0, so that odd functions do not hide signs.
        padding: Half-width of the interval around an entry of a representation in floating point, far above its
            rounding error.
    """

    in_rep: Representation
    orbit: NDArray[np.float64]
    t: float = 4.0
    s: float = 1.0
    c: float = 0.5
    padding: float = 1e-13

    @cached_property
    def a(self) -> float:
        """The label on the orbit."""
        return float(np.tanh(self.s * self.t * (self.orbit @ self.orbit[0]) + self.c).mean())

    @cached_property
    def b(self) -> float:
        """The label at its mean."""
        return float(np.tanh(self.s * self.t * (self.orbit @ self.orbit[0]).mean() + self.c))

    @property
    def strict_gap(self) -> float:
        """The gap (a - b)^2 / 4."""
        return (self.a - self.b) ** 2 / 4

    @property
    def unit(self) -> mf.Unit:
        """The unit tanh(w x + b) with trivial Y: Z = X* + R."""
        return mf.build_unit("matrix+bias:tanh", self.in_rep, trivial(self.in_rep.group, 1))

    def label(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return y(x) = mean_g tanh(s <g e, x> + c), shape (n, 1), float64.

        Args:
            x: Shape (n, d_in), float64.
        """
        return np.asarray(np.tanh(self.s * x @ self.orbit.T + self.c).mean(1, keepdims=True))

    def law(self) -> mf.EmpiricalLaw:
        """Return the law pi: mass 1/2 on t times the orbit, 1/2 on t times its mean."""
        order = len(self.orbit)
        x = self.t * np.vstack([self.orbit, np.repeat(self.orbit.mean(0, keepdims=True), order, axis=0)])
        return mf.EmpiricalLaw(torch.from_numpy(x), torch.from_numpy(self.label(x)))

    def weakly_invariant(self) -> Tensor:
        """Return the orbit of (s e, c), a WI measure of risk 0, shape (1, D, |G|), float64."""
        bias = np.full((1, len(self.orbit)), self.c)
        return torch.from_numpy(np.vstack([self.s * self.orbit.T, bias])).unsqueeze(0)

    def strongly_invariant(self) -> Tensor:
        """Return the particle (0, artanh((a + b) / 2)) of E^G, of risk (a - b)^2 / 4, shape (1, D, 1), float64."""
        theta = np.zeros((1, self.in_rep.dim + 1, 1))
        theta[0, -1, 0] = np.arctanh((self.a + self.b) / 2)
        return torch.from_numpy(theta)

    def certified_gap(self) -> tuple[float, float]:
        """Return an interval (lower, upper) that contains (a - b)^2 / 4, by interval arithmetic."""
        from mpmath import iv

        def tanh(x: Any) -> Any:
            return 1 - 2 / (iv.exp(2 * x) + 1)

        def entry(value: float) -> Any:
            return iv.mpf([value - self.padding, value + self.padding])

        inner = self.orbit @ self.orbit[0]
        a = sum((tanh(self.s * self.t * entry(float(v)) + self.c) for v in inner), iv.mpf(0)) / len(inner)
        b = tanh(self.s * self.t * entry(float(inner.mean())) + self.c)
        gap = ((a - b) / 2) ** 2
        return float(gap.a), float(gap.b)


def worked_example(in_rep: Representation) -> WorkedExample:
    """Return the example for an action on X.

    Args:
        in_rep: The representation on X.

    Raises:
        ConfigError: The representation is not orthogonal, fixes every basis vector, or gives both labels the same
            value.
    """
    if not in_rep.is_orthogonal:
        raise ConfigError(
            f"{in_rep.name} of {in_rep.group.name} is not orthogonal on X; choose another {setting('in_rep')}"
        )
    matrices = in_rep.float_matrices()
    moved = [k for k in range(in_rep.dim) if not np.allclose(matrices[:, :, k], np.eye(in_rep.dim)[k])]
    if not moved:
        raise ConfigError(f"{in_rep.group.name} moves nothing on X ({in_rep.name}); choose another {setting('in_rep')}")
    orbit = np.asarray(matrices[:, :, moved[0]], dtype=np.float64)
    example = WorkedExample(in_rep, orbit)
    if example.certified_gap()[0] <= 0:
        raise ConfigError(
            f"{in_rep.group.name} on X ({in_rep.name}): both labels are {example.a:.6g}, so there is no gap to show; "
            f"choose another {setting('in_rep')}"
        )
    return example
