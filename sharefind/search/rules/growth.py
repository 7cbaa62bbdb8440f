"""The interface of growth rules: the escape from E_j, the proposed spaces, and functions for rules of your own.

Each rule has a file of its own, and declares there what others must know of it. The stopping rules decide whether a
proposed space holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.meanfield.clouds.projection import Projector
from sharefind.search.experiments import Training
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.rule_traits import GrowthTraits
from sharefind.search.rules.leftover import Leftover, leftover
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.spaces import LatticeNode, Subspace


@dataclass(frozen=True)
class Escape:
    """How R replicates from the same particles left E_j.

    Attributes:
        mean: v_j = mean over replicates and particles of theta - P theta, (D,): the paper's direction.
        residuals: of every replicate and particle, (R, D, N).
        rounding: energy that is rounding alone.
    """

    mean: NDArray[np.float64]
    residuals: NDArray[np.float64] = field(repr=False)
    rounding: float = 0.0

    @cached_property
    def second_moment(self) -> NDArray[np.float64]:
        """Cross-fitted second moment (D, D): mean over pairs r != s of (1/N) sum_i res_ri res_si^T."""
        total, flat = self.residuals.sum(axis=0), np.swapaxes(self.residuals, 0, 1).reshape(self.mean.size, -1)
        return np.asarray((total @ total.T - flat @ flat.T) / self._pairs)

    @cached_property
    def energy(self) -> float:
        """Trace of the cross-fitted second moment: the squared escape, free of sampling noise in expectation."""
        return self._energy_of(self.residuals)

    @property
    def _pairs(self) -> int:
        """Pairs r != s, times the particles."""
        replicates, _, particles = self.residuals.shape
        return int(replicates * (replicates - 1) * particles)

    def _energy_of(self, residuals: NDArray[np.float64]) -> float:
        """Trace of the second moment of residuals (R, D, N), without a matrix (D, D)."""
        return float((np.sum(residuals.sum(axis=0) ** 2) - np.sum(residuals**2)) / self._pairs)

    def explained_by(self, space: Subspace) -> float:
        """Return the share of the energy inside a space; 0 when no energy remains after the noise is averaged out.

        Args:
            space: The space.
        """
        if self.energy <= 0:
            return 0.0
        return self._energy_of(self._inside(space)) / self.energy

    def can_reject(self, alpha: float) -> bool:
        """Return whether there are enough replicates for a p-value of `alpha` or less: 2^(R - 1) ways to turn them.

        Args:
            alpha: The level.
        """
        return bool(2.0 ** (1 - len(self.residuals)) <= alpha)

    def outside(self, space: Subspace) -> Leftover:
        """Return the part of the escape outside a space.

        Args:
            space: A space that contains E_j.
        """
        return leftover(self.residuals - self._inside(space), self.rounding)

    def _inside(self, space: Subspace) -> NDArray[np.float64]:
        """The part of the residuals inside a space, (R, D, N)."""
        return np.asarray(space.project(self.residuals.transpose(0, 2, 1)).transpose(0, 2, 1), dtype=np.float64)


def measure_escape(training: Training, space: Subspace, digits: float = 8.0) -> Escape:
    """Return the escape from `space` of replicates that started from the same particles.

    Independent samples make the noise of two replicates independent given the start, so products over pairs r != s
    average it to zero while the signal stays; the most negative eigenvalue shows the scale of what remains.

    Args:
        training: The replicates.
        space: E_j.
        digits: Largest error of a component of a particle, in units of its last place.

    Returns:
        The escape.
    """
    residual = Projector(space).residual(training.final).double().cpu().numpy()
    size = float((training.final.double() ** 2).sum(1).mean())
    rounding = size * (digits * torch.finfo(training.final.dtype).eps) ** 2
    return Escape(residual.mean(axis=(0, 2)), residual, rounding)


@dataclass(frozen=True)
class Proposal:
    """A space to visit next, with the growth that proposed it.

    Attributes:
        node: The space.
        growth: The growth that proposed it.
    """

    node: SearchNode
    growth: Growth


class GrowthRule(Protocol):
    """Proposes expansions of a node. A rule of one's own needs a name and this one method, no more."""

    @property
    def name(self) -> str:
        """The name of the rule in the record."""
        ...

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """Return spaces above the node; none when no direction is significant.

        Args:
            problem: The problem, with its tests.
            node: The node that particles left.
            escape: How they left it.
            lattice: The search so far.
        """
        ...


class RegisteredGrowth(GrowthRule, Protocol):
    """A rule that settings can name: it declares what they must know of it."""

    @property
    def traits(self) -> GrowthTraits:
        """The properties that the rule declares."""
        ...


def numerical_child(node: SearchNode, rule: str, added: NDArray[np.float64], explained: float) -> Proposal:
    """A proposal to join E_j with numerical directions.

    Args:
        node: E_j.
        rule: Name of the growth rule.
        added: The directions, shape (k, D).
        explained: Share of the escape that they carry.

    Returns:
        The proposal; Z itself where nothing is left normal to the space.
    """
    basis = np.vstack([node.space.orthonormal(), added])
    space = Subspace.numerical(basis)
    full = space.dim == space.ambient
    key, label = numerical_names(node, rule)
    child = SearchNode(key, Subspace.full(space.ambient) if full else space, None, "Z" if full else label)
    direction = tuple(float(v) for v in added[0]) if len(added) else ()
    return Proposal(child, Growth(node.key, child.key, rule, explained, direction))


def numerical_names(node: SearchNode, rule: str) -> tuple[str, str]:
    """Return key and label of the space that a rule for numerical directions grows from a node.

    Args:
        node: The node.
        rule: Name of the rule.
    """
    step = int(node.key.rpartition(":")[2]) + 1 if ":" in node.key else 1
    return f"{rule}:{step}", f"E_{step}"


def candidate_node(place: LatticeNode) -> SearchNode:
    """Return a node of the candidate's invariant lattice as a place in the search.

    Args:
        place: The node of the lattice.
    """
    return SearchNode(place.label, place.space, place.index, place.label)
