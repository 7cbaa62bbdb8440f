"""The two models behind a risk gap: ridge regression on kernel features, free, and with coefficients tied by a group.

Features are those of whole orbits of landmarks. A group permutes them, so that the sums of a data set with all of its
images are group means of the sums of the data set itself; of groups too large for that, samples come with some images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.kernels import kernel_root, matern
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import LAST_PLACES

Map = Callable[[Tensor], Tensor]
"""Rows (..., n, a) to rows (..., n, b)."""


@dataclass(frozen=True)
class ReferenceModels:
    """A free and a tied model, each with the kernel and the penalty that predict best.

    Attributes:
        landmarks: Points, whole orbits where the group allows it, on which features are based.
        closed_order: Largest finite group whose orbits of landmarks are listed: two of them fit.
        images: Images of a sample that a tied model is fitted to, for groups without listed orbits.
        imaged_rows: Most samples that are fitted with such images; further ones are predicted alone.
        lengths: Inverse length scales of the kernels' Matern part, over the root of the number of coordinates; None:
            no such part.
        ridges: Penalties of the fits, relative to the mean eigenvalue of the features' second moment.
        floors: Floors of the whitening of the inputs, relative to the mean eigenvalue: nearly white, and nearly as they
            are.
        commutes: Largest difference of two scales, relative to the largest, that is rounding.
        rounding: Share of the largest eigenvalue below which a direction of the features is rounding.
    """

    landmarks: int = 192
    closed_order: int = 96
    images: int = 8
    imaged_rows: int = 2000
    lengths: tuple[float | None, ...] = (None, 0.3, 1.0)
    ridges: tuple[float, ...] = tuple(10.0**k for k in range(-8, 2))
    floors: tuple[float, ...] = (1e-6, 1.0)
    commutes: float = 1e-9
    rounding: float = 1e-10

    def held_out_errors(
        self, x: Tensor, y: Tensor, moves: Moves, folds: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Squared errors of samples that a model was not fitted to: of the free model, row 0, of the tied one, row 1.

        Kernel and penalty of each model and fold are those with the least error on the other folds.

        Args:
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, d_out), float64.
            moves: The group, orthogonal.
            folds: Number of each sample's fold, shape (n,).
            rng: Of landmarks and images.

        Returns:
            Squared errors, shape (2, n).
        """
        tying, numbers = self._tying(moves, x, y, rng), torch.from_numpy(folds)
        free, tied = list[Tensor](), list[Tensor]()
        for points in self._metrics(tying):
            for length in self.lengths:
                features = self._kernel_features(points, tying, x, length, rng)
                own = features(x)
                parts = [_moments(own[numbers == k], y[numbers == k]) for k in range(int(numbers.max()) + 1)]
                free.append(self._errors(parts, own, y, numbers))
                tied.append(self._errors(list(_tied_moments(tying, parts, features, numbers)), own, y, numbers))
        return np.stack([_best(torch.cat(table).numpy(), folds) for table in (free, tied)])

    def _tying(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> _Tying:
        group = moves.group if isinstance(moves, JointAction) else None
        if isinstance(moves, JointAction) and isinstance(group, FiniteGroup) and group.order <= self.closed_order:
            on_x, on_y = (torch.from_numpy(rep.float_matrices()).double() for rep in (moves.in_rep, moves.out_rep))
            table = torch.from_numpy(group.multiplication_table().astype(np.int64))
            centre = on_x.mean(0) @ x.mean(0)
            moment = (x - centre).t() @ (x - centre) / len(x)
            covariance = (on_x @ moment @ on_x.transpose(1, 2)).mean(0)
            scale = _scale(covariance, x)
            # Where the group mixes columns of different spread, they keep it.
            if bool(((on_x * scale - scale.unsqueeze(1) * on_x).abs() > self.commutes * scale.max()).any()):
                scale = (scale > 0).double() * covariance.diagonal().mean().rsqrt()
            return _Tying(
                on_x, on_y, table[table.argmin(1)], None, centre, scale, scale.unsqueeze(1) * covariance * scale
            )
        chosen = slice(0, self.imaged_rows)
        elements = moves.draw((self.images, len(x[chosen])), rng)
        images = moves.move(elements, x[chosen].unsqueeze(0), y[chosen].unsqueeze(0))
        flat = images[0].flatten(0, 1)
        centre = flat.mean(0)
        covariance = (flat - centre).t() @ (flat - centre) / len(flat)
        scale = _scale(covariance, x)
        return _Tying(None, None, None, images, centre, scale, scale.unsqueeze(1) * covariance * scale)

    def _metrics(self, tying: _Tying) -> Iterator[Map]:
        """Maps of inputs to points of spread about 1, which commute with the group: one for each floor."""
        values, vectors = torch.linalg.eigh(tying.covariance)
        mean = values.clamp_min(0).mean().clamp_min(torch.finfo(torch.float64).tiny)
        for floor in self.floors:
            root = (values.clamp_min(0) + floor * mean).rsqrt()
            matrix = tying.scale.unsqueeze(1) * ((vectors * root) @ vectors.t())

            def points(rows: Tensor, matrix: Tensor = matrix) -> Tensor:
                return (rows - tying.centre) @ matrix

            yield points

    def _kernel_features(
        self, points: Map, tying: _Tying, x: Tensor, length: float | None, rng: np.random.Generator
    ) -> Map:
        """kappa(Z, Z)^{-1/2} kappa(Z, x) of landmarks Z: landmark (g, i) is g z_i where orbits are listed."""
        order = torch.from_numpy(rng.permutation(len(x)))
        if tying.on_x is not None:
            starts = points(x[order[: max(2, round(self.landmarks / len(tying.on_x)))]])
            landmarks = torch.einsum("gab,ib->gia", tying.on_x, starts).flatten(0, 1)
        else:
            pool = x if tying.images is None else torch.cat([x, tying.images[0][0]])
            landmarks = points(pool[torch.from_numpy(rng.permutation(len(pool))[: self.landmarks])])
        dim = landmarks.shape[1]

        def kernel(rows: Tensor) -> Tensor:
            inner = rows @ landmarks.t()
            if length is None:
                return inner / dim
            squares = (rows**2).sum(-1, keepdim=True) + (landmarks**2).sum(1)
            return inner / dim + matern((squares - 2 * inner).clamp_min(0), length / dim**0.5)

        root = kernel_root(kernel(landmarks), self.rounding)
        return lambda rows: kernel(points(rows)) @ root

    def _errors(self, parts: list[_Moments], features: Tensor, y: Tensor, numbers: Tensor) -> Tensor:
        """Squared errors (ridges, n) of rows that ridge regression on the other folds predicts."""
        errors = torch.empty(len(self.ridges), len(y), dtype=torch.float64)
        for k in range(len(parts)):
            rest = _total([part for j, part in enumerate(parts) if j != k])
            mean, shift = rest.features / rest.rows, rest.labels / rest.rows
            second = rest.second / rest.rows - torch.outer(mean, mean)
            cross = rest.cross / rest.rows - torch.outer(mean, shift)
            values, vectors = torch.linalg.eigh(second)
            values, projected = values.clamp_min(0), vectors.t() @ cross
            held = numbers == k
            rows, size = (features[held] - mean) @ vectors, values.mean().clamp_min(torch.finfo(torch.float64).tiny)
            for place, ridge in enumerate(self.ridges):
                predicted = shift + rows @ (projected / (values + ridge * size).unsqueeze(1))
                errors[place, held] = ((predicted - y[held]) ** 2).sum(1)
        return errors


@dataclass(frozen=True)
class _Tying:
    """How the tied model uses the group.

    Attributes:
        on_x: All elements, (g, d_in, d_in); None where the orbits of landmarks are not listed.
        on_y: The same on Y, (g, d_out, d_out).
        back: Number of h^{-1} g in row h and column g, (g, g).
        images: Images of the first samples, x (k, m, d_in) and y (k, m, d_out), where orbits are not listed.
        centre: What is subtracted from x, (d_in,); the group fixes it, up to the noise of images.
        scale: One over the spread of a column, 0 where it is rounding, (d_in,).
        covariance: Of the scaled columns, averaged over the group, (d_in, d_in).
    """

    on_x: Tensor | None
    on_y: Tensor | None
    back: Tensor | None
    images: tuple[Tensor, Tensor] | None
    centre: Tensor
    scale: Tensor
    covariance: Tensor


def _scale(covariance: Tensor, x: Tensor) -> Tensor:
    spread = covariance.diagonal().clamp_min(0).sqrt()
    varies = spread > LAST_PLACES * torch.finfo(torch.float64).eps * x.abs().amax(0)
    return torch.where(varies, spread, torch.ones_like(spread)).reciprocal() * varies


@dataclass(frozen=True)
class _Moments:
    """Sums over rows: their number, features (p,), labels (q,), second moments (p, p) and (p, q)."""

    rows: float
    features: Tensor
    labels: Tensor
    second: Tensor
    cross: Tensor


def _moments(features: Tensor, labels: Tensor) -> _Moments:
    """Of features (n, p) and labels (n, q)."""
    second, cross = features.t() @ features, features.t() @ labels
    return _Moments(float(len(labels)), features.sum(0), labels.sum(0), second, cross)


def _total(parts: list[_Moments]) -> _Moments:
    return _Moments(
        sum(p.rows for p in parts),
        torch.stack([p.features for p in parts]).sum(0),
        torch.stack([p.labels for p in parts]).sum(0),
        torch.stack([p.second for p in parts]).sum(0),
        torch.stack([p.cross for p in parts]).sum(0),
    )


def _tied_moments(tying: _Tying, parts: list[_Moments], features: Map, numbers: Tensor) -> Iterator[_Moments]:
    """Those of each fold's rows with their images."""
    if tying.images is not None:
        imaged, labels = features(tying.images[0]), tying.images[1]
        first = numbers[: imaged.shape[1]]
        for k in range(len(parts)):
            yield _moments(imaged[:, first == k].flatten(0, 1), labels[:, first == k].flatten(0, 1))
    else:
        for part in parts:
            yield _averaged(part, tying)


def _averaged(part: _Moments, tying: _Tying) -> _Moments:
    """Of rows with all of their images, over the number of images: feature (g, i) of h x is feature (h^{-1} g, i)."""
    if tying.back is None or tying.on_y is None:
        return part
    order, p = len(tying.back), len(part.features)
    each = torch.arange(p // order)
    images = []
    for back, on_y in zip(tying.back, tying.on_y, strict=True):
        places = (back.unsqueeze(1) * (p // order) + each).flatten()
        second = part.second[places][:, places]
        labels, cross = part.labels @ on_y.t(), part.cross[places] @ on_y.t()
        images.append(_Moments(part.rows, part.features[places], labels, second, cross))
    total = _total(images)
    return _Moments(*(value / order for value in vars(total).values()))


def _best(errors: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Errors (models, n) to (n,): in each fold those of the model that is best on the other folds."""
    sums = np.stack([errors[:, folds == k].sum(axis=1) for k in range(folds.max() + 1)])
    best = (sums.sum(axis=0) - sums).argmin(axis=1)
    return np.asarray(errors[best[folds], np.arange(len(folds))], dtype=np.float64)
