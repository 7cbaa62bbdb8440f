"""The stopping rule `calibrated`: dist^2 against what training on copies of the data gives, see `calibration`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sharefind.progress import StageProgress
from sharefind.search.experiments import escape_training, staged
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision
from sharefind.search.rule_traits import StopTraits
from sharefind.search.rules.calibration import (
    CALIBRATED,
    CalibratedTraining,
    calibrate,
    disagreement,
    is_calibrated_by_copies,
    verdicts_by_distance,
)
from sharefind.search.rules.growth import measure_escape
from sharefind.search.rules.stop_fixed import ThresholdRule, distance_evidence
from sharefind.search.rules.stopping import (
    Assessment,
    is_saddle,
    relative_escape,
    whole_space,
    within_tolerance,
)
from sharefind.search.search_lattice import SearchNode


@dataclass(frozen=True)
class CalibratedRule:
    """E_j holds if dist^2 of one training on the data is at most delta_j, the critical value of its copies.

    On fresh samples, and under schemes that impose the symmetry, this is `ThresholdRule` with `augmented_delta`.

    Attributes:
        name: Name of the rule.
        training: How the data and the copies are trained and compared.
        traits: Properties that the rule declares.
    """

    name: str = "calibrated"
    training: CalibratedTraining = CALIBRATED
    traits: ClassVar[StopTraits] = StopTraits(compares_distances=True, trains_copies="finite data", fewest_nodes=8)

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train on the data and on copies, and compare.

        Args:
            problem: As in `StoppingRule`.
            node: As in `StoppingRule`.
            progress: As in `StoppingRule`.

        Returns:
            Evidence with the particles behind it.
        """
        found = self._compared(problem, node, progress)
        if node.space.is_full or not problem.settings.growing.snaps:
            return found
        return _cross_fitted(problem, node, found, progress)

    def _compared(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        if not is_calibrated_by_copies(problem):
            return ThresholdRule(self.name).assess(problem, node, progress)
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        found = calibrate(problem, node, progress, self.training)
        relative = relative_escape(problem, node, found.training, progress)
        stays, place = found.stays or within_tolerance(node, relative, problem.settings), problem.lattice_node(node)
        saddle = stays and node.space.is_zero and is_saddle(problem, node)
        against = "" if saddle else disagreement(problem, node, found.stays)
        groups = () if place is None else place.groups
        named = verdicts_by_distance(problem, groups, stays and not saddle) if groups else {}
        evidence = distance_evidence(problem, node, self.name, found, relative, saddle, named, against)
        return Assessment(evidence, found.training)


def _cross_fitted(problem: TestedProblem, node: SearchNode, found: Assessment, progress: StageProgress) -> Assessment:
    """An exact space to which a growth snapped holds only if replicates that start alike do not leave it alike.

    What they have in common is free of the noise of each, so that it shows where dist^2 does not exceed delta_j: a snap
    to a space that is too small. It decides alone where nothing calibrates delta_j, at {0} without a candidate on fresh
    samples.
    """
    evidence, alpha = found.evidence, problem.settings.alpha
    is_alone = node.space.is_zero and problem.lattice is None and problem.samples is None
    if evidence.decision is Decision.GROW and not is_alone:
        return found
    training = escape_training(problem, node.space, node.key, staged(progress, "replicates"))
    escape = measure_escape(training, node.space)
    if not escape.can_reject(alpha):
        return found
    left = escape.outside(node.space)
    leaves = left.p_value <= alpha
    decision, word = (Decision.GROW, "leave") if leaves else (Decision.STAY, "stay")
    common = f"what replicates have in common is {left.errors:.2g} standard errors (p = {left.p_value:.3g})"
    reason = f"particles {word}: {common}; {evidence.reason}"
    groups = (*evidence.groups, *evidence.rejected)
    kept, rejected = ((), groups) if leaves else (evidence.groups, evidence.rejected)
    return replace(found, evidence=replace(evidence, decision=decision, reason=reason, groups=kept, rejected=rejected))
