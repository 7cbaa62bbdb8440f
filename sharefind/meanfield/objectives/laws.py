"""Laws pi of (X, Y) with finite support, on which population risks are finite sums and flows are deterministic.

Streams of samples that a training reads, from such a law or any other, are in `sources`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import DataError
from sharefind.meanfield.clouds.haar import HaarRule
from sharefind.meanfield.objectives.sources import Batch, Source


@dataclass(frozen=True)
class EmpiricalLaw:
    """A law with finite support, pi = sum_b w_b delta_{(x_b, y_b)}.

    Attributes:
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        weights: Nonnegative weights with sum 1, shape (n,), or None for 1/n each.

    Raises:
        DataError: The shapes do not fit, a value is not finite, or the weights are no probabilities.
    """

    x: Tensor
    y: Tensor
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.y.ndim != 2 or len(self.x) != len(self.y) or len(self.x) == 0:
            raise DataError(
                f"law: x {tuple(self.x.shape)} and y {tuple(self.y.shape)} do not fit; give (n, d_in) and (n, d_out)"
            )
        if not (torch.isfinite(self.x).all() and torch.isfinite(self.y).all()):
            raise DataError("law: a sample holds values that are not finite; drop it")
        if self.weights is not None and not self._are_probabilities(self.weights):
            raise DataError(f"law: weights must be {len(self.x)} nonnegative numbers with sum 1")

    def _are_probabilities(self, weights: Tensor) -> bool:
        fits = weights.shape == (len(self.x),) and bool((weights >= 0).all())
        return fits and abs(float(weights.sum()) - 1) <= 1e-9  # rounding

    def __len__(self) -> int:
        """n, the number of support points."""
        return len(self.x)

    @property
    def probabilities(self) -> Tensor:
        """w (n,)."""
        return torch.full((len(self),), 1 / len(self), dtype=self.x.dtype) if self.weights is None else self.weights

    def symmetrised(self, rule: HaarRule) -> EmpiricalLaw:
        """Return pi^G, the law of (rho_g X, rhohat_g Y) with g from the rule; it is equivariant if the rule is exact.

        R^DA is the risk under this law (Maass & Fontbona 2024, data augmentation). It has m n points.

        Args:
            rule: The group elements.
        """
        x, y = rule.moved_inputs(self.x).flatten(0, 1), rule.moved_labels(self.y).flatten(0, 1)
        return EmpiricalLaw(x, y, None if self.weights is None else self.weights.repeat(len(rule)) / len(rule))

    def source(self, replicates: int, batch: int, rng: np.random.Generator) -> Source:
        """Return minibatches of independent draws from the law, independent for each replicate.

        Args:
            replicates: Number R of replicates.
            batch: Size B of a minibatch.
            rng: Source of the draws.
        """
        return LawSource(self, replicates, batch, rng)

    def full_batch(self) -> Source:
        """Return every support point at every step, for all replicates: gradient descent on the population risk.

        Raises:
            DataError: The weights are not equal, and a minibatch has no weights.
        """
        if self.weights is not None and not torch.allclose(self.weights, self.weights.mean()):
            raise DataError("a full batch counts every sample once; give a law with equal weights")
        return FullBatch(self)


class FullBatch:
    """The support of a law as its only minibatch: x (1, n, d_in), y (1, n, d_out).

    Args:
        law: The law; its weights are equal.
    """

    def __init__(self, law: EmpiricalLaw) -> None:
        self._batch = Batch(law.x.unsqueeze(0), law.y.unsqueeze(0), torch.arange(len(law)))

    def batch(self, step: int) -> Batch:
        """Return the minibatch, the same at every step.

        Args:
            step: Number of the step.
        """
        return self._batch


class LawSource:
    """Independent draws from a law with finite support: batch(step) gives x (R, B, d_in), y (R, B, d_out).

    Args:
        law: The law pi.
        replicates: Number R of replicates.
        batch: Size B of a minibatch.
        rng: Source of the draws.
    """

    def __init__(self, law: EmpiricalLaw, replicates: int, batch: int, rng: np.random.Generator) -> None:
        self._law, self._shape, self._rng = law, (replicates, batch), rng
        self._p = None if law.weights is None else law.weights.double().numpy() / float(law.weights.double().sum())

    def batch(self, step: int) -> Batch:
        """Return the minibatch of a step.

        Args:
            step: Number of the step.
        """
        if self._p is None:
            index = self._rng.integers(len(self._law), size=self._shape)
        else:
            index = self._rng.choice(len(self._law), size=self._shape, p=self._p)
        place = torch.from_numpy(index)
        return Batch(self._law.x[place], self._law.y[place])
