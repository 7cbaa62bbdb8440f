"""An empirical noise floor, against which the finding "particles stay on {0}" is checked.

{0} is stationary whenever the data have no linear signal that the unit can see. Staying there means "done" only if the
labels carry no signal at all; otherwise the unit is blind to it, and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.errors import setting
from sharefind.meanfield.units import GatedUnit
from sharefind.rng import named_stream
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import NodeEvidence
from sharefind.search.problem import Problem


@dataclass(frozen=True)
class NoiseFloor:
    """The loss that remains for the best predictor.

    Attributes:
        floor: Mean squared loss of the best predictor, estimated.
        variance: Mean squared loss of the best constant, the labels' variance.
        signal_share: Labels whose floor lies below this share of their variance carry signal.
    """

    floor: float
    variance: float
    signal_share: float = 0.8

    @property
    def has_signal(self) -> bool:
        """Whether something better than a constant is possible."""
        return self.floor < self.signal_share * self.variance


def noise_floor(
    x: NDArray[np.float64], y: NDArray[np.float64], neighbours: int = 5, rounding: float = 1e-20
) -> NoiseFloor:
    """Return a leave-one-out nearest-neighbour estimate of E|Y - E[Y|X]|^2.

    The mean of k neighbours carries noise of its own, so the error is divided by 1 + 1/k. In high dimension neighbours
    are far and the floor is overestimated: signal may be missed, never invented.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        neighbours: Number of rows that predict a held-out label.
        rounding: Share of the labels' mean square below which their variance is rounding.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(neighbours, len(x) - 1)
    _, index = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    own = np.arange(len(x))[:, None]
    # With duplicated rows a sample need not be its own nearest neighbour, so it is struck out by its number.
    keep = np.argsort(index == own, axis=1, kind="stable")[:, :k]
    predicted = y[np.take_along_axis(index, keep, axis=1)].mean(axis=1)
    error = float(((y - predicted) ** 2).sum(axis=1).mean()) / (1 + 1 / k)
    variance = _variance(y)
    if variance <= rounding * float((y**2).sum(axis=1).mean()):
        return NoiseFloor(0.0, 0.0)
    return NoiseFloor(error, variance)


def _variance(y: NDArray[np.float64]) -> float:
    return float(((y - y.mean(axis=0)) ** 2).sum(axis=1).mean())


def _entropy(y: NDArray[np.float64]) -> float:
    """The cross-entropy of the best constant on classes (n, k)."""
    return float(scipy.special.entr(y.mean(axis=0)).sum())


def explain_unlearnt(problem: TestedProblem, evidence: NodeEvidence, unlearnt: float = 0.95) -> NodeEvidence:
    """Return evidence for staying on a space that holds, with a flag where the unit, though it stays, learns nothing
    there.

    Args:
        problem: The problem.
        evidence: The evidence at the node.
        unlearnt: Share of the risk of the best constant; a training with a larger risk has learned nothing.
    """
    x, y = _samples(problem)
    entropy = _entropy(y) if problem.task.classes else None
    constant = _variance(y) if entropy is None else entropy
    if evidence.risk < unlearnt * constant:  # as nearly always, and the neighbours cost a second
        return evidence
    found = noise_floor(x, y)
    if not found.has_signal:
        return evidence
    risk = f"risk {evidence.risk:.3g}" if entropy is None else f"cross-entropy {evidence.risk:.3g} of {entropy:.3g}"
    figures = f"noise floor {found.floor:.3g} of a label variance {found.variance:.3g}, {risk}"
    learnt = f"of which short trainings of the unit {problem.unit.name} learn nothing"
    advice = f"the labels carry signal ({figures}) {learnt}"
    return replace(evidence, reason=f"{evidence.reason}; {advice}: {_advice(problem)}", stationary_not_optimal=True)


def explain_zero(problem: TestedProblem, evidence: NodeEvidence) -> NodeEvidence:
    """Return evidence for staying on {0}, with the noise floor in its reason and a flag where the unit misses a signal.

    Args:
        problem: The problem.
        evidence: The evidence at {0}.
    """
    x, y = _samples(problem)
    found = noise_floor(x, y)
    figures = f"noise floor {found.floor:.3g} of a label variance {found.variance:.3g}"
    if not found.has_signal:
        return replace(evidence, reason=f"{evidence.reason}; the labels carry no visible signal ({figures})")
    if problem.family is None and problem.independence_p_value is not None:  # it was not rejected
        words = "nearest neighbours see a signal that the test of independence does not"
        return replace(
            evidence, reason=f"{evidence.reason}; {words} ({figures}): give more data, or raise {setting('alpha')}"
        )
    found_signal = f"the labels carry signal ({figures}) that the unit {problem.unit.name} cannot see"
    return replace(
        evidence,
        reason=f"stationary but not optimal: {found_signal}: {_advice(problem)}; {evidence.reason}",
        stationary_not_optimal=True,
    )


def _advice(problem: Problem) -> str:
    """Advice to use a unit that sees more than this one.

    A hidden layer with biases sees everything, given enough data; under infinite groups one of vectors.
    """
    if not (problem.candidate.group.is_finite or isinstance(problem.unit, GatedUnit)):
        return f"use {setting('unit')} gated"
    if problem.unit.hidden_rep is None:
        has_bias = len(problem.space.blocks) > 1
        return (
            f"use {setting('unit')} two-layer"
            if has_bias
            else f"use a unit with a bias, or {setting('unit')} two-layer"
        )
    return f"give more data, or a larger {setting('hidden_rep')}"


def _samples(problem: Problem, most: int = 2000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = named_stream(problem.settings.seed, "noise floor")
    if problem.x is None or problem.y is None:
        return problem.task.sample(rng, most)
    rows = rng.permutation(len(problem.x))[:most]
    return problem.x.numpy()[rows], problem.y.numpy()[rows]
