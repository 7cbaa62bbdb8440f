"""Growth rules: where to expand E_j when training leaves it.

`mean` adds the paper's v_j; `escape` adds the significant directions of the cross-fitted second moment of the
residuals; `invariant` goes to the exact invariant subspaces of the candidate that lie next above, the one that explains
most of the escape first. Whether a proposed space holds is left to `stopping`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sharefind.meanfield.clouds.projection import Projector
from sharefind.search.config import GrowthName
from sharefind.search.experiments import Training
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.spaces import LatticeNode, Subspace

NOISE_MARGIN = 2.0
"""`escape` keeps a direction whose eigenvalue exceeds this many times the noise scale, the most negative eigenvalue."""

DIRECTION_SHARE = 0.01
"""`escape` keeps no direction that carries less than this share of the largest eigenvalue: a tilt, not a signal."""


@dataclass(frozen=True)
class Escape:
    """How R replicates from the same particles left E_j.

    Attributes:
        mean: v_j = mean over replicates and particles of theta - P theta, (D,): the paper's direction.
        second_moment: cross-fitted second moment (D, D): mean over pairs r != s of (1/N) sum_i res_ri res_si^T.
    """

    mean: NDArray[np.float64]
    second_moment: NDArray[np.float64]

    @property
    def energy(self) -> float:
        """Trace of the cross-fitted second moment: the squared escape, free of sampling noise in expectation."""
        return float(np.trace(self.second_moment))

    def explained_by(self, space: Subspace) -> float:
        """Share of the energy inside `space`; 0 when no energy is left after the noise is averaged out."""
        if self.energy <= 0:
            return 0.0
        basis = space.orthonormal()
        return float(np.einsum("kd,de,ke->", basis, self.second_moment, basis) / self.energy)


def measure_escape(training: Training, space: Subspace) -> Escape:
    """Escape from `space` of replicates that started from the same particles.

    Independent samples make the noise of two replicates independent given the start, so products over pairs r != s
    average it to zero while the signal stays; the most negative eigenvalue shows the scale of what remains.
    """
    residual = Projector(space).residual(training.final).double().cpu().numpy()
    replicates, _, particles = residual.shape
    total = residual.sum(axis=0)
    everything = total @ total.T
    same = np.einsum("rdn,ren->de", residual, residual)
    pairs = replicates * (replicates - 1) * particles
    return Escape(residual.mean(axis=(0, 2)), (everything - same) / pairs)


@dataclass(frozen=True)
class Proposal:
    """A space to visit next, with the growth that proposed it."""

    node: SearchNode
    growth: Growth


class GrowthRule(Protocol):
    """Proposes expansions of a node. A user's own rule needs a name and this one method."""

    @property
    def name(self) -> str:
        """What the rule is called in the record."""
        ...

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """Spaces above the node; empty when no direction is significant."""
        ...


def numerical_child(node: SearchNode, rule: str, added: NDArray[np.float64], explained: float) -> Proposal:
    """E_j joined with numerical directions, added (k, D)."""
    basis = np.vstack([node.space.orthonormal(), added])
    space = Subspace.numerical(basis)
    full = space.dim == space.ambient
    key, label = _names(node, rule)
    child = SearchNode(key, Subspace.full(space.ambient) if full else space, None, "Z" if full else label)
    direction = tuple(float(v) for v in added[0]) if len(added) else ()
    return Proposal(child, Growth(node.key, child.key, rule, explained, direction))


def _names(node: SearchNode, rule: str) -> tuple[str, str]:
    """Key and label of the space that a rule for numerical directions grows from a node."""
    step = int(node.key.rpartition(":")[2]) + 1 if ":" in node.key else 1
    return f"{rule}:{step}", f"E_{step}"


def is_named(proposal: Proposal, source: SearchNode) -> bool:
    """Whether a proposal that was read is called as one of the rules here calls it; rules of one's own are free."""
    rule, child = proposal.growth.rule, proposal.node
    if rule == "invariant":
        return child.candidate is not None
    if rule in ("mean", "escape"):
        key, label = _names(source, rule)
        return (child.key, child.candidate) == (key, None) and child.label in (label, "Z")
    return True


@dataclass(frozen=True)
class MeanGrowth:
    """The paper's rule: E_{j+1} = E_j + span(v_j), v_j = mean_i (theta_i - P_{E_j} theta_i).

    v_j cancels when particles leave on both sides, so the rule needs many particles; see docs/theory.
    """

    name: GrowthName = "mean"

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """One child with v_j added."""
        length = float(np.linalg.norm(escape.mean))
        if length == 0:
            return []
        direction = (escape.mean / length)[None, :]
        share = (
            float((direction @ escape.second_moment @ direction.T)[0, 0] / escape.energy) if escape.energy > 0 else 0.0
        )
        return [numerical_child(node, self.name, direction, share)]


@dataclass(frozen=True)
class EscapeGrowth:
    """E_{j+1} = E_j + the eigenvectors of the cross-fitted second moment that stand above the noise.

    The most negative eigenvalue is the scale of the noise, since the signal part has none below zero.
    """

    name: GrowthName = "escape"

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """One child with all significant directions, or none."""
        values, vectors = np.linalg.eigh(escape.second_moment)
        noise = max(0.0, -float(values[0]))
        kept = (values > NOISE_MARGIN * noise) & (values > DIRECTION_SHARE * values[-1])
        if values[-1] <= 0 or not kept.any():
            return []
        directions = vectors[:, kept][:, ::-1].T
        return [numerical_child(node, self.name, directions, float(values[kept].sum() / escape.energy))]


@dataclass(frozen=True)
class InvariantGrowth:
    """E_{j+1} is one of the candidate's exact invariant subspaces next above what has been rejected.

    Where exact tests have decided which groups hold, those are the spaces next above E_j in the lattice, and the search
    climbs inside the space of the group that was accepted. Otherwise, and where a tolerance may keep what was rejected,
    a space is open once every candidate space strictly inside it was visited and left. Among open spaces the one that
    explains most of the escape is visited first; the search goes back to the others when it fails.
    """

    name: GrowthName = "invariant"

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """All open spaces above the node, each with the share of the escape that it explains."""
        here = problem.lattice_node(node)
        if problem.lattice is None or here is None:
            return []
        proposals = []
        for place in self._open(problem, here, lattice):
            child = candidate_node(place)
            growth = Growth(node.key, child.key, self.name, escape.explained_by(place.space))
            proposals.append(Proposal(child, growth))
        return proposals

    def _open(self, problem: TestedProblem, here: LatticeNode, lattice: SearchLattice) -> list[LatticeNode]:
        if problem.lattice is None:
            return []
        tested = problem.symmetries is not None and problem.symmetries.family is not None
        if tested and problem.settings.stop == "randomisation" and problem.settings.tolerance == 0:
            return list(problem.lattice.covers(here))
        left = {n.candidate for n in lattice.visited() if n.evidence and n.evidence.decision is Decision.GROW}
        below = problem.lattice.below
        return [p for p in problem.lattice.above(here) if left.issuperset(np.flatnonzero(below[:, p.index]).tolist())]


def candidate_node(place: LatticeNode) -> SearchNode:
    """A node of the candidate's invariant lattice as a place in the search."""
    return SearchNode(place.label, place.space, place.index, place.label)


def growth_rule(name: GrowthName) -> GrowthRule:
    """The rule of that name."""
    rules: dict[str, GrowthRule] = {
        "mean": MeanGrowth(),
        "escape": EscapeGrowth(),
        "invariant": InvariantGrowth(),
    }
    return rules[name]
