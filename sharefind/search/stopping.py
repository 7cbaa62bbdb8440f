"""Stopping rules: does training started on E_j stay on E_j?

`fixed` compares dist^2 with a given delta_j; `calibrated` takes delta_j from training on data symmetrised by the
candidate, which Theorem 5 allows whatever the data are; `randomisation` gives an exact p-value. Every rule also asks
whether staying is only a saddle (stationary, not optimal). Where to grow instead is left to `growth`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sharefind.meanfield.schemes import Scheme
from sharefind.search.config import Settings
from sharefind.search.evidence import Decision, Evidence
from sharefind.search.experiments import StageProgress, Training, effect_training, scheme_training, staged
from sharefind.search.free_models import FreeModels
from sharefind.search.hypotheses import hypotheses, is_within, label_of, labels, lattice_node
from sharefind.search.lattice import SearchNode
from sharefind.search.node_tests import HypothesisTest, gap_test, hypothesis_test
from sharefind.search.problem import Problem


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

    def assess(self, problem: Problem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train at the node and decide."""
        ...


def whole_space(problem: Problem, node: SearchNode, rule: str, progress: StageProgress) -> Assessment:
    """Z holds by definition: nothing is left to grow to. It is trained all the same, for its risk."""
    settings = problem.settings
    training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
    place = lattice_node(problem, node)
    evidence = Evidence(
        dist2=0.0,
        rmd2=0.0,
        delta=0.0,
        p_value=1.0 if rule == "randomisation" else None,
        p_adjusted=None,
        relative_escape=0.0,
        risk=float(training.risk.mean()),
        horizon=settings.sgd.horizon,
        replicates=settings.replicates,
        decision=Decision.STAY,
        rule=rule,
        reason="this is the whole parameter space: the data support no sharing",
        groups=() if place is None else labels(problem, place.groups),
    )
    return Assessment(evidence, training)


def relative_escape(problem: Problem, node: SearchNode, training: Training, progress: StageProgress) -> float:
    """Mean relative escape of a training; of one with large minibatches where a tolerance makes its size decide."""
    if problem.settings.tolerance > 0 and problem.samples is not None and not node.space.is_zero:
        training = effect_training(problem, node.space, node.key, staged(progress, "size of the escape"))
    return float(training.relative_escape(node.space).mean())


def within_tolerance(node: SearchNode, relative: float, settings: Settings) -> bool:
    """Whether a relative escape counts as staying; never at {0}, where everything is escape."""
    return node.space.dim > 0 and relative <= settings.tolerance


@dataclass(frozen=True)
class RandomisationRule:
    """E_j holds unless the exact tests reject every symmetry that would keep particles there."""

    name: str = "randomisation"
    models: FreeModels = field(default_factory=FreeModels, repr=False, compare=False)

    def assess(self, problem: Problem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Test the node's hypotheses until one is not rejected."""
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        tests: list[HypothesisTest] = []
        for null in hypotheses(problem, node):
            tests.append(hypothesis_test(problem, node, null, self.models, progress))
            if tests[-1].p_value > problem.settings.alpha:
                break
        best = max(tests, key=lambda t: t.p_value)
        relative = relative_escape(problem, node, best.result.observed[-1], progress)
        return self._conclude(problem, node, tests, best, relative)

    def _conclude(
        self, problem: Problem, node: SearchNode, tests: list[HypothesisTest], best: HypothesisTest, relative: float
    ) -> Assessment:
        settings = problem.settings
        rejected = best.p_value <= settings.alpha
        tolerated = rejected and within_tolerance(node, relative, settings)
        grow = rejected and not tolerated
        mark = best.result.clearest_checkpoint() if grow else len(best.result.observed) - 1
        observed = best.result.observed[mark]
        evidence = Evidence(
            dist2=float(observed.dist2(node.space)[0]),
            rmd2=float(observed.rmd2(node.space)[0]),
            delta=float(np.quantile(best.result.dist2[1:, mark], 1 - settings.alpha, method="higher")),
            p_value=best.p_value,
            p_adjusted=None,
            relative_escape=relative,
            risk=float(observed.risk[0]),
            horizon=settings.sgd.horizon * observed.time,
            replicates=settings.copies + 1,
            decision=Decision.GROW if grow else Decision.STAY,
            rule=self.name,
            reason=_test_reason(problem, node, best, relative),
            stationary_not_optimal=_is_saddle(best, settings),
            **_verdicts(problem, node, tests, tolerated),
        )
        return Assessment(evidence, best.result.observed[-1])


def _is_saddle(test: HypothesisTest, settings: Settings) -> bool:
    """Rejected by the free models alone: particles started on E_j see nothing of it."""
    return test.p_value <= settings.alpha and 2 * test.escape_p > settings.alpha


def _test_reason(problem: Problem, node: SearchNode, test: HypothesisTest, relative: float) -> str:
    settings = problem.settings
    what = "Y independent of X" if test.null is None else f"symmetry under {label_of(problem, test.null)}"
    p = f"p = {test.p_value:.3g}"
    if test.p_value > settings.alpha:
        return f"particles stay: {what} is not rejected ({p} > alpha = {settings.alpha:g})"
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
    if _is_saddle(test, settings):
        return (
            f"stationary but not optimal: particles started on {node.label} stay, but a free start predicts "
            f"unseen labels better than {what} allows ({p}){over}"
        )
    return f"particles leave: {what} is rejected ({p} <= alpha = {settings.alpha:g}){over}"


def _verdicts(
    problem: Problem, node: SearchNode, tests: list[HypothesisTest], tolerated: bool
) -> dict[str, tuple[str, ...]]:
    """Labels of the node's groups that were accepted and rejected; what is not implied by a test is in neither."""
    place = lattice_node(problem, node)
    if place is None or not place.groups:
        return {}
    if tolerated:
        return {"groups": labels(problem, place.groups)}
    alpha = problem.settings.alpha
    kept = [t.null for t in tests if t.null is not None and t.p_value > alpha]
    failed = [t.null for t in tests if t.null is not None and t.p_value <= alpha]
    if not kept:
        return {"rejected": labels(problem, place.groups)}
    accepted = [g for g in place.groups if any(is_within(g, k) for k in kept)]
    rejected = [g for g in place.groups if any(is_within(f, g) for f in failed)]
    return {"groups": labels(problem, accepted), "rejected": labels(problem, rejected)}


@dataclass(frozen=True)
class ThresholdRule:
    """E_j holds if the mean of dist^2 over replicates is at most delta_j: rules `fixed` and `calibrated`.

    Attributes:
        name: "fixed" or "calibrated". delta: the threshold of `fixed`; None calibrates.
    """

    name: str
    delta: float | None = None
    models: FreeModels = field(default_factory=FreeModels, repr=False, compare=False)

    def assess(self, problem: Problem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train R replicates at the node and compare."""
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress)
        settings = problem.settings
        training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
        delta = self.delta if self.delta is not None else calibrated_delta(problem, node, progress)
        d2, relative = (
            float(training.dist2(node.space).mean()),
            float(training.relative_escape(node.space).mean()),
        )
        stays = d2 <= delta or within_tolerance(node, relative, settings)
        saddle = stays and self._is_saddle(problem, node, progress)
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
            **_threshold_verdicts(problem, node, stays and not saddle),
        )
        return Assessment(evidence, training)

    def _is_saddle(self, problem: Problem, node: SearchNode, progress: StageProgress) -> bool:
        """Whether free models reject every hypothesis of the node; asked of {0} and exact nodes under vanilla."""
        testable = node.space.is_zero or lattice_node(problem, node) is not None
        if problem.settings.config.scheme is not Scheme.VANILLA or not testable:
            return False
        p_values = [gap_test(problem, node, null, self.models, progress) for null in hypotheses(problem, node)]
        return all(p is not None and p <= problem.settings.alpha for p in p_values)


def _threshold_reason(
    node: SearchNode, d2: float, delta: float, relative: float, settings: Settings, saddle: bool
) -> str:
    compared = f"dist^2 = {d2:.3g} against delta = {delta:.3g}"
    if saddle:
        return (
            f"stationary but not optimal: particles started on {node.label} stay ({compared}), but a free start "
            "predicts unseen labels better"
        )
    if d2 <= delta:
        return f"particles stay: {compared}"
    if within_tolerance(node, relative, settings):
        return (
            f"particles stay within the tolerance: relative escape {relative:.3g} <= {settings.tolerance:g}, {compared}"
        )
    return f"particles leave: {compared}"


def _threshold_verdicts(problem: Problem, node: SearchNode, holds: bool) -> dict[str, tuple[str, ...]]:
    """Only vanilla training is evidence; the other schemes impose the symmetry."""
    place = lattice_node(problem, node)
    if place is None or not place.groups or not problem.settings.config.scheme.is_evidence:
        return {}
    return {"groups" if holds else "rejected": labels(problem, place.groups)}


def calibrated_delta(problem: Problem, node: SearchNode, progress: StageProgress) -> float:
    """delta_j: the (1 - alpha) quantile over replicates of how far noise carries particles off E_j.

    Training on data symmetrised by a group H keeps particles started on E^H there up to noise (Maass & Fontbona 2024,
    Thm 5, whatever pi is). For E_j = E^H that noise is delta_j. Elsewhere it is taken from E^G, direction by direction:
    scaled by the number of directions normal to E_j over those normal to E^G; where E^G = Z none is, and delta_j is 0.
    """
    place = lattice_node(problem, node)
    is_fixed = place is not None and bool(place.groups)
    group = place.group if place is not None and is_fixed else problem.candidate.group
    space, key = (node.space, node.key) if is_fixed else (problem.fixed_space, "calibration")
    training = scheme_training(problem, space, key, Scheme.DA, staged(progress, "calibration"), group)
    noise = float(np.quantile(training.dist2(space), 1 - problem.settings.alpha))
    normal, reference = (s.ambient - s.dim for s in (node.space, space))
    return noise * normal / max(1, reference)


def stopping_rule(settings: Settings) -> StoppingRule:
    """The rule that the settings name."""
    if settings.stop == "randomisation":
        return RandomisationRule()
    return ThresholdRule(settings.stop, settings.delta if settings.stop == "fixed" else None)
