"""Units sigma*: X x Z -> Y, the summands of a shallow network, with closed-form gradients.

A unit proves its joint equivariance, sigma*(rho_g x, M_g z) = rhohat_g sigma*(x, z), when it is built, or refuses
and names the offending generator. What a cloud of particles does with a unit is left to `models` and `sgd`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sharefind.errors import UnitError
from sharefind.groups import Representation
from sharefind.groups.matrices import as_signed_permutation
from sharefind.meanfield.activations import Activation, activation
from sharefind.spaces import ParameterSpace, matrix_space

UNIT_PATTERN = re.compile(r"(?P<kind>matrix)(?P<bias>\+bias)?(?::(?P<activation>[a-z]+))?")


class Unit(Protocol):
    """What training needs of a unit. R replicates, B samples, N particles, D = dim Z; particles come last.

    `space` is Z with the action M of the group; `d_in`, `d_out` are dim X and dim Y.
    """

    @property
    def name(self) -> str:
        """The expression that builds the unit."""
        ...

    @property
    def space(self) -> ParameterSpace:
        """Z with the action M."""
        ...

    @property
    def activation(self) -> Activation:
        """The function applied to every coordinate."""
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

    def pullback(self, x: Tensor, values: Tensor, covector: Tensor) -> Tensor:
        """Mean over samples of grad_z sigma*(x_b, theta_i) . covector_b.

        x (R, B, d_in), values (R, d_out, B, N) from `values`, covector (R, d_out, B) -> (R, D, N).
        """
        ...


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

    def __post_init__(self) -> None:
        refuse_unless_pointwise_equivariant(self.out_rep, self.activation)

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """sigma(W x + b): x (R, B, d_in), theta (R, D, N) -> (R, d_out, B, N)."""
        weight, bias = self._blocks(theta)
        inner = torch.matmul(x.unsqueeze(1), weight)
        if bias is not None:
            inner = inner + bias.unsqueeze(2)
        return self.activation.value(inner)

    def pullback(self, x: Tensor, values: Tensor, covector: Tensor) -> Tensor:
        """Mean over b of grad_z sigma*(x_b, theta_i) . covector_b, in closed form; see `Unit.pullback`."""
        scaled = self.activation.slope(values) * covector.unsqueeze(-1)
        batch = x.shape[1]
        weight = torch.matmul(x.transpose(1, 2).unsqueeze(1), scaled) / batch
        flat = weight.flatten(1, 2)
        if not self.bias:
            return flat
        return torch.cat([flat, scaled.mean(2)], dim=1)

    def _blocks(self, theta: Tensor) -> tuple[Tensor, Tensor | None]:
        """theta (R, D, N) -> weight (R, d_out, d_in, N) and bias (R, d_out, N) or None."""
        size = self.d_out * self.d_in
        weight = theta[:, :size].reshape(len(theta), self.d_out, self.d_in, -1)
        return weight, theta[:, size:] if self.bias else None


def refuse_unless_pointwise_equivariant(out_rep: Representation, sigma: Activation) -> None:
    """Check that sigma, applied to each coordinate of Y, commutes with rhohat_g for every generator g.

    A pointwise function that is neither linear nor constant commutes with a matrix only if the matrix is a signed
    permutation, and with a sign only if it is odd: so the check on generators is a proof for the whole group.

    Raises:
        UnitError: a generator moves Y by something else; the message names it.
    """
    name = out_rep.group.name
    if any(not d.is_zero_matrix for d in out_rep.lie):
        raise UnitError(
            f"the matrix unit is not equivariant: {name} rotates Y ({out_rep.name}) continuously, and a pointwise "
            f"{sigma.name} commutes with no rotation; use --out-rep trivial"
        )
    for place, signs in enumerate(_generator_signs(out_rep)):
        if signs is None:
            raise UnitError(
                f"the matrix unit is not equivariant: generator {place} of {name} acts on Y ({out_rep.name}) "
                f"by a matrix that is no signed permutation, so a pointwise {sigma.name} does not commute with it; "
                "use --out-rep trivial"
            )
        if not sigma.is_odd and min(signs, default=1) < 0:
            raise UnitError(
                f"the {sigma.name} unit is not equivariant: generator {place} of {name} changes signs "
                f"on Y ({out_rep.name}) and {sigma.name} is not odd; use --unit matrix:tanh or --out-rep trivial"
            )


def _generator_signs(rep: Representation) -> list[list[int] | None]:
    """Signs of each generator (of the discrete part for an infinite group), None where it is no signed permutation."""
    if rep.signs is not None:
        return [[int(s) for s in row] for row in rep.signs]
    images = [as_signed_permutation(m) for m in (rep.matrices if rep.matrices is not None else rep.discrete)]
    return [None if image is None else [int(s) for s in image[1]] for image in images]


def build_unit(expression: str, in_rep: Representation, out_rep: Representation) -> MatrixUnit:
    """The unit of an expression: `matrix`, `matrix+bias`, each optionally `:logistic` (the default) or `:tanh`.

    Args:
        expression: for example "matrix+bias:tanh".
        in_rep, out_rep: the actions of one group on X and on Y.

    Raises:
        UnitError: the expression names no unit, or the unit is not jointly equivariant.
    """
    match = UNIT_PATTERN.fullmatch(expression.strip())
    if match is None:
        raise UnitError(f"unit {expression!r} is unknown; use matrix or matrix+bias, with :logistic or :tanh behind it")
    sigma = activation(match["activation"] or "logistic")
    has_bias = match["bias"] is not None
    return MatrixUnit(in_rep, out_rep, sigma, has_bias, matrix_space(in_rep, out_rep, bias=has_bias))
