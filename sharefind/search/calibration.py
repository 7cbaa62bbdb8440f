"""delta_j of the rule `calibrated`: how far training on a finite sample of a symmetric law goes from E_j.

The copies of the exact test are such samples. The data and every copy are trained alike, so dist^2 of the data against
an order statistic of the copies' is a test in its own right. What follows for the search is left to `stopping`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import Group
from sharefind.inference import Verdict
from sharefind.meanfield.schedules import Schedule, cosine
from sharefind.search.config import Settings
from sharefind.search.experiments import (
    CopiesPlan,
    StageProgress,
    Training,
    copies_experiment,
    observed_experiment,
    staged,
)
from sharefind.search.hypotheses import Hypothesis, identity_of, judgement, label_of, labels, lattice_node
from sharefind.search.lattice import SearchNode
from sharefind.search.problem import Problem
from sharefind.spaces import Subspace

FLOOR = 0.02
"""Share of its first step size at which a calibrated training ends: the last minibatches are no escape then."""

TIE = 1e-9
"""Difference of two dist^2, relative to the data's, below which they count as equal."""

ROUNDING = 1e-20
"""dist^2, relative to the mean squared size of a particle, that is rounding alone."""


@dataclass(frozen=True)
class Calibration:
    """dist^2 of the data beside what noise explains.

    Attributes:
        training: Of the data, the run whose dist^2 is compared.
        dist2: dist^2 of the data.
        delta: delta_j.
        p_value: Share of the data and the copies whose dist^2 is at least the data's; None where no group keeps
            particles on E_j, so that no copies are exchangeable with the data.
        stays: Whether dist^2 is at most delta_j, up to rounding.
        trainings: Trainings behind the comparison.
    """

    training: Training
    dist2: float
    delta: float
    p_value: float | None
    stays: bool
    trainings: int


def is_calibrated_by_copies(problem: Problem) -> bool:
    """Whether delta_j comes from copies: finite data, and a training that imposes no symmetry.

    Fresh samples need none: data augmentation moves each of them by an element of its own, so that it is the copies'
    law already, and rows are not used twice.
    """
    return problem.samples is not None and problem.settings.config.scheme.is_evidence


def critical_value(copies: NDArray[np.float64], alpha: float) -> float:
    """delta_j: the k-th smallest dist^2 of m copies, k = m + 1 - floor(alpha (m + 1)) = ceil((1 - alpha) (m + 1)).

    If the symmetry holds, the data and the m copies are exchangeable. The data lie above the k-th smallest copy only
    when at most m - k copies lie at or above the data, so that the data are among the m + 1 - k largest of m + 1.
    That has probability at most (m + 1 - k) / (m + 1) <= alpha. A tie with delta_j stays, which only lowers it.

    Args:
        copies: dist^2 of the copies, shape (m,), with m + 1 >= 1 / alpha so that k <= m.
        alpha: Level of the test.

    Returns:
        The critical value.
    """
    rows = len(copies) + 1
    above = math.floor(alpha * rows * (1 + TIE))
    return float(np.sort(copies)[rows - above - 1])


def calibrate(problem: Problem, node: SearchNode, progress: StageProgress) -> Calibration:
    """Train at E_j on the data and on copies, and compare.

    E_j holds if any group with this fixed space is a symmetry of the data. If one is, so is a smallest one inside it,
    whose copies are exchangeable with the data. So E_j is left only if dist^2 lies above delta_j of every smallest
    group: the test of the union has level alpha too. {0} that no group fixes holds if Y is independent of X, and its
    copies have permuted labels. Spaces that no group fixes are compared by `_by_directions`.
    """
    place = lattice_node(problem, node)
    groups = () if place is None else place.minimal_groups
    if not groups and not node.space.is_zero:
        return _by_directions(problem, node, progress)
    found: list[Calibration] = []
    for null in groups or (None,):
        found.append(_by_copies(problem, node, null, progress))
        if found[-1].stays:
            return found[-1]
    return max(found, key=lambda c: c.p_value or 0.0)


def _by_copies(problem: Problem, node: SearchNode, null: Hypothesis, progress: StageProgress) -> Calibration:
    """Against copies moved by independent elements of `null`, one for each row; of permuted labels for None."""
    plan = _plan(problem, node.space, node.key, null)
    result = copies_experiment(plan, staged(progress, f"copies of {identity(problem, null)}"))
    training, dist2, alpha = result.observed[-1], result.dist2[:, -1], problem.settings.alpha
    slack = _slack(training, float(dist2[0]))
    p_value = (1 + int(np.count_nonzero(dist2[1:] >= dist2[0] - slack))) / len(dist2)
    return Calibration(
        training, float(dist2[0]), critical_value(dist2[1:], alpha), p_value, p_value > alpha, len(dist2)
    )


def _by_directions(problem: Problem, node: SearchNode, progress: StageProgress) -> Calibration:
    """Against the noise off E^G, direction by direction, for a space that no group fixes.

    Copies moved by the candidate G are trained on E^G; the critical value of their dist^2 is scaled by the number of
    directions normal to E_j over those normal to E^G. That has no error rate: how noise differs between directions is
    not known. Where E^G = Z nothing is normal, and delta_j is 0.
    """
    fixed, group = problem.fixed_space, problem.candidate.group
    observed = observed_experiment(_plan(problem, node.space, node.key, group), staged(progress, "training"))
    dist2, delta, trainings = float(observed.dist2(node.space)[0]), 0.0, 1
    if not fixed.is_full:
        result = copies_experiment(_plan(problem, fixed, "calibration", group), staged(progress, "calibration"))
        noise = critical_value(result.dist2[1:, -1], problem.settings.alpha)
        normal, reference = (s.ambient - s.dim for s in (node.space, fixed))
        delta, trainings = noise * normal / reference, len(result.dist2)
    stays = dist2 <= delta + _slack(observed, dist2)
    return Calibration(observed, dist2, delta, None, stays, trainings)


def _plan(problem: Problem, space: Subspace, key: str, null: Hypothesis) -> CopiesPlan:
    full = Subspace.full(problem.space.dim)
    return CopiesPlan(problem, space, key, null, (full,), f"calibrated:{identity_of(null)}", _schedule(problem.settings))


def _schedule(settings: Settings) -> Schedule:
    """Half a cosine over the horizon.

    With a constant step the last few minibatches carry particles off E_j as far as the whole sample does, in the copies
    as in the data, and hide what the data do.
    """
    return cosine(settings.sgd.horizon, FLOOR)


def _slack(training: Training, dist2: float) -> float:
    size = float((training.final**2).sum(1).mean())
    return TIE * dist2 + ROUNDING * size


def identity(problem: Problem, null: Hypothesis) -> str:
    """What people call the copies of a hypothesis."""
    return "permuted labels" if null is None else label_of(problem, null)


def disagreement(problem: Problem, node: SearchNode, stays: bool) -> str:
    """What the exact tests say about a node where dist^2 says otherwise; "" where they agree or leave it open."""
    place, found = lattice_node(problem, node), problem.symmetries
    if place is None or found is None:
        return ""
    judged = judgement(problem, node)
    what = "that Y is independent of X" if judged.null is None else f"symmetry under {label_of(problem, judged.null)}"
    p = "" if judged.p_value is None else f" (p = {judged.p_value:.3g})"
    if judged.holds and not stays:
        return f"the exact tests disagree: {what} is not rejected{p}"
    verdicts = found.verdicts(labels(problem, place.groups))
    open_verdicts = [v for v in verdicts.values() if v is not Verdict.REJECTED]
    if stays and not judged.holds and not open_verdicts and judged.p_value is not None:
        return f"the exact tests disagree: {what} is rejected{p}"
    return ""


def verdicts_by_distance(problem: Problem, groups: tuple[Group, ...], stays: bool) -> dict[str, tuple[str, ...]]:
    """Labels of a node's groups, accepted or rejected with it.

    On a node that holds, groups that the exact tests reject are accepted only where they reject all of them.
    """
    names = labels(problem, groups)
    if not stays:
        return {"rejected": names}
    found = {} if problem.symmetries is None else problem.symmetries.verdicts(names)
    rejected = tuple(n for n in names if found.get(n) is Verdict.REJECTED)
    if len(rejected) == len(names):
        return {"groups": names}
    return {"groups": tuple(n for n in names if n not in rejected), "rejected": rejected}
