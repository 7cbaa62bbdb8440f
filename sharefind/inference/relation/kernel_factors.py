"""Kernel matrices of Gaussian processes, what they make of labels, and which of several processes is the likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

import torch
from torch import Tensor

LabelStatistic = Callable[[Tensor], Tensor]
"""Labels (R, N, c) -> (R,)."""


@dataclass(frozen=True)
class Factors:
    """Kernel matrices K and noises, and what K + noise I makes of labels.

    Attributes:
        kernels: K, shape (lengths, N, N).
        noises: As many as are compared.
        most_bytes: Most bytes of the labels that are processed at a time.
        solved: Columns of labels, for each row, for which Cholesky factors are used; for more, and once they are known,
            eigenvectors of K are used: then a column is multiplied once for all noises.
        has_many: Whether labels will have many columns and many rows. Then eigenvectors are used in single precision:
            the products cost most, and need no more.
    """

    kernels: Tensor
    noises: tuple[float, ...]
    most_bytes: int = 2**27
    solved: float = 0.5
    has_many: bool = False

    @classmethod
    def of(cls, kernels: Tensor, noises: Sequence[float], columns: int = 1, many_rows: int = 300) -> Factors:
        """Return the factors of symmetric kernels.

        Args:
            kernels: Shape (lengths, N, N).
            noises: Noise variances.
            columns: Columns of the labels that will be looked at together.
            many_rows: Rows from which many columns are worked on in single precision.
        """
        rows = kernels.shape[1]
        return cls(kernels, tuple(noises), has_many=rows > many_rows and columns > cls.solved * rows)

    @cached_property
    def each(self) -> tuple[Factors, ...]:
        """Those of each length alone."""
        if len(self.kernels) == 1:
            return (self,)
        return tuple(replace(self, kernels=kernel.unsqueeze(0)) for kernel in self.kernels)

    def evidence(self, labels: Tensor) -> Tensor:
        """Return log p(Y | X) at the best amplitude, up to a constant.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R, lengths, noises).
        """
        if len(self.kernels) > 1:
            return torch.cat([one.evidence(labels) for one in self.each], dim=1)
        count, columns = labels.shape[1:]
        misfits = self.misfits(labels).clamp_min(torch.finfo(torch.float64).tiny)
        return -count * columns / 2 * misfits.log() - columns * self.logs

    @cached_property
    def logs(self) -> Tensor:
        """Half the log-determinants, shape (lengths, noises)."""
        if len(self.kernels) > 1:
            return torch.cat([one.logs for one in self.each])
        if self._is_turned:
            return (self._spectrum[0].unsqueeze(1) + self._noises).log().sum(2) / 2
        return self._lower.diagonal(dim1=2, dim2=3).log().sum(2)

    def misfits(self, labels: Tensor) -> Tensor:
        """Return Y' (K + noise I)^-1 Y, summed over columns.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R, lengths, noises).
        """
        if len(self.kernels) > 1:
            return torch.cat([one.misfits(labels) for one in self.each], dim=1)
        copies, count, columns = labels.shape
        is_turned = self._is_turned or copies * columns > self.solved * count
        size = 8 * count * columns * (1 if is_turned else len(self.kernels) * len(self.noises))
        evaluate = self._turned if is_turned else self._solved
        parts = [
            torch.unflatten(evaluate(part.transpose(0, 1).reshape(count, -1)), 2, (-1, columns))
            for part in torch.split(labels, max(1, self.most_bytes // size))
        ]
        return torch.cat(parts, dim=2).sum(3).permute(2, 0, 1)

    def _solved(self, flat: Tensor) -> Tensor:
        """The same for each column of labels (N, m), (lengths, noises, m), by the factors."""
        both = flat.expand(*self._lower.shape[:2], *flat.shape)
        solved = torch.linalg.solve_triangular(self._lower, both, upper=False)
        squares: Tensor = (solved**2).sum(2)
        return squares

    def _turned(self, flat: Tensor) -> Tensor:
        """The same by eigenvectors."""
        values, turns = self._spectrum
        # In single precision the squares of labels in other units may not be numbers.
        size = flat.abs().amax().clamp_min(torch.finfo(torch.float64).tiny) if self.has_many else 1.0
        scaled = (flat / size).to(turns.dtype)
        weights = 1 / (values.unsqueeze(1) + self._noises)
        parts = [weight @ (turn @ scaled).double().square_() for weight, turn in zip(weights, turns, strict=True)]
        squares: Tensor = torch.stack(parts) * size**2
        return squares

    @property
    def _is_turned(self) -> bool:
        """Whether eigenvectors are known, which are then used for all labels, so that equal ones have equal values."""
        return "_spectrum" in vars(self)

    @property
    def _noises(self) -> Tensor:
        return torch.tensor(self.noises).double().unsqueeze(1)

    @cached_property
    def _lower(self) -> Tensor:
        """Cholesky factors of K + noise I, (lengths, noises, N, N)."""
        shifted = self.kernels.unsqueeze(1).repeat(1, len(self.noises), 1, 1)
        shifted.diagonal(dim1=2, dim2=3).add_(self._noises)
        lower: Tensor = torch.linalg.cholesky(shifted)
        return lower

    @cached_property
    def _spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues of K (lengths, N), and its eigenvectors as rows, (lengths, N, N)."""
        values, vectors = torch.linalg.eigh(self.kernels)
        return values.clamp_min(0), vectors.mT.to(torch.float32 if self.has_many else torch.float64)


@dataclass(frozen=True)
class Contest:
    """Two sets of processes whose best evidence is compared.

    Attributes:
        mixed: Kernels of the one.
        tied: Kernels of the other.
        rounding: Difference of two evidences, relative to them, that is rounding.
        margin: How many times the spread of its distance to the best one a process must stay behind in labels at hand
            to be left out for others that are drawn like them.
    """

    mixed: tuple[Factors, ...]
    tied: tuple[Factors, ...]
    rounding: float
    margin: float = 4.0

    def statistic(self, labels: Tensor) -> Tensor:
        """Return the best evidence of `mixed` less the best of `tied`; 0 where that is rounding.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R,).
        """
        mixed, tied = (_best_of_each(side, labels).amax(0) for side in (self.mixed, self.tied))
        difference = mixed - tied
        return torch.where(difference.abs() <= self.rounding * tied.abs(), 0.0, difference)

    def among(self, labels: Tensor) -> Contest:
        """Return the contest without the processes that are far from the best evidence in all of these labels.

        Args:
            labels: Some of the labels that will be compared, shape (R, N, c); with fewer than three all processes are
                kept.
        """
        if len(labels) < 3:
            return self
        sides = []
        for side in (self.mixed, self.tied):
            each = _best_of_each(side, labels)
            behind = each.amax(0) - each
            kept = behind.amin(1) <= self.margin * behind.std(1)
            sides.append(tuple(one for one, is_kept in zip(side, kept.tolist(), strict=True) if is_kept))
        return replace(self, mixed=sides[0], tied=sides[1])


def _best_of_each(side: Sequence[Factors], labels: Tensor) -> Tensor:
    """Best evidence of each process, (processes, R)."""
    return torch.stack([factors.evidence(labels).amax((1, 2)) for factors in side])


def some_of(labels: Tensor, count: int) -> Tensor:
    """Return labels (R, N, c) at equal steps, `count` at most, the first among them.

    Args:
        labels: Shape (R, N, c).
        count: Most that are returned.
    """
    return labels[:: max(1, -(-len(labels) // count))]


def of_distinct(statistic: LabelStatistic, labels: Tensor, at_once: int) -> Tensor:
    """Return a statistic of labels, computed once for equal labels, since copies of classes are often equal.

    Args:
        statistic: The statistic, a function of labels.
        labels: Shape (R, N, c).
        at_once: Most labels that are given to it together.

    Returns:
        Shape (R,).
    """
    numbers: dict[bytes, int] = {}
    keys = [blake2b(one.contiguous().numpy()).digest() for one in labels]
    places = [numbers.setdefault(key, len(numbers)) for key in keys]
    firsts = torch.tensor([places.index(number) for number in range(len(numbers))])
    different = labels if len(firsts) == len(labels) else labels[firsts]
    return torch.cat([statistic(part) for part in torch.split(different, at_once)])[torch.tensor(places)]
