"""The models behind a risk gap: kernel ridge regression, free, and tied by a group.

The tied model is the same regression with the kernel K_H(x, x') = mean_h k(x, h x') rho(h) in place of k; the free
one is that of the trivial group. Both have as many features for each output, from landmarks among the samples
(Nystrom): where there are as many landmarks as samples, each is exact kernel ridge regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.label_parts import LabelPart
from sharefind.inference.relation.orbit_models import ListedTying, Tying, block_spread, tying_of
from sharefind.inference.tied_kernels import matern_five_halves

Map = Callable[[Tensor], Tensor]
"""Rows (..., n, a) to rows (..., n, b)."""


@dataclass(frozen=True)
class HeldOut:
    """Predictions of a model for samples to which it was not fitted.

    Attributes:
        errors: Squared errors, shape (n,).
        hits: Whether the largest prediction is that of the sample's class, shape (n,).
    """

    errors: NDArray[np.float64]
    hits: NDArray[np.float64]


@dataclass(frozen=True)
class ReferenceModels:
    """A free and a tied model, each with the kernel and the penalty that predict best.

    Attributes:
        landmarks: Features of an output, at most; a landmark gives one, or d where the group mixes d outputs.
        tasted_landmarks: The same where all kernels are compared.
        tasted_samples: Samples with which all kernels are compared, at most.
        finalists: Kernels that are then compared with all landmarks and samples, on the first fold.
        closed_order: Largest finite group over which features are averaged.
        images: Images of a sample, at most, of groups that are larger or infinite.
        imaged: Images of all samples, at most.
        lengths: Lengths of the kernels' Matern part, over the root mean square distance of two samples; None: no such
            part.
        ridges: Penalties of the fits, over the number of samples; k(x, x) is 1 or 2 in the mean.
        step: All kernels are compared with every `step`-th of them.
        floors: Floors of the whitening of the inputs, relative to the mean eigenvalue: nearly white, nearly as they
            are, and, None, in the units in which they were measured.
        rounding: Share of the largest eigenvalue below which a direction of the features is rounding.
        block_values: Kernel values that are computed at once.
    """

    landmarks: int = 640
    tasted_landmarks: int = 128
    tasted_samples: int = 1000
    finalists: int = 2
    closed_order: int = 96
    images: int = 8
    imaged: int = 32_000
    lengths: tuple[float | None, ...] = (None, 0.7, 2.4)
    ridges: tuple[float, ...] = tuple(10.0 ** (k / 2) for k in range(-20, 3))
    step: int = 2
    floors: tuple[float | None, ...] = (1e-6, 1.0, None)
    rounding: float = 1e-10
    block_values: int = 2_000_000

    def free(self, x: Tensor, y: Tensor, folds: NDArray[np.int64], rng: np.random.Generator) -> HeldOut:
        """Return predictions of the free model on held-out samples; see `tied`.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, q).
            folds: The fold of each row, shape (n,).
            rng: Source of random numbers.
        """
        return self._held_out(ListedTying.free(x, y, rng), y, folds, rng)

    def tied(
        self, x: Tensor, y: Tensor, moves: AmbientMoves, folds: NDArray[np.int64], rng: np.random.Generator
    ) -> HeldOut:
        """The tied model on samples of other folds.

        The kernel is the best on some of the samples, and on the first fold; the penalty of each fold is the best on
        the other folds.

        Args:
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, q), float64.
            moves: The group, orthogonal.
            folds: Number of each sample's fold, shape (n,).
            rng: Source of landmarks and images.

        Returns:
            Errors of all samples.
        """
        tying = tying_of(moves, x, y, rng, self.closed_order, self.images, self.imaged)
        return self._held_out(tying, y, folds, rng)

    def _held_out(self, tying: Tying, y: Tensor, folds: NDArray[np.int64], rng: np.random.Generator) -> HeldOut:
        order = torch.from_numpy(rng.permutation(len(tying.pool)))
        tasted = np.sort(rng.permutation(len(y))[: self.tasted_samples])
        coarse, every = self.ridges[:: self.step], _rows_of(folds, np.arange(len(y)))
        few = _rows_of(folds, tasted)
        table: list[tuple[float, _Kernel]] = []
        for kernels in self._kernels(tying):
            mapped = _Mapped.of(tying, few, kernels[0].points, order, self.tasted_landmarks)
            for kernel in kernels:
                design = self._design(tying, few, kernel, mapped)
                table.append((float(design.errors(y, coarse, range(len(few)))[0].sum(1).min()), kernel))
        best = [kernel for _, kernel in sorted(table, key=lambda pair: pair[0])[: self.finalists]]
        designs = [
            self._design(tying, every, kernel, _Mapped.of(tying, every, kernel.points, order, self.landmarks))
            for kernel in best
        ]
        first = torch.stack([design.errors(y, coarse, [0])[0].sum(1) for design in designs])
        winner, place = divmod(int(first.argmin()), len(coarse))
        nearest = slice(max(0, place * self.step - 1), place * self.step + 2)
        errors, hits = (table.numpy() for table in designs[winner].errors(y, self.ridges[nearest], range(len(every))))
        return HeldOut(*_best(errors, hits, folds))

    def _design(self, tying: Tying, folds: list[Tensor], kernel: _Kernel, mapped: _Mapped) -> _Design:
        features = _Features.of(kernel, tying, mapped, self.rounding, self.block_values)
        fits: list[list[_Moments]] = [[] for _ in tying.parts]
        for points, labels in mapped.samples:
            for found, part, own in zip(fits, tying.parts, features(points), strict=True):
                found.append(_Moments.of(own, part, labels))
        return _Design(tying, folds, fits)

    def _kernels(self, tying: Tying) -> Iterator[list[_Kernel]]:
        """Kernels of all lengths, for one metric after the other."""
        for points, spread in self._metrics(tying):
            size = max(spread, torch.finfo(torch.float64).tiny)
            yield [_Kernel(points, size, length) for length in self.lengths]

    def _metrics(self, tying: Tying) -> Iterator[tuple[Map, float]]:
        """Maps of inputs to points, which commute with the group, and the points' mean square: one for each floor."""
        scale = block_spread(tying)
        covariance = scale.unsqueeze(1) * tying.covariance * scale
        values, vectors = torch.linalg.eigh(covariance)
        mean = values.clamp_min(0).mean().clamp_min(torch.finfo(torch.float64).tiny)
        for floor in self.floors:
            if floor is None:
                matrix = torch.diag((scale > 0).double())
            else:
                root = (values.clamp_min(0) + floor * mean).rsqrt()
                matrix = scale.unsqueeze(1) * ((vectors * root) @ vectors.t())

            def points(rows: Tensor, matrix: Tensor = matrix) -> Tensor:
                return (rows - tying.centre) @ matrix

            yield points, float((matrix * (tying.covariance @ matrix)).sum())


@dataclass(frozen=True)
class _Mapped:
    """Points of landmarks (p, a) for `most` features, and those of each fold's samples (N, a) with labels (N, q)."""

    landmarks: Tensor
    most: int
    samples: list[tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, tying: Tying, folds: list[Tensor], points: Map, order: Tensor, most: int) -> _Mapped:
        """Map the first `most` landmarks in an order of the pool, and the samples of all folds."""
        samples = [(points(x), labels) for x, labels in map(tying.samples, folds)]
        return cls(points(tying.pool[order[:most]]), most, samples)


@dataclass(frozen=True)
class _Kernel:
    """x . x' / s + Matern(|x - x'| / sqrt(2 s)) of points with mean square s.

    points: maps inputs. spread: s. length: over sqrt(2 s); None without the Matern part.
    """

    points: Map
    spread: float
    length: float | None

    def __call__(self, rows: Tensor, landmarks: Tensor) -> Tensor:
        """Return the kernel matrix, shape (n, p), of points (n, a) and landmarks (p, a)."""
        inner = rows @ landmarks.t()
        if self.length is None:
            return inner / self.spread
        squares = (rows**2).sum(1, keepdim=True) + (landmarks**2).sum(1)
        distances = (squares - 2 * inner).clamp_min_(0)
        return matern_five_halves(distances, self.length * (2 * self.spread) ** 0.5).add_(inner, alpha=1 / self.spread)


@dataclass(frozen=True)
class _Features:
    """Features of each part: K(Z, Z)^{-1/2} K(Z, x), with K(x, z) = mean_h k(x, h z) D(h).

    kernel: k. parts: with D. images: h z, (g, p, a). counts: landmarks of each part, the first ones. roots: of each
    part, (count d, P). block_values: see `ReferenceModels`.
    """

    kernel: _Kernel
    parts: list[LabelPart]
    images: Tensor
    counts: list[int]
    roots: list[Tensor]
    block_values: int

    @classmethod
    def of(cls, kernel: _Kernel, tying: Tying, mapped: _Mapped, rounding: float, block_values: int) -> _Features:
        """Return the features of landmarks; of these only as many as give `mapped.most` features at most."""
        starts, most = mapped.landmarks, mapped.most
        images = tying.images(starts)
        counts = [min(len(starts), max(1, most // part.matrices.shape[1])) for part in tying.parts]
        rough = cls(kernel, tying.parts, images, counts, [], block_values)
        roots = []
        for values, count in zip(rough.kernels(starts), counts, strict=True):
            gram = values[:count].flatten(0, 1)
            roots.append(_inverse_root((gram + gram.t()) / 2, rounding))
        return replace(rough, roots=roots)

    def kernels(self, points: Tensor) -> list[Tensor]:
        """K(x, Z) of points (n, a), for each part (n, d, count d)."""
        order, count = self.images.shape[:2]
        flat = self.images.flatten(0, 1)
        found: list[list[Tensor]] = [[] for _ in self.parts]
        for block in torch.split(points, max(1, self.block_values // len(flat))):
            each = torch.unflatten(self.kernel(block, flat), 1, (order, count))
            for blocks, part, own in zip(found, self.parts, self.counts, strict=True):
                blocks.append(_averaged(each[:, :, :own], part))
        return [torch.cat(blocks) for blocks in found]

    def __call__(self, points: Tensor) -> list[Tensor]:
        """Return the features of points (n, a), for each part (n, d, P)."""
        return [k @ root for k, root in zip(self.kernels(points), self.roots, strict=True)]


def _averaged(kernels: Tensor, part: LabelPart) -> Tensor:
    """mean_h k(x, h z) D(h): (n, g, p) -> (n, d, p d)."""
    if part.is_fixed:
        return kernels.mean(1).unsqueeze(1)
    n, order, count = kernels.shape
    d = part.matrices.shape[1]
    return torch.einsum("ngj,gab->najb", kernels, part.matrices).reshape(n, d, count * d) / order


def _inverse_root(gram: Tensor, rounding: float) -> Tensor:
    """R with R R^t the inverse of gram (p, p), (p, P); directions of rounding size, if there are any, are left out."""
    lower, failed = torch.linalg.cholesky_ex(gram)
    if not bool(failed):
        inverse: Tensor = torch.linalg.solve_triangular(lower, torch.eye(len(gram), dtype=torch.float64), upper=False)
        # The trace of the inverse is above its largest eigenvalue, that of the matrix above its own.
        if rounding * float((inverse**2).sum()) * float(gram.trace()) < 1:
            return inverse.t()
    few = _root_of_few(gram, rounding)
    if few is not None:
        return few
    values, vectors = torch.linalg.eigh(gram)
    kept = values > rounding * values[-1].clamp_min(torch.finfo(torch.float64).tiny)
    root: Tensor = vectors[:, kept] * values[kept].rsqrt()
    return root


def _root_of_few(gram: Tensor, rounding: float, share: float = 0.25, nothing: float = 1e-13) -> Tensor | None:
    """Root by the few landmarks that span the rest, as those of a linear kernel do, in place of all; (p, P).

    None where these are many, or where they leave more than rounding errors of the rest.
    """
    largest = float(gram.diagonal().max())
    lower, order, rank, _ = scipy.linalg.lapack.dpstrf(gram.numpy(), tol=rounding * largest, lower=1)
    if not 0 < rank <= share * len(gram):
        return None
    places = torch.from_numpy(order.astype(np.int64) - 1)
    factor = torch.from_numpy(np.tril(lower)[:, :rank].copy())
    left = gram.diagonal()[places] - (factor**2).sum(1)
    if float(left.max()) > nothing * largest * len(gram):
        return None
    root = torch.zeros(len(gram), rank, dtype=torch.float64)
    unit = torch.eye(rank, dtype=torch.float64)
    root[places[:rank]] = torch.linalg.solve_triangular(factor[:rank], unit, upper=False).t()
    return root


@dataclass(frozen=True)
class _Design:
    """Quantities of one kernel for the fits to all folds but one.

    folds: rows of each. fits: for each part of the labels the moments of each fold.
    """

    tying: Tying
    folds: list[Tensor]
    fits: list[list[_Moments]]

    def errors(self, y: Tensor, ridges: Sequence[float], held: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Squared errors and hits of the rows of the folds `held`, (ridges, rows) each, in the order of the rows."""
        found = torch.cat([self._of_fold(y, ridges, k) for k in held], dim=2)
        rows = torch.cat([self.folds[k] for k in held]).argsort()
        return found[0][:, rows], found[1][:, rows]

    def _of_fold(self, y: Tensor, ridges: Sequence[float], held: int) -> Tensor:
        """(2, ridges, rows)."""
        rows, values = self.folds[held], torch.zeros(()).double()
        for parts, part in zip(self.fits, self.tying.parts, strict=True):
            values = values + part.labels(_predictions(parts, held, ridges))
        predicted, labels = self.tying.predicted(rows, values), y[rows]
        hits = predicted.argmax(2) == labels.argmax(1)
        return torch.stack([((predicted - labels) ** 2).sum(2), hits.double()])


def _predictions(parts: list[_Moments], held: int, ridges: Sequence[float]) -> Tensor:
    """Predictions of ridge regression on the other folds for one part in a fold, (ridges, n, d, m)."""
    rest = [part for k, part in enumerate(parts) if k != held]
    count = sum(p.rows for p in rest)
    second, cross, mean, shift = (
        _total([getattr(p, name) for p in rest]).div_(count) for name in ("second", "cross", "mean", "shift")
    )
    moment, target = second.addr_(mean, mean, alpha=-1), cross.addr_(mean, shift, alpha=-1)
    found = _solutions(moment, target, ridges)
    predicted = (parts[held].features - mean) @ found.flatten(1)
    return torch.unflatten(predicted, 2, found.shape[1:]).permute(2, 0, 1, 3) + shift


def _total(values: list[Tensor]) -> Tensor:
    """Sum of tensors of one shape, in a new one."""
    total = values[0].clone()
    for value in values[1:]:
        total += value
    return total


def _solutions(moment: Tensor, target: Tensor, ridges: Sequence[float], few: int = 4) -> Tensor:
    """(moment + ridge)^-1 target for each ridge: moment (P, P), target (P, m) -> (P, ridges, m)."""
    if len(ridges) <= few:
        unit = torch.eye(len(moment), dtype=torch.float64)
        factors = (torch.linalg.cholesky(moment + ridge * unit) for ridge in ridges)
        return torch.stack([torch.cholesky_solve(target, factor) for factor in factors], dim=1)
    values, vectors = torch.linalg.eigh(moment)
    penalised = values.clamp_min(0).unsqueeze(1) + torch.tensor(ridges, dtype=torch.float64)
    shares = (vectors.t() @ target).unsqueeze(1) / penalised.unsqueeze(2)
    return torch.unflatten(vectors @ shares.flatten(1), 1, shares.shape[1:])


@dataclass(frozen=True)
class _Moments:
    """Features of the rows of a fold, and their sums.

    features: (n, d, P). rows: n. mean, shift: sums of features (P,) and labels (m,), 0 unless the group fixes the part.
    second, cross: (P, P), (P, m).
    """

    features: Tensor
    rows: int
    mean: Tensor
    shift: Tensor
    second: Tensor
    cross: Tensor

    @classmethod
    def of(cls, features: Tensor, part: LabelPart, labels: Tensor) -> _Moments:
        """Return the moments of features (n, d, P) and labels (n, q)."""
        rows, values = features.flatten(0, 1), part.coordinates(labels)
        flat = values.flatten(0, 1)
        mean, shift = rows.sum(0), flat.sum(0)
        if not part.is_fixed:
            mean, shift = torch.zeros_like(mean), torch.zeros_like(shift)
        return cls(features, len(features), mean, shift, rows.t() @ rows, rows.t() @ flat)


def _rows_of(folds: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Tensor]:
    """The rows of each fold that is not empty."""
    each = [torch.from_numpy(rows[folds[rows] == k]) for k in range(int(folds.max()) + 1)]
    return [r for r in each if len(r)]


def _best(
    errors: NDArray[np.float64], hits: NDArray[np.float64], folds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tables (models, n) to (n,): in each fold those of the model that is best on the other folds."""
    sums = np.stack([errors[:, folds == k].sum(axis=1) for k in range(folds.max() + 1)])
    best = (sums.sum(axis=0) - sums).argmin(axis=1)
    rows = np.arange(len(folds))
    return errors[best[folds], rows], hits[best[folds], rows]
