"""The stopping rule `fixed`: dist^2 against a threshold that is given, or that augmented samples give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.progress import StageProgress
from sharefind.search.config import Settings
from sharefind.search.experiments import scheme_training, staged
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision, NodeEvidence
from sharefind.search.rule_traits import StopTraits
from sharefind.search.rules.calibration import Calibration
from sharefind.search.rules.stopping import Assessment, is_saddle, whole_space, within_tolerance
from sharefind.search.search_lattice import SearchNode


@dataclass(frozen=True)
class ThresholdRule:
    """E_j holds if the mean of dist^2 over replicates is at most delta_j.

    The rule `fixed`, and `calibrated` on fresh samples and under schemes that impose the symmetry.

    Attributes:
        name: "fixed", or the name of the rule that this one stands in for.
        delta: The threshold; by default that of the settings, and `augmented_delta` where they have none.
        traits: Properties that the rule declares.
    """

    name: str = "fixed"
    delta: float | None = None
    traits: ClassVar[StopTraits] = StopTraits(compares_distances=True, needs_delta=True)

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train R replicates at the node and compare.

        Args:
            problem: As in `StoppingRule`.
            node: As in `StoppingRule`.
            progress: As in `StoppingRule`.

        Returns:
            NodeEvidence with the particles behind it.
        """
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        settings = problem.settings
        training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
        delta = settings.delta if self.delta is None else self.delta
        if delta is None:
            delta = augmented_delta(problem, node, progress)
        d2 = float(training.dist2(node.space).mean())
        found = Calibration(
            training=training,
            dist2=d2,
            rmd2=float(training.rmd2(node.space).mean()),
            delta=delta,
            horizon=settings.sgd.horizon,
            p_value=None,
            stays=d2 <= delta,
            trainings=settings.replicates,
        )
        relative = float(training.relative_escape(node.space).mean())
        stays = found.stays or within_tolerance(node, relative, settings)
        saddle = stays and is_saddle(problem, node)
        named = _verdicts(problem, node, stays and not saddle)
        return Assessment(distance_evidence(problem, node, self.name, found, relative, saddle, named), training)


def distance_evidence(
    problem: TestedProblem,
    node: SearchNode,
    rule: str,
    found: Calibration,
    relative: float,
    saddle: bool,
    named: dict[str, tuple[str, ...]],
    against: str = "",
) -> NodeEvidence:
    """The evidence where dist^2 decides.

    Args:
        problem: The problem of the search.
        node: E_j.
        rule: Name of the stopping rule.
        found: dist^2 beside delta_j.
        relative: The relative escape.
        saddle: Whether particles that stay rest at a saddle.
        named: Labels of the node's groups that are accepted and rejected.
        against: Result of the exact tests where they disagree.

    Returns:
        The record of the node.
    """
    settings = problem.settings
    stays = found.stays or within_tolerance(node, relative, settings)
    reason = _reason(node, found, relative, settings, saddle)
    return NodeEvidence(
        dist2=found.dist2,
        rmd2=found.rmd2,
        delta=found.delta,
        p_value=found.p_value,
        p_adjusted=None,
        relative_escape=relative,
        risk=float(found.training.risk.mean()),
        horizon=found.horizon,
        replicates=found.trainings,
        decision=Decision.STAY if stays and not saddle else Decision.GROW,
        rule=rule,
        reason=f"{reason}; {against}" if against else reason,
        stationary_not_optimal=saddle,
        exact_disagrees=bool(against),
        **named,
    )


def _reason(node: SearchNode, found: Calibration, relative: float, settings: Settings, saddle: bool) -> str:
    p = "" if found.p_value is None else f" (p = {found.p_value:.3g}, alpha = {settings.alpha:g})"
    compared = f"dist^2 = {found.dist2:.3g} against delta = {found.delta:.3g}{p}"
    if saddle:
        return (
            f"stationary but not optimal: particles started on {node.label} stay ({compared}), but a free start "
            "predicts unseen labels better"
        )
    if found.stays:
        return f"particles stay: {compared}"
    if within_tolerance(node, relative, settings):
        return (
            f"particles stay within the tolerance: relative escape {relative:.3g} <= {settings.tolerance:g}, {compared}"
        )
    return f"particles leave: {compared}"


def _verdicts(problem: TestedProblem, node: SearchNode, holds: bool) -> dict[str, tuple[str, ...]]:
    """Only vanilla training is evidence; the other schemes impose the symmetry."""
    place = problem.lattice_node(node)
    if place is None or not place.groups or not problem.settings.config.scheme.is_evidence:
        return {}
    return {"groups" if holds else "rejected": problem.labels_of(place.groups)}


def augmented_delta(problem: TestedProblem, node: SearchNode, progress: StageProgress) -> float:
    """Return delta_j on fresh samples: the (1 - alpha) quantile over replicates of how far noise carries particles off
    E_j.

    Training on fresh samples that are moved by a group H, each by an element of its own, is training on a law that H
    leaves unchanged. It keeps particles started on E^H there up to noise (Maass & Fontbona 2024, Thm 5, whatever pi
    is). For E_j = E^H that noise is delta_j. Elsewhere it is taken from E^G, direction by direction: scaled by the
    number of directions normal to E_j over those normal to E^G; where E^G = Z there are none, and delta_j is 0.

    Args:
        problem: The problem.
        node: The node E_j.
        progress: Called with the stage, the steps done and the steps in all.
    """
    place = problem.lattice_node(node)
    is_fixed = place is not None and bool(place.groups)
    group = place.group if place is not None and is_fixed else problem.candidate.group
    space, key = (node.space, node.key) if is_fixed else (problem.fixed_space, "calibration")
    training = scheme_training(problem, space, key, Scheme.DA, staged(progress, "calibration"), group)
    noise = float(np.quantile(training.dist2(space), 1 - problem.settings.alpha))
    normal, reference = (s.ambient - s.dim for s in (node.space, space))
    return noise * normal / max(1, reference)
