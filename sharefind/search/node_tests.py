"""Exact tests of one symmetry at one node: the displacement of particles started on E_j, and the held-out gap.

Both compare the data with copies moved by the hypothesis; what a rejection means for the search is left to `stopping`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.groups import FiniteGroup
from sharefind.inference import randomisation_p_value
from sharefind.search.experiments import CopiesPlan, CopiesResult, StageProgress, copies_experiment, staged
from sharefind.search.free_models import FreeModels
from sharefind.search.gap import gap_p_value, independence_p_value
from sharefind.search.hypotheses import Hypothesis, allowed_subgroups, directions
from sharefind.search.lattice import SearchNode
from sharefind.search.problem import Problem


@dataclass(frozen=True)
class HypothesisTest:
    """What the two tests of one hypothesis gave.

    Attributes:
        null: the hypothesis. escape_p: from particles started on E_j.
        gap_p: from free models; None for infinite groups.
        p_value: min(1, 2 min(escape_p, gap_p)), or escape_p where there is no gap test.
        result: the displacement experiment.
    """

    null: Hypothesis
    escape_p: float
    gap_p: float | None
    p_value: float
    result: CopiesResult


def identity_of(null: Hypothesis) -> str:
    """Words that name the hypothesis in random streams, independent of how its generators are listed."""
    if null is None:
        return "independence"
    if isinstance(null, FiniteGroup):
        return repr(sorted(map(tuple, null.elements().tolist())))
    return null.name


def hypothesis_test(
    problem: Problem, node: SearchNode, null: Hypothesis, models: FreeModels, progress: StageProgress
) -> HypothesisTest:
    """Test one symmetry at a node, by the displacement and by the held-out gap."""
    plan = CopiesPlan(problem, node.space, node.key, null, directions(problem, node), f"copies:{identity_of(null)}")
    result = copies_experiment(plan, staged(progress, "escape"))
    components = result.components.reshape(len(result.components), -1)
    escape_p = randomisation_p_value(components)
    gap_p = gap_test(problem, node, null, models, progress)
    if gap_p is None:
        return HypothesisTest(null, escape_p, None, escape_p, result)
    return HypothesisTest(null, escape_p, gap_p, either_p_value(escape_p, gap_p), result)


def gap_test(
    problem: Problem, node: SearchNode, null: Hypothesis, models: FreeModels, progress: StageProgress
) -> float | None:
    """p-value of the hypothesis from models that no saddle can hold; None where the group is infinite."""
    progress("saddle check", 0, 1)
    judged = models.of(problem)
    words = f"{node.key}:{identity_of(null)}"
    if null is None:
        p_value = independence_p_value(problem, judged, words)
    elif isinstance(null, FiniteGroup):
        p_value = gap_p_value(problem, judged, null, allowed_subgroups(problem, node, null), words)
    else:
        return None
    progress("saddle check", 1, 1)
    return p_value


def either_p_value(first: float, second: float) -> float:
    """Bonferroni over two tests of one hypothesis: min(1, 2 min)."""
    return min(1.0, 2 * min(first, second))
