"""The evidence of a tied Gaussian process against that of its mixture with the free one, from whole kernel matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.relation.label_copies import TiedFit
from sharefind.inference.statistics.origin import OrbitScale, OrbitScaling, orbit_scale
from sharefind.inference.tied_kernels import ListedGroup


@dataclass(frozen=True)
class EvidenceSettings:
    """Which Gaussian processes are compared.

    Attributes:
        widths: Lengths of the kernel, in medians of the distance between orbits.
        noises: Noise variances, relative to the amplitude of the function, which is itself estimated.
        undersmoothing: Share of the chosen noise with which the tied fit is made that copies are drawn from.
        class_undersmoothing: The same for classes. Where inputs lie mostly on one side, a smoother fit is off near the
            border of that side, which passes for a break.
        floors: Floors of the whitening of the inputs, relative to the largest eigenvalue: white, and each part of the
            inputs as it is but for its size. The metric is chosen by evidence, like length and noise.
        alike: Largest ratio of the same distance in two metrics, up to a common factor, at which they count as one.
        rounding: Difference of two evidences, relative to them, that is rounding.
        single_rounding: The same where products with many labels are taken in single precision.
        nearest: Distance of two scaled rows up to which they are one.
        copies_at_once: Copies of the labels that are looked at together.
    """

    widths: tuple[float, ...] = (0.7, 1.5, 3.0, 6.0)
    noises: tuple[float, ...] = (3e-4, 3e-3, 0.03, 0.2)
    undersmoothing: float = 0.3
    class_undersmoothing: float = 0.03
    floors: tuple[float, ...] = (1e-9, 1.0)
    alike: float = 1.5
    rounding: float = 1e-10
    single_rounding: float = 1e-6
    nearest: float = 1e-7
    copies_at_once: int = 50


@dataclass(frozen=True)
class Factors:
    """Kernel matrices K and noises, and what K + noise I makes of labels.

    Attributes:
        kernels: K, shape (lengths, N, N).
        noises: As many as are compared.
        most_bytes: Most bytes of the labels that are processed at a time.
        solved: Columns of labels, for each row, for which Cholesky factors are used; for more, eigenvectors of K are
            found: then a column is multiplied once for all noises.
        has_many: Whether labels have many columns and many rows. Then eigenvectors are used for all of them, in single
            precision: the products cost most, and need no more.
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

    def evidence(self, labels: Tensor) -> Tensor:
        """Return log p(Y | X) at the best amplitude, up to a constant.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R, lengths, noises).
        """
        count, columns = labels.shape[1:]
        misfits = self.misfits(labels).clamp_min(torch.finfo(torch.float64).tiny)
        return -count * columns / 2 * misfits.log() - columns * self.logs

    @cached_property
    def logs(self) -> Tensor:
        """Half the log-determinants, shape (lengths, noises)."""
        if self.has_many:
            return (self._spectrum[0].unsqueeze(1) + self._noises).log().sum(2) / 2
        return self._lower.diagonal(dim1=2, dim2=3).log().sum(2)

    def misfits(self, labels: Tensor) -> Tensor:
        """Return Y' (K + noise I)^-1 Y, summed over columns.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R, lengths, noises).
        """
        copies, count, columns = labels.shape
        is_turned = self.has_many or copies * columns > self.solved * count
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
class KernelEvidence:
    """Kernels of one hypothesis and its labels, scaled.

    Attributes:
        name: Name of the statistic.
        group: The hypothesis.
        scale: How inputs and labels were scaled.
        x: Scaled inputs, shape (n, d_in).
        labels: Scaled labels, shape (n, q) where the group does not change them, (n q, 1) where it does.
        lengths: Lengths of the kernels.
        tied: Factors of K_H.
        settings: The processes.
        others: The same in other metrics, where the evidence of the tied process is smaller.
        rows: Which rows of the samples these are, (n,), int64; None for all of them.
    """

    name: ClassVar[str] = "relation-evidence"

    group: ListedGroup
    scale: OrbitScale
    x: Tensor
    labels: Tensor
    lengths: tuple[float, ...]
    tied: Factors
    settings: EvidenceSettings
    others: tuple[KernelEvidence, ...] = ()
    rows: Tensor | None = None

    @classmethod
    def of(
        cls, x: Tensor, y: Tensor, moves: AmbientMoves, rng: np.random.Generator, settings: EvidenceSettings
    ) -> KernelEvidence:
        """Return the evidence of a hypothesis.

        Args:
            x: Inputs as measured, shape (n, d_in).
            y: Labels as measured, shape (n, d_out).
            moves: How the group moves samples.
            rng: Source of random numbers.
            settings: The processes.
        """
        group = ListedGroup.of(moves)
        scales = [orbit_scale(moves, x, y, rng, settings=OrbitScaling(floor=floor)) for floor in settings.floors]
        tried = [cls._in_metric(group, scale, x, y, settings) for scale in unlike(scales, settings.alike)]
        best, *others = sorted(tried, key=lambda evidence: -float(evidence.table().max()))
        return replace(best, others=tuple(others))

    @classmethod
    def _in_metric(
        cls, group: ListedGroup, scale: OrbitScale, x: Tensor, y: Tensor, settings: EvidenceSettings
    ) -> KernelEvidence:
        inputs, labels = scale(x, y)
        labels = labels * (labels.abs().amax(0) > scale.rounding_of(y))
        median = group.median_distance(inputs)
        lengths = tuple(w * median for w in settings.widths)
        tied = torch.stack(group.tied(inputs, lengths))
        flat = labels.reshape(-1, 1) if group.moves_labels else labels
        columns = settings.copies_at_once * flat.shape[1]
        return cls(group, scale, inputs, flat, lengths, Factors.of(tied, settings.noises, columns), settings)

    @cached_property
    def mixed(self) -> Factors:
        """(K_H + k) / 2."""
        free = torch.stack([self.group.free(self.x, length) for length in self.lengths])
        return replace(self.tied, kernels=(self.tied.kernels + free) / 2)

    def table(self) -> Tensor:
        """Return evidence of the tied processes, shape (lengths, noises)."""
        return self.tied.evidence(self.labels.unsqueeze(0))[0]

    def statistic(self, labels: Tensor) -> Tensor:
        """Return the best evidence of the mixture less the best of the tied process.

        A difference that is rounding is 0; for example where the group does not change any input.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R,).
        """
        metrics = (self, *self.others)
        mixed, tied = (
            torch.stack([factors.evidence(labels).amax((1, 2)) for factors in side]).amax(0)
            for side in ([m.mixed for m in metrics], [m.tied for m in metrics])
        )
        difference = mixed - tied
        rounding = self.settings.single_rounding if self.tied.has_many else self.settings.rounding
        return torch.where(difference.abs() <= rounding * tied.abs(), 0.0, difference)

    def is_complete(self) -> bool:
        """Return whether each image of a row, with its label, is a row too: then nothing speaks against the
        hypothesis.
        """
        labels = self.labels.reshape(len(self.x), -1)
        return self.group.closes(self.x, labels, self.settings.nearest)

    def chosen(self) -> tuple[int, float]:
        """Return the place of the length and the noise of the tied process with the best evidence."""
        place, noises = int(self.table().argmax()), self.settings.noises
        return place // len(noises), noises[place % len(noises)]

    def fit(self) -> TiedFit:
        """Return the tied fit that copies are drawn from."""
        return self.fit_at(*self.chosen())

    def fit_at(self, place: int, noise: float) -> TiedFit:
        """Return the tied fit of a length, with less noise.

        Args:
            place: Place of the length.
            noise: The noise, which is multiplied by the undersmoothing.
        """
        return TiedFit.of(self.tied.kernels[place], self.labels, self.settings.undersmoothing * noise, len(self.x))

    def copies(self, rng: np.random.Generator, count: int, units: Tensor | None, *, has_classes: bool) -> Tensor:
        """Return labels drawn from the tied fit, shape (count, N, c).

        Args:
            rng: Source of the draws.
            count: Number of copies.
            units: The unit of each row, shape (n,), numbered from 0; None where each row is one.
            has_classes: Whether labels are drawn as classes; otherwise they are the residuals with random signs.
        """
        fit, numbers = self.fit(), torch.arange(len(self.x)) if units is None else units
        if has_classes:
            drawn = fit.classes(self.scale, numbers, rng, count)
            return drawn.reshape(count, *self.labels.shape)
        return fit.signed(numbers, rng, count)

    def breaks(self, rng: np.random.Generator, count: int) -> Tensor | None:
        """Return random functions that vanish when they are tied, with the root mean square of the tied fit.

        Args:
            rng: Source of the draws.
            count: Number of functions.

        Returns:
            Shape (count, N, c); None where the group moves no row.
        """
        place, noise = self.chosen()
        tied, unit = self.tied.kernels[place], torch.eye(len(self.labels), dtype=torch.float64)
        values, vectors = torch.linalg.eigh(self.group.free(self.x, self.lengths[place]) - tied)
        if float(values[-1]) <= len(values) * self.settings.rounding:
            return None
        normal = torch.from_numpy(rng.standard_normal((count, *self.labels.shape)))
        # The symmetric root: signs and order of eigenvectors, which rounding decides, must not.
        drawn = (vectors * values.clamp_min(0).sqrt()) @ (vectors.t() @ normal)
        fit = self.labels - noise * torch.linalg.solve(tied + noise * unit, self.labels)
        scaled: Tensor = drawn * ((fit**2).mean() / (drawn**2).mean((1, 2), keepdim=True)).sqrt()
        return scaled


def unlike(scales: Sequence[OrbitScale], alike: float) -> list[OrbitScale]:
    """Return the scales without those whose metric is that of an earlier one up to a factor.

    Args:
        scales: The scales.
        alike: Least ratio of singular values at which metrics count as the same.
    """
    kept = list[OrbitScale]()
    for scale in scales:
        ratios = [torch.linalg.svdvals(torch.linalg.solve(k.x_matrix, scale.x_matrix, left=False)) for k in kept]
        if all(float(r.max() / r.min()) > alike for r in ratios):
            kept.append(scale)
    return kept
