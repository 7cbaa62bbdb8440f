"""Integrals over a group: every element of a finite one, or independent Haar draws of a compact one.

A rule holds the elements' actions on X, Y and Z as dense matrices; large clouds under permutations are cheaper through
`actions`, which training uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup
from sharefind.meanfield.units import Unit


@dataclass(frozen=True)
class Estimate:
    """A mean over group elements.

    Attributes:
        value: The mean.
        standard_error: Standard error of the Monte Carlo mean, elementwise; zeros where every element was summed.
    """

    value: Tensor
    standard_error: Tensor


@dataclass(frozen=True)
class HaarRule:
    """m elements of G with equal weights, as matrices.

    Attributes:
        on_x: rho_g, shape (m, d_in, d_in), float64.
        on_y: rhohat_g, shape (m, d_out, d_out), float64.
        on_z: M_g, shape (m, D, D), float64.
        is_exact: Whether the elements are the whole group, so that means over them are integrals over lambda_G.
    """

    on_x: Tensor
    on_y: Tensor
    on_z: Tensor
    is_exact: bool

    def __len__(self) -> int:
        """m."""
        return len(self.on_x)

    def images(self, theta: Tensor) -> Tensor:
        """Return M_g theta_i for every g of the rule.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, D, m, N).
        """
        return torch.einsum("gde,ren->rdgn", self.on_z.to(theta), theta)

    def symmetrise(self, theta: Tensor) -> Tensor:
        """Return nu^G = mean_g M_g#nu as a cloud; with Haar draws it is an estimate.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, D, m N).
        """
        return self.images(theta).flatten(2)

    @property
    def inverse(self) -> HaarRule:
        """The rule of the inverse elements; for a whole group the same elements in another order."""
        on_x, on_y, on_z = map(torch.linalg.inv, (self.on_x, self.on_y, self.on_z))
        return HaarRule(on_x, on_y, on_z, self.is_exact)

    def moved_inputs(self, x: Tensor) -> Tensor:
        """Return rho_g x for every g.

        Args:
            x: Inputs, shape (..., d_in).

        Returns:
            Shape (m, ..., d_in).
        """
        return torch.einsum("gij,...j->g...i", self.on_x.to(x), x)

    def moved_labels(self, y: Tensor) -> Tensor:
        """Return rhohat_g y for every g.

        Args:
            y: Labels, shape (..., d_out).

        Returns:
            Shape (m, ..., d_out).
        """
        return torch.einsum("gij,...j->g...i", self.on_y.to(y), y)

    def mean(self, values: Tensor) -> Estimate:
        """Return the mean over elements, with its standard error under Haar draws.

        Args:
            values: One value for each element, shape (m, ...).

        Returns:
            Shape (...).
        """
        mean = values.mean(0)
        if self.is_exact:
            return Estimate(mean, torch.zeros_like(mean))
        return Estimate(mean, values.std(0, correction=1) / len(values) ** 0.5)


def haar_rule(
    unit: Unit, draws: int | None = None, rng: np.random.Generator | None = None, most: int = 2**27
) -> HaarRule:
    """Return the rule of a unit's group.

    Args:
        unit: The unit, whose representations say how G acts.
        draws: Number m of elements drawn from an infinite group; a finite group is always summed whole.
        rng: Source of the draws.
        most: Largest number of matrix entries that the rule holds (1 GiB of float64).

    Raises:
        GroupError: An infinite group without `draws` (at least 2) and `rng`, or more matrix entries than `most`.
    """
    reps = (unit.in_rep, unit.out_rep, unit.space.action)
    group = unit.in_rep.group
    seed = None
    if isinstance(group, FiniteGroup):
        elements = group.order
    elif draws is None or draws < 2 or rng is None:
        raise GroupError(f"{group.name} is infinite and its elements are drawn; give draws (at least 2) and rng")
    else:
        elements, seed = draws, int(rng.integers(2**63))  # one seed draws the same elements for each representation
    entries = elements * sum(rep.dim**2 for rep in reps)
    if entries > most:
        raise GroupError(
            f"{elements} elements of {group.name} take {entries} matrix entries, above {most}; use a smaller group, or "
            "fewer draws"
        )
    if seed is None:
        on_x, on_y, on_z = (torch.from_numpy(rep.float_matrices()) for rep in reps)
    else:
        drawn = (rep.sample_matrices(np.random.default_rng(seed), elements) for rep in reps)
        on_x, on_y, on_z = map(torch.from_numpy, drawn)
    return HaarRule(on_x, on_y, on_z, is_exact=seed is None)


def symmetrised_values(f: Callable[[Tensor], Tensor], rule: HaarRule, x: Tensor) -> Estimate:
    """Return (Q_G f)(x) = int rhohat_g^{-1} f(rho_g x) dlambda_G, from the definition, for any f: X -> Y.

    Args:
        f: A map from inputs (..., B, d_in) to outputs (..., B, d_out).
        rule: The group elements.
        x: Inputs, shape (..., B, d_in).
    """
    inverse = torch.linalg.inv(rule.on_y)
    values = torch.stack([f(moved) @ inverse[g].to(moved).t() for g, moved in enumerate(rule.moved_inputs(x))])
    return rule.mean(values)
