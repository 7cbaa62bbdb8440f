"""The held-out symmetry gap: does the asymmetric part of a freely trained model predict labels that it has not seen?

For a model f trained on other samples, a = Q_K f - Q_H f is the part that a subgroup K would allow and H forbids. On
held-out samples its score is sum_i <a(x_i), y_i - Q_H f(x_i)>. Given f, the held-out samples are iid from a law that
is H-invariant under the hypothesis, so ranking the score among copies moved by H is an exact test, fold by fold; the
folds' p-values are conditionally uniform one after the other, so Stouffer's combination is exact too (docs/statistics).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from sharefind.groups import FiniteGroup
from sharefind.inference.randomisation import TIE
from sharefind.search.free_models import Judged
from sharefind.search.problem import Problem
from sharefind.streams import named_stream

DRAWS = 1999
"""Randomised copies of a fold; they cost no training."""


def gap_p_value(
    problem: Problem,
    models: Sequence[Judged],
    null: FiniteGroup,
    allowed: Sequence[FiniteGroup],
    identity: str,
) -> float:
    """p-value of "the law is invariant under `null`", against the subgroups `allowed`.

    Folds are judged in order; a subgroup that predicted well on earlier folds weighs more on later ones, which keeps
    every fold exact, because its statistic is fixed before it is seen.

    Args:
        models: free models with their held-out samples. null: H, acting on X and Y as the candidate does.
        allowed: subgroups K of H along which asymmetry is looked for. identity: names the random stream.
    """
    averaging = _averaging_indices(null, allowed)
    rng = named_stream(problem.settings.seed, "gap", identity)
    past = np.zeros(len(allowed))
    tests = []
    for seen, model in enumerate(models):
        scores = _fold_scores(problem, model, null, averaging)
        tests.append(_randomised_p(scores, _prior(past, seen), rng))
        past += scores[:, :, 0].sum(axis=1)
    return _stouffer(tests, [m.weight for m in models])


def _prior(past: NDArray[np.float64], seen: int) -> NDArray[np.float64] | None:
    """Weights of the subgroups after `seen` folds with summed scores `past`: exp(z^2 / 2) for z > 0, None at first.

    That is the likelihood ratio of a mean equal to the observed one against 0, for scores of unit variance.
    """
    if seen == 0:
        return None
    z = np.maximum(past, 0.0) / np.sqrt(seen)
    weights = np.exp((z**2 - (z**2).max()) / 2)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def independence_p_value(problem: Problem, models: Sequence[Judged], identity: str) -> float:
    """p-value of "Y is independent of X": the score sum_i <f(x_i) - mean f, y_i> among permuted labels."""
    rng = named_stream(problem.settings.seed, "gap", identity)
    tests = []
    for model in models:
        f = model.predict(problem, model.x).double().numpy()
        centred, y = f - f.mean(axis=0), model.y.numpy()
        copies = np.array([(centred * y[rng.permutation(len(y))]).sum() for _ in range(DRAWS)])
        tests.append(_rank(float((centred * y).sum()), copies, rng))
    return _stouffer(tests, [m.weight for m in models])


def _averaging_indices(null: FiniteGroup, allowed: Sequence[FiniteGroup]) -> list[NDArray[np.int64]]:
    """For each K the indices of k g in H: (|H|, |K|), from the multiplication table of H."""
    place = {element.tobytes(): i for i, element in enumerate(null.elements())}
    table = null.multiplication_table()
    indices = []
    for subgroup in allowed:
        members = np.array([place[e.astype(null.elements().dtype).tobytes()] for e in subgroup.elements()])
        indices.append(np.asarray(table[members].T, dtype=np.int64))
    return indices


def _fold_scores(
    problem: Problem, model: Judged, null: FiniteGroup, averaging: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Score of every sample after every move, one a subgroup, in units of its randomisation deviation: (K, n, |H|).

    A subgroup along which the model has no asymmetry scores 0.
    """
    action = problem.joint_action(null)
    order, n = null.order, len(model.x)
    values = np.empty((n, order, problem.unit.d_out))
    back = _inverse_indices(null)
    for g in range(order):
        element = torch.full((n,), g, dtype=torch.int64)
        moved, _ = action.move(element, model.x, model.y)
        _, returned = action.move(torch.full((n,), int(back[g])), model.x, model.predict(problem, moved))
        values[:, g] = returned.double().numpy()
    symmetric = values.mean(axis=1)
    residual = model.y.numpy() - symmetric
    raw = np.einsum("ngd,nd->ng", values - symmetric[:, None], residual)
    scores = np.stack([raw[:, index].mean(axis=-1) for index in averaging])
    spread = np.sqrt(scores.var(axis=2).sum(axis=1))[:, None, None]
    # Rounding is no asymmetry: it is measured against the scores that the symmetric part of the model would have.
    scale = float(np.sqrt((np.einsum("nd,nd->n", symmetric, residual) ** 2).sum()))
    useful = spread > TIE * max(scale, np.finfo(float).tiny)
    return np.asarray(np.divide(scores, spread, out=np.zeros_like(scores), where=useful), dtype=np.float64)


def _inverse_indices(group: FiniteGroup) -> NDArray[np.int64]:
    return np.asarray(np.argmin(group.multiplication_table(), axis=1), dtype=np.int64)


def _randomised_p(scores: NDArray[np.float64], prior: NDArray[np.float64] | None, rng: np.random.Generator) -> float:
    """Exactly uniform p-value of scores (K, n, |H|) among `DRAWS` random moves; the identity is element 0.

    The statistic is the largest of the K sums, or with a prior their weighted mean.
    """
    combined = scores if prior is None else np.tensordot(prior, scores, axes=1)[None]
    samples = np.arange(combined.shape[1])
    observed = float(combined[:, :, 0].sum(axis=1).max())
    copies = np.empty(DRAWS)
    for k in range(DRAWS):
        moves = rng.integers(combined.shape[2], size=len(samples))
        copies[k] = combined[:, samples, moves].sum(axis=1).max()
    return _rank(observed, copies, rng)


def _rank(observed: float, copies: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Uniform on (0, 1) under the hypothesis: ties, the observed one included, are broken at random."""
    slack = TIE * max(1.0, abs(observed))
    above = np.count_nonzero(copies > observed + slack)
    tied = np.count_nonzero(np.abs(copies - observed) <= slack)
    return float((above + rng.random() * (1 + tied)) / (len(copies) + 1))


def _stouffer(p_values: Sequence[float], weights: Sequence[float]) -> float:
    """Stouffer's combination with fixed weights."""
    return float(stats.combine_pvalues(list(p_values), method="stouffer", weights=list(weights)).pvalue)
