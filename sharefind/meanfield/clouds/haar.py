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
from sharefind.groups import FiniteGroup, Representation
from sharefind.meanfield.units import Unit

MAX_RULE_ENTRIES = 2**27
"""Largest number of matrix entries that a rule holds (1 GiB of float64)."""


@dataclass(frozen=True)
class Estimate:
    """A mean over group elements.

    Attributes:
        value: the mean. standard_error: of the Monte Carlo mean, elementwise; zeros where every element was summed.
    """

    value: Tensor
    standard_error: Tensor


@dataclass(frozen=True)
class HaarRule:
    """m elements of G with equal weights, by their actions.

    Attributes:
        on_x: rho_g (m, d_in, d_in). on_y: rhohat_g (m, d_out, d_out). on_z: M_g (m, D, D); all float64.
        is_exact: whether the elements are the whole group, so that means over them are integrals over lambda_G.
    """

    on_x: Tensor
    on_y: Tensor
    on_z: Tensor
    is_exact: bool

    def __len__(self) -> int:
        """m."""
        return len(self.on_x)

    def images(self, theta: Tensor) -> Tensor:
        """M_g theta_i for every g of the rule: theta (R, D, N) -> (R, D, m, N)."""
        return torch.einsum("gde,ren->rdgn", self.on_z.to(theta), theta)

    def symmetrise(self, theta: Tensor) -> Tensor:
        """nu^G = mean_g M_g#nu as a cloud: theta (R, D, N) -> (R, D, m N); with Haar draws an estimate of it."""
        return self.images(theta).flatten(2)

    @property
    def inverse(self) -> HaarRule:
        """The rule of the inverse elements; for a whole group the same elements in another order."""
        return HaarRule(
            torch.linalg.inv(self.on_x), torch.linalg.inv(self.on_y), torch.linalg.inv(self.on_z), self.is_exact
        )

    def moved_inputs(self, x: Tensor) -> Tensor:
        """rho_g x for every g: x (..., d_in) -> (m, ..., d_in)."""
        return torch.einsum("gij,...j->g...i", self.on_x.to(x), x)

    def moved_labels(self, y: Tensor) -> Tensor:
        """rhohat_g y for every g: y (..., d_out) -> (m, ..., d_out)."""
        return torch.einsum("gij,...j->g...i", self.on_y.to(y), y)

    def mean(self, values: Tensor) -> Estimate:
        """The mean of one value an element, (m, ...) -> (...), with its standard error under Haar draws."""
        mean = values.mean(0)
        if self.is_exact:
            return Estimate(mean, torch.zeros_like(mean))
        return Estimate(mean, values.std(0, correction=1) / len(values) ** 0.5)


def haar_rule(unit: Unit, draws: int | None = None, rng: np.random.Generator | None = None) -> HaarRule:
    """The rule of a unit's group.

    Args:
        unit: its representations say how G acts. draws: m of an infinite group; a finite one is always summed whole.
        rng: of the draws.

    Raises:
        GroupError: an infinite group without `draws` (at least 2) and `rng`, or more matrix entries than fit.
    """
    reps = (unit.in_rep, unit.out_rep, unit.space.action)
    group = unit.in_rep.group
    if isinstance(group, FiniteGroup):
        _refuse_large(reps, group.order, group.name)
        on_x, on_y, on_z = (torch.from_numpy(rep.float_matrices()) for rep in reps)
        return HaarRule(on_x, on_y, on_z, is_exact=True)
    if draws is None or draws < 2 or rng is None:
        raise GroupError(f"{group.name} is infinite and its elements are drawn; give draws (at least 2) and rng")
    _refuse_large(reps, draws, group.name)
    seed = int(rng.integers(2**63))  # one seed draws the same elements for each representation
    on_x, on_y, on_z = (torch.from_numpy(rep.sample_matrices(np.random.default_rng(seed), draws)) for rep in reps)
    return HaarRule(on_x, on_y, on_z, is_exact=False)


def symmetrised_values(f: Callable[[Tensor], Tensor], rule: HaarRule, x: Tensor) -> Estimate:
    """(Q_G f)(x) = int rhohat_g^{-1} f(rho_g x) dlambda_G, from the definition, for any f: X -> Y.

    Maass & Fontbona 2024, feature averaging. Costs m evaluations of f.

    Args:
        f: inputs (..., B, d_in) -> (..., B, d_out). rule: the elements. x: (..., B, d_in).
    """
    inverse = torch.linalg.inv(rule.on_y)
    values = torch.stack([f(moved) @ inverse[g].to(moved).t() for g, moved in enumerate(rule.moved_inputs(x))])
    return rule.mean(values)


def _refuse_large(reps: tuple[Representation, ...], elements: int, name: str) -> None:
    entries = elements * sum(rep.dim**2 for rep in reps)
    if entries > MAX_RULE_ENTRIES:
        raise GroupError(
            f"{elements} elements of {name} take {entries} matrix entries, above {MAX_RULE_ENTRIES}; use a smaller "
            "group, or fewer draws"
        )
