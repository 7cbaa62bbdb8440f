"""The test of a relation for many rows: what tying removes, looked for in the residuals of the tied fit.

With R = noise (K_H + noise)^{-1}, at the noise of the undersmoothed fit, and A = k - K_H, the statistic is
y^T R^2 A (A + c N)^{-1} R^2 y / |R y|^2 of N labels; with A alone, its largest directions would drown the others. Both
kernels are products of thin feature matrices, so that n rows cost n r^2. Few rows are tested by `tied_evidence`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.relation.feature_fit import FeatureFit, log_evidences
from sharefind.inference.relation.kernel_factors import LabelStatistic
from sharefind.inference.relation.kernel_features import Landmarks, evened
from sharefind.inference.relation.tied_evidence import EvidenceSettings, unlike
from sharefind.inference.statistics.origin import OrbitScale, OrbitScaling, orbit_scale
from sharefind.inference.tied_kernels import ListedGroup


@dataclass(frozen=True)
class FeatureSettings:
    """How many features stand for the kernels, and how many rows they read.

    Attributes:
        tied_rank: Features of K_H.
        anti_rank: Features of A = k - K_H.
        chosen_by: Most labels by which length and whitening are chosen.
        chosen_rank: Features by which they are chosen.
        measured_by: Most rows between which distances are measured.
        most_values: Most labels (rows, times outputs where these move) that are read; further rows are dropped at
            random.
        most_kernels: Most kernel values (rows, features and elements of the group); further rows are dropped at random.
        rounding: Eigenvalue, for each column of a kernel that is 1 on its diagonal, that is rounding.
        held: Most numbers of copies that are looked at together.
        nearest: Distance, in scaled units, up to which two rows are one.
        largest: c, the share of the process k - K_H that a direction may have before the statistic counts it less.
    """

    tied_rank: int = 512
    anti_rank: int = 200
    chosen_by: int = 2000
    chosen_rank: int = 256
    measured_by: int = 400
    most_values: int = 60_000
    most_kernels: int = 600_000_000
    rounding: float = 1e-11
    held: int = 8_000_000
    nearest: float = 1e-7
    largest: float = 0.05

    def rows(self, n: int, group: ListedGroup) -> int:
        """Return the number of rows that are read.

        Args:
            n: Number of rows that there are.
            group: The group.
        """
        width = group.row_width
        return min(n, self.most_values // width, max(self.tied_rank, self.most_kernels // self._price(group)))

    def _price(self, group: ListedGroup) -> int:
        return len(group.on_x) * self.tied_rank

    def distance(self, group: ListedGroup, x: Tensor, rng: np.random.Generator) -> float:
        """Return the median distance between orbits of rows.

        Args:
            group: The group.
            x: Inputs, shape (n, d_in).
            rng: Source of the choice of rows.
        """
        some = x[torch.from_numpy(rng.permutation(len(x))[: self.measured_by])]
        return group.median_distance(some)


@dataclass(frozen=True)
class FeatureEvidence:
    """Features of one hypothesis and its labels, scaled; used like `tied_evidence.KernelEvidence`.

    Attributes:
        name: Name of the statistic.
        landmarks: Landmarks of the chosen length, at the scaled inputs (n, d_in) of the rows that are read.
        labels: Scaled labels, shape (n, c) where the group does not change them, (n q, 1) where it does.
        rows: Which rows these are, (n,), int64.
        scale: The scaling of the rows.
        tied: The fit by K_H.
        anti: Features of A (A + c N)^{-1}, shape (N, r').
        noise: The chosen noise variance, relative to the amplitude.
        settings: Ranks and limits.
        undersmoothing: Factor of the noise in the fit that copies are drawn from.
    """

    name: ClassVar[str] = "relation-residuals"

    landmarks: Landmarks
    labels: Tensor
    rows: Tensor
    scale: OrbitScale
    tied: FeatureFit
    anti: Tensor
    noise: float
    settings: FeatureSettings
    undersmoothing: float

    @property
    def softened(self) -> float:
        """The noise of the undersmoothed fit; residuals of the chosen one hold more of the tied function."""
        return self.undersmoothing * self.noise

    @cached_property
    def fit(self) -> Tensor:
        """Coefficients of the undersmoothed fit, (r, c)."""
        return self.tied.coefficients(self.labels, self.softened)

    @cached_property
    def fitted(self) -> Tensor:
        """The undersmoothed fit, (N, c)."""
        return self.tied.features @ self.fit

    @cached_property
    def cross(self) -> Tensor:
        """The features `anti` by those of K_H, (r', r)."""
        return self.anti.t() @ self.tied.features

    def is_complete(self) -> bool:
        """Return whether each image of a row, with its label, is a row too: then nothing speaks against the
        hypothesis.
        """
        labels = self.labels.reshape(len(self.landmarks.x), -1)
        return self.landmarks.group.closes(self.landmarks.x, labels, self.settings.nearest)

    def statistic(self, labels: Tensor) -> Tensor:
        """Return y^T R^2 A (A + c N)^{-1} R^2 y / |R y|^2, sums over columns.

        Args:
            labels: Shape (R, N, c).

        Returns:
            Shape (R,).
        """
        step = max(1, self.settings.held // self.labels.numel())
        return torch.cat([self._statistic(labels[k : k + step]) for k in range(0, len(labels), step)])

    def statistic_for(self, labels: Tensor, *, has_classes: bool) -> LabelStatistic:
        """Return the statistic, which is the same for all labels.

        Args:
            labels: Shape (R, N, c).
            has_classes: Whether they are classes.
        """
        return self.statistic

    @cached_property
    def _both(self) -> Tensor:
        """Features of K_H and `anti`, (r + r', N), single: products with all copies cost most, and need no more."""
        return torch.cat([self.tied.features, self.anti], dim=1).t().float().contiguous()

    def _statistic(self, labels: Tensor) -> Tensor:
        # What lies in the span of the features is taken out first: its R y is known without cancellation.
        rest = (labels - self.fitted).permute(1, 0, 2)
        size = rest.abs().amax().clamp_min(torch.finfo(torch.float64).tiny)
        products = (self._both @ (rest.flatten(1) / size).float()).double().mul_(size)
        both = torch.unflatten(products, 1, rest.shape[1:])
        inner, found = torch.split(both, [len(self.tied.values), self.anti.shape[1]])
        twice = self.tied.twice(self.softened)[:, None, None]
        shrunk = ((self.softened / (self.tied.values + self.softened)) ** 2).unsqueeze(1) * self.fit
        found = found - torch.einsum("kr,rmc->kmc", self.cross, twice * inner - shrunk.unsqueeze(1))
        left = (rest**2).sum(0) - (twice * inner**2).sum(0) + 2 * torch.einsum("rc,rmc->mc", shrunk, inner)
        left = left + (self.tied.values.unsqueeze(1) * self.fit * shrunk).sum(0)
        share: Tensor = (found**2).sum((0, 2)) / left.sum(1).clamp_min(torch.finfo(torch.float64).tiny)
        return share

    def copies(self, rng: np.random.Generator, count: int, units: Tensor | None, *, has_classes: bool) -> Tensor:
        """Return labels drawn from the tied fit: its residuals with random signs, or classes.

        Args:
            rng: Source of the draws.
            count: Number of copies.
            units: The unit of each row, shape (n,), numbered from 0; None where each row is one.
            has_classes: Whether labels are classes.

        Returns:
            Shape (count, N, c).
        """
        numbers = torch.arange(len(self.rows)) if units is None else units
        if has_classes:
            return self._classes(numbers, rng, count)
        errors = self.tied.errors(self.labels - self.fitted, numbers, self.softened)
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], size=(count, int(numbers.max()) + 1)))[:, numbers]
        signs = signs.repeat_interleave(self.landmarks.width, dim=1).unsqueeze(2)
        return signs.mul(errors).add_(self.fitted)

    def _classes(self, units: Tensor, rng: np.random.Generator, count: int) -> Tensor:
        """One-hot labels drawn with the fit's probabilities; rows of a unit share the random number of a draw."""
        classes = len(self.scale.y_scale)
        shares = (self.fitted.reshape(-1, classes) / self.scale.y_scale + self.scale.y_shift).clamp(0, 1)
        edges = (shares / shares.sum(1, keepdim=True)).cumsum(1)[:, :-1].contiguous()
        one_hot = (torch.eye(classes, dtype=torch.float64) - self.scale.y_shift) * self.scale.y_scale
        drawn = torch.empty(count, *self.labels.shape, dtype=torch.float64)
        for copy in drawn:
            uniform = torch.from_numpy(rng.random((int(units.max()) + 1, 1)))[units]
            copy.copy_(one_hot[torch.searchsorted(edges, uniform, right=True).squeeze(1)].reshape(self.labels.shape))
        return drawn


@dataclass(frozen=True)
class FeatureDraft:
    """The features of one hypothesis before they are rotated: what tells whether they are enough.

    Attributes:
        choice: Scale, length and labels.
        rows: Which rows are read, (n,), int64.
        columns: Columns of K_H at the landmarks, (n, width, m).
        features: F with K_H near F F^T, shape (N, m).
        settings: Which processes.
        ranks: Ranks and limits.
    """

    choice: _Choice
    rows: Tensor
    columns: Tensor
    features: Tensor
    settings: EvidenceSettings
    ranks: FeatureSettings

    @classmethod
    def of(
        cls,
        x: Tensor,
        y: Tensor,
        moves: AmbientMoves,
        rng: np.random.Generator,
        settings: EvidenceSettings,
        ranks: FeatureSettings,
    ) -> FeatureDraft:
        """Return a draft: the features of the tied process with the best evidence.

        Args:
            x: Inputs as measured, shape (n, d_in).
            y: Labels as measured, shape (n, d_out).
            moves: How the group moves samples.
            rng: Source of random numbers.
            settings: The processes.
            ranks: Ranks and limits.
        """
        group = ListedGroup.of(moves)
        rows = torch.from_numpy(np.sort(rng.permutation(len(x))[: ranks.rows(len(x), group)]))
        scales = [
            orbit_scale(moves, x[rows], y[rows], rng, settings=OrbitScaling(floor=floor)) for floor in settings.floors
        ]
        # All are drawn, so that later draws do not depend on which are alike.
        drawn = [_Choice.drawn(scale, group, x[rows], y[rows], ranks, rng) for scale in scales]
        kept = [id(scale) for scale in unlike(scales, settings.alike)]
        tried = [choice.decided(settings, ranks) for choice in drawn if id(choice.scale) in kept]
        best = max(tried, key=lambda choice: choice.evidence)
        columns = best.landmarks.tied()
        return cls(best, rows, columns, best.landmarks.tied_features(columns, ranks.rounding), settings, ranks)

    @property
    def left_out(self) -> float:
        """Mean variance of the tied process that its features do not hold, relative to the amplitude."""
        return float((self.choice.landmarks.diagonal() - (self.features**2).sum(1)).clamp_min(0).mean())

    def evidence(self) -> FeatureEvidence:
        """Return the evidence with the features of A, and the noise that the labels choose."""
        marks, labels, scale = self.choice.landmarks, self.choice.labels, self.choice.scale
        tied = FeatureFit.of(self.features)
        noise = tied.likeliest(labels, self.settings.noises)
        ranks, places = self.ranks, marks.some(self.ranks.anti_rank)
        anti = evened(marks.at(places).anti_features(self.columns[:, :, places], ranks.rounding), ranks.largest)
        rest = (scale, tied, anti, noise, ranks, self.settings.undersmoothing)
        return FeatureEvidence(marks, labels, self.rows, *rest)


@dataclass(frozen=True)
class _Choice:
    """The tied process with the best evidence at one scale of inputs and labels, judged by some of the rows.

    Attributes:
        landmarks: Landmarks at all rows; before the choice their length is the median distance between orbits.
        few: Landmarks by which the length is chosen, at some of the rows.
        some: Labels of these rows, shape (N', c).
        labels: Labels of all rows, shape (N, c).
        scale: The scaling of the rows.
        evidence: The best.
    """

    landmarks: Landmarks
    few: Landmarks
    some: Tensor
    labels: Tensor
    scale: OrbitScale
    evidence: float = -math.inf

    @classmethod
    def drawn(
        cls,
        scale: OrbitScale,
        group: ListedGroup,
        x: Tensor,
        y: Tensor,
        ranks: FeatureSettings,
        rng: np.random.Generator,
    ) -> _Choice:
        """Landmarks and rows at random, of inputs (n, d_in) and labels (n, d_out) as they were measured."""
        inputs, labels = scale(x, y)
        flat = labels.reshape(-1, 1) if group.moves_labels else labels
        unit = ranks.distance(group, inputs, rng)
        marks = Landmarks.drawn(group, inputs, ranks.tied_rank, unit, rng)
        few = marks.at(marks.some(ranks.chosen_rank))
        rows, few = few.among(torch.from_numpy(rng.permutation(len(x))[: max(1, ranks.chosen_by // marks.width)]))
        return cls(marks, few, torch.unflatten(flat, 0, (len(x), -1))[rows].flatten(0, 1), flat, scale)

    def decided(self, settings: EvidenceSettings, ranks: FeatureSettings) -> _Choice:
        """Return the choice with the best length, and its evidence."""
        lengths = [width * self.landmarks.length for width in settings.widths]
        table: dict[float, float] = {}
        for length, columns in zip(lengths, self.few.tied_at(lengths), strict=True):
            thin = self.few.tied_features(columns, ranks.rounding)
            table[length] = float(log_evidences(thin, self.some, settings.noises).max())
        length = max(table, key=lambda length: table[length])
        return replace(self, landmarks=replace(self.landmarks, length=length), evidence=table[length])
