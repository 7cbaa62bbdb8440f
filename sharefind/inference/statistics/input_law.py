"""Is the law of X invariant on its own? A statistic for the exact test that reads all rows at a cost linear in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import LAST_PLACES


@dataclass(frozen=True)
class InputLaw:
    """Distances of the law of X from its symmetrisation in four feature spaces, up to what orbits decide.

    For features phi, |sum_i phi(x_i)|^2: the mean, the second moment, and random waves of two widths, whose sums are
    kernel mean embeddings with random frequencies (Rahimi & Recht 2007). All are taken of inputs that were centred and
    whitened by what the sample moved at random says, so that the statistic depends on the sample through orbits alone
    and does not change with a vector that the group fixes, added to x, or with scales.

    Attributes:
        waves: Random waves of each width, at most.
        widths: Lengths of their random frequencies, on inputs of spread 1.
        fewest_waves: Random waves of each width on very many rows.
        wave_numbers: Rows times waves of a width, but for `fewest_waves`: they bound what a copy costs.
        quadratic: Most coordinates of which products are looked at; beyond, as many random combinations.
        draws: Images of a sample from which centre and spread of the symmetrised law are estimated.
        ridge: Share of the largest eigenvalue of the spread below which a direction is rounding, and is left out.
        table_bytes: Bytes up to which the features of all images of all rows are computed once for all copies.
        table_order: Largest group of which all images are: for larger ones the copies are fewer.
    """

    name: ClassVar[str] = "input-law"

    waves: int = 32
    widths: tuple[float, float] = (0.5, 2.0)
    fewest_waves: int = 8
    wave_numbers: int = 2**18
    quadratic: int = 24
    draws: int = 4
    ridge: float = 1e-6
    table_bytes: int = 2**28
    table_order: int = 64

    def bind(
        self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The statistic for one hypothesis; labels are not looked at."""
        features = _Features(self, moves, x, y, rng)
        group = moves.group if isinstance(moves, JointAction) else None
        is_listed = isinstance(group, FiniteGroup) and group.is_listable and group.order <= self.table_order
        if is_listed and 8 * group.order * len(x) * features.width <= self.table_bytes:
            scores, labels = features.of_table(moves, x, y, group.order), torch.zeros(len(x), 1, dtype=torch.float64)
            return FittedStatistic(labels, of_moves=scores, row_bytes=16 * features.rows)

        def energies(rows: Tensor, _: Tensor) -> Tensor:
            return torch.stack([features.energies(features.of(row).sum(0)) for row in rows])

        # Labels are moved beside the inputs and must have the width that the group acts on.
        return FittedStatistic(y, energies, row_bytes=32 * features.rows)


class _Features:
    """Features of samples, made from what orbits and random numbers decide."""

    def __init__(self, law: InputLaw, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
        elements = moves.draw((law.draws, len(x)), rng)
        images = moves.move(elements, x.double().unsqueeze(0), y.double().unsqueeze(0))[0].flatten(0, 1)
        self.centre = images.mean(0)
        self.whitening = whitening(images - self.centre, images.abs().amax(0), law.ridge)
        dim = self.whitening.shape[1]
        waves = max(law.fewest_waves, min(law.waves, law.wave_numbers // len(x)))
        scale = 1 / math.sqrt(max(1, dim))
        self.frequencies = torch.from_numpy(
            np.concatenate([rng.normal(0, w * scale, size=(dim, waves)) for w in law.widths], axis=1)
        )
        size = min(dim, law.quadratic)
        self.mixed = torch.from_numpy(rng.normal(0, scale, size=(dim, size))) if dim > size else None
        self.pairs = torch.triu_indices(size, size)
        self.parts = (dim, self.pairs.shape[1], 2 * waves, 2 * waves)
        self.width, self.rows = sum(self.parts), len(x) * sum(self.parts)

    def of(self, x: Tensor) -> Tensor:
        """Features of samples (n, d_in), (n, width)."""
        white = (x.double() - self.centre) @ self.whitening
        mixed = white if self.mixed is None else white @ self.mixed
        angles = white @ self.frequencies
        narrow, wide = angles.chunk(2, dim=1)
        products = mixed[:, self.pairs[0]] * mixed[:, self.pairs[1]]
        return torch.cat([white, products, narrow.cos(), narrow.sin(), wide.cos(), wide.sin()], dim=1)

    def energies(self, sums: Tensor) -> Tensor:
        """Squared lengths of the parts of sums (..., width): (..., 4)."""
        return torch.stack([(part**2).sum(-1) for part in torch.split(sums, list(self.parts), dim=-1)], dim=-1)

    def of_table(self, moves: Moves, x: Tensor, y: Tensor, order: int) -> Callable[[Tensor], Tensor]:
        """The statistic from the features of all images of all samples."""
        tables = []
        for element in range(order):
            number = torch.full((1, len(x)), element, dtype=torch.int64)
            tables.append(self.of(moves.move(number, x.unsqueeze(0), y.unsqueeze(0))[0][0]))
        table, places = torch.stack(tables).flatten(0, 1), torch.arange(len(x))

        def energies(elements: Tensor) -> Tensor:
            return torch.stack([self.energies(table[row * len(x) + places].sum(0)) for row in elements])

        return energies


def whitening(centred: Tensor, largest: Tensor, ridge: float) -> Tensor:
    """A matrix that makes centred rows (n, d) white, (d, k): columns and directions that are rounding are left out.

    Args:
        centred: Rows whose mean was subtracted, shape (n, d), float64.
        largest: Largest value of each column before that, shape (d,), which says what is rounding.
        ridge: Share of the largest eigenvalue below which a direction is rounding.
    """
    spread = (centred**2).mean(0).sqrt()
    varies = spread > LAST_PLACES * torch.finfo(torch.float64).eps * largest
    scale = torch.where(varies, spread, torch.ones_like(spread)).reciprocal() * varies
    scaled = centred * scale
    values, vectors = torch.linalg.eigh(scaled.t() @ scaled / len(scaled))
    kept = values > ridge * values[-1].clamp_min(torch.finfo(torch.float64).tiny)
    matrix: Tensor = scale.unsqueeze(1) * vectors[:, kept] * values[kept].rsqrt()
    return matrix
