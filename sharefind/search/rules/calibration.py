"""delta_j of the rule `calibrated`: how far training on a finite sample of a symmetric law goes from E_j.

The copies of the exact test are such samples. The data and every copy are trained alike, so dist^2 of the data against
an order statistic of the copies' is a test in its own right. `stopping` decides what follows for the search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import Group
from sharefind.inference import Verdict
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule, cosine
from sharefind.meanfield.dynamics.sgd import SGDConfig
from sharefind.progress import StageProgress
from sharefind.search.experiments import (
    CopiesPlan,
    Training,
    copies_experiment,
    observed_experiment,
    staged,
)
from sharefind.search.hypotheses import Hypothesis, TestedProblem, identity_of
from sharefind.search.search_lattice import SearchNode
from sharefind.spaces import Subspace


@dataclass(frozen=True)
class CalibratedTraining:
    """How the data and the copies are trained and compared: in two halves, each as long as any other training.

    Attributes:
        floor: Share of its first step size at which each half ends: the last minibatches are no escape.
        readings: Fractions of the horizon at which dist^2 is read: after the linear signal is learned, and after the
            rest is.
        rate: Largest share of a linear signal that one step of the second half learns: by the end the fit is good, so
            that what is left of the labels is noise, and small differences beyond the linear signal are seen.
        stable_samples: A step learns at most 1 / (this many times dim X) of it for each sample of its minibatch.
        stable_inputs: It learns at most this over dim X: inputs that the group leaves correlated have directions of
            variance dim X.
        tie: Difference of two dist^2, relative to the data's, below which they count as equal.
        rounding: dist^2, relative to the mean squared size of a particle, that is rounding alone.
    """

    floor: float = 0.02
    readings: tuple[float, ...] = (0.5, 1.0)
    rate: float = 1 / 2
    stable_samples: int = 4
    stable_inputs: int = 2
    tie: float = 1e-9
    rounding: float = 1e-20

    def smallest(self, training: Training) -> float:
        """Return dist^2 of a training that is rounding alone.

        Args:
            training: The training.
        """
        return self.rounding * float((training.final**2).sum(1).mean())


CALIBRATED = CalibratedTraining()


@dataclass(frozen=True)
class Calibration:
    """dist^2 of the data beside what noise explains.

    Attributes:
        training: The training on the data, whose dist^2 is compared.
        dist2: dist^2 of the data, at the reading where it stands out most.
        rmd2: RMD^2 there.
        delta: delta_j there.
        horizon: T of that reading.
        p_value: Share of the data and the copies that stand out as much as the data; None where no group keeps
            particles on E_j, so that no copies are exchangeable with the data.
        stays: Whether dist^2 is at most delta_j, up to rounding.
        trainings: Trainings behind the comparison.
    """

    training: Training
    dist2: float
    rmd2: float
    delta: float
    horizon: float
    p_value: float | None
    stays: bool
    trainings: int


def is_calibrated_by_copies(problem: TestedProblem) -> bool:
    """Return whether delta_j comes from copies: finite data, and a training that imposes no symmetry.

    Fresh samples need none: data augmentation moves each of them by an element of its own, so that it is the copies'
    law already, and rows are not used twice.

    Args:
        problem: The problem.
    """
    return problem.samples is not None and problem.settings.config.scheme.is_evidence


def critical_value(copies: NDArray[np.float64], alpha: float, tie: float = CALIBRATED.tie) -> float:
    """The k-th smallest value of m copies, k = m + 1 - floor(alpha (m + 1)) = ceil((1 - alpha) (m + 1)).

    If the symmetry holds, the data and the m copies are exchangeable. The data lie above the k-th smallest copy only
    when at most m - k copies lie at or above the data, so that the data are among the m + 1 - k largest of m + 1.
    That has probability at most (m + 1 - k) / (m + 1) <= alpha. A tie stays, which only lowers it.

    Args:
        copies: Values of the copies, shape (m,), with m + 1 >= 1 / alpha so that k <= m.
        alpha: Level of the test.
        tie: Relative error of alpha (m + 1) that is rounding alone.

    Returns:
        The critical value.
    """
    rows = len(copies) + 1
    above = math.floor(alpha * rows * (1 + tie))
    return float(np.sort(copies)[rows - above - 1])


def calibrate(
    problem: TestedProblem, node: SearchNode, progress: StageProgress, how: CalibratedTraining = CALIBRATED
) -> Calibration:
    """Train at E_j on the data and on copies, and compare.

    E_j holds if any group with this fixed space is a symmetry of the data. If one is, so is a smallest one inside it,
    whose copies are exchangeable with the data. So E_j is left only if dist^2 lies above delta_j of every smallest
    group: the test of the union has level alpha too. {0} that no group fixes holds if Y is independent of X, and its
    copies have permuted labels. Spaces that no group fixes are compared by `_by_directions`.

    Args:
        problem: The problem.
        node: The node E_j.
        progress: Called with the stage, the steps done and the steps in all.
        how: Settings of the comparison.

    Returns:
        The comparison.
    """
    place = problem.lattice_node(node)
    groups = () if place is None else place.minimal_groups
    if not groups and not node.space.is_zero:
        return _by_directions(problem, node, progress, how)
    found: list[Calibration] = []
    for null in groups or (None,):
        found.append(_by_copies(problem, node, null, progress, how))
        if found[-1].stays:
            return found[-1]
    return max(found, key=lambda c: c.p_value or 0.0)


@dataclass(frozen=True)
class Comparison:
    """dist^2 of the data against that of the copies, all readings together.

    Attributes:
        reading: Which reading stands out most, for the data.
        delta: delta_j at that reading.
        p_value: Share of all rows that stand out as much as the data.
    """

    reading: int
    delta: float
    p_value: float


def compare(dist2: NDArray[np.float64], alpha: float, rounding: float = 0.0, tie: float = CALIBRATED.tie) -> Comparison:
    """Compare the data with their copies at the reading at which they stand out most.

    How far a row stands out is the largest of its readings' log dist^2, each standardised by mean and standard
    deviation over all rows, the data included: that keeps the rows exchangeable, so that the critical value z of the
    copies' has level `alpha`. At the data's own reading the comparison reads dist^2 <= delta_j = exp(mean + z std).

    Args:
        dist2: dist^2, shape (m + 1, readings), the data in row 0.
        alpha: Level.
        rounding: dist^2 that is rounding alone.
        tie: Difference, relative to the data's, below which two rows count as equal.

    Returns:
        The comparison; the data stay if its p-value is above `alpha`.
    """
    logs = np.log(dist2 + max(rounding, float(np.finfo(np.float64).tiny)))
    mean, spread = logs.mean(axis=0), logs.std(axis=0)
    is_noise = spread <= tie
    scores = np.where(is_noise, 0.0, (logs - mean) / np.where(is_noise, 1.0, spread))
    outstanding, reading = scores.max(axis=1), int(scores[0].argmax())
    slack = tie * max(1.0, abs(float(outstanding[0])))
    p_value = (1 + int(np.count_nonzero(outstanding[1:] >= outstanding[0] - slack))) / len(dist2)
    z = critical_value(outstanding[1:], alpha, tie)
    return Comparison(reading, max(0.0, float(np.exp(mean[reading] + z * spread[reading])) - rounding), p_value)


def _by_copies(
    problem: TestedProblem, node: SearchNode, null: Hypothesis, progress: StageProgress, how: CalibratedTraining
) -> Calibration:
    """Against copies moved by independent elements of `null`, one for each row; of permuted labels for None."""
    plan, alpha = _plan(problem, node.space, node.key, null, how), problem.settings.alpha
    result = copies_experiment(plan, staged(progress, f"copies of {identity(problem, null)}"))
    marks, training = [plan.checkpoints.index(time) for time in how.readings], result.observed[-1]
    found = compare(result.dist2[:, marks], alpha, how.smallest(training), how.tie)
    read = result.observed[marks[found.reading]]
    return _calibration(plan, training, read, found.delta, len(result.dist2), found.p_value > alpha, found.p_value)


def _by_directions(
    problem: TestedProblem, node: SearchNode, progress: StageProgress, how: CalibratedTraining
) -> Calibration:
    """Against the noise off E^G, direction by direction, for a space that no group fixes.

    Copies moved by the candidate G are trained on E^G; the critical value of their dist^2 is scaled by the number of
    directions normal to E_j over those normal to E^G. That has no error rate: how noise differs between directions is
    not known. Where E^G = Z nothing is normal, and delta_j is 0.
    """
    fixed, group = problem.fixed_space, problem.candidate.group
    plan = _plan(problem, node.space, node.key, group, how)
    observed = observed_experiment(plan, staged(progress, "training"))
    dist2, delta, trainings = float(observed.dist2(node.space)[0]), 0.0, 1
    if not fixed.is_full:
        result = copies_experiment(_plan(problem, fixed, "calibration", group, how), staged(progress, "calibration"))
        noise = critical_value(result.dist2[1:, -1], problem.settings.alpha, how.tie)
        normal, reference = (s.ambient - s.dim for s in (node.space, fixed))
        delta, trainings = noise * normal / reference, len(result.dist2)
    stays = dist2 <= delta + how.tie * dist2 + how.smallest(observed)
    return _calibration(plan, observed, observed, delta, trainings, stays)


def _calibration(
    plan: CopiesPlan,
    training: Training,
    read: Training,
    delta: float,
    trainings: int,
    stays: bool,
    p_value: float | None = None,
) -> Calibration:
    """The reading of a training of the data, compared with delta_j."""
    dist2, rmd2 = float(read.dist2(plan.space)[0]), float(read.rmd2(plan.space)[0])
    horizon = plan.problem.settings.sgd.horizon * read.time
    return Calibration(training, dist2, rmd2, delta, horizon, p_value, stays, trainings)


def _plan(problem: TestedProblem, space: Subspace, key: str, null: Hypothesis, how: CalibratedTraining) -> CopiesPlan:
    """The training of the data and of the copies at a node, on one schedule."""
    tuned = replace(problem, settings=replace(problem.settings, sgd=calibrated_sgd(problem)))
    full, name = Subspace.full(problem.space.dim), f"calibrated:{identity_of(null)}"
    return CopiesPlan(tuned, space, key, null, (full,), name, calibrated_schedule(problem, how))


def calibrated_sgd(problem: TestedProblem) -> SGDConfig:
    """Return the settings of a calibrated training: twice as long as others, from a wider start.

    A unit of one layer is nearly linear on particles near 0, and does not see a symmetry that only the rest breaks. So
    its pre-activations start with a standard deviation of sigma'(0)^(-1/2), where sigma bends: 2 for the logistic
    function, 1 for tanh. Units with a hidden layer start there anyhow. The paper's preset is not changed.

    Args:
        problem: The problem.

    Returns:
        The settings. They follow from sizes alone, never from the rows: the data and the copies have the same.
    """
    sgd, unit = problem.settings.sgd, problem.unit
    if problem.settings.is_paper:
        return sgd
    longer = sgd.model_copy(update={"horizon": 2 * sgd.steps / sgd.particles})
    if unit.hidden_rep is not None:
        return longer
    bend = (2 / unit.gain(sgd.initial_std)) ** 0.25  # gain = 2 sigma'(0)^2
    std = max(sgd.initial_std, min(1.0, bend / math.sqrt(problem.candidate.in_rep.dim)))
    return longer.model_copy(update={"initial_std": std})


def calibrated_schedule(problem: TestedProblem, how: CalibratedTraining = CALIBRATED) -> Schedule:
    """Return a schedule of two halves; in each of them the step falls along half a cosine.

    With a constant step the last few minibatches carry particles off E_j as far as the whole sample does, in the copies
    as in the data, and hide what the data do. The first half learns the linear signal in small steps, before a tilt is
    amplified. The second takes steps that learn what remains, where the unit has one layer.

    Args:
        problem: The problem.
        how: Settings of the comparison.
    """
    if problem.settings.is_paper:
        return CONSTANT
    sgd, width, usual = calibrated_sgd(problem), problem.candidate.in_rep.dim, problem.settings.presets.rate
    middle = sgd.horizon / 2
    half = cosine(middle, how.floor)
    rate = max(usual, min(how.rate, how.stable_inputs / width, sgd.batch / (how.stable_samples * width)))
    larger = 1.0 if problem.unit.hidden_rep is not None else rate / usual

    def value(t: float) -> float:
        return half.value(t) if t < middle else larger * half.value(t - middle)

    return Schedule(f"two halves, cosine:{middle:g}:{how.floor:g}", value)


def identity(problem: TestedProblem, null: Hypothesis) -> str:
    """Return the name of the copies of a hypothesis, for people.

    Args:
        problem: The problem.
        null: The hypothesis.
    """
    return "permuted labels" if null is None else problem.label_of(null)


def disagreement(problem: TestedProblem, node: SearchNode, stays: bool) -> str:
    """Return the result of the exact tests at a node where dist^2 contradicts it; "" where they agree or leave it open.

    Args:
        problem: The problem.
        node: The node.
        stays: Whether particles stay by dist^2.
    """
    place, found = problem.lattice_node(node), problem.symmetries
    if place is None or found is None:
        return ""
    judged = problem.judgement(node)
    what = "that Y is independent of X" if judged.null is None else f"symmetry under {problem.label_of(judged.null)}"
    p = "" if judged.p_value is None else f" (p = {judged.p_value:.3g})"
    if judged.holds and not stays:
        return f"the exact tests disagree: {what} is not rejected{p}"
    verdicts = found.verdicts(problem.labels_of(place.groups))
    open_verdicts = [v for v in verdicts.values() if v is not Verdict.REJECTED]
    if stays and not judged.holds and not open_verdicts and judged.p_value is not None:
        return f"the exact tests disagree: {what} is rejected{p}"
    return ""


def verdicts_by_distance(problem: TestedProblem, groups: tuple[Group, ...], stays: bool) -> dict[str, tuple[str, ...]]:
    """Return labels of a node's groups, accepted or rejected with it.

    On a node that holds, groups that the exact tests reject are accepted only where they reject all of them.

    Args:
        problem: The problem.
        groups: Groups of the node.
        stays: Whether the node holds.
    """
    names = problem.labels_of(groups)
    if not stays:
        return {"rejected": names}
    found = {} if problem.symmetries is None else problem.symmetries.verdicts(names)
    rejected = tuple(n for n in names if found.get(n) is Verdict.REJECTED)
    if len(rejected) == len(names):
        return {"groups": names}
    return {"groups": tuple(n for n in names if n not in rejected), "rejected": rejected}
