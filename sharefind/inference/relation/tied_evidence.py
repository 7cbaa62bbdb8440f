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
from sharefind.inference.relation.kernel_factors import Contest, Factors, LabelStatistic, some_of
from sharefind.inference.relation.label_copies import TiedFit
from sharefind.inference.statistics.origin import OrbitScale, OrbitScaling, orbit_scale
from sharefind.inference.tied_kernels import ListedGroup


@dataclass(frozen=True)
class EvidenceSettings:
    """Which Gaussian processes are compared.

    Attributes:
        widths: Lengths of the kernel, in medians of the distance between orbits.
        noises: Noise variances, relative to the amplitude of the function, which is itself estimated.
        undersmoothing: Factor on the chosen noise variance in the tied fit from which copies are drawn.
        class_undersmoothing: The same for classes. Where inputs lie mostly on one side, a smoother fit is off near the
            border of that side, which passes for a break.
        floors: Floors of the whitening of the inputs, relative to the largest eigenvalue. The small one whitens fully;
            the large one only rescales each part of the inputs. The metric is chosen by evidence, like length and
            noise.
        alike: Largest ratio of the same distance in two metrics, up to a common factor, at which they count as one.
        rounding: Difference of two evidences, relative to them, that is rounding.
        single_rounding: The same where products with many labels are taken in single precision.
        nearest: Distance of two scaled rows up to which they are one.
        copies_at_once: Copies of the labels that are looked at together.
        tasted_copies: Copies on which all processes are compared. Processes that are far from the best on them are left
            out for the others.
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
    tasted_copies: int = 12


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

    @cached_property
    def contest(self) -> Contest:
        """The mixtures against the tied processes, of all metrics and lengths."""
        metrics = (self, *self.others)
        mixed, tied = (
            tuple(one for factors in side for one in factors.each)
            for side in ([m.mixed for m in metrics], [m.tied for m in metrics])
        )
        rounding = self.settings.single_rounding if self.tied.has_many else self.settings.rounding
        return Contest(mixed, tied, rounding)

    def statistic(self, labels: Tensor) -> Tensor:
        """Return the best evidence of the mixture less the best of the tied process.

        A difference that is rounding is 0; for example where the group does not change any input.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R,).
        """
        return self.contest.statistic(labels)

    def statistic_for(self, labels: Tensor, *, has_classes: bool) -> LabelStatistic:
        """Return the statistic for many labels, by the processes that may have the best evidence of one of them.

        Where these are more than some, a few of them show which processes those are. Copies of classes may all but one
        be equal, so that a few show nothing.

        Args:
            labels: All of them, shape (R, N, c).
            has_classes: Whether they are classes.
        """
        few = self.settings.tasted_copies
        is_tasted = not has_classes and len(labels) > few
        return (self.contest.among(some_of(labels, few)) if is_tasted else self.contest).statistic

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
