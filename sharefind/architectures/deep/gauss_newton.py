"""Trains small deep networks by Levenberg-Marquardt steps, with weight decay and noise chosen by evidence.

Each layer's weights and biases have a Gaussian prior of their own, whose precision is chosen by the marginal likelihood
(evidence) in Laplace's approximation, as is the variance of the noise (MacKay 1992, "A practical Bayesian framework for
backpropagation networks"; Foresee and Hagan 1997, "Gauss-Newton approximation to Bayesian learning"). No rows are held
out to end a training. Among several starts the one with the largest evidence is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.architectures.deep.evidence_plan import EvidencePlan
from sharefind.architectures.deep.likelihoods import Likelihood, likelihood_of
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Augmentation, Told, Trained, row_losses
from sharefind.errors import NotConvergedError
from sharefind.meanfield.units import DeepUnit
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class _Seen:
    """Rows that a network sees.

    Attributes:
        x: Scaled inputs, shape (n, d_in).
        y: Scaled outputs, shape (n, d_out).
        weight: How much a row counts: 1, or 1 / m where m images of each row are seen; less where rows belong together,
            so that all rows together count as much as there are units.
    """

    x: FloatArray
    y: FloatArray
    weight: float = 1.0

    def part(self, count: int, rng: np.random.Generator) -> _Seen:
        """Return as many of the rows, drawn at random; all, where there are fewer."""
        if count >= len(self.x):
            return self
        chosen = rng.permutation(len(self.x))[:count]
        return replace(self, x=self.x[chosen], y=self.y[chosen])


@dataclass(frozen=True, eq=False)
class _Fit:
    """A state of a training.

    Attributes:
        theta: Orthonormal coordinates of all layers, shape (p,).
        decay: Precision of the prior of each part.
        precision: Precision of the noise; 1 for classes.
        evidence: Log evidence.
        steps: Steps that were made.
    """

    theta: FloatArray
    decay: FloatArray
    precision: float
    evidence: float
    steps: int


def train_by_evidence(
    unit: DeepUnit,
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    plan: EvidencePlan,
    seed: int,
    told: Told | None = None,
    augmentation: Augmentation | None = None,
) -> Trained:
    """Return one network for each set of held-out rows, trained on all other rows.

    Args:
        unit: The unit of the networks.
        rows: The rows.
        held: Rows that each network does not see; one empty array for a network that sees all rows.
        plan: How.
        seed: Seed of first weights.
        told: Hears of (networks trained, networks in all).
        augmentation: Adds images of the rows, where the unit does not have the symmetry; None for none.

    Raises:
        NotConvergedError: The loss of every start is not finite.
    """
    started = time.monotonic()
    starts = plan.starts if any(len(part) for part in held) else plan.final_starts
    trainer = _Trainer(unit, bool(rows.classes), replace(plan, starts=starts))
    fits = list[_Fit]()
    for number, part in enumerate(held):
        rng = named_stream(seed, "deep", f"evidence {number}")
        fits.append(trainer.fitted(_seen(rows, part, augmentation, plan, rng), rng))
        if told is not None:
            told(number + 1, len(held))
    networks = tuple(trainer.matrices(fit.theta) for fit in fits)
    losses, predictions = _held_out(unit, networks, rows, held, augmentation)
    steps = max(fit.steps for fit in fits)
    return Trained(networks, steps, losses, predictions, time.monotonic() - started, tuple(f.evidence for f in fits))


def _seen(
    rows: DeepRows,
    held: NDArray[np.int64],
    augmentation: Augmentation | None,
    plan: EvidencePlan,
    rng: np.random.Generator,
) -> _Seen:
    """The rows that are not held out, or random images of each."""
    kept = np.setdiff1d(np.arange(len(rows.x)), held)
    x, y = rows.scaled_x[kept], rows.scaled_y[kept]
    weight = 1.0 if rows.units is None else len(np.unique(rows.units[kept])) / len(kept)
    if augmentation is None:
        return _Seen(x, y, weight)
    count = min(rows.group.order, plan.images)
    elements = rng.integers(rows.group.order, size=len(x) * count)
    moved = rows.in_rep.act_float(elements, np.repeat(x, count, axis=0))
    images = rows.out_rep.act_float(elements, np.repeat(y, count, axis=0))
    return _Seen(moved, images, weight / count)


def _held_out(
    unit: DeepUnit,
    networks: Sequence[Matrices],
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    augmentation: Augmentation | None,
) -> tuple[FloatArray, FloatArray]:
    """Losses (n,) and predictions (n, d_out) of all rows by the networks that did not see them."""
    losses, predictions = np.full(len(rows.y), np.nan), np.full(rows.y.shape, np.nan)
    for network, part in zip(networks, held, strict=True):
        if not len(part):
            continue
        weights = _tensors(network)
        x = torch.from_numpy(rows.scaled_x[part])[None]
        with torch.no_grad():
            model = partial(_outputs, unit, weights)
            found = model(x) if augmentation is None else augmentation.averaged(model, x)
        predictions[part] = found[0].numpy()
        losses[part] = row_losses(found[0], torch.from_numpy(rows.scaled_y[part]), bool(rows.classes)).numpy()
    return losses, predictions


def _outputs(unit: DeepUnit, weights: list[tuple[torch.Tensor, torch.Tensor]], x: torch.Tensor) -> torch.Tensor:
    return deep_values(unit, weights, x)[-1]


def _tensors(network: Matrices) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.from_numpy(weight)[None], torch.from_numpy(bias)[None]) for weight, bias in network]


class _Trainer:
    """Fits networks of one unit."""

    def __init__(self, unit: DeepUnit, is_class: bool, plan: EvidencePlan) -> None:
        self.unit, self.is_class, self.plan = unit, is_class, plan
        self.shapes = [(target.dim, source.dim) for source, target in pairwise(unit.reps)]
        pairs = zip(unit.weight_spaces, unit.bias_spaces, strict=True)
        self.spaces = [SpaceCoordinates(space) for pair in pairs for space in pair]
        dims = [space.dim for space in self.spaces]
        ends = np.cumsum(dims).tolist()
        self.slices = [slice(end - dim, end) for dim, end in zip(dims, ends, strict=True)]
        self.dim = ends[-1]
        self.parts = np.repeat(np.arange(len(dims)), dims)
        """The part, a layer's weight or its bias, of each coordinate."""

    def matrices(self, theta: FloatArray) -> Matrices:
        """W and b of each layer."""
        entries = [space.vector(theta[part]) for space, part in zip(self.spaces, self.slices, strict=True)]
        pairs = zip(self.shapes, entries[::2], entries[1::2], strict=True)
        return tuple((weight.reshape(shape), bias) for shape, weight, bias in pairs)

    def fitted(self, seen: _Seen, rng: np.random.Generator) -> _Fit:
        """The best of several starts on a part of the rows, trained further on all."""
        count = -(-max(self.plan.first_residuals, 4 * self.dim) // seen.y.shape[1])
        part = seen.part(count, rng)
        fits = [self._from_start(part, int(rng.integers(2**62))) for _ in range(self.plan.starts)]
        finite = [fit for fit in fits if np.isfinite(fit.evidence)]
        if not finite:
            raise NotConvergedError("training diverged from every start; bring inputs and outputs to unit scale")
        best = max(finite, key=lambda fit: fit.evidence)
        if part is seen:
            return best
        ended = _Descent(self, seen, best).ended()
        return replace(ended, steps=ended.steps + best.steps)

    def _from_start(self, seen: _Seen, seed: int) -> _Fit:
        first = DeepBatch(self.unit, 1, seed, torch.float64)
        pairs = zip(first.weights, first.biases, strict=True)
        theta = np.concatenate([part.detach().numpy()[0] for pair in pairs for part in pair])
        return _Descent(self, seen, _Fit(theta, np.full(len(self.slices), 0.01), 1.0, -np.inf, 0)).ended()

    def values(self, theta: FloatArray, x: torch.Tensor) -> FloatArray:
        """Outputs, shape (n, d_out)."""
        with torch.no_grad():
            return np.asarray(_outputs(self.unit, _tensors(self.matrices(theta)), x[None])[0].numpy())

    def jacobian(self, theta: FloatArray, x: torch.Tensor) -> tuple[FloatArray, FloatArray]:
        """Outputs (n, d_out) and their derivatives by the coordinates, shape (p, d_out, n)."""
        weights = _tensors(self.matrices(theta))
        offsets = [torch.zeros(1, len(x), bias.shape[1], dtype=x.dtype, requires_grad=True) for _, bias in weights]
        shifted = [
            (weight, bias.unsqueeze(1) + offset) for (weight, bias), offset in zip(weights, offsets, strict=True)
        ]
        layers = deep_values(self.unit, shifted, x[None])
        below = [
            np.ascontiguousarray(values.T)
            for values in (x.numpy(), *(layer[0].detach().numpy() for layer in layers[:-1]))
        ]
        outputs = layers[-1][0]
        found = np.empty((self.dim, outputs.shape[1], len(x)))
        for k in range(outputs.shape[1]):
            keep = k + 1 < outputs.shape[1]
            slopes = torch.autograd.grad(outputs[:, k].sum(), offsets, retain_graph=keep)
            for layer, slope in enumerate(slopes):
                delta = slope[0].numpy().T
                weight, bias = self.spaces[2 * layer], self.spaces[2 * layer + 1]
                outer = (delta[:, None, :] * below[layer]).reshape(-1, len(x))
                found[self.slices[2 * layer], k] = weight.projected(outer)
                found[self.slices[2 * layer + 1], k] = bias.projected(delta)
        return np.asarray(outputs.detach().numpy()), found


class _Descent:
    """One training from one start: steps of Levenberg and Marquardt between choices of the priors."""

    def __init__(self, trainer: _Trainer, seen: _Seen, start: _Fit) -> None:
        self.trainer, self.plan = trainer, trainer.plan
        self.x = torch.from_numpy(np.ascontiguousarray(seen.x))
        self.likelihood: Likelihood = likelihood_of(trainer.is_class, seen.y, seen.weight)
        self.theta, self.decay, self.precision = start.theta.copy(), start.decay.copy(), start.precision
        widest = max(rows * columns for rows, columns in trainer.shapes)
        self.chunk = max(1, self.plan.entries // max(widest, trainer.dim * seen.y.shape[1]))
        self.damping = 1e-3

    def ended(self) -> _Fit:
        """The state of the largest evidence."""
        loss = self._loss(self.theta)
        best, since = _Fit(self.theta, self.decay, self.precision, -np.inf, 0), 0
        for step in range(self.plan.iterations):
            if not np.isfinite(loss):
                break
            curvature, slope = self._derivatives()
            evidence = self._choose_priors(curvature, loss, is_first=step < 3)
            since = 0 if evidence > best.evidence + self.plan.gain else since + 1
            if evidence > best.evidence:
                best = _Fit(self.theta, self.decay.copy(), self.precision, evidence, step)
            if step >= self.plan.fewest and since >= self.plan.patience:
                break
            moved = self._moved(curvature, slope, loss)
            if moved is None:
                break
            self.theta, loss = moved
        return best

    def _loss(self, theta: FloatArray) -> float:
        """The loss of the rows, for noise of precision 1."""
        return self.likelihood.loss(self.trainer.values(theta, self.x))

    def _penalty(self, theta: FloatArray) -> float:
        return 0.5 * float(self.decay[self.trainer.parts] @ theta**2)

    def _derivatives(self) -> tuple[FloatArray, FloatArray]:
        """Curvature (p, p) of the loss after Gauss and Newton, and its slope (p,)."""
        dim = self.trainer.dim
        curvature, slope = np.zeros((dim, dim)), np.zeros(dim)
        for first in range(0, len(self.x), self.chunk):
            where = slice(first, first + self.chunk)
            outputs, jacobian = self.trainer.jacobian(self.theta, self.x[where])
            slope += np.tensordot(jacobian, self.likelihood.slopes(outputs, where).T, axes=2)
            root = self.likelihood.roots(outputs, jacobian).reshape(dim, -1)
            curvature += root @ root.T
        return curvature, slope

    def _choose_priors(self, curvature: FloatArray, loss: float, is_first: bool) -> float:
        """Choose precisions by evidence, but not in the first steps; return the log evidence."""
        parts, count = self.trainer.parts, len(self.decay)
        matrix = self.precision * curvature + np.diag(self.decay[parts])
        factor = _lower_root(matrix)
        if not is_first:
            inverse = scipy.linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
            determined = 1 - self.decay[parts] * (inverse**2).sum(axis=0)
            by_part = np.bincount(parts, weights=determined, minlength=count)
            sizes = np.bincount(parts, weights=self.theta**2, minlength=count)
            top = self.plan.most_precise
            tiny = 1 / top
            self.decay = np.clip(np.clip(by_part, tiny, None) / np.clip(sizes, tiny, None), tiny, top)
            self.precision = min(top, self.likelihood.precision(loss, float(by_part.sum())))
            matrix = self.precision * curvature + np.diag(self.decay[parts])
            factor = _lower_root(matrix)
        volume = float(np.log(np.diagonal(factor)).sum()) - 0.5 * float(np.log(self.decay[parts]).sum())
        return self.likelihood.log_density(loss, self.precision) - self._penalty(self.theta) - volume

    def _moved(self, curvature: FloatArray, slope: FloatArray, loss: float) -> tuple[FloatArray, float] | None:
        """The next coordinates and their loss; None where no step lowers the objective."""
        decay = self.decay[self.trainer.parts]
        gradient = self.precision * slope + decay * self.theta
        matrix = self.precision * curvature + np.diag(decay)
        objective = self.precision * loss + self._penalty(self.theta)
        size = float(np.trace(matrix)) / len(matrix)
        for _ in range(20):
            damped = matrix + self.damping * size * np.eye(len(matrix))
            theta = self.theta - scipy.linalg.cho_solve((_lower_root(damped), True), gradient)
            found = self._loss(theta)
            if self.precision * found + self._penalty(theta) <= objective:
                self.damping = max(self.damping / 5, 1e-12)
                return theta, found
            self.damping *= 4
        return None


def _lower_root(matrix: FloatArray) -> FloatArray:
    """L with L L^T the matrix, whose eigenvalues below rounding count as rounding: data may leave directions open."""
    rounding = float(np.finfo(np.float64).eps) * len(matrix) * float(np.diagonal(matrix).max())
    for enlarged in (0.0, 1.0, 100.0, 1e4):
        try:
            return np.asarray(scipy.linalg.cholesky(matrix + enlarged * rounding * np.eye(len(matrix)), lower=True))
        except scipy.linalg.LinAlgError:
            continue
    raise NotConvergedError("the curvature of a deep network is not finite; bring inputs and outputs to unit scale")
