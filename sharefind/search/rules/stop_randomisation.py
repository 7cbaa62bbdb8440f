"""The stopping rule `randomisation`: the exact tests decide, and training shows how far particles go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sharefind.errors import ConfigError, setting
from sharefind.inference import Verdict, randomisation_p_value
from sharefind.progress import StageProgress
from sharefind.search.config import Settings
from sharefind.search.experiments import CopiesPlan, CopiesResult, copies_experiment, staged
from sharefind.search.hypotheses import Judgement, TestedProblem, identity_of
from sharefind.search.node_evidence import Decision, NodeEvidence
from sharefind.search.rule_traits import StopTraits
from sharefind.search.rules.stopping import Assessment, relative_escape, whole_space, within_tolerance
from sharefind.search.search_lattice import SearchNode


@dataclass(frozen=True)
class RandomisationRule:
    """E_j holds when a symmetry that keeps particles there was not rejected; training shows how far they go.

    Attributes:
        name: Name of the rule.
        traits: Properties that the rule declares.
    """

    name: str = "randomisation"
    traits: ClassVar[StopTraits] = StopTraits(decides_by_tests=True, trains_copies="always")

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train on the data and on copies moved by the node's symmetry with the largest p-value.

        Args:
            problem: As in `StoppingRule`.
            node: As in `StoppingRule`.
            progress: As in `StoppingRule`.

        Returns:
            NodeEvidence with the particles behind it.

        Raises:
            ConfigError: The candidate's subgroups were not tested, as in a blind search.
        """
        if node.space.is_full:
            return whole_space(problem, node, self.name, progress, p_value=1.0)
        if problem.symmetries is None:
            raise ConfigError(
                f"stopping rule randomisation needs tests of a candidate group; use {setting('stop')} calibrated"
            )
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
        evidence = NodeEvidence(
            dist2=float(observed.dist2(node.space)[0]),
            rmd2=float(observed.rmd2(node.space)[0]),
            delta=_delta(result, mark, settings),
            p_value=judged.p_value,
            p_adjusted=judged.p_adjusted,
            relative_escape=relative,
            risk=float(observed.risk[0]),
            horizon=settings.sgd.horizon * observed.time,
            replicates=settings.training_copies + 1,
            decision=Decision.GROW if grow else Decision.STAY,
            rule=self.name,
            reason=_test_reason(problem, node, judged, result, relative),
            stationary_not_optimal=not judged.holds and not judged.doubt and not escapes(result, settings),
            exact_disagrees=False,
            **_verdicts(problem, node, tolerated),
        )
        return Assessment(evidence, result.observed[-1])


def escapes(result: CopiesResult, settings: Settings) -> bool:
    """Return whether particles leave farther than they do on moved copies, at any checkpoint and in any direction.

    Where they do not, though the symmetry is rejected, training rests at a saddle. The exact tests have decided by
    then, so the copies need not reach alpha: with few of them, the data must leave farther than every copy.

    Args:
        result: Displacements of the data and of the copies.
        settings: Settings of the search.
    """
    components = result.components.reshape(len(result.components), -1)
    return randomisation_p_value(components) <= max(settings.alpha, 1 / len(components))


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
    if judged.doubt:
        tolerated = within_tolerance(node, relative, settings)
        stays = f"particles stay within the tolerance: relative escape {relative:.3g} <= {settings.tolerance:g}; "
        undecided = f"undecided: {what} ({p}): {judged.doubt}"
        return f"{stays if tolerated else ''}{undecided}"
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
    return f"{leaving(result, settings)}: {what} is rejected ({p} <= alpha = {settings.alpha:g}){over}"


def _delta(result: CopiesResult, mark: int, settings: Settings) -> float:
    return float(np.quantile(result.dist2[1:, mark], 1 - settings.alpha, method="higher"))


def leaving(result: CopiesResult, settings: Settings) -> str:
    """Return how particles leave: dist^2 adds up all directions, and may be small where they leave along a few of them.

    Args:
        result: Displacements of the data and of the copies.
        settings: Settings of the search.
    """
    mark = result.clearest_checkpoint()
    if result.dist2[0, mark] > _delta(result, mark, settings):
        return "particles leave"
    return "particles leave towards a larger space (dist^2, in all directions, is not above delta)"


def _hypothesis(problem: TestedProblem, judged: Judgement) -> str:
    if judged.is_tying and problem.blind is not None:
        name: str = problem.blind.finding.name
        return name
    if judged.null is None:
        return "Y independent of X"
    label = problem.label_of(judged.null)
    return f"equivariance of the relation under {label}" if problem.by_relation else f"symmetry under {label}"


def _verdicts(problem: TestedProblem, node: SearchNode, tolerated: bool) -> dict[str, tuple[str, ...]]:
    """Labels of the node's groups that were accepted and rejected; undecided groups are in neither."""
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
