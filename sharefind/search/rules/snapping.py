"""Numerical growth, snapped: from the directions of an escape to the exact spaces that contain them within errors.

A direction that was measured is a few per cent off the space that it belongs to, and training that starts there
amplifies the tilt. So what is proposed is never the span of measured directions but an exact space: one of the
candidate's; or without a candidate the fixed space of the group that keeps a tying read off the escape, or of a
subgroup of the group that was left. Whether training that starts there stays, the stopping rule says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.search.hypotheses import TestedProblem
from sharefind.search.own_groups import (
    cyclic_spaces,
    own_key,
    own_label,
    recognised,
    spaces_of_subgroups,
    weights_layout,
)
from sharefind.search.rules.growth import Escape, Proposal, candidate_node
from sharefind.search.rules.leftover import Leftover
from sharefind.search.search_lattice import Growth, SearchNode, Snap
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.recognition import Layout


@dataclass(frozen=True)
class Snapping:
    """The exact spaces that an escape supports.

    Attributes:
        most: Spaces that are proposed at a time, the smallest ones; Z always is.
        listed: Permutations are examined one by one where there are at most this many.
        generators: Most passing permutations, with the least left over, that are combined.
        joined: Most spaces of groups with several generators.
        apart: Entries that the previous space does not tie differ by this multiple of the largest distance.
    """

    most: int = 32
    listed: int = 720
    generators: int = 100
    joined: int = 500
    apart: float = 10.0

    def proposals(self, problem: TestedProblem, node: SearchNode, escape: Escape, rule: str) -> list[Proposal]:
        """Return the exact spaces above a node, small ones first, outside of which nothing significant remains.

        At {0} there are none where nothing that left it is significant: all spaces contain noise. Elsewhere the node
        has a group, and the search goes to the spaces of its subgroups, however weak the escape. So it does from {0}
        with too few replicates for a rejection: the stopping rule decides that particles left.

        Args:
            problem: The problem.
            node: The node.
            escape: How particles left it.
            rule: Name of the growth rule.
        """
        alpha = problem.settings.alpha
        if node.space.is_zero and escape.can_reject(alpha) and escape.outside(node.space).p_value > alpha:
            return []
        found: list[Proposal] = []
        for child in self._above(problem, node, escape):
            left = escape.outside(child.space)
            if child.space.is_full or (left.p_value > alpha and len(found) < self.most):
                found.append(Proposal(child, _growth(node, child, rule, escape, left)))
        return found

    def _above(self, problem: TestedProblem, node: SearchNode, escape: Escape) -> list[SearchNode]:
        """Exact spaces that strictly contain the node's, sorted by dimension; Z is the last."""
        if problem.lattice is not None:
            here = problem.lattice_node(node)
            return [] if here is None else [candidate_node(place) for place in problem.lattice.above(here)]
        layout = weights_layout(problem.space.blocks)
        return [own_node(space, layout) for space in self._closures(layout, node, escape, problem.settings.alpha)]

    def _closures(self, layout: Layout, node: SearchNode, escape: Escape, alpha: float) -> list[Subspace]:
        """Fixed spaces of groups that keep a tying read off the escape, of the subgroups of E_j's group, and Z."""
        full = Subspace.full(node.space.ambient)
        tied = node.space.tying
        patterns = () if tied is None else self.tyings(tied, escape.second_moment)
        spaces = {recognised(Subspace.from_tying(pattern), layout).closure for pattern in patterns}
        larger = {space for space in (*spaces, *spaces_of_subgroups(node.space, layout)) if node.space < space}
        larger |= self.kept(layout, node.space, escape, alpha)
        return sorted({*larger, full}, key=lambda space: (space.dim, space.to_json()["labels"]))

    def kept(self, layout: Layout, home: Subspace, escape: Escape, alpha: float) -> set[Subspace]:
        """Return fixed spaces of groups whose generators all keep the escape within errors, where moves can be listed.

        Two entries that happen to be alike mislead a tying, but no permutation.

        Args:
            layout: The layout of the weights, which has the permutations.
            home: E_j, which every space contains strictly.
            escape: How particles left it.
            alpha: A space is dropped where the p-value of "noise alone is outside of it" is at most this.
        """

        def holds(space: Subspace) -> bool:
            return home < space and escape.outside(space).p_value > alpha

        passing = [space for space in cyclic_spaces(layout, self.listed) if holds(space)]
        cyclic = sorted(passing, key=lambda space: escape.outside(space).errors)[: self.generators]
        found, newest = set(cyclic), set(cyclic)
        while newest and len(found) < self.joined:
            meets = {space.meet(other) for space in newest for other in cyclic} - found
            newest = {space for space in meets if holds(space)}
            found |= newest
        return found

    def tyings(self, tied: NDArray[np.int32], second_moment: FloatArray) -> Iterator[NDArray[np.int64]]:
        """Ways to tie entries that leave E_j nearly alike, and that E_j ties: from all of these to none.

        The cross-fitted distance of two entries is what noise does not explain of the mean squared difference of their
        residuals. They are joined by average linkage, and every height at which two classes join gives one pattern.

        Args:
            tied: Labels of E_j, shape (D,).
            second_moment: Cross-fitted second moment of the residuals, shape (D, D).

        Yields:
            Labels from 1, shape (D,).
        """
        if len(tied) == 1:
            return
        size = np.diagonal(second_moment)
        squared = np.maximum(size[:, None] + size[None, :] - 2 * second_moment, 0.0)
        distance = np.sqrt(squared)
        far = self.apart * max(float(distance.max()), float(np.finfo(np.float64).tiny))
        distance[tied[:, None] != tied[None, :]] = far
        np.fill_diagonal(distance, 0.0)
        labels = np.arange(1, len(tied) + 1)
        merged = {k: np.array([k]) for k in range(len(tied))}
        for step, (a, b, height, _) in enumerate(
            scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(distance, checks=False), "average")
        ):
            if height >= far / 2:
                return
            both = np.concatenate([merged.pop(int(a)), merged.pop(int(b))])
            merged[len(tied) + step] = both
            labels = labels.copy()
            labels[both] = labels[both].min()
            yield labels


SNAPPING = Snapping()


def own_node(space: Subspace, layout: Layout) -> SearchNode:
    """Return an exact space as a place in a search without a candidate, named after the group that fixes it.

    Args:
        space: The space.
        layout: The layout of the weights.
    """
    return SearchNode(own_key(space), space, None, own_label(space, layout))


def _growth(node: SearchNode, child: SearchNode, rule: str, escape: Escape, left: Leftover) -> Growth:
    share = left.energy / escape.energy if escape.energy > 0 else 0.0
    return Growth(node.key, child.key, rule, 1.0 - share, (), Snap(share, left.errors, left.p_value))
