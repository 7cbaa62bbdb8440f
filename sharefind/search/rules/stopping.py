"""The interface of stopping rules: does training started on E_j stay on E_j?

Each rule has a file of its own, and declares there what others must know of it. Every rule also asks whether staying is
only a saddle (stationary, not optimal). The growth rules decide where to grow instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sharefind.progress import StageProgress
from sharefind.search.config import Settings
from sharefind.search.experiments import Training, effect_training, scheme_training, staged
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision, NodeEvidence
from sharefind.search.rule_traits import StopTraits
from sharefind.search.search_lattice import SearchNode


@dataclass(frozen=True)
class Assessment:
    """Evidence at a node together with the particles behind it.

    Attributes:
        evidence: The evidence.
        training: The training.
    """

    evidence: NodeEvidence
    training: Training


class StoppingRule(Protocol):
    """Decides whether a node holds. A user's own rule needs a name and this one method."""

    @property
    def name(self) -> str:
        """The name of the rule in the record."""
        ...

    def assess(self, problem: TestedProblem, node: SearchNode, progress: StageProgress) -> Assessment:
        """Train at the node and decide.

        Args:
            problem: The problem, with its tests.
            node: The node.
            progress: Called with the stage, the steps done and the steps in all.

        Returns:
            NodeEvidence with the particles behind it.
        """
        ...


class RegisteredStop(StoppingRule, Protocol):
    """A rule that settings can name: it declares what they must know of it."""

    @property
    def traits(self) -> StopTraits:
        """The properties that the rule declares."""
        ...


def whole_space(
    problem: TestedProblem, node: SearchNode, rule: str, progress: StageProgress, p_value: float | None = None
) -> Assessment:
    """Return evidence for Z, which holds by definition: no larger space exists. It is trained for its risk.

    Args:
        problem: The problem.
        node: The node of Z.
        rule: Name of the stopping rule.
        progress: Called with the stage, the steps done and the steps in all.
        p_value: p-value for the record.
    """
    settings = problem.settings
    training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
    place = problem.lattice_node(node)
    evidence = NodeEvidence(
        dist2=0.0,
        rmd2=0.0,
        delta=0.0,
        p_value=p_value,
        p_adjusted=p_value,
        relative_escape=0.0,
        risk=float(training.risk.mean()),
        horizon=settings.sgd.horizon,
        replicates=settings.replicates,
        decision=Decision.STAY,
        rule=rule,
        reason=f"this is the whole parameter space: {_unshared(problem)}",
        groups=() if place is None else problem.labels_of(place.groups),
    )
    return Assessment(evidence, training)


def _unshared(problem: TestedProblem, most: int = 4) -> str:
    """Why no smaller space holds."""
    names = problem.one_sided
    if not names:
        return "the data support no sharing"
    listed = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return f"no relation is accepted; the inputs show one side only of {listed}, undecided"


def relative_escape(problem: TestedProblem, node: SearchNode, training: Training, progress: StageProgress) -> float:
    """Return the mean relative escape of a training; with large minibatches where a tolerance makes its size decide.

    Args:
        problem: The problem.
        node: The node.
        training: The training.
        progress: Called with the stage, the steps done and the steps in all.
    """
    if problem.settings.tolerance > 0 and problem.samples is not None and not node.space.is_zero:
        training = effect_training(problem, node.space, node.key, staged(progress, "size of the escape"))
    return float(training.relative_escape(node.space).mean())


def within_tolerance(node: SearchNode, relative: float, settings: Settings) -> bool:
    """Return whether a relative escape counts as staying; never at {0}, where everything is escape.

    Args:
        node: The node.
        relative: The relative escape.
        settings: Settings of the search.
    """
    return node.space.dim > 0 and relative <= settings.tolerance


def is_saddle(problem: TestedProblem, node: SearchNode) -> bool:
    """Return whether the exact tests reject all that would keep particles here, at {0} and at exact nodes.

    Args:
        problem: The problem.
        node: The node.
    """
    place = problem.lattice_node(node)
    if problem.symmetries is None or place is None:
        return False
    return not problem.judgement(node).holds
