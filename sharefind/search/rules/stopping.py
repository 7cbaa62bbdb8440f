"""Stopping rules: does training started on E_j stay on E_j?

`fixed` compares dist^2 with a given delta_j; `calibrated` takes delta_j from training on copies of the data that a
symmetric law might have given, see `calibration`; `randomisation` follows the exact tests of `symmetries`. Every rule
also asks whether staying is only a saddle (stationary, not optimal). Where to grow instead is left to `growth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sharefind.errors import ConfigError
from sharefind.inference import Verdict, randomisation_p_value
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.search.config import Settings
from sharefind.search.experiments import (
    CopiesPlan,
    CopiesResult,
    StageProgress,
    Training,
    copies_experiment,
    effect_training,
    scheme_training,
    staged,
)
from sharefind.search.hypotheses import Judgement, TestedProblem, identity_of
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.rules.calibration import (
    Calibration,
    calibrate,
    disagreement,
    is_calibrated_by_copies,
    verdicts_by_distance,
)
from sharefind.search.search_lattice import SearchNode


@dataclass(frozen=True)
class Assessment:
    """Evidence at a node together with the particles behind it."""

    evidence: Evidence
    training: Training


class StoppingRule(Protocol):
    """Decides whether a node holds. A user's own rule needs a name and this one method."""

    @property
    def name(self) -> str:
        """What the rule is called in the record."""
        ...

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train at the node and decide."""
        ...


def whole_space(problem: TestedProblem, node: SearchNode, rule: str, progress: StageProgress) -> Assessment:
    """Z holds by definition: nothing is left to grow to. It is trained all the same, for its risk."""
    settings = problem.settings
    training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
    place = problem.lattice_node(node)
    evidence = Evidence(
        dist2=0.0,
        rmd2=0.0,
        delta=0.0,
        p_value=1.0 if rule == "randomisation" else None,
        p_adjusted=1.0 if rule == "randomisation" else None,
        relative_escape=0.0,
        risk=float(training.risk.mean()),
        horizon=settings.sgd.horizon,
        replicates=settings.replicates,
        decision=Decision.STAY,
        rule=rule,
        reason="this is the whole parameter space: the data support no sharing",
        groups=() if place is None else problem.labels_of(place.groups),
    )
    return Assessment(evidence, training)


def relative_escape(problem: TestedProblem, node: SearchNode, training: Training, progress: StageProgress) -> float:
    """Mean relative escape of a training; of one with large minibatches where a tolerance makes its size decide."""
    if problem.settings.tolerance > 0 and problem.samples is not None and not node.space.is_zero:
        training = effect_training(problem, node.space, node.key, staged(progress, "size of the escape"))
    return float(training.relative_escape(node.space).mean())


def within_tolerance(node: SearchNode, relative: float, settings: Settings) -> bool:
    """Whether a relative escape counts as staying; never at {0}, where everything is escape."""
    return node.space.dim > 0 and relative <= settings.tolerance


@dataclass(frozen=True)
class RandomisationRule:
    """E_j holds when the exact tests accepted a symmetry that keeps particles there; training says how far they go."""

    name: str = "randomisation"

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train on the data and on copies moved by the likeliest of the node's symmetries.

        Raises:
            ConfigError: the candidate's subgroups were not tested, as in a blind search.
        """
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        if problem.symmetries is None:
            raise ConfigError("stopping rule randomisation needs tests of a candidate group; use --stop calibrated")
        judged = problem.judgement(node)
        plan = CopiesPlan(
            problem, node.space, node.key, judged.null, problem.directions(node), f"copies:{identity_of(judged.null)}"
        )
        result = copies_experiment(plan, staged(progress, "escape"))
        relative = relative_escape(problem, node, result.observed[-1], progress)
        return self._conclude(problem, node, judged, result, relative)

    def _conclude(
        self, problem: TestedProblem, node: SearchNode, judged: Judgement, result: CopiesResult, relative: float
    ) -> Assessment:
        settings = problem.settings
        tolerated = not judged.holds and within_tolerance(node, relative, settings)
        grow = not judged.holds and not tolerated
        mark = result.clearest_checkpoint() if grow else len(result.observed) - 1
        observed = result.observed[mark]
        evidence = Evidence(
            dist2=float(observed.dist2(node.space)[0]),
            rmd2=float(observed.rmd2(node.space)[0]),
            delta=float(np.quantile(result.dist2[1:, mark], 1 - settings.alpha, method="higher")),
            p_value=judged.p_value,
            p_adjusted=judged.p_adjusted,
            relative_escape=relative,
            risk=float(observed.risk[0]),
            horizon=settings.sgd.horizon * observed.time,
            replicates=settings.copies + 1,
            decision=Decision.GROW if grow else Decision.STAY,
            rule=self.name,
            reason=_test_reason(problem, node, judged, result, relative),
            stationary_not_optimal=not judged.holds and not escapes(result, settings),
            exact_disagrees=False,
            **_verdicts(problem, node, tolerated),
        )
        return Assessment(evidence, result.observed[-1])


def escapes(result: CopiesResult, settings: Settings) -> bool:
    """Whether particles leave farther than they do on moved copies, at any checkpoint and in any direction.

    Where they do not, though the symmetry is rejected, training rests at a saddle.
    """
    components = result.components.reshape(len(result.components), -1)
    return randomisation_p_value(components) <= settings.alpha


def _test_reason(
    problem: TestedProblem, node: SearchNode, judged: Judgement, result: CopiesResult, relative: float
) -> str:
    settings = problem.settings
    what = _hypothesis(problem, judged)
    p = "not tested" if judged.p_value is None else f"p = {judged.p_value:.3g}"
    if judged.p_value is None and node.space.is_zero:
        return "particles leave: Y is not all 0, or depends on X, as samples show that took no part in this training"
    if judged.holds:
        return f"particles stay: {what} is not rejected ({p} > alpha = {settings.alpha:g})"
    if judged.preferred is not None:
        return (
            f"{what} is not rejected ({p}), but neither is {judged.preferred}, which is likelier, and what the two "
            "generate is rejected"
        )
    if within_tolerance(node, relative, settings):
        return (
            f"particles stay within the tolerance: relative escape {relative:.3g} <= {settings.tolerance:g}, "
            f"although exact {what} is rejected ({p})"
        )
    over = (
        f"; relative escape {relative:.3g} > tolerance {settings.tolerance:g}"
        if settings.tolerance > 0 and not node.space.is_zero
        else ""
    )
    if not escapes(result, settings):
        return (
            f"stationary but not optimal: particles started on {node.label} stay, but {what} is rejected "
            f"({p} <= alpha = {settings.alpha:g}){over}"
        )
    return f"particles leave: {what} is rejected ({p} <= alpha = {settings.alpha:g}){over}"


def _hypothesis(problem: TestedProblem, judged: Judgement) -> str:
    if judged.is_tying and problem.blind is not None:
        name: str = problem.blind.finding.name
        return name
    return "Y independent of X" if judged.null is None else f"symmetry under {problem.label_of(judged.null)}"


def _verdicts(problem: TestedProblem, node: SearchNode, tolerated: bool) -> dict[str, tuple[str, ...]]:
    """Labels of the node's groups that were accepted and rejected; those that are undecided are in neither."""
    place = problem.lattice_node(node)
    if place is None or not place.groups:
        return {}
    names = problem.labels_of(place.groups)
    if tolerated:
        return {"groups": names}
    found = {} if problem.symmetries is None else problem.symmetries.verdicts(names)
    return {
        "groups": tuple(n for n in names if found.get(n) is Verdict.ACCEPTED),
        "rejected": tuple(n for n in names if found.get(n) is Verdict.REJECTED),
    }


@dataclass(frozen=True)
class ThresholdRule:
    """E_j holds if the mean of dist^2 over replicates is at most delta_j.

    The rule `fixed`, and `calibrated` on fresh samples and under schemes that impose the symmetry.

    Attributes:
        name: "fixed" or "calibrated". delta: the threshold of `fixed`; None takes `augmented_delta`.
    """

    name: str
    delta: float | None = None

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train R replicates at the node and compare."""
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        settings = problem.settings
        training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
        delta = self.delta if self.delta is not None else augmented_delta(problem, node, progress)
        d2, relative = (
            float(training.dist2(node.space).mean()),
            float(training.relative_escape(node.space).mean()),
        )
        stays = d2 <= delta or within_tolerance(node, relative, settings)
        saddle = stays and _is_saddle(problem, node)
        evidence = Evidence(
            dist2=d2,
            rmd2=float(training.rmd2(node.space).mean()),
            delta=delta,
            p_value=None,
            p_adjusted=None,
            relative_escape=relative,
            risk=float(training.risk.mean()),
            horizon=settings.sgd.horizon,
            replicates=settings.replicates,
            decision=Decision.STAY if stays and not saddle else Decision.GROW,
            rule=self.name,
            reason=_threshold_reason(node, d2, delta, relative, settings, saddle),
            stationary_not_optimal=saddle,
            exact_disagrees=False,
            **_threshold_verdicts(problem, node, stays and not saddle),
        )
        return Assessment(evidence, training)


def _is_saddle(problem: TestedProblem, node: SearchNode) -> bool:
    """Whether the exact tests reject all that would keep particles here; asked of {0} and of exact nodes."""
    place = problem.lattice_node(node)
    if problem.symmetries is None or place is None:
        return False
    return not problem.judgement(node).holds


def _threshold_reason(
    node: SearchNode,
    d2: float,
    delta: float,
    relative: float,
    settings: Settings,
    saddle: bool,
    found: Calibration | None = None,
) -> str:
    p = "" if found is None or found.p_value is None else f" (p = {found.p_value:.3g}, alpha = {settings.alpha:g})"
    compared = f"dist^2 = {d2:.3g} against delta = {delta:.3g}{p}"
    if saddle:
        return (
            f"stationary but not optimal: particles started on {node.label} stay ({compared}), but a free start "
            "predicts unseen labels better"
        )
    if d2 <= delta if found is None else found.stays:
        return f"particles stay: {compared}"
    if within_tolerance(node, relative, settings):
        return (
            f"particles stay within the tolerance: relative escape {relative:.3g} <= {settings.tolerance:g}, {compared}"
        )
    return f"particles leave: {compared}"


def _threshold_verdicts(problem: TestedProblem, node: SearchNode, holds: bool) -> dict[str, tuple[str, ...]]:
    """Only vanilla training is evidence; the other schemes impose the symmetry."""
    place = problem.lattice_node(node)
    if place is None or not place.groups or not problem.settings.config.scheme.is_evidence:
        return {}
    return {"groups" if holds else "rejected": problem.labels_of(place.groups)}


def augmented_delta(problem: TestedProblem, node: SearchNode, progress: StageProgress) -> float:
    """delta_j on fresh samples: the (1 - alpha) quantile over replicates of how far noise carries particles off E_j.

    Training on fresh samples that are moved by a group H, each by an element of its own, is training on a law that H
    leaves as it is. It keeps particles started on E^H there up to noise (Maass & Fontbona 2024, Thm 5, whatever pi is).
    For E_j = E^H that noise is delta_j. Elsewhere it is taken from E^G, direction by direction: scaled by the number of
    directions normal to E_j over those normal to E^G; where E^G = Z none is, and delta_j is 0.
    """
    place = problem.lattice_node(node)
    is_fixed = place is not None and bool(place.groups)
    group = place.group if place is not None and is_fixed else problem.candidate.group
    space, key = (node.space, node.key) if is_fixed else (problem.fixed_space, "calibration")
    training = scheme_training(problem, space, key, Scheme.DA, staged(progress, "calibration"), group)
    noise = float(np.quantile(training.dist2(space), 1 - problem.settings.alpha))
    normal, reference = (s.ambient - s.dim for s in (node.space, space))
    return noise * normal / max(1, reference)


@dataclass(frozen=True)
class CalibratedRule:
    """E_j holds if dist^2 of one training on the data is at most delta_j, the critical value of its copies.

    On fresh samples, and under schemes that impose the symmetry, this is `ThresholdRule` with `augmented_delta`.
    """

    name: str = "calibrated"

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train on the data and on copies, and compare."""
        if not is_calibrated_by_copies(problem):
            return ThresholdRule(self.name).assess(problem, node, progress)
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        found = calibrate(problem, node, progress)
        return self._conclude(problem, node, found, relative_escape(problem, node, found.training, progress))

    def _conclude(self, problem: TestedProblem, node: SearchNode, found: Calibration, relative: float) -> Assessment:
        settings, training, place = problem.settings, found.training, problem.lattice_node(node)
        stays = found.stays or within_tolerance(node, relative, settings)
        saddle = stays and node.space.is_zero and _is_saddle(problem, node)
        holds = stays and not saddle
        against = "" if saddle else disagreement(problem, node, found.stays)
        reason = _threshold_reason(node, found.dist2, found.delta, relative, settings, saddle, found)
        named = {} if place is None or not place.groups else verdicts_by_distance(problem, place.groups, holds)
        evidence = Evidence(
            dist2=found.dist2,
            rmd2=found.rmd2,
            delta=found.delta,
            p_value=found.p_value,
            p_adjusted=None,
            relative_escape=relative,
            risk=float(training.risk[0]),
            horizon=found.horizon,
            replicates=found.trainings,
            decision=Decision.STAY if holds else Decision.GROW,
            rule=self.name,
            reason=f"{reason}; {against}" if against else reason,
            stationary_not_optimal=saddle,
            exact_disagrees=bool(against),
            **named,
        )
        return Assessment(evidence, training)


def stopping_rule(settings: Settings) -> StoppingRule:
    """The rule that the settings name."""
    if settings.stop == "randomisation":
        return RandomisationRule()
    return CalibratedRule() if settings.stop == "calibrated" else ThresholdRule(settings.stop, settings.delta)
