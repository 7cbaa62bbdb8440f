"""Streams of minibatches: fresh samples of a law or epochs over a finite data set, and copies of them moved by a group.

A source answers `batch(step)` with x (R, B, d_in) and y (R, B, d_out); R is 1 where all replicates see the same
samples. Moved copies are what data augmentation trains on and what a randomisation test compares with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import DataError, setting
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.objectives.row_units import dealt_folds, exchanged
from sharefind.typing import FloatArray, IntArray

Sampler = Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Batch:
    """One minibatch.

    Attributes:
        x: Inputs, shape (R, B, d_in).
        y: Outputs, shape (R, B, d_out).
        index: Numbers of the samples, shape (B,), for finite data when R is 1; otherwise None.
    """

    x: Tensor
    y: Tensor
    index: Tensor | None = None


class Source(Protocol):
    """A stream of minibatches, read once from step 0 upwards."""

    def batch(self, step: int) -> Batch:
        """Return the minibatch of a step; steps are requested in order.

        Args:
            step: Number of the step.
        """
        ...


class FreshSource:
    """Independent fresh samples for each replicate and step.

    Args:
        sampler: (rng, n) -> x (n, d_in), y (n, d_out).
        replicates: R.
        batch: B.
        rng: Where the samples come from.
        chunk: Steps drawn at once: enough to hide the sampler's overhead, few enough for the cache.
    """

    def __init__(
        self, sampler: Sampler, replicates: int, batch: int, rng: np.random.Generator, chunk: int = 64
    ) -> None:
        self._sampler, self._rng, self._length = sampler, rng, chunk
        self._shape = (chunk, replicates, batch)
        self._x = self._y = torch.empty(0)
        self._drawn = 0

    def batch(self, step: int) -> Batch:
        """Return the samples of one step; they are drawn for a chunk of steps at a time.

        Args:
            step: Number of the step.
        """
        x, y = self.steps(step, step + 1)
        return Batch(x[0], y[0])

    def steps(self, first: int, until: int) -> tuple[Tensor, Tensor]:
        """Return the samples of several steps.

        Args:
            first: Number of the first step.
            until: Number after the last step.

        Returns:
            x, shape (until - first, R, B, d_in), and y, shape (until - first, R, B, d_out).
        """
        parts = []
        while first < until:
            x, y = self._chunk(first // self._length)
            low = first % self._length
            high = min(self._length, low + until - first)
            parts.append((x[low:high], y[low:high]))
            first += high - low
        if len(parts) == 1:
            return parts[0]
        return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])

    def _chunk(self, number: int) -> tuple[Tensor, Tensor]:
        if number == self._drawn:
            x, y = self._sampler(self._rng, int(np.prod(self._shape)))
            self._x = torch.from_numpy(x).reshape(*self._shape, -1)
            self._y = torch.from_numpy(y).reshape(*self._shape, -1)
            self._drawn += 1
        return self._x, self._y


class EpochSource:
    """Minibatches of a finite data set, reshuffled each epoch; all replicates see the same ones (R = 1).

    Args:
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        batch: Size B of a minibatch, at most n.
        rng: Source of the shuffles.
    """

    def __init__(self, x: Tensor, y: Tensor, batch: int, rng: np.random.Generator) -> None:
        self._x, self._y, self._rng = x, y, rng
        self._batch = min(batch, len(x))
        self._per_epoch = len(x) // self._batch
        self._order = torch.empty(0, dtype=torch.int64)

    def batch(self, step: int) -> Batch:
        """Return the next B samples of the current epoch.

        Args:
            step: Number of the step.
        """
        offset = step % self._per_epoch
        if offset == 0:
            self._order = torch.from_numpy(self._rng.permutation(len(self._x)))
        index = self._order[offset * self._batch : (offset + 1) * self._batch]
        return Batch(self._x[index].unsqueeze(0), self._y[index].unsqueeze(0), index)


class FoldSource:
    """Disjoint folds of a finite data set, one a replicate, each in its own shuffled epochs.

    Args:
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        folds: Number R of folds, with at least 2 samples each.
        batch: Size B of a minibatch, at most n // R.
        rng: Source of the split and the shuffles.
        units: The unit of each row, shape (n,), int64; units are not divided. None where every row is a unit.

    Raises:
        DataError: There are fewer than two samples a fold, or fewer units than folds.
    """

    def __init__(
        self, x: Tensor, y: Tensor, folds: int, batch: int, rng: np.random.Generator, units: Tensor | None = None
    ) -> None:
        if units is not None and int(units.max()) + 1 < folds:
            raise DataError(f"{int(units.max()) + 1} units of rows cannot be split into {folds} folds; give more units")
        split = _folds(len(x), folds, rng) if units is None else _unit_folds(units.numpy(), folds, rng)
        size = split.shape[1]
        if size < 2:
            raise DataError(
                f"{len(x)} samples cannot be split into {folds} folds; give more data or fewer {setting('replicates')}"
            )
        self._split, self._x, self._y, self._rng = torch.from_numpy(split), x, y, rng
        self._batch = min(batch, size)
        self._order = torch.empty(0, dtype=torch.int64)

    def batch(self, step: int) -> Batch:
        """Return the next B samples of every fold.

        Args:
            step: Number of the step.
        """
        offset = step % (self._split.shape[1] // self._batch)
        if offset == 0:
            order = np.argsort(self._rng.random(self._split.shape), axis=1)
            self._order = torch.gather(self._split, 1, torch.from_numpy(order))
        index = self._order[:, offset * self._batch : (offset + 1) * self._batch]
        return Batch(self._x[index], self._y[index])


def _folds(n: int, folds: int, rng: np.random.Generator) -> IntArray:
    """Sample numbers (folds, n // folds)."""
    size = n // folds
    return rng.permutation(n)[: folds * size].reshape(folds, size)


def _unit_folds(units: IntArray, folds: int, rng: np.random.Generator) -> IntArray:
    """Sample numbers (folds, s) of whole units; of fuller folds samples are left out at random, so that all have s."""
    members = dealt_folds(units, folds, rng)
    size = min(map(len, members))
    return np.stack([rng.permutation(rows)[:size] for rows in members])


class AugmentedSource:
    """Data augmentation: every sample of `base` moved by its own fresh Haar element, for R replicates.

    Maass & Fontbona 2024, R^DA.

    Args:
        base: Any source.
        action: The group's action on samples.
        replicates: Number R of replicates.
        rng: Source of the elements.
    """

    def __init__(self, base: Source, action: JointAction, replicates: int, rng: np.random.Generator) -> None:
        self._base, self._action, self._replicates, self._rng = base, action, replicates, rng

    def batch(self, step: int) -> Batch:
        """Return the moved minibatch, R times.

        Args:
            step: Number of the step.
        """
        plain = self._base.batch(step)
        elements = self._action.draw((self._replicates, plain.x.shape[1]), self._rng)
        return Batch(*self._action.move(elements, plain.x, plain.y))


class _Copies:
    """Replicates of a source with R = 1, of which row 0 may be the data as they are."""

    def __init__(self, base: Source, copies: int, rng: np.random.Generator, observed_first: bool) -> None:
        self._base, self._rng, self._observed = base, rng, observed_first
        self._rows = copies + int(observed_first)


class RandomisedCopies(_Copies):
    """Replicate 0 sees the data as they are, replicate k >= 1 each sample moved by an element fixed for (k, sample).

    Under a G-equivariant law all replicates have the same distribution and are exchangeable, which makes the rank of
    replicate 0 an exact p-value (Hemerik & Goeman 2018; theory of the randomisation test in docs/statistics).

    Args:
        base: A source with R = 1.
        action: The group.
        copies: m, so that R = m + 1.
        samples: n for finite data (elements are drawn once a sample); None for fresh samples.
        rng: Source of the elements.
        observed_first: Whether row 0 is the observed data (False gives a block of copies only).
        units: Shape (n,), int64, of finite data: one element a unit; None for one a sample.
    """

    def __init__(
        self,
        base: Source,
        action: JointAction,
        copies: int,
        samples: int | None,
        rng: np.random.Generator,
        observed_first: bool = True,
        units: Tensor | None = None,
    ) -> None:
        super().__init__(base, copies, rng, observed_first)
        self._action, self._units = action, units
        width = samples if units is None else int(units.max()) + 1
        self._elements: Any = None if samples is None or width is None else self._draw(width)

    def _draw(self, width: int) -> Any:
        elements = self._action.draw((self._rows, width), self._rng)
        return self._action.with_identity_first(elements) if self._observed else elements

    def batch(self, step: int) -> Batch:
        """Return the minibatch as each copy sees it.

        Args:
            step: Number of the step.
        """
        plain = self._base.batch(step)
        if self._elements is None or plain.index is None:
            elements = self._draw(plain.x.shape[1])
        else:
            index = plain.index if self._units is None else self._units[plain.index]
            elements = self._action.take(self._elements, index)
        return Batch(*self._action.move(elements, plain.x, plain.y))


class PermutedCopies(_Copies):
    """Like `RandomisedCopies` for the hypothesis that Y is independent of X: labels are permuted over samples.

    Labels of whole units are exchanged, among units of equal size.

    Args:
        base: As for `RandomisedCopies`.
        labels: As for `RandomisedCopies`.
        copies: As for `RandomisedCopies`.
        rng: As for `RandomisedCopies`.
        observed_first: As for `RandomisedCopies`.
        units: As for `RandomisedCopies`.
    """

    def __init__(
        self,
        base: Source,
        labels: Tensor | None,
        copies: int,
        rng: np.random.Generator,
        observed_first: bool = True,
        units: Tensor | None = None,
    ) -> None:
        super().__init__(base, copies, rng, observed_first)
        self._labels = labels
        self._order = None if labels is None else self._draw(len(labels), units)

    def _draw(self, width: int, units: Tensor | None = None) -> Tensor:
        if units is None:
            order = np.argsort(self._rng.random((self._rows, width)), axis=1)
        else:
            order = exchanged(units.numpy(), self._rows, self._rng)
        if self._observed:
            order[0] = np.arange(width)
        return torch.from_numpy(order)

    def batch(self, step: int) -> Batch:
        """Return the minibatch with each copy's own labels.

        Args:
            step: Number of the step.
        """
        plain = self._base.batch(step)
        if self._order is not None and self._labels is not None and plain.index is not None:
            y = self._labels[self._order[:, plain.index]]
        else:
            y = plain.y[0][self._draw(plain.x.shape[1])]
        return Batch(plain.x.expand(self._rows, -1, -1), y)


def read_steps(source: Source, first: int, until: int) -> tuple[Tensor, Tensor]:
    """Return the steps first, ..., until - 1 of a source, K in all.

    Args:
        source: The source.
        first: Number of the first step.
        until: Number after the last step.

    Returns:
        x, shape (K, R or 1, B, d_in), and y, shape (K, R or 1, B, d_out).
    """
    if isinstance(source, FreshSource):
        return source.steps(first, until)
    batches = [source.batch(step) for step in range(first, until)]
    return torch.stack([b.x for b in batches]), torch.stack([b.y for b in batches])
