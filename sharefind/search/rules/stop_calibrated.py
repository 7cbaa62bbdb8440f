"""The stopping rule `calibrated`: dist^2 against what training on copies of the data gives, see `calibration`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sharefind.search.experiments import StageProgress
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.rule_traits import StopTraits
from sharefind.search.rules.calibration import (
    CALIBRATED,
    CalibratedTraining,
    calibrate,
    disagreement,
    is_calibrated_by_copies,
    verdicts_by_distance,
)
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
        training: How the data and the copies are trained and compared.
    """

    name: str = "calibrated"
    training: CalibratedTraining = CALIBRATED
    traits: ClassVar[StopTraits] = StopTraits(compares_distances=True, trains_copies="finite data", fewest_nodes=8)

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train on the data and on copies, and compare."""
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
