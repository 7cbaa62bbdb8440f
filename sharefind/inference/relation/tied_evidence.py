"""The evidence of a tied Gaussian process against that of its mixture with the free one, from whole kernel matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.ambient_moves import Moves
from sharefind.inference.relation.tied_kernels import ListedGroup, matern_five_halves
from sharefind.inference.statistics.origin import orbit_scale


@dataclass(frozen=True)
class EvidenceSettings:
    """Which Gaussian processes are compared.

    Attributes:
        widths: Lengths of the kernel, in medians of the distance between orbits.
        noises: Noise variances, relative to the amplitude of the function, which is itself estimated.
        undersmoothing: Share of the chosen noise with which the tied fit is made that copies are drawn from.
    """

    widths: tuple[float, ...] = (0.7, 1.5, 3.0, 6.0)
    noises: tuple[float, ...] = (3e-4, 3e-3, 0.03, 0.2)
    undersmoothing: float = 0.3


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues (N,) and eigenvectors (N, N) of a kernel matrix."""

    values: Tensor
    vectors: Tensor

    @classmethod
    def of(cls, kernel: Tensor) -> Spectrum:
        """Of a symmetric kernel (N, N)."""
        values, vectors = torch.linalg.eigh(kernel)
        return cls(values.clamp_min(0), vectors)

    def evidence(self, labels: Tensor, noises: Sequence[float]) -> Tensor:
        """log p(Y | X) at the best amplitude, up to a constant: labels (R, N, c) -> (R, noises)."""
        squares = (torch.einsum("nk,rnc->rkc", self.vectors, labels) ** 2).sum(2)
        count, columns = labels.shape[1:]
        logs = []
        for noise in noises:
            spread = self.values + noise
            misfit = (squares / spread).sum(1).clamp_min(torch.finfo(torch.float64).tiny)
            logs.append(-count * columns / 2 * misfit.log() - columns / 2 * spread.log().sum())
        return torch.stack(logs, dim=1)


@dataclass(frozen=True)
class KernelEvidence:
    """Kernels of one hypothesis and its labels, scaled.

    Attributes:
        group: The hypothesis.
        x: Scaled inputs, shape (n, d_in).
        labels: Scaled labels, shape (n, q) where the group leaves them alone, (n q, 1) where it moves them.
        lengths: Of the kernels.
        tied: Spectra of K_H, one a length.
        mixed: Spectra of (K_H + k) / 2.
        settings: Which processes.
    """

    group: ListedGroup
    x: Tensor
    labels: Tensor
    lengths: tuple[float, ...]
    tied: tuple[Spectrum, ...]
    mixed: tuple[Spectrum, ...]
    settings: EvidenceSettings

    @classmethod
    def of(
        cls, x: Tensor, y: Tensor, moves: Moves, rng: np.random.Generator, settings: EvidenceSettings
    ) -> KernelEvidence:
        """From inputs (n, d_in) and labels (n, d_out) as they were measured."""
        group = ListedGroup.of(moves)
        inputs, labels = orbit_scale(moves, x, y, rng)(x, y)
        distances = group.distances(inputs)
        between = distances.amin(0)[~torch.eye(len(x), dtype=torch.bool)].sqrt()
        median = float(between[between > 0].median()) if bool((between > 0).any()) else 1.0
        lengths = tuple(w * median for w in settings.widths)
        own = int((group.on_x - torch.eye(x.shape[1])).abs().amax((1, 2)).argmin())
        tied, mixed = list[Spectrum](), list[Spectrum]()
        for length in lengths:
            kernels = matern_five_halves(distances, length)
            matrix = group.tied(kernels)
            tied.append(Spectrum.of(matrix))
            mixed.append(Spectrum.of((matrix + group.free(kernels[own])) / 2))
        flat = labels.reshape(-1, 1) if group.moves_labels else labels
        return cls(group, inputs, flat, lengths, tuple(tied), tuple(mixed), settings)

    def statistic(self, labels: Tensor) -> Tensor:
        """Best evidence of the mixture less the best of the tied process: labels (R, N, c) -> (R,)."""
        best = [
            torch.cat([s.evidence(labels, self.settings.noises) for s in side], dim=1).amax(1)
            for side in (self.mixed, self.tied)
        ]
        return best[0] - best[1]

    def chosen(self) -> tuple[int, float]:
        """The place of the length and the noise of the tied process with the best evidence."""
        noises = self.settings.noises
        table = torch.cat([s.evidence(self.labels.unsqueeze(0), noises) for s in self.tied])
        place = int(table.argmax())
        return place // len(noises), noises[place % len(noises)]

    def copies(self, rng: np.random.Generator, count: int, units: Tensor | None, *, has_classes: bool) -> Tensor:
        """Labels drawn from the tied fit, (count, N, c): its residuals with random signs, or classes."""
        place, noise = self.chosen()
        spectrum, n = self.tied[place], len(self.x)
        shrink = spectrum.values / (spectrum.values + self.settings.undersmoothing * noise)
        fit = spectrum.vectors @ (shrink.unsqueeze(1) * (spectrum.vectors.t() @ self.labels))
        leverage = (spectrum.vectors**2 * shrink).sum(1, keepdim=True)
        residuals = (self.labels - fit) / (1 - leverage).clamp_min(1e-6).sqrt()
        numbers = torch.arange(n) if units is None else units
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], size=(count, int(numbers.max()) + 1)))[:, numbers]
        return fit + signs.repeat_interleave(len(self.labels) // n, dim=1).unsqueeze(2) * residuals

    def overlap(self, rng: np.random.Generator) -> float:
        """tr(R A R) / tr(A) over the same of rows that were each moved by a Haar element, A = k - K_H."""
        place, noise = self.chosen()
        length, spectrum = self.lengths[place], self.tied[place]
        own = matern_five_halves(torch.cdist(self.x, self.x) ** 2, length)
        drawn = torch.from_numpy(rng.integers(len(self.group.on_x), size=len(self.x)))
        moved = torch.einsum("nab,nb->na", self.group.on_x[drawn], self.x)
        elsewhere = matern_five_halves(torch.cdist(moved, moved) ** 2, length)
        matrix = spectrum.vectors @ (spectrum.values.unsqueeze(1) * spectrum.vectors.t())
        root = spectrum.vectors @ ((noise / (spectrum.values + noise)).unsqueeze(1) * spectrum.vectors.t())
        after, turn = matrix, torch.eye(len(matrix)).double()
        if self.group.moves_labels:
            turn = torch.block_diag(*self.group.on_y[drawn])
            after = turn @ matrix @ turn.t()
        both = ((self.group.free(own) - matrix, root), (self.group.free(elsewhere) - after, turn @ root @ turn.t()))
        shares = [float(torch.trace(r @ a @ r) / torch.trace(a)) for a, r in both]
        return shares[0] / shares[1] if shares[1] > 0 else 0.0
