"""What stopping rules work with: does training started on E_j stay on E_j?

Each rule has a file of its own, and declares there what others must know of it. Every rule also asks whether staying is
only a saddle (stationary, not optimal). Where to grow instead is left to the growth rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sharefind.progress import StageProgress
from sharefind.search.config import Settings
from sharefind.search.experiments import Training, effect_training, scheme_training, staged
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.rule_traits import StopTraits
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


class RegisteredStop(StoppingRule, Protocol):
    """A rule that settings can name: it declares what they must know of it."""

    @property
    def traits(self) -> StopTraits:
        """What the rule declares."""
        ...


def whole_space(
    problem: TestedProblem, node: SearchNode, rule: str, progress: StageProgress, p_value: float | None = None
) -> Assessment:
    """Z holds by definition: nothing is left to grow to. It is trained all the same, for its risk."""
    settings = problem.settings
    training = scheme_training(problem, node.space, node.key, settings.config.scheme, staged(progress, "training"))
    place = problem.lattice_node(node)
    evidence = Evidence(
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
    """Mean relative escape of a training; of one with large minibatches where a tolerance makes its size decide."""
    if problem.settings.tolerance > 0 and problem.samples is not None and not node.space.is_zero:
        training = effect_training(problem, node.space, node.key, staged(progress, "size of the escape"))
    return float(training.relative_escape(node.space).mean())


def within_tolerance(node: SearchNode, relative: float, settings: Settings) -> bool:
    """Whether a relative escape counts as staying; never at {0}, where everything is escape."""
    return node.space.dim > 0 and relative <= settings.tolerance


def is_saddle(problem: TestedProblem, node: SearchNode) -> bool:
    """Whether the exact tests reject all that would keep particles here; asked of {0} and of exact nodes."""
    place = problem.lattice_node(node)
    if problem.symmetries is None or place is None:
        return False
    return not problem.judgement(node).holds
